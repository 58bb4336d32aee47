"""Health of each track beside the score: drift, growth, jumps, teleports, pieces; swallowed, lost, regained elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from intergeneval import masks
from intergeneval.consistency import thresholds
from intergeneval.consistency.looks import Looks, spill, swallowed
from intergeneval.records import Box, Diagnostics, Track, Tracks, TrackState

Frame = npt.NDArray[np.uint8]


def diagnose(
    tracks: Tracks, track: Track, frames: Sequence[int], kept: Mapping[int, Frame] | None, times: Sequence[float] = ()
) -> Diagnostics:
    """Return the diagnostics of one track; `frames` are the sampled frames after 0, `kept` the RGB frames by index, if any.

    `times` are the seconds from the first frame to each of a video whose rate varies.
    """
    at = [frame for frame in frames if frame < len(track.states)]
    lost = len(frames) - len(at) + sum(track.states[frame] is TrackState.LOST for frame in at)
    seen = [
        frame
        for frame in sorted({tracks.anchor, *at})
        if frame < len(track.areas) and track.areas[frame] >= thresholds.LEAST_PIXELS
    ]
    drift, pieces = _look(tracks, track, seen, kept or {})
    return Diagnostics(
        instance_id=track.instance_id,
        appearance_drift=drift,
        area_jumps=area_jumps(tracks, track),
        teleports=teleports(tracks, track, times),
        fragmentation=pieces,
        lost_share=lost / len(frames) if frames else 0.0,
        growth=growth(tracks, track),
        regained_elsewhere=regained_elsewhere(track),
    )


def with_looks(found: Diagnostics, looks: Looks | None) -> Diagnostics:
    """Return the diagnostics with what the look of the instances tells besides: ground in its mask, and who swallowed it."""
    if looks is None:
        return found
    held = swallowed(looks, found.instance_id)
    by = Counter(name for _, name in held).most_common(1)
    return replace(
        found,
        spill=spill(looks, found.instance_id),
        swallowed=tuple(frame for frame, _ in held),
        swallowed_by=by[0][0] if by else "",
    )


def growth(tracks: Tracks, track: Track) -> float | None:
    """Return the largest area over that in the anchor frame; None where it is not seen in another frame."""
    given = track.areas[tracks.anchor] if tracks.anchor < len(track.areas) else 0
    later = [area for frame, area in enumerate(track.areas) if frame != tracks.anchor and area]
    return max(later) / given if given >= thresholds.LEAST_PIXELS and later else None


def regained_elsewhere(track: Track) -> tuple[int, ...]:
    """Return the frames at which it is visible again farther from where it was last seen than time out of sight allows."""
    found: list[int] = []
    last: int | None = None
    for frame, box in enumerate(track.boxes):
        if box is None:
            continue
        if last is not None and frame - last > 1:
            size = max(1.0, float(np.sqrt(max(track.areas[last], track.areas[frame]))))
            apart = float(np.hypot(*np.subtract(_centre(box), _centre(track.boxes[last])))) / size
            if apart > thresholds.REGAINED_SIZES + thresholds.REGAINED_SIZES_A_FRAME * (frame - last):
                found.append(frame)
        last = frame
    return tuple(found)


def area_jumps(tracks: Tracks, track: Track) -> tuple[int, ...]:
    """Return the frames whose area is AREA_JUMP times larger or smaller than the frame before.

    Frames in which the box meets the border or another instance's box are left out: there something else explains it.
    """
    jumps = []
    for frame in range(1, len(track.areas)):
        before, now = track.areas[frame - 1], track.areas[frame]
        if min(before, now) < thresholds.LEAST_PIXELS or max(before, now) < thresholds.AREA_JUMP * min(before, now):
            continue
        if not any(_explained(tracks, track, index) for index in (frame - 1, frame)):
            jumps.append(frame)
    return tuple(jumps)


def teleports(tracks: Tracks, track: Track, times: Sequence[float] = ()) -> tuple[int, ...]:
    """Return the frames at which the box centre moved implausibly far in one step.

    The step is TELEPORT_ISOLATION times larger than the steps within TELEPORT_SECONDS around it, and exceeds TELEPORT_SIZES
    instance sizes per frame since it was last seen. Two that stand closer than that to each other can only make a smaller one:
    from EXCHANGE_SIZES on it counts when each comes to stand where the other stood. Where the rate varies, a frame is as long as
    most are: what moved on while a picture was held did not jump.
    """
    clock, rate = _clock(len(track.boxes), times, tracks.fps or 8.0)
    frames, steps, size = _steps(track, clock)
    varies = len(times) == len(track.boxes)
    reach = max(1, round(thresholds.TELEPORT_SECONDS * rate))
    found = []
    for index in np.flatnonzero(steps > thresholds.EXCHANGE_SIZES * size):
        first, last = _within(clock[frames], int(index), reach) if varies else (index - reach, index + reach)
        around = np.concatenate([steps[max(0, first) : index], steps[index + 1 : last + 1]])
        if steps[index] <= thresholds.TELEPORT_ISOLATION * around.max(initial=0.0):
            continue
        others = (other for other in tracks.tracks if other is not track)
        if steps[index] > thresholds.TELEPORT_SIZES * size or any(
            _exchanged(track, other, frames[index + 1]) for other in others
        ):
            found.append(frames[index + 1])
    return tuple(found)


def _clock(count: int, times: Sequence[float], fps: float) -> tuple[npt.NDArray[np.float64], float]:
    """Return when each frame is shown, in frames as long as most are, and how many of those a second has."""
    if len(times) != count:
        return np.arange(count, dtype=np.float64), fps
    steps = np.diff(times)
    usual = float(np.median(steps[steps > 0]))
    # Two frames of one time, or nearly: a step over none of it would be of any speed.
    return np.concatenate([[0.0], np.cumsum(np.maximum(steps / usual, 0.25))]), 1.0 / usual


def _within(moments: npt.NDArray[np.float64], index: int, reach: int) -> tuple[int, int]:
    """Return the first and the last step within `reach` of a step, at least one before it and one after it."""
    first = int(np.searchsorted(moments, moments[index] - reach))
    last = int(np.searchsorted(moments, moments[index + 1] + reach, side="right")) - 2
    return min(first, index - 1), max(last, index + 1)


def _steps(track: Track, clock: npt.NDArray[np.float64]) -> tuple[list[int], npt.NDArray[np.float64], float]:
    """Return the frames that show an instance, its centre's steps between them in pixels per frame, and its size in pixels."""
    frames = [frame for frame, box in enumerate(track.boxes) if box is not None]
    if len(frames) < 3:
        return frames, np.zeros(0), 0.0
    centres = np.array([_centre(track.boxes[frame]) for frame in frames])
    steps = np.hypot(*np.diff(centres, axis=0).T) / np.diff(clock[frames])
    return frames, steps, float(np.sqrt(np.median([track.areas[frame] for frame in frames])))


def _exchanged(one: Track, other: Track, frame: int) -> bool:
    """Whether two instances stand at a frame where the other stood in the frame before."""
    boxes = [track.boxes[at] if at < len(track.boxes) else None for at in (frame - 1, frame) for track in (one, other)]
    if any(box is None for box in boxes):
        return False
    first, second, first_now, second_now = (np.array(_centre(box)) for box in boxes)
    step = min(float(np.hypot(*(first_now - first))), float(np.hypot(*(second_now - second))))
    missed = max(float(np.hypot(*(first_now - second))), float(np.hypot(*(second_now - first))))
    return missed <= thresholds.EXCHANGE_MISS * step


def _look(tracks: Tracks, track: Track, seen: Sequence[int], kept: Mapping[int, Frame]) -> tuple[float | None, float | None]:
    """Return (largest colour distance to the anchor, largest share of pixels outside the biggest piece)."""
    anchor = None
    distances, shares = [], []
    for frame in seen:
        mask = masks.decode(track.masks[frame], tracks.size)
        shares.append(_outside_biggest(mask))
        picture = kept.get(frame)
        if picture is None or picture.shape[:2] != mask.shape:
            continue
        histogram = _histogram(picture, mask)
        if frame == tracks.anchor:
            anchor = histogram
        distances.append((frame, histogram))
    if anchor is None or len(distances) < 2:
        return None, max(shares, default=None)
    far = max(_hellinger(anchor, histogram) for frame, histogram in distances if frame != tracks.anchor)
    return far, max(shares, default=None)


def _outside_biggest(mask: masks.Mask) -> float:
    pieces, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if count < 2:
        return 0.0
    sizes = np.bincount(pieces.ravel())[1:]
    return float(1.0 - sizes.max() / sizes.sum())


def _histogram(picture: Frame, mask: masks.Mask) -> npt.NDArray[np.float64]:
    """Return the smoothed Lab histogram of the pixels under a mask, summing to 1."""
    lab = cv2.cvtColor(picture[mask][None, :, :], cv2.COLOR_RGB2LAB)[0].astype(np.float64)
    # Everyday colours crowd the middle of 8-bit Lab: bins cover 64 to 192 of its axes, what lies beyond goes to the last one.
    lab[:, 1:] = np.clip(lab[:, 1:], 64, 191)
    ranges = ((0, 256), (64, 192), (64, 192))
    counts, _ = np.histogramdd(lab, bins=thresholds.DRIFT_BINS, range=ranges)
    smooth = np.asarray(ndimage.gaussian_filter(counts, thresholds.DRIFT_BLUR, mode="constant"), dtype=np.float64)
    return np.asarray(smooth / smooth.sum(), dtype=np.float64)


def _hellinger(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(max(0.0, 1.0 - float(np.sqrt(first * second).sum()))))


def _centre(box: Box | None) -> tuple[float, float]:
    assert box is not None
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _explained(tracks: Tracks, track: Track, frame: int) -> bool:
    """Whether border or another instance may hide part of it in this frame."""
    box = track.boxes[frame]
    if box is None:
        return True
    height, width = tracks.size
    if box[0] <= 1 or box[1] <= 1 or box[2] >= width - 1 or box[3] >= height - 1:
        return True
    others = (item.boxes[frame] for item in tracks.tracks if item is not track and frame < len(item.boxes))
    return any(other is not None and masks.box_iou(box, other) > 0 for other in others)
