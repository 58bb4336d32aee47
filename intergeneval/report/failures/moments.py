"""The frames that show a failure, read from the video that was scored, outlined where masks are stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from intergeneval.errors import MediaError, RecordError
from intergeneval.masks import decode
from intergeneval.records import Fit, Sample, Tracks, Video
from intergeneval.report.load import LoadedRun, Take
from intergeneval.report.media import MediaFolder
from intergeneval.videos import Frame, Reader, outlined

LARGEST, SMALLEST = 480, 240
"""Longest side of a picture on a card, and the shortest that its longest side may be, in pixels."""
AROUND = 1.0
"""Seconds that a clip begins before the first of its frames, and goes on after the last."""
MOST_CLIP = 48
"""Frames of a clip at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Which frames of a video show a failure."""

    frames: tuple[int, ...]
    """Before, deciding, after; beginning, middle, end where no single frame decides. Rising, at most three."""
    marked: int | None
    """The one that the evidence names."""
    clip: tuple[int, int]
    """First frame of the clip, and the frame after its last."""
    note: str = ""
    """What a reader should know of the choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a video shows of a failure."""

    moment: Moment
    """Which frames."""
    pictures: Mapping[int, Frame]
    """The frames by index, outlined and brought to the size of a card: those of the moment and of its clip."""
    fps: float
    """Frame rate; 0 where it is not known."""
    times: tuple[float, ...]
    """Seconds to each frame where the rate varies."""
    note: str = ""
    """Why there are no pictures, or no outlines, in one sentence."""

    def when(self, frame: int) -> str:
        """Return where a frame stands, in words."""
        if self.times and frame < len(self.times):
            return f"frame {frame} · {self.times[frame]:.2f} s"
        return f"frame {frame} · {frame / self.fps:.2f} s" if self.fps else f"frame {frame}"


def moment_of(frame: int | None, sampled: Sequence[int], length: int, fps: float) -> Moment:
    """Return the frames that show a failure: the named one between the sampled frames around it, or three over the video."""
    note = ""
    if frame is not None and frame >= length:
        frame, note = None, f"the evidence names frame {frame}, and the video has {length} frames"
    if frame is None:
        chosen: tuple[int, ...] = tuple(dict.fromkeys((0, (length - 1) // 2, length - 1)))
        note = note or "no single frame decides: beginning, middle and end"
    else:
        pool = sorted({frame, *(index for index in sampled if index < length)})
        if len(pool) < 3:
            pool = sorted({*pool, *range(max(frame - 2, 0), min(frame + 3, length))})
        start = min(max(pool.index(frame) - 1, 0), max(len(pool) - 3, 0))
        chosen = tuple(pool[start : start + 3])
    more = math.ceil(AROUND * fps) if fps else 0
    first, last = max(chosen[0] - more, 0), min(chosen[-1] + more, length - 1)
    if last - first >= MOST_CLIP:
        middle = chosen[len(chosen) // 2] if frame is None else frame
        first = min(max(middle - MOST_CLIP // 2, 0), max(length - MOST_CLIP, 0))
        last = min(first + MOST_CLIP, length) - 1
    return Moment(frames=chosen, marked=frame, clip=(first, last + 1), note=note)


def look(run: LoadedRun, take: Take, frames: Sequence[int | None], media: MediaFolder) -> list[Seen]:
    """Return what a video shows at each of the named frames (None: of it as a whole), decoded once.

    A video that is not there, changed, or cannot be decoded gives notes that say so in the place of pictures.
    """
    video, sample = take.video, run.samples[take.video.sample_id]
    path, why = media.find(video, run.header, run.folder)
    length = video.frames or max((len(track.masks) for track in (take.tracks.tracks if take.tracks else ())), default=0)
    moments = [moment_of(frame, video.sampled, max(length, 1), video.fps) for frame in frames]
    if path is None:
        return [_seen(video, moment, {}, why) for moment in moments]
    tracks, unmasked = _tracks_of(take)
    wanted = {index for moment in moments for index in (*moment.frames, *range(*moment.clip))}
    try:
        pictures, damaged = _read(path, video, sample, tracks, wanted)
    except MediaError as error:
        return [_seen(video, moment, {}, f"the video cannot be decoded here: {error}") for moment in moments]
    note = damaged or unmasked
    return [_seen(video, moment, pictures, note) for moment in moments]


def _seen(video: Video, moment: Moment, pictures: Mapping[int, Frame], note: str) -> Seen:
    return Seen(moment=moment, pictures=pictures, fps=video.fps, times=video.times, note=note)


def _tracks_of(take: Take) -> tuple[Tracks | None, str]:
    try:
        tracks = take.tracks
    except RecordError as error:
        return None, f"no outlines: {error}"
    if tracks is None:
        return None, "no outlines: the run stored no masks of this video"
    if tracks.status != "ok":
        return None, f"no outlines: {tracks.reason or 'the tracker gave up'}"
    return tracks, ""


def _read(path: Path, video: Video, sample: Sample, tracks: Tracks | None, wanted: set[int]) -> tuple[dict[int, Frame], str]:
    """Return the wanted frames, outlined and at a card's size, and why outlines are missing where they are."""
    fit = "crop" if video.fit is Fit.CROP else "scale"
    reader = Reader(path, size=video.size if all(video.size) else None, fit=fit, keep=False)
    found: dict[int, Frame] = {}
    note, last = "", max(wanted)
    for index, frame in enumerate(reader):
        if index in wanted:
            drawn, said = _outlined(frame, index, tracks, sample)
            found[index], note = sized(drawn), note or said
        if index >= last:
            break
    return found, note


def _outlined(frame: Frame, index: int, tracks: Tracks | None, sample: Sample) -> tuple[Frame, str]:
    if tracks is None:
        return frame, ""
    if tuple(tracks.size) != frame.shape[:2]:
        return frame, f"no outlines: the masks are of {tracks.size[1]}x{tracks.size[0]}, the video of another size"
    colours = {item.id: item.colour for item in sample.instances}
    masks = {}
    for track in tracks.tracks:
        if track.instance_id not in colours or index >= len(track.masks) or track.boxes[index] is None:
            continue
        try:
            masks[track.instance_id] = decode(track.masks[index], tracks.size)
        except (ValueError, IndexError) as error:
            return frame, f"no outlines: the mask of {track.instance_id} at frame {index} is damaged ({error})"
    return outlined(frame, {}, colours, masks), ""


def sized(frame: Frame) -> Frame:
    """Return a frame at a card's size: as it is where that fits, a small one in whole multiples, a large one made smaller."""
    longest = max(frame.shape[:2])
    if longest < SMALLEST:
        times = math.ceil(SMALLEST / longest)
        return frame.repeat(times, axis=0).repeat(times, axis=1)
    if longest <= LARGEST:
        return frame.copy()
    share = LARGEST / longest
    height, width = (max(round(side * share), 1) for side in frame.shape[:2])
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
