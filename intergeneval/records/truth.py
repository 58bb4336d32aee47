"""What really happened in a staged video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records.answers import AnswerValue
from intergeneval.records.codec import LATER, Record
from intergeneval.records.limits import Frames, Id
from intergeneval.records.video import Detections, Tracks


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueAnswer(Record):
    """The true answer to one question in one layer (all frames, or the sampled ones)."""

    interaction: int
    """Index of the key interaction."""
    question_id: int
    """1 to 10."""
    value: AnswerValue
    """The true answer."""
    frames: tuple[Frames, ...] = ()
    """Frames that decide it, rising; empty where none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth(Record):
    """The truth of one staged video, following from its script and its dialled faults alone."""

    sample_id: Id
    """The sample."""
    seed: int
    """The seed."""
    policy: str
    """The policy that made it."""
    visible: Tracks
    """Visible masks per instance and frame."""
    amodal: Tracks | None = None
    """Masks as if nothing stood in front."""
    event: tuple[TrueAnswer, ...] = ()
    """True answers, all frames seen."""
    sampled: tuple[TrueAnswer, ...] = ()
    """True answers, only the sampled frames seen."""
    control_event: tuple[TrueAnswer, ...] = field(default=(), metadata=LATER)
    """True answers to control questions, all frames seen."""
    control_sampled: tuple[TrueAnswer, ...] = field(default=(), metadata=LATER)
    """True answers to control questions, only the sampled frames seen."""
    frames: tuple[Frames, ...] = ()
    """The sampled frames `sampled`, `emergence` and `disappearance` speak of (with frame 0)."""
    emergence: tuple[bool, ...] = ()
    """Emergence per entry of `frames` after frame 0."""
    disappearance: tuple[bool, ...] = ()
    """Disappearance (profile ``bounded``: vanished only) per entry of `frames` after frame 0."""
    detections: Detections | None = None
    """Every object of a listed class at `frames`: what a perfect detector finds."""
    faults: tuple[str, ...] = ()
    """Names of the faults that were dialled in."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Contact intervals, event times and the like, plain JSON values."""
