"""The line to one server: sends requests within the cost limit, and remembers what the server serves and what it refuses."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.choices import choice_of
from intergeneval.judges.openai.client import AskError, Client, Took
from intergeneval.judges.openai.first_alone import FirstAlone
from intergeneval.judges.openai.portions import CapError, cap_known, cap_named
from intergeneval.judges.openai.requests import Known, body
from intergeneval.judges.openai.server_words import count, one_line, printable
from intergeneval.judges.openai.settings import LEAST_PICTURES, OpenAISettings
from intergeneval.judges.openai.tokens_name import other_name, under
from intergeneval.judges.services import Services
from intergeneval.plugins import secrets

MAX_NAME = 100
"""Longest name of a served revision that is kept, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model said."""

    text: str
    """Its words; empty where it said none."""
    refused: bool
    """Whether it, or a filter before it, declined."""
    server: Known
    """The server, with the revision that it named, and whether this reply was held to a schema."""
    cut: bool = False
    """Whether a limit of tokens ended it."""


class Link:
    """Sends for one judge, from several threads; `client` is what it sends with, None: one of its own.

    With `others` there are other servers that take what this one does not answer: then it is asked once, and called by its place.
    """

    def __init__(self, settings: OpenAISettings, client: Client | None = None, *, others: bool = False) -> None:
        self.services = Services()
        self.place = settings.place
        self._settings = settings
        self._others = others
        self._lock = threading.Lock()
        self._client = client
        self._served: str | None = None
        self._json_schema = settings.json_schema
        self._tokens_name = ""
        self._pictures = 0
        self._unkept = False
        self._firsts = self._fresh()

    def _fresh(self) -> defaultdict[str, FirstAlone]:
        name = f"openai:{self._settings.model}{f' at {self.place}' if self._others else ''}"
        return defaultdict(lambda: FirstAlone(name))

    def attach(self, services: Services) -> None:
        """Use these services; what their cache remembers of the server is read when it is needed."""
        with self._lock:
            self.services = services
            self._served = None
            self._firsts = self._fresh()
            if self._client is not None:
                self._client.notice = services.notice

    def close(self) -> None:
        """Close connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def known(self) -> Known:
        """Return the revision the server served last, and whether it takes JSON schemas, from this run or an earlier one."""
        with self._lock:
            if self._served is None:
                cache, settings = self.services.cache, self._settings
                facts = cache.server(self.place, settings.model) if cache is not None else {}
                self._served = str(facts.get("served", ""))
                self._json_schema = settings.json_schema and bool(facts.get("json_schema", self._json_schema))
                known = facts.get("tokens_name", self._tokens_name)
                self._tokens_name = known if known == other_name(settings.parameters) else ""
                most = facts.get("pictures", self._pictures)
                self._pictures = most if isinstance(most, int) and most >= LEAST_PICTURES else 0
            return Known(place=self.place, served=self._served, json_schema=self._json_schema)

    def most_pictures(self) -> int:
        """Return how many pictures a request may have, by the settings or by what the server said once; 0: no limit is known."""
        self.known()
        return self._settings.pictures or self._pictures

    def _learn_pictures(self, most: int) -> None:
        """Go by the number of pictures that the server named; it is remembered when a request with no more went well."""
        with self._lock:
            if 0 < self._pictures <= most:
                # Another request was told fewer meanwhile.
                return
            self._pictures, self._unkept = most, True
        way = "fewer frames" if self._settings.beyond == "fewer" else "frames in turns"
        self.services.notice(f"openai:{self._settings.model} takes {most} pictures a request: going on with {way}")

    def send(
        self,
        compose: Callable[[bool], Mapping[str, Any]],
        estimate: float,
        took: Took,
        about: str = "a video",
        pictures: int = 0,
        *,
        trial: bool = False,
    ) -> Reply:
        """Send one request and return what the model said; `compose` makes it, with or without a JSON schema.

        The first request `about` such a thing goes alone. A server that refuses the schema is asked once without, one that knows
        the limit of a reply by its other name once with that; if it goes well, both are remembered. Raises AskError when nothing
        came back, CapError when the server takes fewer pictures than these and said how many, RefusedError when nothing more will
        come, BudgetError when the request would be too dear. That a `trial` is refused, which asks for more than the settings
        do, says nothing of the others.
        """
        if self._client is not None and not self._client.live:
            try:
                return self._adapting(compose, estimate, took, pictures, None)
            except AskError as error:
                raise self._capped(error, pictures) from None
        with self._lock:
            first = self._firsts[about]
        with first.turn():
            if not self._settings.pictures and 0 < self._pictures < pictures:
                # It was made up before another request was told so, and waited for its turn.
                raise cap_known(self._pictures, pictures, self._settings)
            fresh = not self._pictures
            try:
                reply = self._adapting(compose, estimate, took, pictures, first)
            except AskError as error:
                told = self._capped(error, pictures)
                # One that names how many pictures it takes is asked again with so many; what it says of those counts.
                if not trial and not (fresh and isinstance(told, CapError)):
                    first.failed(error.refusal)
                raise told from None
            first.went_well()
            return reply

    def _capped(self, error: AskError, sent: int) -> AskError:
        """Return a failure as it is, or, where it names how many pictures the server takes, learn that and say so."""
        most = 0 if self._settings.pictures else cap_named(error, sent)
        if not most:
            return error
        self._learn_pictures(most)
        return CapError(error.kind, str(error), error.refusal, error.usage)

    def _adapting(
        self, compose: Callable[[bool], Mapping[str, Any]], estimate: float, took: Took, pictures: int, first: FirstAlone | None
    ) -> Reply:
        json_schema = self.known().json_schema
        name, renamed = self._tokens_name, False
        while True:
            try:
                return self._send(compose, estimate, took, pictures, json_schema=json_schema, tokens_name=name)
            except AskError as error:
                refusal = error.refusal
                other = other_name(self._settings.parameters)
                if refusal is None or not (first is None or first.refused_once()):
                    raise
                if refusal.cause is Cause.TOKENS_NAME and other and not renamed:
                    name, renamed = "" if name else other, True
                elif refusal.schema and json_schema:
                    json_schema = False
                else:
                    raise

    def _send(
        self,
        compose: Callable[[bool], Mapping[str, Any]],
        estimate: float,
        took: Took,
        pictures: int,
        *,
        json_schema: bool,
        tokens_name: str,
    ) -> Reply:
        budget, before = self.services.budget, took.cost
        reserved = budget.admit(estimate)
        try:
            found = self._opened().ask(body(under(compose(json_schema), tokens_name)), took, pictures)
            self._count(found.get("usage"), took)
        finally:
            # An error may come after tokens that are paid for.
            while took.uncounted:
                self._count(took.uncounted.pop(), took)
            budget.settle(reserved, took.cost - before)
        parts = (self._name(found.get("model")), self._name(found.get("system_fingerprint")))
        served = " ".join(part for part in parts if part)
        took.served[served or "not named"] += 1
        self._remember(served, json_schema=json_schema, tokens_name=tokens_name)
        choice = choice_of(found)
        server = Known(place=self.place, served=served, json_schema=json_schema)
        return Reply(text=choice.text, refused=choice.refused, cut=choice.cut, server=server)

    def _opened(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = Client(self._settings, self.services.notice, others=self._others)
            return self._client

    def _count(self, usage: Any, took: Took) -> None:
        """Add the tokens of a reply, as far as the server counts them."""
        if not isinstance(usage, dict):
            return
        details = usage.get("prompt_tokens_details")
        sent, received = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
        kept = min(sent, count(details.get("cached_tokens"))) if isinstance(details, dict) else 0
        took.input_tokens += sent
        took.cached_tokens += kept
        took.output_tokens += received
        if self._settings.prices is not None:
            took.cost += self._settings.prices.cost(sent, kept, received)

    def _remember(self, served: str, *, json_schema: bool, tokens_name: str) -> None:
        with self._lock:
            # A reply without a schema does not say that one would be taken; only a refusal says the contrary.
            known = self._json_schema and json_schema
            if not self._unkept and (self._served, self._json_schema, self._tokens_name) == (served, known, tokens_name):
                return
            self._served, self._json_schema, self._tokens_name, self._unkept = served, known, tokens_name, False
            self._keep_facts()

    def _keep_facts(self) -> None:
        if self.services.cache is None:
            return
        facts: dict[str, Any] = {"served": self._served or "", "json_schema": self._json_schema}
        facts |= {"tokens_name": self._tokens_name} if self._tokens_name else {}
        facts |= {"pictures": self._pictures} if self._pictures else {}
        self.services.cache.remember_server(self.place, self._settings.model, facts)

    def _name(self, text: Any) -> str:
        return one_line(self._without_key(text), MAX_NAME) if isinstance(text, str) else ""

    def _without_key(self, text: str) -> str:
        return secrets.blanked(text, (self._settings.key,))

    def clean(self, text: str) -> str:
        """Return a text of the server as it may be kept: without the key, which a server or a model may quote, and printable."""
        return printable(self._without_key(text))
