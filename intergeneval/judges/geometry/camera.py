"""Camera motion from tracks alone: what things that keep their shape and touch nothing do together.

A walking person changes shape and a pushed box touches somebody, so neither votes. A motion needs two voters, or a single one
that has touched nothing since the first frame; a still voter decides for a still camera. Without a voter the last motion goes on.
Only translation is read: a zoom of a few percent stays within the thresholds, a strong one does not (see the documentation).
"""

from __future__ import annotations

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.measurements import Flags, Floats, Scene


def estimate(scene: Scene) -> Floats:
    """Return the shift of the picture since the first measured frame, (T, 2) in pixels; zeros for a still camera."""
    count = len(scene.frames)
    names = [name for name, sight in scene.sights.items() if sight.visible.sum() >= 2]
    touching = {name: _touching(scene, name) for name in names}
    reach = max(1, scene.count(thresholds.CAMERA_SECONDS))
    steps = np.zeros((count, 2))
    last = np.zeros(2)
    for start in range(0, count - 1, reach):
        end = min(count - 1, start + reach)
        votes, fresh = [], []
        for name in names:
            motion = _rigid_motion(scene, name, start, end, touching[name])
            if motion is not None:
                votes.append(motion)
                fresh.append(not touching[name][: end + 1].any())
        motion = _winner(votes, fresh, end - start, scene)
        last = motion if motion is not None else last
        steps[start + 1 : end + 1] = last
    return np.cumsum(steps, axis=0)


def _touching(scene: Scene, name: str) -> Flags:
    """Return per frame whether an instance is in contact with any other."""
    flags = np.zeros(len(scene.frames), dtype=np.bool_)
    for other in scene.sights:
        if other != name:
            flags |= np.nan_to_num(scene.gap(name, other), nan=np.inf) <= scene.tolerance(name, other)
    return flags


def _rigid_motion(scene: Scene, name: str, start: int, end: int, touching: Flags) -> Floats | None:
    """Return the motion in pixels per frame of something that is free and keeps its shape; None otherwise."""
    sight = scene.sights[name]
    if touching[start : end + 1].any() or np.isnan(sight.centre[[start, end]]).any():
        return None
    shift = sight.centre[end] - sight.centre[start]
    if scene.change(name, end, start, shift=shift) > thresholds.RIGID_SHARE:
        return None
    return np.asarray(shift / (end - start), dtype=np.float64)


def _winner(votes: list[Floats], fresh: list[bool], frames: int, scene: Scene) -> Floats | None:
    """Return no motion where a voter is still, else the motion most share, the smaller on a tie; None where nobody may vote."""
    if not votes:
        return None
    tolerance = max(1.0, 0.004 * max(scene.shape)) / frames
    if any(float(np.hypot(*vote)) <= tolerance for vote in votes):
        return np.zeros(2)
    best, most = np.zeros(2), -1.0
    for candidate in sorted([np.zeros(2), *votes], key=lambda item: float(np.hypot(*item))):
        agree = [float(np.hypot(*(vote - candidate))) <= tolerance for vote in votes]
        moving = float(np.hypot(*candidate)) > tolerance
        alone = sum(agree) < 2 and not any(yes and new for yes, new in zip(agree, fresh, strict=True))
        if moving and alone:
            continue
        if sum(agree) > most:
            best, most = candidate, sum(agree)
    return best
