"""What was asked and answered."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records.codec import LATER, Record
from intergeneval.records.limits import Frames, Id
from intergeneval.records.video import Box, TrackState

KISA_IDS = (1, 2, 3, 4, 5, 6)
"""Question ids that make KISA_raw."""
SGI_IDS = (7, 8, 9, 10)
"""Question ids that make SGI_raw."""


class Stage(enum.StrEnum):
    """Part of the interaction a question looks at."""

    PRE = "pre"
    DURING = "during"
    POST = "post"
    GROUNDING = "grounding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate(Record):
    """What geometry would check to answer a question."""

    name: str
    """Name of the predicate, as listed in the verb lexicon's documentation."""
    subject: str | None = None
    """Instance id in the role of the subject."""
    object: str | None = None
    """Instance id in the role of the object."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments, plain JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Record):
    """One yes/no question about one key interaction of a sample."""

    sample_id: Id
    """The sample."""
    interaction: int
    """Index of the key interaction in the sample, from 0."""
    question_id: int
    """1 to 10 (protocol, section 1), or CONTROL_ID."""
    stage: Stage
    """pre, during, post or grounding."""
    text: str
    """The question as it is asked."""
    names: tuple[Id, ...]
    """Instance ids the question names and cannot be answered without."""
    verb: str
    """Verb of the interaction, as the benchmark words it."""
    predicate: Predicate | None = None
    """What geometry would check; None: geometry cannot know."""
    template: str = ""
    """Name and version of the template; ``verbatim`` for a benchmark's own questions."""
    twin: str = field(default="", metadata=LATER)
    """Id of the twin sample whose interaction it asks about, with the roles exchanged; counts for `contrast` and for no score."""


class AnswerStatus(enum.StrEnum):
    """Whether there is an answer, and if not, why."""

    OK = "ok"
    UNANSWERABLE = "unanswerable"
    UNPARSED = "unparsed"
    REFUSED = "refused"
    FAILED = "failed"


class AnswerValue(enum.StrEnum):
    """The three answers of the protocol."""

    YES = "yes"
    NO = "no"
    IMPLAUSIBLE = "no (visually implausible)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Record):
    """A judge's answer to one question about one video, or the reason there is none."""

    sample_id: Id
    """The sample."""
    seed: int
    """The seed."""
    interaction: int
    """Index of the key interaction."""
    question_id: int
    """1 to 10, or CONTROL_ID."""
    status: AnswerStatus
    """ok, or why there is no answer."""
    value: AnswerValue | None
    """The answer; None unless the status is ok."""
    frame: Frames | None = None
    """Decisive frame, an index into the video; None where no frame decides."""
    reason: str = ""
    """Why, in one sentence, with the numbers where there are any."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """The measured numbers behind the answer, plain JSON values."""
    judge: str = ""
    """Name of the judge."""
    repeat: int = 0
    """0 for the answer that counts; 1 and up for later askings of the same question."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Tokens, seconds, attempts; never compared."""
    video: str = ""
    """sha256 of the video it is about; an answer about another version of it is stale."""
    declined: bool = field(default=False, metadata=LATER)
    """Whether the judge declares such a question unanswerable for the verb before it sees any video: it counts for no model."""

    @property
    def verdict(self) -> AnswerValue | None:
        """The answer as it counts: a yes whose frame shows of a named instance what cannot be is "no (visually implausible)".

        Whether a body can be is asked once a frame, beside the questions; `evidence` names those of whom it was denied.
        """
        odd = self.value is AnswerValue.YES and bool(self.evidence.get("implausible"))
        return AnswerValue.IMPLAUSIBLE if odd else self.value

    def __post_init__(self) -> None:
        if (self.status is AnswerStatus.OK) != (self.value is not None):
            raise ValueError(f"an answer with status {self.status} cannot hold value {self.value!r}")
        if self.declined and self.status is not AnswerStatus.UNANSWERABLE:
            raise ValueError(f"an answer with status {self.status} cannot be declined")
        if self.frame is not None and self.frame < 0:
            raise ValueError(f"frame {self.frame} is below 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics(Record):
    """Health of one instance's track; shown beside the score, never part of it."""

    instance_id: Id
    """The instance."""
    appearance_drift: float | None = None
    """Largest colour-histogram distance to the anchor frame, 0 (same) to 1 (nothing in common); None: not seen."""
    area_jumps: tuple[int, ...] = ()
    """Frames at which the area changed faster than a real object's would."""
    teleports: tuple[int, ...] = ()
    """Frames at which the centre moved farther than a real object's would."""
    fragmentation: float | None = None
    """Largest share of the mask outside its biggest connected piece, 0 to 1."""
    lost_share: float = 0.0
    """Share of the sampled frames after frame 0 in which the tracker had lost it."""
    growth: float | None = field(default=None, metadata=LATER)
    """Largest area over that in the anchor frame, in frames where it is visible; None where it is not seen again."""
    spill: float | None = field(default=None, metadata=LATER)
    """Largest share of the mask, beyond that in frame 0, with colours that frame 0 shows on the ground; None: not told."""
    swallowed: tuple[Frames, ...] = field(default=(), metadata=LATER)
    """Sampled frames in which it has no mask while another instance's shows its look."""
    swallowed_by: str = field(default="", metadata=LATER)
    """Whose, most of the time."""
    regained_elsewhere: tuple[Frames, ...] = field(default=(), metadata=LATER)
    """Frames at which it is visible again farther from where it was last seen than it could have gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting(Record):
    """A second thing that looks like an instance, seen without a detector; evidence for people, no part of a score."""

    instance_id: Id
    """The instance it looks like."""
    class_: str
    """The class of that instance; JSON field ``class``."""
    frames: tuple[Frames, ...]
    """The sampled frames that show it, in a row."""
    boxes: tuple[Box, ...]
    """Where it is in each of them: what of it shows the instance's colours."""
    confidence: float
    """How sure that is, 0.5 to 1: by how much of the look is there, and for how long."""

    @property
    def text(self) -> str:
        """What was seen, in words."""
        span = f"frames {self.frames[0]} to {self.frames[-1]}"
        return f"{span} show a second {self.class_} that looks like {self.instance_id} (confidence {self.confidence:.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency(Record):
    """Emergence and disappearance of one video, per sampled frame after frame 0."""

    sample_id: Id
    """The sample."""
    seed: int
    """The seed."""
    frames: tuple[Frames, ...]
    """The sampled frames after frame 0."""
    states: Mapping[Id, tuple[TrackState, ...]] | None = None
    """State of each instance at `frames`, from tracks; None where a judge or an import spoke instead."""
    disappearance: tuple[bool | None, ...] | None = None
    """Whether an instance is missing at `frames`, where a judge or an import said so; None entries: no statement."""
    emergence: tuple[bool | None, ...] | None = None
    """Whether something emerged at `frames`; None as a whole: not assessed; None entries: no statement."""
    assessors: Mapping[str, str] = field(default_factory=dict)
    """Who assessed ``disappearance`` and ``emergence``."""
    implausible: tuple[bool | None, ...] | None = field(default=None, metadata=LATER)
    """Whether `frames` show a body or thing that cannot be, where a judge looked for it; None entries: no statement."""
    reasons: tuple[str, ...] = ()
    """Why, per frame of `frames` (empty texts where nothing happened), or empty as a whole."""
    diagnostics: tuple[Diagnostics, ...] = ()
    """One entry an instance."""
    sightings: tuple[Sighting, ...] = field(default=(), metadata=LATER)
    """Doubles that were seen without a detector; they say nothing of `emergence`."""
    status: AnswerStatus = AnswerStatus.OK
    """ok, or why there is no statement at all."""
    reason: str = ""
    """Why there is none."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Tokens, cost and the like where a judge was asked; never compared."""
    video: str = ""
    """sha256 of the video it is about; a statement about another version of it is stale."""

    def __post_init__(self) -> None:
        parts = {
            "disappearance": self.disappearance,
            "emergence": self.emergence,
            "implausible": self.implausible,
            **(self.states or {}),
        }
        for name, values in parts.items():
            if values is not None and len(values) != len(self.frames):
                raise ValueError(f"{name} speaks of {len(values)} frames, the record of {len(self.frames)}")
