"""The lines of a build folder, one record for each step.

`input` tells what a line was made from, so that it is made anew when that changes and not otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records import Box, Detection, Grounding, Instance, Interaction, Record, TouchingAtStart, Tracks
from intergeneval.records.codec import LATER

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
    touching: bool = field(default=False, metadata=LATER)
    """Whether the build looks at what touches in the first frames; builds of before it was asked do not, and stay as they are."""
    doubting: bool = field(default=False, metadata=LATER)
    """Whether doubtful masks keep a sample out until somebody accepts them; not so in builds of before masks were doubted."""


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
class Painting(Record):
    """The first frame that was painted for a sample: one line of ``paintings.jsonl``."""

    sample_id: str
    """The sample."""
    input: str
    """Hash of text, seed, painter and its settings."""
    by: str
    """The painter."""
    seed: int
    """The seed it was painted with."""
    start: str = ""
    """Hash of text, first seed, painter and its settings: what `tried` speaks of."""
    tried: tuple[int, ...] = ()
    """Instances that were found in the pictures of the first seed and those after it, as far as they did not show all."""
    sha256: str = ""
    """Hash of the picture's file."""
    status: str = "ok"
    """``ok`` or ``failed``."""
    reason: str = ""
    """Why it failed."""


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
class Touched(Record):
    """Whether the two sides of one interaction touch in the first frame."""

    interaction: int
    """Index of the interaction in its scene."""
    touching: TouchingAtStart
    """What a model saw."""
    reason: str = ""
    """Why, as it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch(Record):
    """What touches in the first frame of a sample: one line of ``touching.jsonl``."""

    sample_id: str
    """The sample."""
    input: str
    """Hash of `about`, model and words."""
    about: str
    """Hash of first frame, masks and interactions: it speaks of these, whoever looked."""
    by: str
    """The model that was asked."""
    said: tuple[Touched, ...] = ()
    """What it said of each interaction that it was asked about."""
    status: str = "ok"
    """``ok`` or ``failed``."""
    reason: str = ""
    """Why it failed."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Requests, tokens and cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Record):
    """One decision of a person, as it takes effect: one line of ``reviews.jsonl``."""

    sample_id: str
    """The sample."""
    instance_id: str | None
    """The instance; None: the sample as a whole, or an interaction."""
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
    interaction: int | None = field(default=None, metadata=LATER)
    """Index of the interaction in its scene; None: it is not about an interaction."""
    fields: Mapping[str, Any] | None = field(default=None, metadata=LATER)
    """Fields that the interaction has instead, by name; None: all stay."""
    seed: int | None = field(default=None, metadata=LATER)
    """Seed of the painted picture that is rejected with the sample; None: it is not about a picture."""
    about: str = field(default="", metadata=LATER)
    """Hash of the scene whose interaction is meant: of another scene it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Record):
    """Something that did not get into the benchmark: one line of ``dropped.jsonl``."""

    sample_id: str
    """The sample."""
    step: str
    """``scene``, ``painting``, ``places``, ``cuts``, ``touching``, ``twins`` or ``review``."""
    reason: str
    """Why, in one sentence."""
    instance_id: str | None = None
    """The instance; None: the sample as a whole, or an interaction."""
    interaction: str = ""
    """The interaction in words; empty: an instance or the whole sample."""
    field: str = dataclasses.field(default="", metadata=LATER)
    """Field of the interaction that was left out, the interaction staying; empty: the interaction as a whole."""
    pending: bool = False
    """Whether another run may mend it: a server or a backend failed."""
