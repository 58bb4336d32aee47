"""What brings jobs to workers: the interface that every engine keeps, and what becomes of a job whose worker ends under it.

A worker may end at any time: out of memory, killed, its machine gone. Its jobs go back, and such a loss counts only for the one
that it had begun. After two counted losses a job is done last, with nothing beside it on its machine; the third is its end, and
it is recorded as failed instead of done.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

J = TypeVar("J")
"""A job."""
O = TypeVar("O")  # noqa: E741  # stands beside J
"""What comes of it."""
_Given = TypeVar("_Given", contravariant=True)  # noqa: PLC0105
_Made = TypeVar("_Made", covariant=True)  # noqa: PLC0105

LOST = "its worker ended three times: killed, or out of memory?"
"""Why a job has failed that no worker lived through."""
MOST_LOSSES = 3
"""Counted losses with which a job has failed; with one less it is done alone."""
MOST_UNREADY = 3
"""Workers in a row that may end before they are ready."""


class Setup(Protocol[_Given, _Made]):
    """What each worker is made of; it is pickled."""

    @property
    def places(self) -> Sequence[Path]:
        """Files and folders that a worker must see, wherever it is."""

    def build(self) -> Callable[[_Given], _Made]:
        """Build, in the worker, what does its jobs. What it raises ends the run."""

    def lost(self, job: _Given) -> _Made:
        """Return, in the first process, what is recorded of a job that no worker lived through."""


class Engine(Protocol):
    """Does jobs in workers."""

    def outcomes(self, setup: Setup[J, O], jobs: Sequence[J]) -> Generator[O, None, None]:
        """Give what comes of each job, in the order in which they end.

        Raises what a worker raised, and BackendError where no worker gets ready. To close the iterator ends all workers.
        """

    def close(self) -> None:
        """Let go of what lasts from one call to the next."""


@dataclass(slots=True, eq=False)
class Ticket(Generic[J]):
    """A job on its way."""

    number: int
    """Its place among the jobs."""
    job: J
    """The job."""
    losses: int = 0
    """Workers that ended while they were at it."""
    lost_at: set[str] = field(default_factory=set)
    """Machines on which they did."""

    @property
    def alone(self) -> bool:
        """Whether it is to be done with nothing beside it."""
        return self.losses == MOST_LOSSES - 1


class Line(Generic[J]):
    """The jobs that no worker has yet, those that came back first, and those to be done alone last."""

    def __init__(self, jobs: Sequence[J]) -> None:
        """Each job is asked for when it is its turn: those of a large run may be made only then."""
        self._jobs = jobs
        self._taken = 0
        self._back = deque[Ticket[J]]()
        self._suspects = deque[Ticket[J]]()

    def __len__(self) -> int:
        """Return how many jobs no worker has."""
        return len(self._jobs) - self._taken + len(self._back) + len(self._suspects)

    def take(self, beside: Sequence[Ticket[J]], machine: str = "", machines: frozenset[str] = frozenset()) -> Ticket[J] | None:
        """Return the next job for a machine on which those `beside` are under way; None where there is none to run beside them.

        Where there are other `machines`, one that is to run alone is not given to the one where it was lost.
        """
        if any(item.alone for item in beside):
            # A job may come back from another machine meanwhile.
            return None
        if self._back:
            return self._back.popleft()
        if self._taken < len(self._jobs):
            self._taken += 1
            return Ticket(self._taken - 1, self._jobs[self._taken - 1])
        fit = (item for item in self._suspects if machine not in item.lost_at or machines <= item.lost_at)
        found = None if beside else next(fit, None)
        if found is not None:
            self._suspects.remove(found)
        return found

    def back(self, ticket: Ticket[J], *, begun: bool) -> bool:
        """Take a job back whose worker ended, `begun` or still waiting there; False where that was once too often."""
        ticket.losses += begun
        if ticket.losses >= MOST_LOSSES:
            return False
        if ticket.alone:
            self._suspects.append(ticket)
        else:
            self._back.appendleft(ticket)
        return True


@dataclass(frozen=True, slots=True)
class Raised:
    """An error as it travels between processes; pickled as it is, one whose constructor wants more than a text is lost."""

    kind: type[Exception]
    """Its class."""
    arguments: tuple[Any, ...]
    """What it was made of."""
    state: dict[str, Any]
    """Its other attributes."""
    trace: str
    """Where it was raised, as Python tells it."""

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Pack an error."""
        reduced = error.__reduce__()
        assert isinstance(reduced, tuple)
        return cls(type(error), reduced[1], dict(vars(error)), traceback.format_exc())

    def unpack(self) -> Exception:
        """Return the error, with the place where it was raised as a note."""
        try:
            error = self.kind(*self.arguments)
        except TypeError:
            error = self.kind.__new__(self.kind, *self.arguments)
        vars(error).update(self.state)
        error.add_note(f"In a worker:\n{self.trace}")
        return error
