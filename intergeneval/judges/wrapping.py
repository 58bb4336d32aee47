"""What models and servers put around the one JSON object of a reply: thinking, special tokens, a fence, a sentence.

The object is taken when it is the only one that stands outside of thinking. Nothing is chosen between two objects, and no part of
a damaged one is taken for whole.
"""

from __future__ import annotations

import json
import re
from typing import Any

from intergeneval.judges.thinking import NotJsonError, spoken

_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n```\Z", re.DOTALL)
_SPECIAL = r"<[|｜][^<>{}]*[|｜]>|</?(?:s|eos|bos|pad|answer|end_of_turn|start_of_turn|end_of_utterance)>|<turn\|>"
_FENCE = r"(?:```|~~~)[\w+-]*"
_BEFORE = re.compile(rf"(?:\s|\ufeff|{_SPECIAL}|{_FENCE})*", re.IGNORECASE)
_AFTER = re.compile(rf"(?:\s|{_SPECIAL}|```|~~~)*", re.IGNORECASE)
_ENDS = re.compile(rf"\}}(?:\s|{_SPECIAL}|```|~~~)*\Z", re.IGNORECASE)
_BRACKET = re.compile(r"[][{}]")
_ASIDE = re.compile(r"\[[^][{}]*\]")
_DISOWNED = re.compile(r"\b(?:wrong|incorrect|template|placeholder|for example|example only|draft|not my)\b|<!--", re.IGNORECASE)
"""What words before an object say of one that is not the answer."""
_AMENDED = re.compile(
    r"\b(?:correct(?:ed|ion|ing)|should (?:be|have been|read)|instead|swap|wrong|mistaken?|actually|second thought|scratch that|"
    r"ignore|disregard|sorry|rather|revised?)\b|\bq(?:uestion)?\s*[.:#]?\s*\d|\b\d+\.\d+\b",
    re.IGNORECASE,
)
"""What words after an object say that takes part of it back, or answers something once more."""
_PLAIN = json.JSONDecoder()


def sole_object(text: str, *, cut: bool = False) -> dict[str, Any]:
    """Return the one JSON object of a reply. Raises ValueError saying what else it is; a repeated name is a fault as well.

    A reply that was `cut` off by a limit of tokens may be thinking whose beginning the chat template wrote, and may have gone on
    to say more. So there only fence and special tokens may stand around the object, and words before it after an end of thinking.
    """
    bare = _bare(text)
    if bare is not None:
        return bare
    said = spoken(text)
    if not said.strip():
        raise NotJsonError("the reply is empty" if not text.strip() else "the reply holds nothing beside its thinking")
    found, start, end = _only(said)
    if cut and not (may_begin(text, said, start) and _AFTER.fullmatch(said, end)):
        raise NotJsonError("the reply is not one JSON object: it is cut off amid other words")
    if _DISOWNED.search(said, 0, start) or _AMENDED.search(said, end):
        raise NotJsonError("the reply is not one JSON object: words beside it say that not all of it holds")
    return found


def ends_in_object(text: str) -> bool:
    """Return whether nothing but a fence and special tokens follow the last brace of a text."""
    return _ENDS.search(text) is not None


def is_blank(text: str) -> bool:
    """Return whether a text holds nothing but spaces, fences and special tokens."""
    return _BEFORE.fullmatch(text) is not None


def may_begin(text: str, said: str, start: int) -> bool:
    """Return whether what stands before the object of a reply that was cut off cannot be thinking."""
    ended = len(said) < len(text) and _BRACKET.search(said, 0, start) is None
    return ended or _BEFORE.fullmatch(said, 0, start) is not None


def strict() -> json.JSONDecoder:
    """Return what reads JSON, and takes neither a name that an object has twice nor a number that JSON does not have."""
    return json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _bare(text: str) -> dict[str, Any] | None:
    """Return the object that a reply is, bare or in one fence; None where it may be another thing with an object in it."""
    fenced = _FENCED.match(text.strip())
    body = fenced.group(1) if fenced else text.strip()
    try:
        found = strict().decode(body)
    except NotJsonError:
        raise
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        raise NotJsonError("the reply is JSON, but not an object")
    return found


def _only(text: str) -> tuple[dict[str, Any], int, int]:
    """Return the only object of a text, with where it begins and ends."""
    found: tuple[dict[str, Any], int, int] | None = None
    place = 0
    while bracket := _BRACKET.search(text, place):
        start = bracket.start()
        if bracket.group() == "[":
            place = _aside(text, start)
        elif bracket.group() != "{":
            raise NotJsonError(f"the reply is not one JSON object (a {bracket.group()!r} too many)")
        elif found is not None:
            raise NotJsonError("the reply is not one JSON object: there is another, or a brace, beside it")
        else:
            value, place = _decode(text, start)
            found = (value, start, place)
    if found is None:
        raise NotJsonError("the reply is not one JSON object (it holds none)")
    return found


def _aside(text: str, start: int) -> int:
    """Return where brackets end that belong to a sentence, such as ``[0.1]`` or ``[sic]``; a list with a statement is none."""
    try:
        value, end = _PLAIN.raw_decode(text, start)
    except (ValueError, RecursionError):
        aside = _ASIDE.match(text, start)
        if aside is None:
            raise NotJsonError("the reply is not one JSON object: a bracket beside it does not close") from None
        return aside.end()
    if any(type(item) not in (int, float) for item in value):
        raise NotJsonError("the reply is not one JSON object: there is a list beside it")
    return end


def _decode(text: str, start: int) -> tuple[Any, int]:
    try:
        return strict().raw_decode(text, start)
    except NotJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"the reply is not one JSON object ({str(error)[:80]})") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJsonError("an object of the reply has the same name twice")
    return found


def _no_constant(text: str) -> Any:
    raise NotJsonError(f"the reply holds {text}, which JSON does not have")
