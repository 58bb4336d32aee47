"""The batch judge: ``openai:MODEL`` over a client that knows what came back and gathers what did not."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace

from intergeneval.errors import BackendError, ConfigError
from intergeneval.judges import Judgement, JudgeRequest
from intergeneval.judges.inquiries import Found, Inquiry
from intergeneval.judges.openai.client import Took
from intergeneval.judges.openai.judge import OpenAIJudge
from intergeneval.judges.openai.link import Link
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai_batch.api import ApiError, BatchApi
from intergeneval.judges.openai_batch.entries import Got
from intergeneval.judges.openai_batch.inbox import Inbox
from intergeneval.judges.openai_batch.refused import told
from intergeneval.judges.openai_batch.replay import Memory, Quote, ReplayClient, Talk, name_of, whole
from intergeneval.judges.openai_batch.settings import BatchSettings, at_batch_price
from intergeneval.judges.services import CostEstimate, Journal, Services
from intergeneval.records import Answer, Question, Sample

_SLOWEST = 10


class _Counter(Link):
    """Counts what replies cost, as a link does that received them."""

    def cost(self, got: Got) -> float:
        """Return what a reply cost, by the price table."""
        took = Took()
        if got.good:
            body = json.loads(got.body)
            self._count(body.get("usage") if isinstance(body, dict) else None, took)
        return took.cost


class _Office:
    """What the judge works with as long as it has a run folder."""

    def __init__(self, settings: OpenAISettings, batch: BatchSettings, journal: Journal, services: Services) -> None:
        self.journal = journal
        self.client = ReplayClient(settings, batch, journal, services.budget)
        self.ledger, self.outbox = self.client.ledger, self.client.outbox
        self.inbox = Inbox(settings, batch, self.ledger, self.client)
        self._services = services
        self._counter = _Counter(settings)
        for sent in self.ledger.waiting.values():
            services.budget.hold(sent.cost)
        for got in self.ledger.unused:
            services.budget.settle(0.0, self._counter.cost(got))

    def take(self) -> int:
        """Take in what came, and keep the cost limit informed."""
        held, budget = {key: sent.cost for key, sent in self.ledger.waiting.items()}, self._services.budget
        return self.inbox.take(
            lambda key, got: budget.settle(held.pop(key, 0.0), self._counter.cost(got)),
            lambda key: budget.settle(held.pop(key, 0.0), 0.0),
            self._services.notice,
        )

    def close(self) -> None:
        """Close files and connections; what was gathered and not handed in is gathered again."""
        self.outbox.drop()
        self.journal.close()
        self.client.close()


class OpenAIBatchJudge:
    """The judge ``openai:MODEL`` by another way, and so the same judge: what one of them was told, the other knows.

    Model, words, pictures and sampling parameters are the same; the batch interface only takes longer and may cost less. So `id`
    and `revision` are those of ``openai:MODEL``, runs made either way are compared, and one can be gone on with the other way.
    """

    needs_frames = True
    needs_truth = False
    concurrency = 1

    def __init__(self, settings: OpenAISettings, batch: BatchSettings) -> None:
        self.settings = settings
        self.batch = batch
        self._direct = OpenAIJudge(settings)
        self._priced = at_batch_price(settings, batch)
        self._services = Services()
        self._office: _Office | None = None
        self._until: float | None = None

    @property
    def id(self) -> str:
        """``openai:MODEL``: the same model is asked the same."""
        return self._direct.id

    @property
    def revision(self) -> str:
        """As of ``openai:MODEL``."""
        return self._direct.revision

    @property
    def bodies_revision(self) -> str:
        """As of ``openai:MODEL``."""
        return self._direct.bodies_revision

    @property
    def inquirer(self) -> str:
        """As of ``openai:MODEL``."""
        return self._direct.inquirer

    def attach(self, services: Services) -> None:
        """Use the run's cache, cost limit, notices and journal. Raises ConfigError for a limit without a price table."""
        self._direct.attach(services)
        self._services = services
        self._shut()

    def close(self) -> None:
        """Close connections and files."""
        self._direct.close()
        self._shut()

    def _shut(self) -> None:
        if self._office is not None:
            self._office.close()
            self._office = None

    def _opened(self) -> _Office:
        if self._office is None:
            if self._services.journal is None:
                raise BackendError(f"openai-batch:{self.settings.model} is asked by a run only; use openai:{self.settings.model}")
            self._office = _Office(self._priced, self.batch, self._services.journal, self._services)
        return self._office

    def probe(self) -> str:
        """Ask as ``openai`` does over the chat interface, and look whether there is a batch interface. Raises BackendError."""
        return self._probed(self._direct.probe())

    def probe_assessing(self) -> str:
        """Do the same for a run in which the judge says what emerged and disappeared. Raises BackendError."""
        return self._probed(self._direct.probe_assessing())

    def _probed(self, found: str) -> str:
        api = BatchApi(self.settings, self.batch)
        try:
            api.reachable()
        except ApiError as error:
            raise BackendError(f"{found}; but its batches cannot be listed: {told(error)}") from None
        finally:
            api.close()
        return f"{found}; has a batch interface"

    def declines(self, question: Question) -> str | None:
        """Return None: it looks at pictures and can try every question."""
        return self._direct.declines(question)

    def estimate(self, videos: int, questions: int, frames: int, *, assess: bool, bodies: bool = False) -> CostEstimate:
        """Return what asking `questions` questions over `videos` videos of `frames` pictures each may take without a cache."""
        priced = OpenAIJudge(self._priced)
        found = priced.estimate(videos, questions, frames, assess=assess, bodies=bodies)
        share = f"in batches at {self.batch.price:g} of the price table" if self.settings.prices is not None else "in batches"
        return replace(found, basis=f"{found.basis}, {share}")

    def estimate_wording(self, words: Sequence[tuple[str, str, str]]) -> CostEstimate:
        """Return what wording questions for each (verb, subject, object) may take: that is asked at once, at the full price."""
        return self._direct.estimate_wording(words)

    def write_questions(self, sample: Sample, interaction: int, names: tuple[str, str]) -> tuple[str, ...]:
        """Return ten questions about an interaction, asked at once: a run cannot begin without them."""
        return self._direct.write_questions(sample, interaction, names)

    def inquire(self, inquiry: Inquiry) -> Found:
        """Ask a question beside the ten, at once: no video can be tracked without its reply."""
        return self._direct.inquire(inquiry)

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Answer every question of the request. Raises DeferredError as long as a reply is under way; else as ``openai``."""
        return self.judge(request).answers

    def judge(self, request: JudgeRequest) -> Judgement:
        """Answer every question, and assess where asked. Raises as `answer` does."""
        office = self._opened()
        begun = office.ledger.begun(name_of(request))
        full = whole(request, begun)
        memory = Memory(self._services.cache, begun if full is not None else None)
        talk = Talk(request=full or request, memory=memory, quote=Quote(), began=full is not None)
        office.client.talk = talk
        judge = OpenAIJudge(self._priced, office.client)
        judge.attach(Services(cache=memory, budget=talk.quote))
        said = judge.judge(talk.request)
        memory.release()
        asked = {(item.interaction, item.question_id) for item in request.questions}
        return Judgement(
            answers=[item for item in said.answers if (item.interaction, item.question_id) in asked],
            consistency=said.consistency if request.assess is not None else None,
        )

    def recorded(self, request: JudgeRequest) -> None:
        """Take note that all it said about a video is on disk."""
        self._opened().ledger.done(name_of(request))

    def collect(self) -> None:
        """Take in the replies that have come since. Raises ConfigError for what the server refused, BackendError."""
        office = self._opened()
        office.outbox.held = 0
        office.take()

    def dispatch(self) -> str:
        """Hand in what was gathered; return what waits and when to come back. Raises ConfigError and BackendError."""
        office = self._opened()
        office.outbox.hand_in()
        pieces = [piece for piece in office.ledger.open if piece.sent.keys() & office.ledger.waiting.keys()]
        count, held = len(office.ledger.waiting), office.outbox.held
        if not count and not held:
            return ""
        batches = ", ".join(f"{piece.batch or piece.name} ({piece.told or 'not looked at yet'})" for piece in pieces[:3])
        more = f" and {len(pieces) - 3} more" if len(pieces) > 3 else ""
        later = f", {held} more follow when they are done (waiting_tokens)" if held else ""
        number = f"{count} request{'s' if count != 1 else ''} in {len(pieces)} batch{'es' if len(pieces) != 1 else ''}"
        return (
            f"{number} at {self.settings.place}: {batches}{more}{later}; the server takes up to {self.batch.window}; the same "
            f"command takes in the replies and goes on"
        )

    def wait(self) -> bool:
        """Wait for replies, `wait` seconds in all; return whether any batch ended. Raises ConfigError."""
        now, office, pause = time.monotonic(), self._opened(), self.batch.poll
        self._until = self._until if self._until is not None else now + self.batch.wait
        while office.ledger.waiting and (left := self._until - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _SLOWEST * self.batch.poll)
            try:
                if office.take():
                    return True
            except ConfigError:
                raise
            except BackendError as error:
                # A server that is away for a while is asked again as long as there is time.
                self._services.notice(str(error))
        return False
