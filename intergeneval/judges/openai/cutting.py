"""Replies that a limit of tokens cut off: what is said of one, and how much longer the one further reply may be.

What was written to its end is kept, and only the rest is asked for again. More room for that is no other judge: a limit decides
where a model stops, not what it says, so answers stay under the key of the settings as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.client import AskError

LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
"""Parameters that limit a reply."""
KIND = "cut off"
"""What a question counts as that was cut off with its reply."""
TIMES = 2
"""How many times the limit the further reply may take."""
MOST = 65536
"""Most tokens that the further reply is given beyond what the settings allow."""
_NO_ROOM = frozenset({Cause.TOKENS_NAME, Cause.PARAMETER, Cause.VALUE, Cause.CONTEXT, Cause.RATE, Cause.UNKNOWN})
"""What a server may object to in a request whose limit it cannot grant."""
Sent = TypeVar("Sent")


def limit_of(parameters: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return the parameter that limits a reply, with its value; None where none is set."""
    for name in LIMITS:
        value = parameters.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return name, value
    return None


def roomier(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return sampling parameters with more room for the reply; where none limits it, or no more can be given, as they are."""
    found = limit_of(parameters)
    if found is None:
        return dict(parameters)
    name, value = found
    return {**parameters, name: max(value, min(TIMES * value, MOST))}


def with_room(send: Callable[[bool], Sent]) -> tuple[Sent, bool]:
    """Return what sending with more room brings, or sending without where the server refuses it, and whether there was more."""
    try:
        return send(True), True
    except AskError as error:
        if error.refusal is None or error.refusal.cause not in _NO_ROOM:
            raise
    return send(False), False


def told(parameters: Mapping[str, Any], *, room: bool) -> str:
    """Return what is wrong with a reply that was cut off, and the way out; `room` says that it had more room already."""
    found = limit_of(roomier(parameters) if room else parameters)
    if found is None:
        return "the reply was cut off at the server's own limit; set max_tokens in [settings.openai.parameters]"
    name, value = found
    return f"the reply was cut off at {name} {value}; raise it in [settings.openai.parameters], and more for a model that thinks"
