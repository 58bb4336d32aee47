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
    FAILED = "failed"
    """Nothing is known of it: what was to look at it ended under it, again and again. A resume tries again."""


class Fit(enum.StrEnum):
    """How the video's frames were brought to the size of the benchmark's first frame."""

    EXACT = "exact"
    SCALE = "scale"
    CROP = "crop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning(Record):
    """How a video's first frame lies against the benchmark's."""

    scale: tuple[float, float] = (1.0, 1.0)
    """How many times as wide and as high the benchmark's picture is in the video; (1, 1) where it stands in place."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Where its upper left corner lies in the video, in shares of the frame's width and height."""
    agreement: float
    """Share of the textured parts of the benchmark's picture that the video's first frame shows too, 0 to 1."""
    inside: float | None = None
    """The same of what lies inside the instances; None where that is too plain to tell."""
    mirrored: bool = False
    """Whether it is the benchmark's picture with left and right exchanged."""

    @property
    def distance(self) -> float:
        """How far apart the two pictures are, 0 (one picture) to 1 (nothing in common)."""
        return 1.0 - (self.agreement if self.inside is None else min(self.agreement, self.inside))

    @property
    def in_place(self) -> bool:
        """Whether masks of the benchmark's picture fit as they are."""
        return self.scale == (1.0, 1.0) and self.shift == (0.0, 0.0)

    @property
    def text(self) -> str:
        """Where the benchmark's picture lies in the video, in words."""
        (wide, high), (right, down) = self.scale, self.shift
        return (
            f"first frame: {wide:.3f} times as wide and {high:.3f} times as high as the benchmark's, its upper left corner at "
            f"{right:+.3f}, {down:+.3f} of the sides; masks were moved alike"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Record):
    """One video of one sample and seed, as it was decoded."""

    sample_id: Id
    """The sample it answers."""
    seed: int
    """The generator's seed; 0 where the source knows none."""
    status: VideoStatus
    """ok, or why nothing is known of it."""
    reason: str = ""
    """Why it is missing, undecodable or the like, in one sentence; empty when ok."""
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
    beginning: Beginning | None = field(default=None, metadata=LATER)
    """How its first frame lies against the benchmark's, where the two differ by more than what masks are drawn to; else None."""
    cuts: tuple[Frames, ...] = field(default=(), metadata=LATER)
    """Frames at which another shot begins, rising: nothing is said of the instances from the first on."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of its score should know of it, in words: cuts, and a first frame that was moved."""
        found = []
        if self.beginning is not None and self.status is VideoStatus.OK:
            found.append(self.beginning.text)
        if self.cuts:
            at = ", ".join(map(str, self.cuts))
            found.append(f"another shot begins at frame {at} of {self.frames}: instances are lost from the first cut on")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills(Record):
    """Two small pictures of one video, made while it was decoded: one line of ``stills.jsonl``.

    They lie in the run folder as ``stills/SAMPLE/SEED.webp`` and ``SEED.strip.webp``.
    """

    sample_id: Id
    """The sample."""
    seed: int
    """The seed."""
    frame: Frames
    """Frame that the poster shows."""
    strip: tuple[Frames, ...]
    """Frames that the strip shows from left to right: the first sampled one, two between, the last."""
    poster_size: Size
    """Height and width of the poster, in pixels."""
    strip_size: Size
    """Height and width of the strip, in pixels."""
    poster_sha256: str
    """Hash of the poster's bytes."""
    strip_sha256: str
    """Hash of the strip's bytes."""
    video: str
    """sha256 of the video they were made from; pictures of another version of it are stale."""


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
class Step(Record):
    """How something moves from one frame to the next, in pixels."""

    x: float
    """To the right."""
    y: float
    """Downward."""
    most: float = field(default=0.0, metadata=LATER)
    """Of an instance: how far the tenth of it goes that moves most, whichever way."""
    bend: float = field(default=0.0, metadata=LATER)
    """... and how far once it is laid over itself, moved, grown and turned as a whole: what its parts do."""
    zoom: float = field(default=0.0, metadata=LATER)
    """Of the camera: growth about the middle of the picture, 0 for none."""
    turn: float = field(default=0.0, metadata=LATER)
    """Of the camera: turn about the middle of the picture, clockwise, in radians."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion(Record):
    """What moves in a video, read from its pictures window by window; every tuple has one entry a window."""

    ends: tuple[Frames, ...]
    """Frame at which each window ends; the first begins at frame 0, and each other where the one before it ends."""
    camera: tuple[Step, ...]
    """What the surroundings of the instances do."""
    inside: Mapping[str, tuple[Step | None, ...]]
    """Instance id -> what is left of the motion inside its mask without the camera's; None where it is not seen."""


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
    motion: Motion | None = field(default=None, metadata=LATER)
    """What moves inside the masks and behind them, read from the pictures; None where nobody looked."""

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
