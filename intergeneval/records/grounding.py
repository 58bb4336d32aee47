"""Where the instances of a prompt stand in a picture: what a detector proposed, what was verified, and which box each one got."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records.codec import Record
from intergeneval.records.limits import Frames, Id
from intergeneval.records.video import Box, Detection


class Basis(enum.StrEnum):
    """Why a box was given to an instance."""

    VERIFIED = "verified"
    """A model was shown the crop and said that it is this instance."""
    ONLY = "only candidate"
    """Nobody verified it, but there was no other candidate of the class and no other instance of it."""
    BEST = "best candidate"
    """Nobody verified it; of several candidates it is the most confident (only where settings allow that)."""
    GIVEN = "given"
    """The user's own data hold the box."""
    REVIEW = "review"
    """A person chose it in a review."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CropCheck(Record):
    """What a model said of one candidate for one instance."""

    instance_id: Id
    """The instance."""
    candidate: int
    """Index into the candidates of the grounding."""
    match: bool
    """Whether the crop shows this instance."""
    reason: str = ""
    """Why, in the model's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Record):
    """The box of one instance, or the reason why it has none."""

    instance_id: Id
    """The instance."""
    box: Box | None
    """Its box in pixels; None where it was not found."""
    basis: Basis | None = None
    """Why it is this box; None where there is none."""
    score: float | None = None
    """The detector's confidence, 0 to 1; None for boxes that no detector proposed."""
    reason: str = ""
    """Why it was not found, in one sentence; empty where it was."""

    def __post_init__(self) -> None:
        if (self.box is None) != (self.basis is None):
            raise ValueError(f"a place with box {self.box!r} cannot rest on {self.basis!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding(Record):
    """The instances of one sample in one frame: one line of ``grounding.jsonl``."""

    sample_id: Id
    """The sample."""
    seed: int
    """The seed; 0 for a picture."""
    frame: Frames
    """Index of the frame that was looked at."""
    method: str
    """Detector with its thresholds, and who verified."""
    candidates: tuple[Detection, ...] = ()
    """Proposals per class, the most confident first, doubles left out."""
    checks: tuple[CropCheck, ...] = ()
    """What was said of them, in the order of asking."""
    places: tuple[Place, ...] = ()
    """One an instance, in the sample's order."""
    status: str = "ok"
    """``ok``, or ``failed``: a backend broke, and another try may mend it."""
    reason: str = ""
    """Why it failed."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Requests, tokens and cost of the verification; never compared."""
    video: str = ""
    """sha256 of the video or picture; records of another version of it are stale."""

    def place(self, instance_id: str) -> Place | None:
        """Return the place of that instance, or None."""
        return next((item for item in self.places if item.instance_id == instance_id), None)
