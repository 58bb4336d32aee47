"""What a predicate is given and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from intergeneval.judges.geometry.contact import Run, contacts
from intergeneval.judges.geometry.measurements import Scene


@dataclass(frozen=True, slots=True)
class Case:
    """One predicate to be decided in one video."""

    scene: Scene
    """The measured video."""
    subject: str
    """Instance id in the role of the subject."""
    object: str
    """Instance id in the role of the object."""
    mutual: bool
    """Whether both act on each other."""
    others: Sequence[str]
    """Tracked instances that are neither."""
    deed: str
    """Name of the evidence that questions 8 to 10 compare; empty for other questions."""

    def contacts(self) -> list[Run]:
        """Return the contacts of subject and object."""
        return contacts(self.scene, self.subject, self.object)


@dataclass(frozen=True, slots=True)
class Finding:
    """What tracks say about a predicate."""

    holds: bool
    """Whether it is true."""
    index: int | None
    """Measured frame that decides; None where no single frame does."""
    reason: str
    """Why, in a clause with the numbers."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """The measured numbers, plain JSON values."""


def yes(index: int, reason: str, /, **numbers: Any) -> Finding:
    """Return a finding that the predicate is true from a measured frame on."""
    return Finding(True, index, reason, numbers)


def no(reason: str, index: int | None = None, /, **numbers: Any) -> Finding:
    """Return a finding that it is not, with the frame that shows so where one does."""
    return Finding(False, index, reason, numbers)
