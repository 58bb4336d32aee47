"""Emergence: a frame shows more objects of a listed class without a box than frame 0 did (protocol, section 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from intergeneval.consistency import thresholds
from intergeneval.masks import box_iou
from intergeneval.records import Box, Detection, Detections, Sample, Tracks, TrackState


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergence:
    """What detections say about one video."""

    values: tuple[bool | None, ...]
    """Per asked frame; None: no statement."""
    reasons: tuple[str, ...]
    """Per asked frame; empty where nothing emerged."""
    failure: str = ""
    """Why the detector's work is incomplete, in one sentence: it failed, or left frames out; empty where it looked at all."""


def assess(sample: Sample, tracks: Tracks, detections: Detections, frames: Sequence[int]) -> Emergence:
    """Return emergence at `frames`, counted by class, every detection matched to at most one instance.

    A frame has no statement when detection failed, when it or frame 0 was not looked at, or when a lost instance of the class
    could be the surplus object. The last is all that can be known; the others are a `failure`, which another try may mend.
    """
    found = dict(zip(detections.frames, detections.found, strict=True)) if detections.status == "ok" else {}
    failure = _failure(detections, [frame for frame in (0, *frames) if frame not in found])
    if 0 not in found:
        text = f"no statement on emergence: {failure}"
        return Emergence(values=(None,) * len(frames), reasons=(text,) * len(frames), failure=failure)
    classes = sorted({item.class_ for item in sample.instances})
    before = {name: _unboxed(sample, tracks, found[0], 0, name) for name in classes}
    values: list[bool | None] = []
    reasons = []
    for frame in frames:
        value, reason = _frame(sample, tracks, found.get(frame), frame, before)
        values.append(value)
        reasons.append(reason)
    return Emergence(values=tuple(values), reasons=tuple(reasons), failure=failure)


def until_cut(found: Emergence, frames: Sequence[int], cut: int) -> Emergence:
    """Return the statements with none from a cut on: what another shot shows did not emerge."""
    reason = f"no statement on emergence: another shot begins at frame {cut}"
    return replace(
        found,
        values=tuple(value if frame < cut else None for frame, value in zip(frames, found.values, strict=True)),
        reasons=tuple(why if frame < cut else reason for frame, why in zip(frames, found.reasons, strict=True)),
    )


def _failure(detections: Detections, unseen: Sequence[int]) -> str:
    if detections.status != "ok":
        return f"detection failed: {detections.reason or 'the detector gave no reason'}"
    named = f"frame{'s' if len(unseen) > 1 else ''} {', '.join(map(str, unseen))}"
    return f"the detector did not look at {named}" if unseen else ""


def _frame(
    sample: Sample, tracks: Tracks, found: Sequence[Detection] | None, frame: int, before: Mapping[str, int]
) -> tuple[bool | None, str]:
    if found is None:
        return None, "no statement on emergence: the detector did not look at this frame"
    unsure = ""
    for name, at_start in before.items():
        surplus = _unboxed(sample, tracks, found, frame, name) - at_start
        lost = sum(_state(tracks, item.id, frame) is TrackState.LOST for item in sample.instances if item.class_ == name)
        if surplus > lost:
            return True, f"{surplus} more {name} without a box than in frame 0"
        if surplus > 0:
            unsure = f"no statement on emergence: a surplus {name} may be the lost one"
    return (None, unsure) if unsure else (False, "")


def _unboxed(sample: Sample, tracks: Tracks, found: Sequence[Detection], frame: int, name: str) -> int:
    """Return how many distinct detections of a class match no instance of it."""
    boxes = _distinct([item for item in found if item.class_ == name])
    places = [_place(tracks, item.id, frame) for item in sample.instances if item.class_ == name]
    seats = [place for place in places if place is not None]
    if not boxes or not seats:
        return len(boxes)
    fit = np.array([[_fit(item, seat) for seat in seats] for item in boxes])
    rows, columns = linear_sum_assignment(fit, maximize=True)
    return len(boxes) - int(np.count_nonzero(fit[rows, columns] > 0))


def _distinct(found: Sequence[Detection]) -> list[Box]:
    kept: list[Box] = []
    for item in sorted(found, key=lambda item: -item.score):
        if all(box_iou(item.box, other) < thresholds.SAME_DETECTION_IOU for other in kept):
            kept.append(item.box)
    return kept


def _fit(first: Box, second: Box) -> float:
    """Return how well two boxes match, 0 where they do not: their IoU, plus what the smaller has inside the larger."""
    iou = box_iou(first, second)
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    smaller = min((item[2] - item[0]) * (item[3] - item[1]) for item in (first, second))
    cover = max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 0.0
    if iou < thresholds.MATCH_IOU and cover < thresholds.MATCH_COVER:
        return 0.0
    return iou + 0.1 * cover


def _state(tracks: Tracks, instance_id: str, frame: int) -> TrackState:
    track = tracks.track(instance_id)
    return track.states[frame] if track is not None and frame < len(track.states) else TrackState.LOST


def _place(tracks: Tracks, instance_id: str, frame: int) -> Box | None:
    """Return an instance's box in a frame; the last one before it while it is occluded (a detector may see more of it)."""
    track = tracks.track(instance_id)
    if track is None or frame >= len(track.boxes):
        return None
    if track.states[frame] is TrackState.OCCLUDED:
        return next((track.boxes[index] for index in range(frame, -1, -1) if track.boxes[index] is not None), None)
    return track.boxes[frame]
