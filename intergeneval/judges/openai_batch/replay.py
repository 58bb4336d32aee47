"""Asking about one video over again: what was known when it began, and replies from what came back instead of from a server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from intergeneval.errors import DeferredError
from intergeneval.judges import JudgeRequest
from intergeneval.judges.openai.client import SCHEMA, AskError, Took
from intergeneval.judges.openai.estimate import expected_tokens
from intergeneval.judges.openai.refusals import PASSING, Objection, Refusal, refusal_of
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai.wire import Received
from intergeneval.judges.openai_batch.api import BatchApi
from intergeneval.judges.openai_batch.entries import Begun, Got, Sent
from intergeneval.judges.openai_batch.ledger import Ledger
from intergeneval.judges.openai_batch.outbox import Outbox
from intergeneval.judges.openai_batch.settings import BatchSettings
from intergeneval.judges.services import AnswerCache, Budget, Journal

KEY_DIGITS = 40
"""Hex digits of a request's name: enough that two never meet."""
_BROKEN = frozenset({"broken reply", "empty choices", "error in reply"})


def name_of(request: JudgeRequest) -> str:
    """Return the name of the asking about a video: another file, or another asking, is another name."""
    return f"{request.sample.id}/{request.video.seed}/{request.video.sha256}/{request.repeat}"


class Memory:
    """The answer cache as it was when the asking about a video began; what is learned is held back until the video is done.

    So the same code comes to the same requests each time it runs over the video, whatever was learned meanwhile.
    """

    def __init__(self, cache: AnswerCache | None, begun: Begun | None) -> None:
        self.known: dict[str, Any] = dict(begun.known) if begun is not None else {}
        self.facts: dict[str, Any] = dict(begun.server) if begun is not None else {}
        self._cache = cache
        self._live = begun is None
        self._answers: list[tuple[str, str, Mapping[str, Any]]] = []
        self._server: tuple[str, str, Mapping[str, Any]] | None = None

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was stored under a key when this began."""
        if self._live and self._cache is not None and key not in self.known:
            found = self._cache.get(key)
            if found is not None:
                self.known[key] = found
        return self.known.get(key)

    def put(self, key: str, judge: str, value: Mapping[str, Any]) -> None:
        """Hold a good answer back."""
        self._answers.append((key, judge, value))

    def server(self, host: str, model: str) -> Mapping[str, Any]:
        """Return what was remembered of the server when this began."""
        if self._live and self._cache is not None:
            self.facts = dict(self._cache.server(host, model))
        return self.facts

    def remember_server(self, host: str, model: str, facts: Mapping[str, Any]) -> None:
        """Hold back what was learned of the server."""
        self._server = (host, model, facts)

    def release(self) -> None:
        """Store what was held back."""
        if self._cache is not None:
            for key, judge, value in self._answers:
                self._cache.put(key, judge, value)
            if self._server is not None:
                self._cache.remember_server(*self._server)


class Quote(Budget):
    """Takes down what the next request may cost; whether that is within the limit is settled where it is gathered."""

    def __init__(self) -> None:
        super().__init__()
        self.last = 0.0

    def admit(self, estimate: float) -> float:
        """Take it down."""
        self.last = estimate
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """The asking about one video."""

    request: JudgeRequest
    """All that was open when it began."""
    memory: Memory
    """What was known then."""
    quote: Quote
    """What the next request may cost."""
    began: bool
    """Whether it began in an earlier run."""

    @property
    def name(self) -> str:
        """Its name."""
        return name_of(self.request)

    def begun(self) -> Begun:
        """Return how it began."""
        request = self.request
        return Begun(
            video=self.name,
            questions=tuple(request.questions),
            assess=request.assess,
            bodies=request.bodies,
            server=self.memory.facts,
            known=self.memory.known,
        )


def whole(request: JudgeRequest, begun: Begun | None) -> JudgeRequest | None:
    """Return the request as it stood when the asking began; None where it did not begin with all that is asked now.

    A run that was killed while it wrote a video's lines asks for the others only; what is under way was asked for all of them.
    """
    if begun is None or not set(_ids(request)) <= set(_ids(begun)) or (request.bodies and not begun.bodies):
        return None
    if request.assess is not None and request.assess != begun.assess:
        return None
    same = {(item.interaction, item.question_id): item for item in begun.questions}
    if any(same[item.interaction, item.question_id] != item for item in request.questions):
        return None
    return replace(request, questions=begun.questions, assess=begun.assess, bodies=begun.bodies)


def _ids(of: JudgeRequest | Begun) -> list[tuple[int, int]]:
    return [(item.interaction, item.question_id) for item in of.questions]


class ReplayClient(BatchApi):
    """Stands where the chat client stands: gives the reply that came back, or gathers the request and raises DeferredError."""

    live = False

    def __init__(self, settings: OpenAISettings, batch: BatchSettings, journal: Journal, budget: Budget) -> None:
        super().__init__(settings, batch)
        # Each reply is read once; what may go better a second time is asked a second time, below.
        self._settings = replace(settings, attempts=1)
        self.talk: Talk | None = None
        self.ledger = Ledger(journal)
        self.outbox = Outbox(settings, batch, self.ledger, journal, self)
        self._limits = settings
        self._budget = budget
        self._got: Got | None = None

    def ask(self, body: bytes, took: Took, pictures: int = 0) -> dict[str, Any]:
        """Return the reply to a request. Raises DeferredError where there is none yet, BudgetError, and AskError as the base."""
        assert self.talk is not None
        key = hashlib.sha256(body + str(self.talk.request.repeat).encode()).hexdigest()[:KEY_DIGITS]
        got = self.ledger.reply(key)
        if got is None:
            self._gather(key, body)
        assert got is not None
        failed = self.ledger.failed(key)
        again = self.ledger.times(key) < self._limits.attempts
        if not got.status:
            if again:
                self._gather(key, body)
            raise AskError(
                "batch", f"the batch gave no reply: {got.code or 'no reason given'} ({self.ledger.times(key)} attempts)"
            )
        # What is refused for good is found before a status is taken for one that passes, as the base does.
        if got.status in PASSING and again and self._why(got, pictures, schema=SCHEMA in body) is None:
            self._gather(key, body)
        before = failed if got.good else failed[:-1]
        took.requests += len(before)
        took.failures.update(before)
        self._got = got
        try:
            return super().ask(body, took, pictures)
        except AskError as error:
            if error.kind in _BROKEN and again:
                self._gather(key, body)
            raise

    def _post(self, body: bytes) -> Received:  # noqa: ARG002  # the base's signature
        assert self._got is not None
        return Received(status=self._got.status, headers={}, content=self._got.body.encode("ascii"))

    def _failed(self, received: Received, began: float, pictures: int, *, schema: bool) -> Exception:
        assert self._got is not None
        refusal = self._why(self._got, pictures, schema=schema)
        if refusal is not None:
            return AskError(refusal.kind, refusal.text, refusal)
        return super()._failed(received, began, pictures, schema=schema)

    def _why(self, got: Got, pictures: int, *, schema: bool) -> Refusal | None:
        """Return why a reply that is an error refuses the request, in the very words of the base."""
        if got.cause is None:
            return refusal_of(got.status, got.body.encode("ascii"), self._settings, pictures, schema=schema)
        found = Objection(cause=got.cause, name=got.parameter, most=got.most)
        return found.refusal(got.status, self._settings, pictures)

    def _gather(self, key: str, body: bytes) -> None:
        """Gather a request unless it is under way. Raises DeferredError; BudgetError beyond the limit; AskError if too large."""
        talk = self.talk
        assert talk is not None
        later = DeferredError("its reply comes in a batch; the same command takes it in")
        if key in self.ledger.waiting or self.outbox.holds(key):
            raise later
        self.outbox.fits(body)
        asked = json.loads(body)
        tokens = sum(expected_tokens(self._limits, asked["messages"], 0, 0))
        if not self.outbox.room(tokens):
            self.outbox.held += 1
            raise later
        cost = self._budget.admit(talk.quote.last)
        if not talk.began:
            self.outbox.begins(talk.begun())
        self.outbox.add(Sent(key=key, video=talk.name, cost=cost, tokens=tokens), body)
        raise later
