"""What a stage of a curation is: what its lines are made from, and what makes them, here or in the workers of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from intergeneval.ids import sha256_json
from intergeneval.run.attempt import Failure, attempt
from intergeneval.run.engine import LOST
from matrix_train.curate.records import DROPPED, FAILED, Known, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One clip for a stage."""

    clip: str
    """The clip."""
    input: str
    """Hash of what its line is made from."""
    given: Mapping[str, Any]
    """What the line is made from: JSON values, all of them hashed."""
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What is needed beside and changes nothing of the line, such as where a file lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a stage made of a clip."""

    value: Mapping[str, Any] = field(default_factory=dict)
    """What it found, for the stages after it."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What it measured."""
    kind: str = ""
    """Why the clip is dropped, in one word; empty: it stays."""
    reason: str = ""
    """Why, in one sentence."""


class FailedError(Exception):
    """A stage could not do a clip now, and another try may."""


class Stage:
    """One stage; it is pickled, and `build` called in each worker."""

    name: ClassVar[str]
    """Its folder, and what drops are counted under."""
    version: ClassVar[int] = 1
    """Raised when the same input gives another line."""
    files: ClassVar[tuple[str, ...]] = ()
    """Names of values that are files of the curation: a line whose file is gone is made again."""
    heavy: ClassVar[bool] = False
    """Whether a clip takes long enough to be given to another process."""
    asks: bool = False
    """Whether a model is asked: from threads of the first process, which has the cache and the cost limit."""
    alone: bool = False
    """Whether a backend lets only one process have it."""

    def settings(self) -> Any:
        """Return everything beside a clip that its line depends on, as JSON."""
        raise NotImplementedError

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return what a clip's line is made from, as JSON."""
        raise NotImplementedError

    def beside(self, clip: Known) -> Mapping[str, Any]:  # noqa: ARG002  # most need nothing
        """Return what is needed beside it."""
        return {}

    def maker(self) -> Callable[[Task], Made]:
        """Return what makes lines, with backends of its own; what it raises for a clip fails that clip."""
        raise NotImplementedError

    @property
    def places(self) -> Sequence[Path]:
        """Files and folders that a worker must see, wherever it is."""
        return ()

    def digest(self) -> str:
        """Return the hash of name, version and settings."""
        return sha256_json([self.name, self.version, self.settings()])

    def build(self) -> Callable[[Task], Line]:
        """Return what makes a line of a task and never raises for a clip."""
        import cv2

        cv2.setNumThreads(1)
        make, name, version = self.maker(), self.name, self.version

        def line(task: Task) -> Line:
            blank = Line(clip=task.clip, input=task.input, version=version)
            made = attempt(lambda: make(task))
            if isinstance(made, Failure):
                return _with(blank, status=FAILED, kind="failed", reason=f"{name}: {made}")
            status = DROPPED if made.kind else blank.status
            return _with(blank, status=status, kind=made.kind, reason=made.reason, measured=made.measured, value=made.value)

        return line

    def lost(self, job: Task) -> Line:
        """Return the line of a clip that no worker lived through."""
        return Line(clip=job.clip, input=job.input, version=self.version, status=FAILED, kind="failed", reason=LOST)


def _with(line: Line, **changes: Any) -> Line:
    from dataclasses import replace

    return replace(line, **changes)
