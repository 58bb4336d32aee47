"""Contact between two instances over time, and who brought it about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.measurements import Flags, Scene
from intergeneval.judges.geometry.stirring import still, stirs
from intergeneval.records import TrackState


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of measured frames, both ends included."""

    start: int
    """Index of the first measured frame."""
    end: int
    """Index of the last."""

    @property
    def length(self) -> int:
        """Number of measured frames."""
        return self.end - self.start + 1


def runs(flags: Flags, bridge: int = 0) -> list[Run]:
    """Return the stretches in which `flags` hold, joined across breaks of up to `bridge` frames."""
    found: list[Run] = []
    for index in np.flatnonzero(flags):
        if found and index - found[-1].end - 1 <= bridge:
            found[-1] = Run(found[-1].start, int(index))
        else:
            found.append(Run(int(index), int(index)))
    return found


def contacts(scene: Scene, first: str, second: str) -> list[Run]:
    """Return the contacts of two instances, in order; short breaks are bridged.

    While one of them is hidden by another instance right after they touched, the contact is taken to go on.
    """
    gap = np.nan_to_num(scene.gap(first, second), nan=np.inf)
    limit = scene.tolerance(first, second)
    flags = gap <= limit
    for index in range(1, len(flags)):
        flags[index] |= flags[index - 1] and gap[index] <= thresholds.RELEASE * limit
    hidden = np.zeros(len(flags), dtype=np.bool_)
    for name in (first, second):
        hidden |= np.array([state is TrackState.OCCLUDED for state in scene.sights[name].states], dtype=np.bool_)
    for index in range(1, len(flags)):
        if hidden[index] and flags[index - 1]:
            flags[index] = True
    return runs(flags, scene.count(thresholds.BRIDGE_SECONDS))


def closed_by(scene: Scene, mover: str, other: str, when: int, anchor: int = 0) -> float:
    """Return by how many pixels `mover`'s own motion since `anchor` brought it nearer to where `other` was; NaN if unseen."""
    return scene.gap_across(mover, anchor, other, anchor) - scene.gap_across(mover, when, other, anchor)


def first_seen(scene: Scene, *names: str, since: int = 0) -> int | None:
    """Return the first measured frame, from `since` on, in which all named instances are visible."""
    both = np.flatnonzero(np.logical_and.reduce([scene.sights[name].visible for name in names]))
    later = both[both >= since]
    return int(later[0]) if later.size else None


def agency(scene: Scene, actor: str, other: str, when: int) -> float:
    """Return who closed the gap up to `when`: 1 the actor alone, -1 the other alone, 0 both or neither.

    Each side's share is what its own motion closed, in parts of the first gap.
    """
    start = first_seen(scene, actor, other)
    if start is None or start >= when:
        return 0.0
    gap = scene.gap_across(actor, start, other, start)
    least = deciding(scene, actor, other)
    if not gap > least:
        return 0.0
    mine, theirs = closed_by(scene, actor, other, when, start), closed_by(scene, other, actor, when, start)
    if np.isnan(mine) or np.isnan(theirs) or abs(mine - theirs) < least:
        return 0.0
    led = float(np.clip((mine - theirs) / gap, -1.0, 1.0))
    # Who does not move inside has not come, whatever its outline does.
    if not stirs(scene, other)[: when + 1].any():
        return max(led, 0.0)
    return led if stirs(scene, actor)[: when + 1].any() else min(led, 0.0)


def deciding(scene: Scene, first: str, second: str) -> float:
    """Return how many pixels a gap must close for anybody to say who came."""
    return max(scene.tolerance(first, second), thresholds.DECIDES_SIZES * scene.smaller(first, second))


def begun(scene: Scene, first: str, second: str) -> tuple[list[Run], bool]:
    """Return the contacts that are more than an overlap in the picture, and whether there may be one that masks do not tell.

    A contact has a beginning, before which the two were apart. Of two that overlap from the first sight on, the second must
    be moved while they stay together, or it must be known that they touch and one of them do something. Where neither moves,
    no contact is made; where somebody moves and nothing is moved, one may stand behind the other.
    """
    if (first, second) not in scene.met:
        found, open_ = _told_apart(scene, first, second)
        scene.met[first, second] = [(run.start, run.end) for run in found], open_
    met, untold = scene.met[first, second]
    return [Run(*ends) for ends in met], untold


def _told_apart(scene: Scene, first: str, second: str) -> tuple[list[Run], bool]:
    met = contacts(scene, first, second)
    start = first_seen(scene, first, second)
    if not met or start is None or met[0].start > start:
        return met, False
    known = scene.touching.get((min(first, second), max(first, second)))
    if still(scene, first, second):
        return met[1:], False
    if known or (known is None and moved_along(scene, second, met[0])):
        return met, False
    return met[1:], known is None


def moved_along(scene: Scene, name: str, run: Run) -> bool:
    """Return whether an instance is taken to another place during a contact, by its outline and by what moves inside it."""
    seen = [index for index in range(run.start, run.end + 1) if scene.sights[name].visible[index]]
    if not seen or not stirs(scene, name)[run.start : run.end + 1].any():
        return False
    places = scene.place(name)[seen]
    far = np.hypot(*(places - places[0]).T) / max(1.0, scene.sights[name].size)
    return any(
        value >= thresholds.MOVED_SIZES and scene.change(name, index, seen[0]) >= thresholds.MOVED_SHARE
        for value, index in zip(far, seen, strict=True)
    )
