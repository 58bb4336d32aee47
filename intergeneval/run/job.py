"""What passes between the run and the processes that do its work: one video's job, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypeAlias

from intergeneval import masks
from intergeneval.bench import OwnMasks
from intergeneval.judges import JudgeRequest
from intergeneval.masks import Mask
from intergeneval.records import Answer, Consistency, Detections, Grounding, Question, Sample, Stills, Tracks, Truth, Video

FAILED = "failed"
"""Status of tracks and detections whose backend broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedMask:
    """A mask as run lengths: small enough to keep many, and seven times faster to unpack than its file is to read."""

    counts: str
    """COCO run-length counts."""
    size: tuple[int, int]
    """Height and width, pixels."""

    @classmethod
    def of(cls, mask: Mask) -> Self:
        """Pack a mask (H, W)."""
        return cls(counts=masks.encode(mask), size=(mask.shape[0], mask.shape[1]))

    def unpack(self) -> Mask:
        """Return the mask (H, W)."""
        return masks.decode(self.counts, self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One video to bring through the stages, with what is known of it already."""

    sample: Sample
    """The sample."""
    seed: int
    """The seed."""
    questions: tuple[Question, ...]
    """Its questions that still lack an answer."""
    video: Video | None = None
    """As recorded before."""
    grounding: Grounding | None = None
    """As recorded before, of the same version of the video."""
    tracks: Tracks | None = None
    """As recorded before, of the same version of the video."""
    detections: Detections | None = None
    """As recorded before, of the same version of the video."""
    consistency: Consistency | None = None
    """As recorded before, of the same version of the video."""
    truth: Truth | None = None
    """As recorded before."""
    stills: Stills | None = None
    """As recorded before, of whatever version of the video."""
    masks: Mapping[str, PackedMask] | None = None
    """Instance id -> first-frame mask, where they were read before the run because the video is not tracked yet."""
    own: OwnMasks | None = None
    """Where the model's own first-frame masks of it lie, if it has some; a changed video is tracked from them again."""
    all_questions: tuple[Question, ...] = ()
    """All its questions: what is asked when the video turns out to have changed."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What one job made: only the records that are new."""

    sample_id: str
    """The sample."""
    seed: int
    """The seed."""
    truth: Truth | None = None
    """Its truth, where the source knows."""
    stills: Stills | None = None
    """Its poster and strip, which lie in the run folder by then."""
    video: Video | None = None
    """The video."""
    grounding: Grounding | None = None
    """Where its instances are in the first frame, of a text-to-video model."""
    tracks: Tracks | None = None
    """Its tracks."""
    detections: Detections | None = None
    """Its detections."""
    consistency: Consistency | None = None
    """Its consistency."""
    answers: list[Answer] = field(default_factory=list)
    """Its answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is still to be asked about one video, of a judge that is not asked where videos are seen."""

    request: JudgeRequest
    """All of it, pictures included."""

    @property
    def sample_id(self) -> str:
        """The sample."""
        return self.request.sample.id

    @property
    def seed(self) -> int:
        """The seed."""
        return self.request.video.seed


Outcome: TypeAlias = Result | Pending
"""What comes of a job: what it made, or what a judge is still to be asked; a job may give one of each, in this order."""
