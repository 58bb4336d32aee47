"""Inquiries to a server: from the cache, or one request with one repair turn; a good answer is remembered by its content."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from intergeneval.errors import BudgetError, RefusedError
from intergeneval.judges import thinking, wrapping
from intergeneval.judges.inquiries import Found, Inquiry, InquiryError
from intergeneval.judges.openai import cutting
from intergeneval.judges.openai.client import AskError, Took
from intergeneval.judges.openai.estimate import expected_tokens
from intergeneval.judges.openai.link import Reply
from intergeneval.judges.openai.requests import Known, content_key, payload
from intergeneval.judges.openai.servers import Servers
from intergeneval.judges.openai.settings import OpenAISettings


def inquire(servers: Servers, settings: OpenAISettings, inquiry: Inquiry) -> Found:
    """Return what the model says. Raises InquiryError when nothing usable comes back, BudgetError and RefusedError."""
    cache, took = servers.services.cache, Took()

    def key(server: Known) -> str:
        asked = payload(settings, _messages(inquiry, digests=True), inquiry.schema if server.json_schema else None)
        return content_key(settings, asked, server, 0)

    for server in servers.known() if cache is not None else ():
        stored = cache.get(key(server)) if cache is not None else None
        if stored is not None and "value" in stored:
            return Found(value=stored["value"], usage={"cached": True})
    first = _messages(inquiry)
    messages: list[Mapping[str, Any]] = list(first)
    kind, problem, room = "reply", "", False
    for _ in range(2):
        send = partial(_send, servers, settings, inquiry, messages, took)
        try:
            reply, room = cutting.with_room(send) if room else (send(False), False)
        except AskError as error:
            raise InquiryError(error.kind, str(error), took.usage()) from None
        except (BudgetError, RefusedError):
            if not took.requests:
                raise
            # The first reply is paid for; what it lacks stays open, and the next run asks again.
            break
        if reply.refused:
            raise InquiryError("refusal", "the model declined to answer", took.usage())
        try:
            value = _read(servers, inquiry, reply)
        except ValueError as error:
            kind = cutting.KIND if reply.cut else "reply"
            problem = cutting.told(settings.parameters, room=room) if reply.cut else servers.clean(str(error))
        else:
            if cache is not None:
                cache.put(key(reply.server), f"openai:{settings.model}", {"value": value})
            return Found(value=value, usage=took.usage())
        messages = [*first, *_turns(inquiry, reply, problem)]
        room = reply.cut
    raise InquiryError(kind, problem, took.usage())


def _send(
    servers: Servers, settings: OpenAISettings, inquiry: Inquiry, messages: Sequence[Mapping[str, Any]], took: Took, room: bool
) -> Reply:
    sent, _ = expected_tokens(settings, messages, 0, 0)
    cost = settings.prices.cost(sent, 0, inquiry.reply_tokens) if settings.prices is not None else 0.0

    def compose(json_schema: bool) -> Mapping[str, Any]:
        return payload(settings, messages, inquiry.schema if json_schema else None, room=room)

    return servers.send(compose, cost, took, "an inquiry", len(inquiry.pictures), trial=room)


def _read(servers: Servers, inquiry: Inquiry, reply: Reply) -> Any:
    """Return what a reply says. Raises ValueError saying what is wrong with it."""
    if reply.cut:
        # The inquiry knows nothing of limits, after which what looks whole may be part of something else.
        wrapping.sole_object(reply.text, cut=True)
    return inquiry.read(servers.clean(reply.text))


def _turns(inquiry: Inquiry, reply: Reply, problem: str) -> list[dict[str, Any]]:
    """Return the repair turn; none after a reply that was cut off, which is asked for once more as it was, with more room."""
    if reply.cut:
        return []
    said = thinking.without_thinking(reply.text) or "(nothing)"
    return [{"role": "assistant", "content": said}, {"role": "user", "content": inquiry.correct(problem)}]


def _messages(inquiry: Inquiry, *, digests: bool = False) -> list[dict[str, Any]]:
    """Return the first turn; with `digests` each picture stands for itself by its hash."""
    content: list[dict[str, Any]] | str = inquiry.text
    if inquiry.pictures:
        urls = [hashlib.sha256(item).hexdigest() if digests else _data(item) for item in inquiry.pictures]
        shown = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        content = [*shown, {"type": "text", "text": inquiry.text}]
    return [{"role": "system", "content": inquiry.system}, {"role": "user", "content": content}]


def _data(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
