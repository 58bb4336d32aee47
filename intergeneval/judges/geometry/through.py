"""Predicates of what is done through a third thing or at a head: tools in a hand, ropes and reins, food and drink at a mouth."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from intergeneval.judges.geometry import deeds, thresholds
from intergeneval.judges.geometry.contact import Run, contacts, runs
from intergeneval.judges.geometry.deeds import DONE, NOTHING, Deed
from intergeneval.judges.geometry.findings import Case, Finding, no, unknown, yes
from intergeneval.judges.geometry.measurements import Flags, Floats, Scene

UNTOLD = "what it is done with is not tracked, and two bodies side by side do not show it"
NO_HEAD = "where the head of {s} is cannot be told from its outline"


def unseen_work(case: Case) -> Finding:
    """All questions of a deed done with a thing that nobody tracks: tracks do not tell, unless nothing moves at all."""
    del case  # a scene in which nothing moves was answered before
    return unknown(UNTOLD)


def holds_line(case: Case) -> Finding:
    """Question 3 of leading: a rope that the subject touches touches the object."""
    if _line_untracked(case.scene, case.subject, case.object):
        return unknown(UNTOLD)
    found = _held(case)
    if found:
        return yes(found[0].start, f"{{s}} and {{o}} are joined by {case.line} for {found[0].length / case.scene.rate:.1f} s")
    return no(f"{case.line} does not join {{s}} and {{o}}")


def keeps_line(case: Case) -> Finding:
    """Question 4 of leading: it does so for a while."""
    if _line_untracked(case.scene, case.subject, case.object):
        return unknown(UNTOLD)
    longest = max(_held(case), key=lambda run: run.length, default=None)
    if longest is not None and longest.length >= case.scene.count(thresholds.HOLD_SECONDS):
        index = min(longest.end, longest.start + case.scene.count(thresholds.HOLD_SECONDS) - 1)
        return yes(index, f"{case.line} joins {{s}} and {{o}} for {longest.length / case.scene.rate:.1f} s")
    return no(f"{case.line} does not join {{s}} and {{o}} for long enough")


def comes_along(case: Case) -> Finding:
    """Questions 2 and 5 of leading: joined by it, the object goes where the subject goes."""
    found = lead(case.scene, case.subject, case.object)
    if found.unknown:
        return unknown(UNTOLD)
    if found.index is not None and found.strength >= DONE:
        return yes(found.index, f"{{o}} goes {found.numbers['moved_sizes']:.1f} of its sizes along with {{s}}", **found.numbers)
    return no("{o} does not go along with {s}", **found.numbers)


def agent_through(case: Case) -> Finding:
    """Question 8 of a deed done with a tool: the tool did it, in touch with the subject, and no other tracked one held it."""
    tool = case.line
    if tool is None:
        return unknown(UNTOLD)
    own = deeds.DEEDS[case.deed](case.scene, tool, case.object, mutual=False)
    if own.unknown:
        return unknown(f"{tool} and {{o}} overlap in the picture from the start")
    if own.strength < DONE or own.index is None:
        return no(f"nobody: the tracks do not show that {tool} did it to {{o}}")
    holders = [name for name in (case.subject, *case.others) if name != tool and _touches(case.scene, name, tool, own.index)]
    if case.subject not in holders:
        return no(f"{tool} did it to {{o}}, and {{s}} does not hold {tool}", own.index)
    if len(holders) > 1:
        return unknown(f"{tool} did it to {{o}}, and {{s}} and {holders[1]} both touch {tool}")
    return yes(own.index, f"{{s}} did it to {{o}} with {tool}", **own.numbers)


def nears_mouth(case: Case) -> Finding:
    """Question 2 of eating and drinking: the object comes nearer to the head of the subject."""
    gap = head_gap(case.scene, case.subject, case.object)
    seen = np.flatnonzero(~np.isnan(gap))
    if not seen.size:
        return unknown(NO_HEAD)
    start, limit = int(seen[0]), _at_head(case.scene, case.subject, case.object)
    if gap[start] <= limit:
        return unknown("{o} is at the head of {s} from the start")
    closed = gap[start] - gap
    over = np.flatnonzero(np.nan_to_num(closed, nan=0.0) >= max(thresholds.APPROACH_SHARE * gap[start], 1.0))
    told = f"the gap of {gap[start]:.0f} px between {{o}} and the head of {{s}} closes by {max(0.0, np.nanmax(closed)):.0f} px"
    return yes(int(over[0]), told) if over.size else no(told)


def at_mouth(case: Case) -> Finding:
    """Question 3 of eating and drinking: the object is at the head of the subject."""
    found = mouth(case.scene, case.subject, case.object)
    if found.unknown:
        return unknown(NO_HEAD)
    if found.index is not None:
        return yes(found.index, "{o} is at the head of {s}", **found.numbers)
    return no("{o} does not get to the head of {s}", **found.numbers)


def stays_at_mouth(case: Case) -> Finding:
    """Question 4 of eating and drinking: it stays there."""
    found = mouth(case.scene, case.subject, case.object)
    if found.unknown:
        return unknown(NO_HEAD)
    if found.strength >= 1.0 and found.index is not None:
        return yes(
            found.index, f"{{o}} is at the head of {{s}} for {found.numbers['frames'] / case.scene.rate:.1f} s", **found.numbers
        )
    return no("{o} does not stay at the head of {s}", **found.numbers)


def mouth(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of eating or drinking: the other is at the actor's head for a while; holding it elsewhere is none."""
    del mutual
    gap = head_gap(scene, actor, other)
    if np.isnan(gap).all():
        return Deed(0.0, unknown=True)
    held = runs(np.nan_to_num(gap, nan=np.inf) <= _at_head(scene, actor, other), scene.count(thresholds.BRIDGE_SECONDS))
    longest = max(held, key=lambda run: run.length, default=None)
    if longest is None:
        return Deed(0.0, None, {"least_gap_pixels": round(float(np.nanmin(gap)), 1)})
    strength = min(1.0, longest.length / scene.count(thresholds.HOLD_SECONDS))
    return Deed(strength, longest.start, {"frames": longest.length})


def lead(scene: Scene, actor: str, other: str, *, mutual: bool = False) -> Deed:
    """Evidence of leading: joined by a rope, the other goes a good way against the background, the way the actor goes."""
    del mutual
    if _line_untracked(scene, actor, other):
        return Deed(0.0, unknown=True, why=UNTOLD)
    line = scene.lines.get((actor, other))
    best = NOTHING
    for run in joined(scene, actor, line, other) if line is not None else []:
        moved = deeds.shift(scene, other, run.start)[run.start : run.end + 1]
        if np.isnan(moved).all():
            continue
        index = run.start + int(np.nanargmax(moved))
        ways = [scene.place(name)[index] - scene.place(name)[run.start] for name in (actor, other)]
        alike = float(ways[0] @ ways[1] / max(1e-6, np.hypot(*ways[0]) * np.hypot(*ways[1])))
        far = float(np.nanmax(moved))
        if not alike >= thresholds.ALIKE:
            continue
        strength = min(1.0, far / thresholds.DISPLACED_SIZES)
        if strength > best.strength:
            best = Deed(strength, index, {"moved_sizes": round(far, 2), "alike": round(alike, 2)})
    return best


def joined(scene: Scene, actor: str, line: str, other: str) -> list[Run]:
    """Return the stretches in which a thing touches both, short breaks bridged."""
    flags: Flags = np.ones(len(scene.frames), dtype=np.bool_)
    for name in (actor, other):
        touched = np.zeros(len(scene.frames), dtype=np.bool_)
        for run in contacts(scene, name, line):
            touched[run.start : run.end + 1] = True
        flags &= touched
    return runs(flags, scene.count(thresholds.BRIDGE_SECONDS))


def head_gap(scene: Scene, body: str, thing: str) -> Floats:
    """Return the gap between a thing and the top of an upright body per frame, in pixels; NaN where either is not seen."""
    found = np.full(len(scene.frames), np.nan)
    for index, (outline, other) in enumerate(zip(scene.sights[body].edges, scene.sights[thing].edges, strict=True)):
        if outline is None or other is None:
            continue
        low, high = outline.min(axis=0), outline.max(axis=0)
        if high[1] - low[1] < high[0] - low[0]:
            continue
        head = outline[outline[:, 1] <= low[1] + thresholds.HEAD_SHARE * (high[1] - low[1])]
        found[index] = max(0.0, float(np.asarray(cKDTree(head).query(other)[0]).min()) - 1.0)
    return found


def _at_head(scene: Scene, body: str, thing: str) -> float:
    return max(scene.tolerance(body, thing), thresholds.AT_HEAD_SIZES * scene.sights[body].size)


def _line_untracked(scene: Scene, actor: str, other: str) -> bool:
    """Return whether it is said by what the one has the other, and no track tells where that is."""
    line = scene.lines.get((actor, other))
    return line is not None and line not in scene.sights


def _held(case: Case) -> list[Run]:
    return [] if case.line is None else joined(case.scene, case.subject, case.line, case.object)


def _touches(scene: Scene, name: str, thing: str, index: int) -> bool:
    return any(run.start <= index <= run.end for run in contacts(scene, name, thing))


deeds.DEEDS["mouth"] = mouth
deeds.DEEDS["lead"] = lead
