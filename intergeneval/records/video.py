"""What was seen: videos, and instance tracks through them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records.codec import LATER, Record
from intergeneval.records.limits import Counts, Frames, Id, Inside, Size

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels; x1 and y1 are exclusive."""


class VideoStatus(enum.StrEnum):
    """Whether a video can be scored."""

    OK = "ok"
    MISSING = "missing"
    UNDECODABLE = "undecodable"
    FOREIGN_FIRST_FRAME = "foreign_first_frame"
    """Decoded, but its first frame is another picture than the benchmark's."""


class Fit(enum.StrEnum):
    """How the video's frames were brought to the size of the benchmark's first frame."""

    EXACT = "exact"
    SCALE = "scale"
    CROP = "crop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Record):
    """One video of one sample and seed, as it was decoded."""

    sample_id: Id
    """The sample it answers."""
    seed: int
    """The generator's seed; 0 where the source knows none."""
    status: VideoStatus
    """ok, missing, or undecodable."""
    reason: str = ""
    """Why it is missing or undecodable, in one sentence; empty when ok."""
    path: Inside = ""
    """Where the file or frame folder lies: relative to the model folder, or to the run folder when generated."""
    generated: bool = False
    """Whether the run wrote the file itself, inside its own folder."""
    sha256: str = ""
    """Hash of the file's bytes (of all frames' bytes for a folder of frames)."""
    size: Size = (0, 0)
    """Height and width in which it was judged (the benchmark's), in pixels."""
    source_size: Size = (0, 0)
    """Height and width as stored, after the rotation flag was applied, in pixels."""
    fit: Fit = Fit.EXACT
    """How `source_size` was brought to `size`."""
    frames: Frames = 0
    """Number of decoded frames."""
    fps: float = 0.0
    """Mean frame rate, frames per second (frames over duration, also for variable rates)."""
    sampled: tuple[Frames, ...] = ()
    """Indices of the frames a judge sees, rising, from 0 to the last."""
    notes: tuple[str, ...] = ()
    """What else was done to it, such as ``rotated 90`` or ``alpha over grey``."""
    times: tuple[float, ...] = field(default=(), metadata=LATER)
    """Seconds from the first frame to each, to the microsecond, where the rate varies; empty where frames come in even steps."""
    window: tuple[int, int, int, int] | None = field(default=None, metadata=LATER)
    """Top, left, height and width, in the pixels of a video that the run made, of the part in which the model was given the first
    frame with black around it; that part is what is judged. None where it was given the whole frame, or no first frame."""


class TrackState(enum.StrEnum):
    """What is known of an instance in one frame (protocol, section 1)."""

    VISIBLE = "visible"
    LEFT = "left"
    OCCLUDED = "occluded"
    VANISHED = "vanished"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track(Record):
    """One instance through all frames of one video; every tuple has one entry a frame."""

    instance_id: Id
    """The instance it follows."""
    masks: tuple[Counts, ...]
    """COCO run-length counts of its mask per frame, at the video's size; an empty mask where not visible."""
    boxes: tuple[Box | None, ...]
    """Tight box per frame; None where the mask is empty."""
    areas: tuple[int, ...]
    """Mask area per frame, in pixels."""
    confidence: tuple[float, ...]
    """The tracker's own belief that the mask is right, 0 to 1."""
    states: tuple[TrackState, ...]
    """State per frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks(Record):
    """All instance tracks of one video: one line of ``tracks.jsonl``."""

    sample_id: Id
    """The sample."""
    seed: int
    """The seed."""
    tracker: str
    """Name of the tracker that made them."""
    size: Size
    """Height and width of the masks, in pixels."""
    tracks: tuple[Track, ...]
    """One track an instance, in the sample's order."""
    anchor: Frames = 0
    """Frame whose masks were given."""
    fps: float = 0.0
    """Frame rate of the video, frames per second."""
    status: str = "ok"
    """``ok`` or ``failed``: the tracker gave up on the whole video."""
    reason: str = ""
    """Why it failed; of tracks that stand, why an instance has none (it was not found in the first frame)."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how they were made, such as chunking."""
    video: str = ""
    """sha256 of the video they were made from; records of another version of it are stale."""

    def track(self, instance_id: str) -> Track | None:
        """Return the track of that instance, or None."""
        return next((item for item in self.tracks if item.instance_id == instance_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection(Record):
    """One object found in one frame."""

    class_: str
    """Class it was found as; JSON field ``class``."""
    box: Box
    """Its box."""
    score: float
    """The detector's confidence, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections(Record):
    """Objects of the listed classes in the sampled frames of one video: one line of ``detections.jsonl``."""

    sample_id: Id
    """The sample."""
    seed: int
    """The seed."""
    detector: str
    """Name of the detector."""
    frames: tuple[Frames, ...]
    """Frame indices that were looked at."""
    found: tuple[tuple[Detection, ...], ...]
    """What was found, per frame of `frames`."""
    status: str = "ok"
    """``ok`` or ``failed``."""
    reason: str = ""
    """Why it failed."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Seconds and the like; never compared."""
    video: str = ""
    """sha256 of the video they were made from; records of another version of it are stale."""
