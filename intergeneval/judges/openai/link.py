"""The line to one server: sends requests within the cost limit, and remembers what the server serves and what it refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from intergeneval.judges.openai.client import AskError, Client, Took
from intergeneval.judges.openai.requests import body
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.services import Services

MAX_NAME = 100
"""Longest name of a served revision that is kept, in characters."""
_REFUSES_SCHEMA = frozenset({"http 400", "http 404", "http 415", "http 422", "http 501"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model said."""

    text: str
    """Its words; empty where it said none."""
    refused: bool
    """Whether it, or a filter before it, declined."""
    served: str
    """Revision of the model, in the server's words."""
    json_schema: bool
    """Whether the reply was held to a schema."""


class Link:
    """Sends for one judge, from several threads; `client` is what it sends with, None: one of its own."""

    def __init__(self, settings: OpenAISettings, client: Client | None = None) -> None:
        self.services = Services()
        self._settings = settings
        self._lock = threading.Lock()
        self._client = client
        self._served: str | None = None
        self._json_schema = settings.json_schema

    def attach(self, services: Services) -> None:
        """Use these services; what their cache remembers of the server is read when it is needed."""
        with self._lock:
            self.services = services
            self._served = None
            if self._client is not None:
                self._client.notice = services.notice

    def close(self) -> None:
        """Close connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def remembered(self) -> tuple[str, bool]:
        """Return the revision the server served last, and whether it takes JSON schemas, from this run or an earlier one."""
        with self._lock:
            if self._served is None:
                cache, settings = self.services.cache, self._settings
                facts = cache.server(settings.host, settings.model) if cache is not None else {}
                self._served = str(facts.get("served", ""))
                self._json_schema = settings.json_schema and bool(facts.get("json_schema", self._json_schema))
            return self._served, self._json_schema

    def send(self, compose: Callable[[bool], Mapping[str, Any]], estimate: float, took: Took) -> Reply:
        """Send one request and return what the model said; `compose` makes it, with or without a JSON schema.

        A server that refuses the schema is asked once without; if that goes well, it is not asked with one again. Raises AskError
        when nothing came back, BudgetError when the request would be too dear.
        """
        _, json_schema = self.remembered()
        try:
            return self._send(compose, estimate, took, json_schema=json_schema)
        except AskError as error:
            if not json_schema or error.kind not in _REFUSES_SCHEMA:
                raise
        reply = self._send(compose, estimate, took, json_schema=False)
        self._remember(reply.served, json_schema=False)
        return reply

    def _send(self, compose: Callable[[bool], Mapping[str, Any]], estimate: float, took: Took, *, json_schema: bool) -> Reply:
        budget, before = self.services.budget, took.cost
        reserved = budget.admit(estimate)
        try:
            found = self._opened().ask(body(compose(json_schema)), took)
            self._count(found.get("usage"), took)
        finally:
            budget.settle(reserved, took.cost - before)
        name, print_ = found.get("model"), found.get("system_fingerprint")
        served = " ".join(str(part)[:MAX_NAME] for part in (name, print_) if isinstance(part, str) and part)
        served = self.clean(served)
        took.served[served or "not named"] += 1
        self._remember(served, json_schema=json_schema)
        choice = found["choices"][0]
        message = choice["message"]
        refused = bool(message.get("refusal")) or choice.get("finish_reason") == "content_filter"
        return Reply(text=_text(message.get("content")), refused=refused, served=served, json_schema=json_schema)

    def _opened(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = Client(self._settings, self.services.notice)
            return self._client

    def _count(self, usage: Any, took: Took) -> None:
        """Add the tokens of a reply, as far as the server counts them."""
        if not isinstance(usage, dict):
            return
        details = usage.get("prompt_tokens_details")
        sent, received = _whole(usage.get("prompt_tokens")), _whole(usage.get("completion_tokens"))
        kept = min(sent, _whole(details.get("cached_tokens"))) if isinstance(details, dict) else 0
        took.input_tokens += sent
        took.cached_tokens += kept
        took.output_tokens += received
        if self._settings.prices is not None:
            took.cost += self._settings.prices.cost(sent, kept, received)

    def _remember(self, served: str, *, json_schema: bool) -> None:
        with self._lock:
            # A reply without a schema does not say that one would be taken; only a refusal says the contrary.
            known = self._json_schema and json_schema
            if (self._served, self._json_schema) == (served, known):
                return
            self._served, self._json_schema = served, known
            if self.services.cache is not None:
                facts = {"served": served, "json_schema": known}
                self.services.cache.remember_server(self._settings.host, self._settings.model, facts)

    def clean(self, text: str) -> str:
        """Return a text of the server without the key, which a server or a model may quote."""
        key = self._settings.key
        return text.replace(key, "***") if key else text


def _text(content: Any) -> str:
    """Return the words of a message, given as one text or in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
