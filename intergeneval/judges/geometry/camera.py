"""Camera motion from tracks alone: what things that keep their shape and touch nothing do together.

A running animal changes shape and a pushed box touches somebody, so neither votes: a voter keeps its shape wherever nothing
touches it. The motion that most voters share wins, the smaller one on a tie; a voter that stands still decides for a still one,
and a single moving voter counts only while it is slow and has touched nothing since the first frame. Without a voter the last
motion goes on. What is read is a pan and a zoom about the middle of the picture; a turning camera is not (see the documentation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.measurements import Camera, Flags, Floats, Scene


@dataclass(frozen=True, slots=True)
class _Vote:
    name: str
    """Who votes."""
    shift: Floats
    """Motion within the window in pixels a frame, the window's zoom not yet taken out."""
    start: Floats
    """Place at the window's start, from the middle of the picture."""
    zoom: float
    """Growth of its size within the window."""
    fresh: bool
    """Whether it has touched nothing since the first frame."""


@dataclass(frozen=True, slots=True)
class _Motion:
    pan: Floats
    """Pixels a frame, zoom taken out."""
    zoom: float
    """Growth within the window."""
    names: tuple[str, ...]
    """Who agreed on it."""


def estimate(scene: Scene) -> Camera:
    """Return pan and zoom of the picture since the first measured frame; none for a still camera.

    Where the surroundings were seen to move, their motion is the camera's: what a following camera keeps in the middle has moved.
    """
    count = len(scene.frames)
    seen = _of_surroundings(scene)
    if seen is not None:
        return seen
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
    last = _Motion(np.zeros(2), 1.0, ())
    loyal = set(scene.sights)
    for ballot, (start, end) in zip(ballots, windows, strict=True):
        last = _winner(ballot, end - start, scene) or replace(last, names=())
        loyal &= set(last.names)
        for index in range(start + 1, end + 1):
            step = last.zoom ** (1.0 / (end - start))
            zoom[index] = zoom[index - 1] * step
            pan[index] = pan[index - 1] * step + last.pan
            if loyal:
                pan[index], zoom[index] = _since_start(scene, sorted(loyal), index)
    return Camera(pan, zoom)


def _of_surroundings(scene: Scene) -> Camera | None:
    """Return the motion read from the picture around the instances; None where nobody looked, or nothing was seen to move."""
    if scene.motion is None or not scene.motion.ends:
        return None
    pans, zooms = [np.zeros(2)], [1.0]
    for step in scene.motion.camera:
        pans.append(pans[-1] * (1.0 + step.zoom) + (step.x, step.y))
        zooms.append(zooms[-1] * (1.0 + step.zoom))
    way = np.array(pans)
    far = max(float(np.hypot(*way.T).max()), float(np.abs(np.array(zooms) - 1.0).max()) * max(scene.shape) / 2)
    if far < thresholds.CAMERA_SEEN * max(scene.shape):
        return None
    ends = (0, *scene.motion.ends)
    pan = np.stack([np.interp(scene.frames, ends, way[:, axis]) for axis in (0, 1)], axis=1)
    return Camera(pan, np.interp(scene.frames, ends, zooms))


def _since_start(scene: Scene, names: list[str], index: int) -> tuple[Floats, float]:
    """Return pan and zoom since the first frame from things that have moved with the camera ever since: nothing adds up."""
    middle = np.array([scene.shape[1], scene.shape[0]]) / 2
    sights = [scene.sights[name] for name in names]
    zoom = float(np.median([np.sqrt(sight.area[index] / sight.area[0]) for sight in sights]))
    pans = [sight.centre[index] - middle - zoom * (sight.centre[0] - middle) for sight in sights]
    return np.mean(pans, axis=0), zoom


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
        votes.append(_Vote(name, shift, centre[0] - middle, zoom, not touching[: end + 1].any()))
    return votes


def _winner(ballot: list[_Vote], frames: int, scene: Scene) -> _Motion | None:
    """Return what the camera does in a window; None where nobody may vote."""
    if not ballot:
        return None
    side = max(scene.shape) / frames
    still = [vote for vote in ballot if float(np.hypot(*_pan(vote, vote.zoom, frames))) <= thresholds.CAMERA_STILL * side]
    if still:
        return _agreed(still, frames)
    best, most = None, 0
    for leader in sorted(ballot, key=lambda item: float(np.hypot(*item.shift))):
        agree = [vote for vote in ballot if _distance(vote, leader, frames) <= thresholds.CAMERA_AGREE * side]
        trusted = leader.fresh and float(np.hypot(*leader.shift)) <= thresholds.CAMERA_ALONE * side
        if len(agree) > most and (trusted or len(agree) > 1):
            best, most = _agreed(agree, frames), len(agree)
    return best


def _agreed(votes: list[_Vote], frames: int) -> _Motion:
    zoom = float(np.clip(np.median([vote.zoom for vote in votes]), 0.97, 1.03))
    return _Motion(np.mean([_pan(vote, zoom, frames) for vote in votes], axis=0), zoom, tuple(vote.name for vote in votes))


def _pan(vote: _Vote, zoom: float, frames: int) -> Floats:
    """Return a vote's motion in pixels a frame with a zoom taken out."""
    return np.asarray(vote.shift - (zoom - 1.0) * vote.start / frames, dtype=np.float64)


def _distance(first: _Vote, second: _Vote, frames: int) -> float:
    """Return how far two votes are apart in pixels a frame, the zoom that both saw taken out."""
    zoom = (first.zoom + second.zoom) / 2
    return float(np.hypot(*(_pan(first, zoom, frames) - _pan(second, zoom, frames))))
