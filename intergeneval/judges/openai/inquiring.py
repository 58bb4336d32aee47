"""Inquiries to a server: from the cache, or one request with one repair turn; a good answer is remembered by its content."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from intergeneval.errors import BudgetError, RefusedError
from intergeneval.judges.inquiries import Found, Inquiry, InquiryError
from intergeneval.judges.openai.client import AskError, Took
from intergeneval.judges.openai.estimate import expected_tokens
from intergeneval.judges.openai.link import Link
from intergeneval.judges.openai.requests import content_key, payload
from intergeneval.judges.openai.settings import OpenAISettings


def inquire(link: Link, settings: OpenAISettings, inquiry: Inquiry) -> Found:
    """Return what the model says. Raises InquiryError when nothing usable comes back, BudgetError and RefusedError."""
    cache, took = link.services.cache, Took()

    def key(served: str, *, json_schema: bool) -> str:
        asked = payload(settings, _messages(inquiry, digests=True), inquiry.schema if json_schema else None)
        return content_key(settings, asked, served, 0)

    served, json_schema = link.remembered()
    stored = cache.get(key(served, json_schema=json_schema)) if cache is not None else None
    if stored is not None and "value" in stored:
        return Found(value=stored["value"], usage={"cached": True})
    first = _messages(inquiry)
    messages: list[Mapping[str, Any]] = list(first)
    kind, problem = "reply", ""
    for _ in range(2):
        sent, _ = expected_tokens(settings, messages, 0, 0)
        cost = settings.prices.cost(sent, 0, inquiry.reply_tokens) if settings.prices is not None else 0.0

        def compose(json_schema: bool, turns: list[Mapping[str, Any]] = messages) -> Mapping[str, Any]:
            return payload(settings, turns, inquiry.schema if json_schema else None)

        try:
            reply = link.send(compose, cost, took, "an inquiry", len(inquiry.pictures))
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
            value = inquiry.read(link.clean(reply.text))
        except ValueError as error:
            problem = link.clean(str(error))
        else:
            if cache is not None:
                cache.put(key(reply.served, json_schema=reply.json_schema), f"openai:{settings.model}", {"value": value})
            return Found(value=value, usage=took.usage())
        turns = [
            {"role": "assistant", "content": reply.text or "(nothing)"},
            {"role": "user", "content": inquiry.correct(problem)},
        ]
        messages = [*first, *turns]
    raise InquiryError(kind, problem, took.usage())


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
