"""Predicates of questions 7 to 10: who acts, is it the right one, on the right one, and does the right one receive it.

They compare the evidence of one deed between all pairs of tracked instances: a bystander who did it, or something else it was
done to, turns the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from intergeneval.judges.geometry import deeds, thresholds
from intergeneval.judges.geometry.contact import agency, contacts
from intergeneval.judges.geometry.deeds import DONE, Deed
from intergeneval.judges.geometry.findings import OVERLAP, Case, Finding, no, unknown, yes
from intergeneval.judges.geometry.stirring import first_stir, still, stirs, strength


def acts(case: Case) -> Finding:
    """Question 7: the subject changes place or shape before anything touches and moves it."""
    scene, name = case.scene, case.subject
    visible = np.flatnonzero(scene.sights[name].visible)
    if not visible.size:
        return no("{s} is never seen")
    moved = strength(scene, name)
    if moved < 1.0:
        return no(f"{{s}} moves by {moved:.2f} of what would count as motion at most", motion=round(moved, 2))
    least = thresholds.GESTURE_START_SHARE if case.deed in deeds.PLAIN else thresholds.ACTIVE_SHARE
    start, best = int(visible[0]), 0.0
    for index in visible[1:]:
        changed = max(scene.change(name, int(index), start), scene.gained(name, int(index), start)[0])
        best = max(best, changed)
        if changed >= least:
            return _unless_moved(case, int(index), f"{changed:.0%} of the outline of {{s}} changes by its own motion", changed)
    if scene.motion is not None and moved >= thresholds.STIR_PLAIN:
        first = first_stir(scene, name) or 0
        return _unless_moved(case, first, f"{{s}} moves within its outline, {moved:.1f} times what counts as motion", best)
    return no(f"{best:.1%} of the outline of {{s}} changes at most, {least:.1%} would be acting", changed=round(best, 3))


def _unless_moved(case: Case, index: int, reason: str, changed: float) -> Finding:
    """Return that the subject acts from a frame on, unless somebody had come and moved it by then."""
    pusher = _moved_by(case, index)
    if pusher is not None:
        return no(f"{{s}} moves only once {pusher} acts on it")
    return yes(index, reason, changed=round(changed, 3))


def agent(case: Case) -> Finding:
    """Question 8: the subject did it to the object, and no other did so more clearly."""
    own = _deed(case, case.subject, case.object)
    if own.strength < DONE or own.index is None:
        if own.unknown:
            return unknown(own.why or OVERLAP)
        said = "the tracks do not show that {s} did it to {o}"
        return no(said if _somebody(case) else f"nobody: {said}, nor anybody else to anybody", **_numbers(own))
    for other in case.others if _rivalled(case) else ():
        rival = _deed(case, other, case.object)
        if rival.strength >= DONE and rival.index is not None and _beats(rival, own) and _moving(case, other, rival.index):
            return no(f"{other} did it to {{o}} first", **_numbers(rival))
    return yes(own.index, "{s} did it to {o}, and nobody before", **_numbers(own))


def recipient(case: Case) -> Finding:
    """Question 9: the subject did it to the object, and not first to something else."""
    own = _deed(case, case.subject, case.object)
    if own.strength < DONE or own.index is None:
        if own.unknown:
            return unknown(own.why or OVERLAP)
        return no("the tracks do not show that {s} did it to {o}", **_numbers(own))
    for other in case.others if _rivalled(case) else ():
        rival = _deed(case, case.subject, other)
        if rival.strength >= DONE and rival.index is not None and _beats(rival, own):
            return no(f"{{s}} did it to {other} rather than to {{o}}", **_numbers(rival))
    return yes(own.index, "{s} did it to {o}, and to nothing else before", **_numbers(own))


def receives(case: Case) -> Finding:
    """Question 10: the object had it done to it, whoever did it."""
    best: tuple[Deed, str] | None = None
    untold = ""
    for actor in (case.subject, *case.others):
        found = _deed(case, actor, case.object)
        if found.unknown and actor == case.subject:
            untold = found.why or OVERLAP
        if found.index is not None and actor != case.subject and not _moving(case, actor, found.index):
            continue
        if found.strength >= DONE and found.index is not None and (best is None or found.strength > best[0].strength):
            best = found, actor
    if best is None:
        return unknown(untold) if untold else no("the tracks do not show that it was done to {o}")
    return yes(best[0].index or 0, f"it was done to {{o}} by {best[1]}", **_numbers(best[0]))


def nobody_moving(case: Case) -> bool:
    """Return whether the tracks show no deed by anybody who moves, where subject and object stand still."""
    return not _somebody(case, [name for name in case.others if not still(case.scene, name)])


def _somebody(case: Case, actors: Sequence[str] | None = None) -> bool:
    """Return whether the tracks show that any of some actors, or of all, did it to anybody, in whatever roles."""
    everybody = (case.subject, case.object, *case.others)
    pairs = ((one, other) for one in (everybody if actors is None else actors) for other in everybody if one != other)
    return any(found.strength >= DONE and found.index is not None for found in (_deed(case, *pair) for pair in pairs))


def _rivalled(case: Case) -> bool:
    """Return whether a third may have done it instead; what two do to each other one who touches one of them does not do."""
    return case.deed in RIVALLED and not case.mutual


def _moving(case: Case, name: str, index: int) -> bool:
    """Return whether an instance has moved by itself by then: a plate or a table under a thing does nothing to it."""
    return case.deed not in RIVALLED or bool(stirs(case.scene, name)[: index + 1].any())


def _deed(case: Case, actor: str, other: str) -> Deed:
    if case.deed == "transfer":
        things = [name for name in case.scene.sights if name not in (actor, other)]
        return deeds.transfer(case.scene, actor, other, things=things)[0]
    return deeds.DEEDS[case.deed](case.scene, actor, other, mutual=case.mutual)


def _beats(rival: Deed, own: Deed) -> bool:
    assert rival.index is not None
    assert own.index is not None
    return rival.index < own.index and rival.strength >= own.strength


RIVALLED = ("touch", "move", "transfer")
"""Deeds that one does instead of the other: two may wave at once, but who set a thing in motion first did it."""


def _moved_by(case: Case, index: int) -> str | None:
    """Return who touched the subject before `index` and had come to it, None where nobody did."""
    for other in (case.object, *case.others):
        for run in contacts(case.scene, other, case.subject):
            led = agency(case.scene, other, case.subject, run.start)
            if run.start <= index and led > thresholds.AGENCY_SHARE:
                return other
    return None


def _numbers(found: Deed) -> dict[str, object]:
    return {"strength": round(found.strength, 3), **found.numbers}
