"""Doubles without a detector: a second place that shows an instance's look and stays is told, with how sure that is.

It is evidence of emergence for people and no assessment: it sees doubles alone, of instances that have colours of their own, and
a run that has nothing better stays partial. Masks are not leant on, for where a double appears they are the first to go wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.consistency import thresholds
from intergeneval.consistency.looks import Look, Looks
from intergeneval.masks import Mask
from intergeneval.records import Box, Sample, Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Double:
    """A second place with an instance's look in one frame."""

    box: Box
    share: float
    """Its pixels of that look over those of the instance in frame 0."""


def sightings(sample: Sample, looks: Looks) -> tuple[Sighting, ...]:
    """Return the doubles that stay for two sampled frames in a row or more, in the order of the instances."""
    found = []
    for item in sample.instances:
        look = looks.looks.get(item.id)
        if look is None or not look.telling:
            continue
        known = _known(looks, item.id, look)
        doubles = {frame: double for frame in looks.frames if (double := _double(looks, item.id, known, frame)) is not None}
        found += [_sighting(item.id, item.class_, run, doubles) for run in _runs(looks.frames, doubles)]
    return tuple(found)


def _sighting(instance_id: str, name: str, run: Sequence[int], doubles: dict[int, _Double]) -> Sighting:
    share = float(np.mean([doubles[frame].share for frame in run]))
    # Half of it for staying twice; the rest for how much of the look is there, and for how long.
    sure = 0.5 + 0.25 * min(1.0, share) + 0.25 * min(1.0, (len(run) - thresholds.DOUBLE_FRAMES) / 3)
    return Sighting(
        instance_id=instance_id,
        class_=name,
        frames=tuple(run),
        boxes=tuple(doubles[frame].box for frame in run),
        confidence=round(sure, 3),
    )


def _runs(frames: Sequence[int], doubles: dict[int, _Double]) -> list[list[int]]:
    """Return the runs of neighbouring sampled frames that show a double, long enough to count."""
    runs: list[list[int]] = [[]]
    for frame in frames:
        if frame in doubles:
            runs[-1].append(frame)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) >= thresholds.DOUBLE_FRAMES]


def _known(looks: Looks, instance_id: str, look: Look) -> int:
    """Return how many places of frame 0 have that look."""
    _, before = _places(looks.like(instance_id, 0), thresholds.DOUBLE_GAP * look.size)
    return int(np.count_nonzero(before[1:] >= thresholds.DOUBLE_SHARE * look.area / 2))


def _double(looks: Looks, instance_id: str, known: int, frame: int) -> _Double | None:
    """Return the second place with that look in a frame, if there are more such places and more of that look than in frame 0.

    `known` is how many such places frame 0 has.
    """
    look = looks.looks[instance_id]
    like = looks.like(instance_id, frame)
    own = looks.masks[instance_id][frame]
    if own.any() and like[own].mean() < thresholds.DOUBLE_SELF * look.share:
        # What is followed as the instance does not look like it: neither its look nor its place can be trusted.
        return None
    least = thresholds.DOUBLE_SHARE * look.area
    labels, sizes = _places(like, thresholds.DOUBLE_GAP * look.size)
    here = [place for place in range(1, len(sizes)) if sizes[place] >= least]
    if len(here) <= max(1, known) or sizes[1:].sum() < thresholds.DOUBLE_TOTAL * look.area:
        return None
    taken = np.zeros_like(like)
    for name, every in looks.masks.items():
        taken |= every[frame] & (name != instance_id)
    spots = {place: (labels == place) & like for place in here}
    place = min(spots, key=lambda at: (own[spots[at]].mean(), taken[spots[at]].mean(), np.count_nonzero(spots[at])))
    other = spots[place]
    if float(taken[other].mean()) > 0.5 or looks.likest(frame, labels == place) != instance_id:
        # Another instance that shares some of its colours.
        return None
    moved = np.abs(looks.lab[frame][other] - looks.lab[0][other]).sum(axis=1)
    if float(np.median(moved)) < thresholds.DOUBLE_CHANGE:
        return None
    rows, columns = np.nonzero(other)
    wide, high = looks.scale
    box = (
        float(columns.min() * wide),
        float(rows.min() * high),
        float((columns.max() + 1) * wide),
        float((rows.max() + 1) * high),
    )
    return _Double(box=box, share=float(np.count_nonzero(other) / look.area))


def _places(like: Mask, gap: float) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.intp]]:
    """Return which place each pixel belongs to (h, w), and how many pixels each place has; what is nearer than `gap` is one."""
    side = 2 * max(1, int(gap / 2)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    count, labels = cv2.connectedComponents(cv2.dilate(like.astype(np.uint8), kernel))
    return np.asarray(labels), np.bincount(labels[like], minlength=count)
