"""Tracks to what a page can carry: outlines at the sampled frames, runs of states, and frames in contact.

Whole run-length masks of a large report would be gigabytes; outlines simplified to under one pixel are kilobytes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval import masks
from intergeneval.errors import RecordError
from intergeneval.records import Box, Interaction, Sample, Track, Tracks, TrackState

SIMPLIFY_PX = 0.9
"""Largest distance of a simplified outline from the mask's own, in pixels."""
TOUCH_SHARE = 0.005
"""Two masks count as touching when their gap is at most this share of the frame's diagonal (at least one pixel)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One instance through one video, for drawing."""

    instance_id: str
    """The instance."""
    outlines: tuple[str, ...]
    """SVG path of its mask at each sampled frame, in pixels; empty where there is none."""
    spans: tuple[tuple[str, int, int], ...]
    """(state, first frame, frame after the last): runs of equal state over all frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """When the two sides of an interaction touch."""

    subject: str
    """Instance id of the subject."""
    object: str
    """Instance id of the object."""
    frames: tuple[int, ...]
    """Sampled frames at which their masks touch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What is drawn over and under one video."""

    size: tuple[int, int]
    """Height and width of the outlines, in pixels."""
    frames: tuple[int, ...]
    """The sampled frames the outlines belong to."""
    length: int
    """Frames of the video."""
    lanes: tuple[Lane, ...]
    """One lane an instance."""
    touches: tuple[Touch, ...]
    """One entry a pair of subject and object."""
    touch_px: int
    """Largest gap that counts as touching, in pixels."""


def overlay_of(tracks: Tracks, frames: Sequence[int], sample: Sample) -> Overlay:
    """Return outlines, states and contacts of one video's tracks at `frames`.

    Raises RecordError where a stored mask is damaged or the tracks are shorter than the frames.
    """
    length = max((len(track.masks) for track in tracks.tracks), default=0)
    kept = tuple(frame for frame in frames if frame < length)
    reach = max(1, round(TOUCH_SHARE * float(np.hypot(*tracks.size))))
    lanes = tuple(
        Lane(
            instance_id=track.instance_id,
            outlines=_outlines(tracks, track, kept),
            spans=spans(track.states),
        )
        for track in tracks.tracks
    )
    pairs = dict.fromkeys(pair for item in sample.interactions for pair in _pairs(item))
    touches: list[Touch] = []
    for subject, target in pairs:
        first, second = tracks.track(subject or ""), tracks.track(target or "")
        if first is None or second is None or first is second:
            continue
        touching = tuple(frame for frame in kept if _touch(tracks, (first, second), frame, reach))
        touches.append(Touch(subject=first.instance_id, object=second.instance_id, frames=touching))
    return Overlay(size=tracks.size, frames=kept, length=length, lanes=lanes, touches=tuple(touches), touch_px=reach)


def _pairs(item: Interaction) -> Iterator[tuple[str | None, str | None]]:
    """Give who is looked at for contact: the two sides, and whoever the fields name in the place of one of them."""
    for actor in dict.fromkeys((item.subject, item.instrument or item.subject)):
        for target in (item.object, *item.alternatives):
            yield actor, target
    if item.destination is not None:
        yield item.object, item.destination


def spans(states: Sequence[TrackState]) -> tuple[tuple[str, int, int], ...]:
    """Return runs of equal state as (state, first frame, frame after the last)."""
    found: list[tuple[str, int, int]] = []
    for state, frames in itertools.groupby(states):
        start = found[-1][2] if found else 0
        found.append((state.value, start, start + sum(1 for _ in frames)))
    return tuple(found)


def _outlines(tracks: Tracks, track: Track, frames: Sequence[int]) -> tuple[str, ...]:
    """Return the outline at each frame; what stands still has one mask for many frames, and is drawn once."""
    drawn: dict[tuple[str, Box | None], str] = {}
    for frame in frames:
        key = (track.masks[frame], track.boxes[frame])
        if key not in drawn:
            drawn[key] = outline(tracks, track, frame)
    return tuple(drawn[track.masks[frame], track.boxes[frame]] for frame in frames)


def outline(tracks: Tracks, track: Track, frame: int) -> str:
    """Return the outline of a track's mask at a frame as an SVG path in pixels, holes included; empty for an empty mask.

    Raises RecordError where the mask is damaged.
    """
    window = _window(track.boxes[frame], 0, tracks.size)
    if window is None:
        return ""
    # One pixel of margin, so that outlines at the window's edge close as they do inside.
    inside = np.zeros((window[3] - window[1] + 2, window[2] - window[0] + 2), dtype=np.uint8)
    inside[1:-1, 1:-1] = _mask(tracks, track, frame, window)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    corner = np.array([window[0] - 1, window[1] - 1], dtype=np.int32)
    rings = (np.asarray(cv2.approxPolyDP(contour, SIMPLIFY_PX, True), dtype=np.int32)[:, 0, :] for contour in contours)
    return "".join(_path(ring + corner) for ring in rings)


def _path(points: npt.NDArray[np.int32]) -> str:
    """Return one closed ring as a path with relative steps, the shortest way to write it."""
    x, y = points[0].tolist()
    if len(points) < 3:
        # A speck of one or two pixels still has to be seen.
        return f"M{x} {y}h1v1h-1z"
    steps = " ".join(map(str, (points[1:] - points[:-1]).ravel().tolist()))
    return f"M{x} {y}l{steps}z"


Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels; x1 and y1 are exclusive."""


def _mask(tracks: Tracks, track: Track, frame: int, window: Window) -> masks.Mask:
    try:
        return masks.decode(track.masks[frame], tracks.size, window)
    except (ValueError, IndexError) as error:
        where = f"tracks of {tracks.sample_id}, seed {tracks.seed}, instance {track.instance_id}, frame {frame}"
        raise RecordError(f"{where}: {error}; track the video again") from None


def _window(box: Box | None, margin: int, size: tuple[int, int]) -> Window | None:
    """Return the whole pixels of a box grown by `margin`, inside the frame; None where nothing is left."""
    if box is None:
        return None
    height, width = size
    left, top = max(int(box[0]) - margin, 0), max(int(box[1]) - margin, 0)
    right, bottom = min(math.ceil(box[2]) + margin, width), min(math.ceil(box[3]) + margin, height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _touch(tracks: Tracks, pair: tuple[Track, Track], frame: int, reach: int) -> bool:
    """Return whether two masks come within `reach` pixels of each other at a frame; boxes rule most frames out."""
    first, second = pair
    grown = _window(first.boxes[frame], reach, tracks.size)
    other = _window(second.boxes[frame], 0, tracks.size)
    if grown is None or other is None:
        return False
    shared = (max(grown[0], other[0]), max(grown[1], other[1]), min(grown[2], other[2]), min(grown[3], other[3]))
    window = _window(shared, reach, tracks.size) if shared[0] < shared[2] and shared[1] < shared[3] else None
    if window is None:
        return False
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = cv2.dilate(_mask(tracks, first, frame, window).view(np.uint8), kernel)
    return bool(np.any(near.view(np.bool_) & _mask(tracks, second, frame, window)))
