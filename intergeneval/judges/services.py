"""What the run lends a judge that costs money or time: the answer cache, the cost limit, and a place for notices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from intergeneval.errors import BudgetError
from intergeneval.records import Record


class AnswerCache(Protocol):
    """Remembers answers by the content of what was asked, and what is known of a server."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was stored under a key, or None."""

    def put(self, key: str, judge: str, value: Mapping[str, Any]) -> None:
        """Store a good answer, so that it outlives this process from now on."""

    def server(self, host: str, model: str) -> Mapping[str, Any]:
        """Return what was remembered of a model on a host; empty where nothing was."""

    def remember_server(self, host: str, model: str, facts: Mapping[str, Any]) -> None:
        """Replace what is remembered of a model on a host."""


class Journal(Protocol):
    """Lines that a judge keeps beside the run about what it waits for; nobody else writes them meanwhile."""

    @property
    def path(self) -> Path:
        """The file, for messages."""

    def read(self) -> Sequence[Iterator[tuple[str, str, bool]]]:
        """Give the lines of each writer, with their place and whether what they speak of may be gone on with here."""

    def append(self, record: Record) -> None:
        """Write a line; it is on disk when this returns."""

    def scratch(self, name: str) -> Path:
        """Return a file to write to for a while; the next run removes it."""

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""


class Budget:
    """A limit on what a run may cost; safe to use from several threads.

    A request is admitted only if everything spent, everything in flight and its own expected cost stay within the limit. The
    expected cost is the larger of its estimate and the mean of what requests really cost so far, so the limit is passed only by
    as much as the requests in flight together cost more than that.
    """

    def __init__(self, limit: float | None = None, spent: float = 0.0) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._spent = spent
        self._reserved = 0.0
        self._settled = (0, 0.0)

    @property
    def spent(self) -> float:
        """What all settled requests cost, in the price table's currency."""
        return self._spent

    def admit(self, estimate: float) -> float:
        """Reserve and return the expected cost of one request. Raises BudgetError when it does not fit."""
        with self._lock:
            count, total = self._settled
            expected = max(estimate, total / count if count else 0.0)
            if self.limit is not None and self._spent + self._reserved + expected > self.limit:
                taken = self._spent + self._reserved
                raise BudgetError(f"the next request may cost {expected:.4f}, and {taken:.4f} of {self.limit:.4f} is spent")
            self._reserved += expected
            return expected

    def hold(self, amount: float) -> None:
        """Reserve what an earlier run sent and nobody has replied to yet, whatever the limit says: it is under way."""
        with self._lock:
            self._reserved += amount

    def settle(self, reserved: float, cost: float) -> None:
        """Replace a reservation by what the request cost; 0 for one that was never answered."""
        with self._lock:
            self._reserved -= reserved
            self._spent += cost
            if cost:
                self._settled = (self._settled[0] + 1, self._settled[1] + cost)


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a run lends to its judge."""

    cache: AnswerCache | None = None
    """Answers given before, by content; None: every question is asked."""
    budget: Budget = field(default_factory=Budget)
    """The cost limit."""
    notice: Callable[[str], None] = _silent
    """Takes one line for the user, such as how long a server asked to wait."""
    journal: Journal | None = None
    """Where a judge notes what it waits for; None: there is no run folder to keep it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate(Record):
    """What a run is expected to take, before its first request."""

    requests: int
    """Requests: one a video, and one for each wording of questions."""
    input_tokens: int
    """Tokens sent, pictures included."""
    output_tokens: int
    """Tokens received."""
    cost: float | None
    """In the price table's currency; None without a price table."""
    basis: str
    """What the estimate rests on, in one sentence."""

    def after(self, first: CostEstimate) -> CostEstimate:
        """Return what `first` and this take together; the cost is known only where both are.

        `first` may be a judge's own object with these fields.
        """
        return CostEstimate(
            requests=first.requests + self.requests,
            input_tokens=first.input_tokens + self.input_tokens,
            output_tokens=first.output_tokens + self.output_tokens,
            cost=None if first.cost is None or self.cost is None else first.cost + self.cost,
            basis=f"{first.basis}; {self.basis}",
        )
