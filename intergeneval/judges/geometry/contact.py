"""Contact between two instances over time, and who brought it about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.measurements import Flags, Scene
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
    gap = scene.gap(first, second)
    flags = np.nan_to_num(gap, nan=np.inf) <= scene.tolerance(first, second)
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
    if not gap > scene.tolerance(actor, other):
        return 0.0
    mine, theirs = closed_by(scene, actor, other, when, start), closed_by(scene, other, actor, when, start)
    if np.isnan(mine) or np.isnan(theirs):
        return 0.0
    return float(np.clip((mine - theirs) / gap, -1.0, 1.0))
