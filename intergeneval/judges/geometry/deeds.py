"""Deeds: the evidence that one instance did something to another, in the same measure for every pair.

Questions 8 to 10 compare pairs: did the subject do it to the object, did somebody else, was it done to something else. Each deed
returns its strength (0: not done), the measured frame that shows it, and the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.contact import Run, agency, begun, closed_by, contacts, first_seen, runs
from intergeneval.judges.geometry.measurements import Flags, Floats, Scene
from intergeneval.judges.geometry.stirring import path


@dataclass(frozen=True, slots=True)
class Deed:
    """How well the tracks show that one instance did it to another."""

    strength: float
    """0 (not done) to 1 and more."""
    index: int | None = None
    """Measured frame that shows it first."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """What was measured, plain JSON values."""
    unknown: bool = False
    """Whether tracks allow that it was done as well as that it was not; the strength is 0 then."""
    why: str = ""
    """Why they do, where it is not that the two overlap from the start."""


NOTHING = Deed(0.0)
UNTOLD = Deed(0.0, unknown=True)
DONE = 0.6
"""Strength of a deed from which it was done."""


def shift(scene: Scene, name: str, anchor: int) -> Floats:
    """Return how far an instance is from where it was at `anchor`, per frame, in its own sizes; NaN where unseen.

    Frames in which its outline still fits the old place count as no shift: hiding a part moves the centre, not the thing. A mask
    that grows over something else moves too: a short way must also have been gone by what is inside. A long one need not,
    since small fast things outrun what is read from pictures.
    """
    if (name, anchor) not in scene.shifts:
        scene.shifts[name, anchor] = _shift(scene, name, anchor)
    return scene.shifts[name, anchor].copy()


def _shift(scene: Scene, name: str, anchor: int) -> Floats:
    place = scene.place(name)
    size = max(1.0, scene.sights[name].size)
    moved = np.hypot(*(place - place[anchor]).T) / size
    for index in np.flatnonzero(moved >= thresholds.MOVED_SIZES):
        if not scene.change(name, int(index), anchor) >= thresholds.MOVED_SHARE:
            moved[index] = 0.0
    gone = path(scene, name)
    if gone is not None and size >= thresholds.CONFIRMED_FROM * max(scene.shape):
        inside = np.hypot(*(gone - gone[anchor]).T) / size
        near = moved < thresholds.UNCONFIRMED_SIZES
        moved[near] = np.minimum(moved[near], thresholds.CONFIRMED_BY * inside[near])
    return np.asarray(moved, dtype=np.float64)


def touch(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of touching: a contact that lasts, brought about by the actor rather than by the other."""
    met, untold = begun(scene, actor, other)
    best = UNTOLD if untold else NOTHING
    for run in met:
        led = agency(scene, actor, other, run.start)
        if not mutual and led < -thresholds.AGENCY_SHARE:
            continue
        hold = scene.count(thresholds.HOLD_SECONDS)
        index = scene.shown(run.start + hold - 1, run.end)
        strength = 1.0 if index is not None else min(0.5, run.length / hold)
        if strength > best.strength:
            best = Deed(strength, index, {"contact_frames": run.length, "led": round(led, 3)})
    return best


def set_in_motion(scene: Scene, other: str, run: Run) -> tuple[int | None, float]:
    """Return (measured frame at which `other` first moves because of a contact, its farthest shift in sizes from there).

    The shift is counted from the first touch (a little earlier, for coarse frames) until a while after the contact's end.
    """
    before = max(0, run.start - scene.count(thresholds.ONSET_BEFORE_SECONDS))
    sight = scene.sights[other]
    anchors = [index for index in range(before, run.end + 1) if sight.visible[index]]
    if not anchors:
        return None, 0.0
    moved = shift(scene, other, anchors[0])
    end = min(len(moved), run.end + 1 + scene.count(thresholds.ONSET_AFTER_SECONDS))
    window = np.nan_to_num(moved[run.start : end], nan=0.0)
    over = np.flatnonzero(window >= thresholds.MOVED_SIZES)
    return (run.start + int(over[0]) if over.size else None), float(window.max(initial=0.0))


def move(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of setting in motion: the other moves in or right after a contact that the actor brought about."""
    # What is not moved was not set in motion, whether the two touch or only overlap in the picture.
    best = NOTHING
    for run in begun(scene, actor, other)[0]:
        led = agency(scene, actor, other, run.start)
        if not mutual and led < -thresholds.AGENCY_SHARE:
            continue
        index, far = set_in_motion(scene, other, run)
        strength = min(1.0, far / thresholds.DISPLACED_SIZES) if index is not None else 0.0
        if strength > best.strength:
            best = Deed(strength, index, {"moved_sizes": round(far, 3), "led": round(led, 3), "contact_frames": run.length})
    return best


def over(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of being held over something: close to it and higher than it, for a while."""
    del mutual
    held = over_runs(scene, actor, other)
    if not held:
        return NOTHING
    longest = max(held, key=lambda run: run.length)
    strength = min(1.0, longest.length / scene.count(thresholds.HOLD_SECONDS))
    return Deed(strength, longest.start, {"frames": longest.length})


def over_runs(scene: Scene, actor: str, other: str) -> list[Run]:
    """Return the stretches in which the actor is close to the other, above it and not beside it."""
    gap = scene.gap(actor, other)
    near = np.nan_to_num(gap, nan=np.inf) <= thresholds.OVER_SIZES * scene.sights[other].size
    upper, lower = scene.sights[actor], scene.sights[other]
    drop = lower.centre[:, 1] - upper.centre[:, 1]
    higher = np.nan_to_num(drop, nan=-np.inf) >= 0.5 * lower.size
    return runs(near & higher, scene.count(thresholds.BRIDGE_SECONDS))


def velocity(scene: Scene, name: str) -> Floats:
    """Return the smoothed velocity per frame, (T, 2) in pixels a frame with the camera taken out; NaN where unseen."""
    place = scene.place(name)
    reach = scene.count(thresholds.REST_SECONDS)
    result = np.full_like(place, np.nan)
    for index in range(len(place)):
        low, high = max(0, index - reach), min(len(place) - 1, index + reach)
        if high > low:
            result[index] = (place[high] - place[low]) / (high - low)
    return result


def heading(scene: Scene, actor: str, other: str) -> Floats:
    """Return the actor's speed towards the other per frame, in its own sizes a second; NaN where unseen."""
    way = scene.place(other) - scene.place(actor)
    length = np.maximum(1e-6, np.hypot(*way.T))
    speed = (velocity(scene, actor) * way).sum(axis=1) / length
    return np.asarray(speed * scene.rate / max(1.0, scene.sights[actor].size), dtype=np.float64)


def follow(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of pursuit: the actor moves towards where the other is or goes, for a while, and the other leads."""
    del mutual
    moving = np.nan_to_num(heading(scene, actor, other), nan=0.0)
    away = -np.nan_to_num(heading(scene, other, actor), nan=0.0)
    chasing = runs(
        (moving >= thresholds.FOLLOW_SPEED) & (away >= -thresholds.FOLLOW_SPEED), scene.count(thresholds.BRIDGE_SECONDS)
    )
    if not chasing:
        return NOTHING
    longest = max(chasing, key=lambda run: run.length)
    strength = min(1.0, longest.length / scene.count(2 * thresholds.HOLD_SECONDS))
    mean = float(moving[longest.start : longest.end + 1].mean())
    return Deed(strength, longest.start, {"frames": longest.length, "speed_sizes_per_second": round(mean, 3)})


def approach(scene: Scene, actor: str, other: str, *, mutual: bool = False, since: int = 0) -> Deed:
    """Evidence of approach: the share of the gap at frame `since` that the actor's own motion closed (either's, when mutual)."""
    start = first_seen(scene, actor, other, since=since)
    if start is None:
        return NOTHING
    gap = scene.gap_across(actor, start, other, start)
    least = least_approach(scene, actor, other, gap)
    best, first = 0.0, None
    for index in range(start + 1, len(scene.frames)):
        closed = closed_by(scene, actor, other, index, start)
        if mutual:
            closed = float(np.fmax(closed, closed_by(scene, other, actor, index, start)))
        if closed >= least and first is None:
            first = index
        best = max(best, 0.0 if np.isnan(closed) else closed)
    if first is None:
        return Deed(0.0, None, {"gap_pixels": round(gap, 1), "closed_pixels": round(best, 1)})
    return Deed(min(1.0, best / max(gap, 1.0)), first, {"gap_pixels": round(gap, 1), "closed_pixels": round(best, 1)})


def least_approach(scene: Scene, first: str, second: str, gap: float) -> float:
    """Return how many pixels of a gap must close for an approach; a small gap need not close by more than itself."""
    sizes = thresholds.APPROACH_SIZES * scene.smaller(first, second)
    return max(thresholds.APPROACH_SHARE * gap, min(sizes, thresholds.HALF * gap), 1.0)


def retreat(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of leaving: the actor's own motion widens the gap."""
    del mutual
    start = first_seen(scene, actor, other)
    if start is None:
        return NOTHING
    least = thresholds.APPROACH_SIZES * scene.smaller(actor, other)
    for index in range(start + 1, len(scene.frames)):
        opened = -closed_by(scene, actor, other, index, start)
        if opened >= least:
            return Deed(1.0, index, {"opened_pixels": round(opened, 1)})
    return NOTHING


def rest_frame(scene: Scene, actor: str) -> int | None:
    """Return the frame that shows the actor at rest: the first, or the last where its outline there is more compact."""
    visible = np.flatnonzero(scene.sights[actor].visible)
    if not visible.size:
        return None
    first, last = int(visible[0]), int(visible[-1])
    drawn_in = scene.hull(actor, last) < thresholds.GESTURE_COMPACT * scene.hull(actor, first)
    return last if drawn_in and _stands(scene, actor, first)[last] else first


def gesture_runs(scene: Scene, actor: str, share: float) -> list[Run]:
    """Return the stretches in which a limb of a standing actor covers at least that share of its mask beside its rest."""
    rest = rest_frame(scene, actor)
    if rest is None:
        return []
    shares = np.zeros(len(scene.frames))
    for index in np.flatnonzero(scene.sights[actor].visible & _stands(scene, actor, rest)):
        shares[index] = scene.gained(actor, int(index), rest)[0]
    return runs(shares >= share, scene.count(thresholds.GESTURE_BRIDGE_SECONDS))


def _stands(scene: Scene, actor: str, anchor: int) -> Flags:
    """Return per frame whether the actor's feet are where they were at `anchor`: who walks makes no gesture."""
    stance = scene.stance(actor)
    moved = np.abs(stance - stance[anchor]) / max(1.0, scene.sights[actor].size)
    return np.asarray(np.nan_to_num(moved, nan=np.inf) < thresholds.STANCE_SIZES, dtype=np.bool_)


def gesture(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of a gesture: a limb of a standing actor is out towards the other for a while."""
    del mutual
    return _gesture(scene, actor, other, thresholds.GESTURE_SHARE)


def bow(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of a bow: the upper body of a standing actor is out towards the other for a while."""
    del mutual
    return _gesture(scene, actor, other, thresholds.BOW_SHARE)


PLAIN = {"gesture": thresholds.GESTURE_SHARE, "bow": thresholds.BOW_SHARE}
"""Deed -> share of the mask that makes it plain to see."""


def _gesture(scene: Scene, actor: str, other: str, share: float) -> Deed:
    rest = rest_frame(scene, actor)
    best = NOTHING
    for run in gesture_runs(scene, actor, share):
        if rest is None or not scene.sights[other].visible[run.start : run.end + 1].any():
            continue
        out = [scene.gained(actor, index, rest)[0] for index in range(run.start, run.end + 1)]
        far = [run.start + step for step, value in enumerate(out) if value >= 0.8 * np.nanmax(out)]
        mean = float(np.nanmean([_along(scene, actor, other, index, rest) for index in far]))
        if not mean >= thresholds.GESTURE_ALONG:
            continue
        strength = min(1.0, run.length / scene.count(thresholds.HOLD_SECONDS))
        if strength > best.strength:
            best = Deed(strength, run.start, {"frames": run.length, "along_sizes": round(mean, 3)})
    return best


def _along(scene: Scene, actor: str, other: str, index: int, rest: int) -> float:
    """Return how far towards the other, in the actor's sizes, the newly covered place lies from the actor's rest.

    The rest goes along with the feet: who steps back to bow still bows forward.
    """
    _, where = scene.gained(actor, index, rest)
    if where is None:
        return 0.0
    stance = scene.stance(actor)
    origin = scene.place(actor)[rest] + (stance[index] - stance[rest], 0.0)
    aims = scene.place(other)
    aim = aims[int(np.flatnonzero(~np.isnan(aims[:, 0]))[0])] - origin
    return float((where - origin) @ aim / max(1e-6, np.hypot(*aim)) / max(1.0, scene.sights[actor].size))


def transfer(scene: Scene, actor: str, other: str, *, things: Sequence[str]) -> tuple[Deed, str | None]:
    """Evidence of handing over: a thing is in contact with the actor first and with the other later; returns the thing too."""
    best: tuple[Deed, str | None] = (NOTHING, None)
    for thing in things:
        given, taken = contacts(scene, actor, thing), contacts(scene, other, thing)
        late = [run for run in taken if given and run.start > given[0].start]
        if late:
            strength = min(1.0, late[-1].length / scene.count(thresholds.HOLD_SECONDS))
            if strength > best[0].strength:
                best = (Deed(strength, late[-1].start, {"thing": thing, "contact_frames": late[-1].length}), thing)
    return best


def catch(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of catching: a contact that lasts, whoever came."""
    del mutual
    return touch(scene, actor, other, mutual=True)


DEEDS: dict[str, Callable[..., Deed]] = {
    "touch": touch,
    "catch": catch,
    "move": move,
    "over": over,
    "follow": follow,
    "approach": approach,
    "retreat": retreat,
    "gesture": gesture,
    "bow": bow,
}
"""Name in the lexicon -> evidence of (scene, actor, other, mutual); ``transfer`` also needs the things that may change hands."""
