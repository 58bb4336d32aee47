"""The lines of a build folder, one record for each step.

`input` tells what a line was made from, so that it is made anew when that changes and not otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records import Box, Detection, Grounding, Instance, Interaction, Record, Tracks

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildHeader(Record):
    """``build/build.json``: how a benchmark was built."""

    schema: int
    """SCHEMA of the software that wrote it."""
    id: str
    """Name of this build, which a review file must give."""
    source: str
    """What it was built from."""
    created: str
    """UTC time of the first start, ISO 8601."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Every setting of the last start."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python, this package and the libraries that touch numbers."""
    commit: str = ""
    """Git commit of the working tree with ``+dirty`` if changed; empty outside a checkout."""
    command: str = ""
    """The command as typed, secrets replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene(Record):
    """Who does what to whom in a prompt: one line of ``scenes.jsonl``."""

    sample_id: str
    """The sample."""
    input: str
    """Hash of prompt, model, words and reviewer's note, or of the user's own instances and interactions."""
    by: str
    """``given``, or the model that was asked."""
    status: str = "ok"
    """``ok``, or ``failed``: another try may mend it."""
    reason: str = ""
    """Why it failed."""
    instances: tuple[Instance, ...] = ()
    """The instances, in box-colour order."""
    interactions: tuple[Interaction, ...] = ()
    """The interactions."""
    ratings: tuple[tuple[int, int], ...] = ()
    """Contact and dynamism (1 to 5) of each interaction, where a model rated them."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Requests, tokens and cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals(Record):
    """What a detector proposed: one line of ``proposals.jsonl``."""

    sample_id: str
    """The sample."""
    input: str
    """Hash of picture, classes, frames and detector."""
    detector: str
    """Its id."""
    frames: tuple[int, ...] = ()
    """Frames that were looked at, in the order in which they are tried."""
    found: tuple[tuple[Detection, ...], ...] = ()
    """Candidates per frame, doubles left out."""
    status: str = "ok"
    """``ok`` or ``failed``."""
    reason: str = ""
    """Why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing(Record):
    """Which box each instance got: one line of ``places.jsonl``."""

    sample_id: str
    """The sample."""
    input: str
    """Hash of proposals, instances, verifier and review."""
    grounding: Grounding
    """Candidates, checks and places in the anchor frame."""
    size: tuple[int, int] = (0, 0)
    """Height and width of that frame, in pixels."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Requests, tokens and cost, of all frames that were tried."""

    @property
    def status(self) -> str:
        """``ok`` or ``failed``."""
        return self.grounding.status

    @property
    def reason(self) -> str:
        """Why it failed."""
        return self.grounding.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Record):
    """The first-frame masks of a sample, and on videos its tracks: one line of ``cuts.jsonl``."""

    sample_id: str
    """The sample."""
    input: str
    """Hash of boxes or given masks, picture and segmenter."""
    tracker: str
    """Who cut and followed."""
    size: tuple[int, int] = (0, 0)
    """Height and width, in pixels."""
    masks: Mapping[str, str] = field(default_factory=dict)
    """COCO run-length counts of each instance's mask in the first frame."""
    gone: Mapping[str, str] = field(default_factory=dict)
    """Why an instance has no mask, by its id."""
    tracks: Tracks | None = None
    """Tracks through the video; None for a picture."""
    status: str = "ok"
    """``ok`` or ``failed``."""
    reason: str = ""
    """Why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Record):
    """One decision of a person, as it takes effect: one line of ``reviews.jsonl``."""

    sample_id: str
    """The sample."""
    instance_id: str | None
    """The instance; None: the sample as a whole."""
    decision: str
    """``keep``, ``fix`` or ``drop``."""
    box: Box | None = None
    """Box that the instance has instead."""
    frame: int = 0
    """Frame the box belongs to."""
    rejected: Box | None = None
    """Box that is not it."""
    note: str = ""
    """What the person remarked."""
    review: str = ""
    """sha256 of the review file it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Record):
    """Something that did not get into the benchmark: one line of ``dropped.jsonl``."""

    sample_id: str
    """The sample."""
    step: str
    """``scene``, ``places``, ``cuts`` or ``review``."""
    reason: str
    """Why, in one sentence."""
    instance_id: str | None = None
    """The instance; None: the sample as a whole, or an interaction."""
    interaction: str = ""
    """The interaction in words; empty: an instance or the whole sample."""
    pending: bool = False
    """Whether another run may mend it: a server or a backend failed."""
