"""What a predicate is given and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.contact import Run, agency, begun
from intergeneval.judges.geometry.measurements import Scene
from intergeneval.records import TrackState


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
    """Name of the evidence that questions 8 to 10 compare; empty where there is none."""
    since: int = 0
    """Measured frame at which the interaction can begin: the first, or where the one that it follows is first seen."""

    @property
    def line(self) -> str | None:
        """The tracked thing by which the subject has the object, or works on it; None where none is named or tracked."""
        found = self.scene.lines.get((self.subject, self.object))
        return found if found in self.scene.sights else None

    @property
    def touching(self) -> bool | None:
        """Whether the two are known to touch in the first frame; None where nobody says."""
        return self.scene.touching.get((min(self.subject, self.object), max(self.subject, self.object)))

    @property
    def when(self) -> str:
        """When the interaction can begin, in words."""
        return "at the start" if self.since == 0 else f"in frame {self.scene.frames[self.since]}, where the earlier deed begins"

    def contacts(self) -> list[Run]:
        """Return the contacts of subject and object; for touching and moving only those to which the subject came."""
        found, _ = begun(self.scene, self.subject, self.object)
        if self.mutual or self.deed not in LED:
            return found
        least = -thresholds.AGENCY_SHARE
        return [run for run in found if agency(self.scene, self.subject, self.object, run.start) >= least]

    def undecided(self) -> bool:
        """Whether the two overlap from the start, and nothing tells whether they touch."""
        return begun(self.scene, self.subject, self.object)[1]

    def ends_hidden(self, *names: str) -> str | None:
        """Return which of the named instances is behind another at the end, None where none is: its outcome is not seen."""
        return next((name for name in names if self.scene.sights[name].states[-1] is TrackState.OCCLUDED), None)

    def ends_unseen(self, *names: str) -> str | None:
        """Return which of the named instances is gone at the end or can no longer be told from another, None where none is."""
        for name in names:
            sight = self.scene.sights[name]
            cut = sight.states[-1] is TrackState.VISIBLE and sight.small[-1] is None
            if cut or sight.states[-1] is TrackState.VANISHED:
                return name
        return None


LED = ("touch", "move")
"""Deeds of which a contact counts only when the subject came to it, and not the object alone."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What tracks say about a predicate."""

    holds: bool
    """Whether it is true."""
    index: int | None
    """Measured frame that decides; None where no single frame does."""
    reason: str
    """Why, in a clause with the numbers; ``{s}`` and ``{o}`` stand for subject and object, instance ids for others."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """The measured numbers, plain JSON values."""
    unknown: bool = False
    """Whether tracks allow both answers; then it is neither."""


def yes(index: int, reason: str, /, **numbers: Any) -> Finding:
    """Return a finding that the predicate is true from a measured frame on."""
    return Finding(True, index, reason, numbers)


def no(reason: str, index: int | None = None, /, **numbers: Any) -> Finding:
    """Return a finding that it is not, with the frame that shows so where one does."""
    return Finding(False, index, reason, numbers)


def unknown(reason: str, /, **numbers: Any) -> Finding:
    """Return that tracks do not tell."""
    return Finding(False, None, reason, numbers, unknown=True)


OVERLAP = "{s} and {o} overlap in the picture from the start, and nothing shows whether they touch"
"""Why nothing is said of a contact."""
