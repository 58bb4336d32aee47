"""Camera motion from tracks alone: what things that keep their shape and touch nothing do together.

A running animal changes shape and a pushed box touches somebody, so neither votes: a voter keeps its shape wherever nothing
touches it. The motion that most voters share wins, the smaller one on a tie; a voter that stands still decides for a still one,
and a single moving voter counts only while it is slow and has touched nothing since the first frame. Without a voter the last
motion goes on. What is read is a pan and a zoom about the middle of the picture; a turning camera is not (see the documentation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.measurements import Camera, Flags, Floats, Scene


@dataclass(frozen=True, slots=True)
class _Vote:
    shift: Floats
    """Motion within the window in pixels a frame, the window's zoom not yet taken out."""
    start: Floats
    """Place at the window's start, from the middle of the picture."""
    zoom: float
    """Growth of its size within the window."""
    fresh: bool
    """Whether it has touched nothing since the first frame."""


def estimate(scene: Scene) -> Camera:
    """Return pan and zoom of the picture since the first measured frame; none for a still camera."""
    count = len(scene.frames)
    reach = max(1, scene.count(thresholds.CAMERA_SECONDS))
    windows = [(start, min(count - 1, start + reach)) for start in range(0, count - 1, reach)]
    touching = {name: _touching(scene, name) for name in scene.sights}
    ballots: list[list[_Vote]] = [[] for _ in windows]
    for name in scene.sights:
        votes = _votes(scene, name, windows, touching[name])
        for ballot, vote in zip(ballots, votes, strict=True):
            if vote is not None:
                ballot.append(vote)
    pan, zoom = np.zeros((count, 2)), np.ones(count)
    last: tuple[Floats, float] = (np.zeros(2), 1.0)
    for ballot, (start, end) in zip(ballots, windows, strict=True):
        last = _winner(ballot, end - start, scene) or last
        for index in range(start + 1, end + 1):
            step = last[1] ** (1.0 / (end - start))
            zoom[index] = zoom[index - 1] * step
            pan[index] = pan[index - 1] * step + last[0]
    return Camera(pan, zoom)


def _touching(scene: Scene, name: str) -> Flags:
    """Return per frame whether an instance is in contact with any other."""
    flags = np.zeros(len(scene.frames), dtype=np.bool_)
    for other in scene.sights:
        if other != name:
            flags |= np.nan_to_num(scene.gap(name, other), nan=np.inf) <= scene.tolerance(name, other)
    return flags


def _votes(scene: Scene, name: str, windows: list[tuple[int, int]], touching: Flags) -> list[_Vote | None]:
    """Return an instance's vote in each window; none at all when it changes shape anywhere while nothing touches it."""
    sight = scene.sights[name]
    middle = np.array([scene.shape[1], scene.shape[0]]) / 2
    votes: list[_Vote | None] = []
    for start, end in windows:
        centre = sight.centre[start : end + 1]
        if touching[start : end + 1].any() or np.isnan(centre).any():
            votes.append(None)
            continue
        changes = [scene.change(name, start + step, start, shift=centre[step] - centre[0]) for step in range(1, len(centre))]
        if max(changes) > thresholds.RIGID_SHARE:
            return [None] * len(windows)
        zoom = float(np.sqrt(sight.area[end] / sight.area[start]))
        shift = (centre[-1] - centre[0]) / (end - start)
        votes.append(_Vote(shift, centre[0] - middle, zoom, not touching[: end + 1].any()))
    return votes


def _winner(ballot: list[_Vote], frames: int, scene: Scene) -> tuple[Floats, float] | None:
    """Return (pan in pixels a frame, zoom) of a window; None where nobody may vote."""
    if not ballot:
        return None
    side = max(scene.shape) / frames
    if any(float(np.hypot(*vote.shift)) <= thresholds.CAMERA_STILL * side and abs(vote.zoom - 1.0) < 0.002 for vote in ballot):
        return np.zeros(2), 1.0
    best, most = None, 0
    for leader in sorted(ballot, key=lambda item: float(np.hypot(*item.shift))):
        agree = [vote for vote in ballot if _distance(vote, leader, frames) <= thresholds.CAMERA_AGREE * side]
        trusted = leader.fresh and float(np.hypot(*leader.shift)) <= thresholds.CAMERA_ALONE * side
        if len(agree) > most and (trusted or len(agree) > 1):
            zoom = float(np.clip(np.median([vote.zoom for vote in agree]), 0.97, 1.03))
            pans = [vote.shift - (zoom - 1.0) * vote.start / frames for vote in agree]
            best, most = (np.mean(pans, axis=0), zoom), len(agree)
    return best


def _distance(first: _Vote, second: _Vote, frames: int) -> float:
    """Return how far two votes are apart in pixels a frame, the zoom that both saw taken out."""
    zoom = (first.zoom + second.zoom) / 2 - 1.0
    return float(np.hypot(*((first.shift - zoom * first.start / frames) - (second.shift - zoom * second.start / frames))))
