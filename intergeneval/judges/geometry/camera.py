"""Camera motion from tracks alone: what things that keep their shape and touch nothing do together.

A running animal changes shape and a pushed box touches somebody, so neither votes: a voter keeps its shape wherever nothing touches
it. The motion that most voters share wins, the smaller one on a tie; a voter that stands still decides for a still camera, and a
single moving voter counts only while it has touched nothing since the first frame. Without a voter the last motion goes on. Only
translation is read: a zoom of a few percent stays within the thresholds, a strong one does not (see the documentation).
"""

from __future__ import annotations

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.measurements import Flags, Floats, Scene


def estimate(scene: Scene) -> Floats:
    """Return the shift of the picture since the first measured frame, (T, 2) in pixels; zeros for a still camera."""
    count = len(scene.frames)
    reach = max(1, scene.count(thresholds.CAMERA_SECONDS))
    windows = [(start, min(count - 1, start + reach)) for start in range(0, count - 1, reach)]
    touching = {name: _touching(scene, name) for name in scene.sights}
    ballots: list[list[tuple[Floats, bool]]] = [[] for _ in windows]
    for name in scene.sights:
        motions = [_motion(scene, name, window, touching[name]) for window in windows]
        if any(motion is not None and motion[1] > thresholds.RIGID_SHARE for motion in motions):
            continue
        for ballot, window, motion in zip(ballots, windows, motions, strict=True):
            if motion is not None:
                ballot.append((motion[0], not touching[name][: window[1] + 1].any()))
    steps = np.zeros((count, 2))
    last = np.zeros(2)
    for ballot, (start, end) in zip(ballots, windows, strict=True):
        motion_now = _winner(ballot, end - start, scene)
        last = motion_now if motion_now is not None else last
        steps[start + 1 : end + 1] = last
    return np.cumsum(steps, axis=0)


def _touching(scene: Scene, name: str) -> Flags:
    """Return per frame whether an instance is in contact with any other."""
    flags = np.zeros(len(scene.frames), dtype=np.bool_)
    for other in scene.sights:
        if other != name:
            flags |= np.nan_to_num(scene.gap(name, other), nan=np.inf) <= scene.tolerance(name, other)
    return flags


def _motion(scene: Scene, name: str, window: tuple[int, int], touching: Flags) -> tuple[Floats, float] | None:
    """Return (motion in pixels per frame, largest change of shape) within a window; None where touched or not seen."""
    start, end = window
    centre = scene.sights[name].centre[start : end + 1]
    if touching[start : end + 1].any() or np.isnan(centre).any():
        return None
    changes = [scene.change(name, start + step, start, shift=centre[step] - centre[0]) for step in range(1, len(centre))]
    return np.asarray((centre[-1] - centre[0]) / (end - start), dtype=np.float64), max(changes)


def _winner(ballot: list[tuple[Floats, bool]], frames: int, scene: Scene) -> Floats | None:
    """Return the motion of a window; None where nobody may vote. Votes are (motion, whether it has touched nothing yet)."""
    if not ballot:
        return None
    side = max(scene.shape) / frames
    votes = [vote for vote, _ in ballot]
    if any(float(np.hypot(*vote)) <= thresholds.CAMERA_STILL * side for vote in votes):
        return np.zeros(2)
    best, most = None, 0
    for candidate, fresh in sorted(ballot, key=lambda item: float(np.hypot(*item[0]))):
        agree = [vote for vote in votes if float(np.hypot(*(vote - candidate))) <= thresholds.CAMERA_AGREE * side]
        if len(agree) > most and (fresh or len(agree) > 1):
            best, most = np.mean(agree, axis=0), len(agree)
    return best
