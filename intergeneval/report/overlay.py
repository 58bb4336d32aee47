"""Tracks to what a page can carry: outlines at the sampled frames, runs of states, and frames in contact.

Whole run-length masks of a large report would be gigabytes; outlines simplified to under one pixel are kilobytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval import masks
from intergeneval.errors import RecordError
from intergeneval.records import Box, Sample, Track, Tracks, TrackState

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
    decoded = {track.instance_id: [_mask(tracks, track, frame) for frame in kept] for track in tracks.tracks}
    lanes = tuple(
        Lane(
            instance_id=track.instance_id,
            outlines=tuple(
                outline(mask, _crop(track.boxes[frame], 0, tracks.size))
                for frame, mask in zip(kept, decoded[track.instance_id], strict=True)
            ),
            spans=spans(track.states),
        )
        for track in tracks.tracks
    )
    pairs = dict.fromkeys((item.subject, item.object) for item in sample.interactions)
    touches = []
    for subject, target in pairs:
        first, second = tracks.track(subject or ""), tracks.track(target or "")
        if first is None or second is None or first is second:
            continue
        touching = tuple(
            frame
            for place, frame in enumerate(kept)
            if _touch(
                (decoded[first.instance_id][place], first.boxes[frame]),
                (decoded[second.instance_id][place], second.boxes[frame]),
                reach,
            )
        )
        touches.append(Touch(subject=first.instance_id, object=second.instance_id, frames=touching))
    return Overlay(
        size=tracks.size, frames=kept, length=length, lanes=lanes, touches=tuple(touches), touch_px=reach
    )


def spans(states: Sequence[TrackState]) -> tuple[tuple[str, int, int], ...]:
    """Return runs of equal state as (state, first frame, frame after the last)."""
    found: list[tuple[str, int, int]] = []
    for frame, state in enumerate(states):
        if found and found[-1][0] == state.value:
            found[-1] = (state.value, found[-1][1], frame + 1)
        else:
            found.append((state.value, frame, frame + 1))
    return tuple(found)


def outline(mask: masks.Mask, crop: tuple[int, int, int, int] | None) -> str:
    """Return the outline of a mask (H, W) as an SVG path in pixels, holes included; empty for an empty mask.

    `crop` is x0, y0, x1, y1 around all its pixels.
    """
    if crop is None:
        return ""
    left, top, right, bottom = crop
    # One pixel of margin, so that outlines at the crop's edge close as they do inside.
    inside = np.pad(mask[top:bottom, left:right].view(np.uint8), 1)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return "".join(_path(cv2.approxPolyDP(contour, SIMPLIFY_PX, True)[:, 0, :] + (left - 1, top - 1)) for contour in contours)


def _path(points: npt.NDArray[np.intp]) -> str:
    """Return one closed ring as a path with relative steps, the shortest way to write it."""
    if len(points) < 3:
        # A speck of one or two pixels still has to be seen.
        x, y = (int(value) for value in points[0])
        return f"M{x} {y}h1v1h-1z"
    steps = "".join(f"{int(dx)} {int(dy)} " for dx, dy in np.diff(points, axis=0))
    return f"M{int(points[0][0])} {int(points[0][1])}l{steps.strip()}z"


def _mask(tracks: Tracks, track: Track, frame: int) -> masks.Mask:
    where = f"tracks of {tracks.sample_id}, seed {tracks.seed}, instance {track.instance_id}, frame {frame}"
    try:
        return masks.decode(track.masks[frame], tracks.size)
    except (ValueError, IndexError) as error:
        raise RecordError(f"{where}: {error}; track the video again") from None


def _crop(box: Box | None, margin: int, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    if box is None:
        return None
    height, width = size
    left, top = max(int(box[0]) - margin, 0), max(int(box[1]) - margin, 0)
    right, bottom = min(int(np.ceil(box[2])) + margin, width), min(int(np.ceil(box[3])) + margin, height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _touch(first: tuple[masks.Mask, Box | None], second: tuple[masks.Mask, Box | None], reach: int) -> bool:
    """Return whether two masks come within `reach` pixels of each other; boxes rule most frames out."""
    (mask, box), (other, other_box) = first, second
    near = _crop(box, reach, (mask.shape[0], mask.shape[1]))
    far = _crop(other_box, 0, (mask.shape[0], mask.shape[1]))
    if near is None or far is None:
        return False
    left, top, right, bottom = max(near[0], far[0]), max(near[1], far[1]), min(near[2], far[2]), min(near[3], far[3])
    if left >= right or top >= bottom:
        return False
    height, width = mask.shape
    window = (max(top - reach, 0), min(bottom + reach, height), max(left - reach, 0), min(right + reach, width))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    grown = cv2.dilate(mask[window[0] : window[1], window[2] : window[3]].astype(np.uint8), kernel)
    return bool(np.any(grown.astype(bool) & other[window[0] : window[1], window[2] : window[3]]))
