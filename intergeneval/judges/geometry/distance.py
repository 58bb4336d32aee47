"""Predicates of questions 1 to 6 about actions without contact: pursuit, approach, leaving, gestures, pouring, handing over."""

from __future__ import annotations

import numpy as np

from intergeneval.judges.geometry import deeds, thresholds
from intergeneval.judges.geometry.contact import closed_by, contacts, first_seen, runs
from intergeneval.judges.geometry.findings import Case, Finding, no, yes
from intergeneval.judges.geometry.steps import UNSEEN


def not_yet_over(case: Case) -> Finding:
    """Question 1 of pouring: the subject is not held over the object in the first frame, or before the earlier deed is seen."""
    start = first_seen(case.scene, case.subject, case.object, since=case.since)
    if start is None:
        return no(UNSEEN)
    held = deeds.over_runs(case.scene, case.subject, case.object)
    if held and held[0].start <= start:
        return no(f"{{s}} is held over {{o}} {case.when} already", start)
    return yes(start, f"{{s}} is not held over {{o}} {case.when}")


def comes_over(case: Case) -> Finding:
    """Question 3 of pouring: the subject gets close to the object and higher than it."""
    held = deeds.over_runs(case.scene, case.subject, case.object)
    if held:
        return yes(held[0].start, f"{{s}} is close above {{o}} for {held[0].length / case.scene.rate:.1f} s")
    return no("{s} is never close above {o}")


def stays_over(case: Case) -> Finding:
    """Question 4 of pouring: it stays there."""
    scene = case.scene
    longest = max(deeds.over_runs(scene, case.subject, case.object), key=lambda run: run.length, default=None)
    if longest is not None and longest.length >= scene.count(thresholds.HOLD_SECONDS):
        index = min(longest.end, longest.start + scene.count(thresholds.HOLD_SECONDS) - 1)
        return yes(index, f"{{s}} stays close above {{o}} for {longest.length / scene.rate:.1f} s")
    return no(
        f"{{s}} is close above {{o}} for {longest.length / scene.rate:.2f} s only" if longest else "{s} is never close above {o}"
    )


def not_yet_heading(case: Case) -> Finding:
    """Question 1 of pursuit: in the first moment the subject does not head for the object."""
    start = first_seen(case.scene, case.subject, case.object)
    if start is None:
        return no(UNSEEN)
    speed = float(np.nan_to_num(deeds.heading(case.scene, case.subject, case.object)[start], nan=0.0))
    told = f"heads for {{o}} at {max(0.0, speed):.2f} of its sizes a second at the start"
    if speed < thresholds.FOLLOW_SPEED:
        return yes(start, f"{{s}} {told}", speed=round(speed, 3))
    return no(f"{{s}} {told}", start, speed=round(speed, 3))


def moves_toward(case: Case) -> Finding:
    """Question 2 of pursuit: the subject begins to head for the object."""
    speed = np.nan_to_num(deeds.heading(case.scene, case.subject, case.object), nan=0.0)
    if not not_yet_heading(case).holds:
        return no("{s} heads for {o} from the start, so no beginning is seen")
    over = np.flatnonzero(speed >= thresholds.START_SPEED)
    if over.size:
        return yes(int(over[0]), f"{{s}} heads for {{o}} at up to {speed.max():.1f} of its sizes a second")
    return no(f"{{s}} heads for {{o}} at {max(0.0, speed.max(initial=0.0)):.2f} of its sizes a second at most")


def follows(case: Case) -> Finding:
    """Question 3 of pursuit: it heads for the object for a moment at least."""
    found = deeds.follow(case.scene, case.subject, case.object)
    if found.index is not None and found.numbers["frames"] >= case.scene.count(thresholds.HOLD_SECONDS):
        return yes(found.index, f"{{s}} heads for {{o}} for {found.numbers['frames'] / case.scene.rate:.1f} s", **found.numbers)
    return no("{s} does not head for {o} for long enough", **found.numbers)


def keeps_following(case: Case) -> Finding:
    """Question 4 of pursuit: it heads for the object for a stretch."""
    found = deeds.follow(case.scene, case.subject, case.object)
    if found.index is not None and found.strength >= 1.0:
        index = min(len(case.scene.frames) - 1, found.index + case.scene.count(2 * thresholds.HOLD_SECONDS) - 1)
        return yes(index, f"{{s}} heads for {{o}} for {found.numbers['frames'] / case.scene.rate:.1f} s", **found.numbers)
    return no("{s} does not keep heading for {o}", **found.numbers)


def keeps_up(case: Case) -> Finding:
    """Question 5 of pursuit: while it heads for the object, the gap does not grow to a considerable distance."""
    gap = case.scene.gap(case.subject, case.object)
    start = first_seen(case.scene, case.subject, case.object)
    found = deeds.follow(case.scene, case.subject, case.object)
    if start is None or found.index is None:
        return no("{s} does not head for {o}")
    limit = thresholds.DOUBLE * gap[start] + case.scene.smaller(case.subject, case.object)
    seen = np.flatnonzero(~np.isnan(gap))
    last = int(seen[-1])
    if gap[last] <= limit:
        return yes(last, f"the gap between {{s}} and {{o}} goes from {gap[start]:.0f} to {gap[last]:.0f} px")
    return no(f"the gap between {{s}} and {{o}} grows from {gap[start]:.0f} to {gap[last]:.0f} px", last)


def has_followed(case: Case) -> Finding:
    """Question 6 of pursuit: at the end the subject has covered ground in pursuit."""
    found = deeds.follow(case.scene, case.subject, case.object)
    visible = np.flatnonzero(case.scene.sights[case.subject].visible)
    gone = case.ends_unseen(case.subject, case.object)
    if found.strength < 1.0 or not visible.size or gone is not None:
        return no("{s} did not keep heading for {o}" if gone is None else f"{gone} is gone at the end")
    moved = deeds.shift(case.scene, case.subject, int(visible[0]))
    far = float(np.nanmax(moved))
    if far >= thresholds.DISPLACED_SIZES:
        return yes(int(np.nanargmax(moved)), f"{{s}} covers {far:.1f} of its sizes", moved_sizes=round(far, 2))
    return no(f"{{s}} covers {far:.2f} of its sizes only", moved_sizes=round(far, 2))


def halves_gap(case: Case) -> Finding:
    """Question 3 of approaching: the subject covers half the way."""
    return _closed_share(case, thresholds.HALF)


def comes_close(case: Case) -> Finding:
    """Question 5 of approaching: the gap gets small for their sizes."""
    scene = case.scene
    gap = scene.gap(case.subject, case.object)
    limit = thresholds.NEAR_SIZES * scene.smaller(case.subject, case.object)
    near = np.flatnonzero(np.nan_to_num(gap, nan=np.inf) <= limit)
    if near.size:
        return yes(int(near[0]), f"{{s}} and {{o}} come within {limit:.0f} px")
    return no(f"{{s}} and {{o}} stay {np.nanmin(gap):.0f} px apart" if not np.isnan(gap).all() else UNSEEN)


def keeps_nearing(case: Case) -> Finding:
    """Question 4 of approaching: the subject heads for the object for a stretch."""
    scene = case.scene
    moving = np.nan_to_num(deeds.heading(scene, case.subject, case.object), nan=0.0) >= thresholds.FOLLOW_SPEED
    longest = max(runs(moving, scene.count(thresholds.BRIDGE_SECONDS)), key=lambda run: run.length, default=None)
    if longest is not None and longest.length >= scene.count(thresholds.HOLD_SECONDS):
        index = longest.start + scene.count(thresholds.HOLD_SECONDS) - 1
        return yes(index, f"{{s}} heads for {{o}} for {longest.length / scene.rate:.1f} s")
    return no("{s} does not head for {o} for long enough")


def close_at_end(case: Case) -> Finding:
    """Question 6 of approaching: at the end the two are clearly closer than at the start."""
    gap = case.scene.gap(case.subject, case.object)
    seen = np.flatnonzero(~np.isnan(gap))
    if not seen.size:
        return no(UNSEEN)
    start, last = int(seen[0]), int(seen[-1])
    if gap[last] <= (1 - thresholds.HALF / 2) * gap[start]:
        return yes(last, f"the gap between {{s}} and {{o}} goes from {gap[start]:.0f} to {gap[last]:.0f} px")
    return no(f"the gap between {{s}} and {{o}} goes from {gap[start]:.0f} to {gap[last]:.0f} px", last)


def close_at_start(case: Case) -> Finding:
    """Question 1 of leaving: the subject stays in place in the first moments."""
    scene = case.scene
    start = first_seen(scene, case.subject, case.object)
    if start is None:
        return no(UNSEEN)
    end = min(len(scene.frames) - 1, start + scene.count(thresholds.REST_SECONDS))
    opened = -closed_by(scene, case.subject, case.object, end, start)
    if not opened >= thresholds.APPROACH_SIZES * scene.smaller(case.subject, case.object):
        return yes(start, "{s} has not moved off at the start")
    return no(f"{{s}} moves off from the start, by {opened:.0f} px", start)


def moves_off(case: Case) -> Finding:
    """Question 2 of leaving: the subject's own motion widens the gap."""
    found = deeds.retreat(case.scene, case.subject, case.object)
    if found.index is not None:
        return yes(
            found.index, f"the own motion of {{s}} opens the gap by {found.numbers['opened_pixels']:.0f} px", **found.numbers
        )
    return no("the own motion of {s} does not open the gap")


def gap_opens(case: Case) -> Finding:
    """Question 3 of leaving: the gap grows."""
    return _widens(case, 1.0, thresholds.APPROACH_SIZES)


def doubles_gap(case: Case) -> Finding:
    """Question 5 of leaving: the gap becomes considerable."""
    return _widens(case, 1.0, thresholds.NEAR_SIZES)


def keeps_leaving(case: Case) -> Finding:
    """Question 4 of leaving: the subject moves off for a stretch."""
    scene = case.scene
    moving = np.nan_to_num(deeds.heading(scene, case.subject, case.object), nan=0.0) <= -thresholds.FOLLOW_SPEED
    longest = max(runs(moving, scene.count(thresholds.BRIDGE_SECONDS)), key=lambda run: run.length, default=None)
    if longest is not None and longest.length >= scene.count(thresholds.HOLD_SECONDS):
        return yes(
            longest.start + scene.count(thresholds.HOLD_SECONDS) - 1, f"{{s}} moves off for {longest.length / scene.rate:.1f} s"
        )
    return no("{s} does not move off for long enough")


def far_at_end(case: Case) -> Finding:
    """Question 6 of leaving: at the end the gap is clearly wider than at the start."""
    gap = case.scene.gap(case.subject, case.object)
    seen = np.flatnonzero(~np.isnan(gap))
    if not seen.size:
        return no(UNSEEN)
    start, last = int(seen[0]), int(seen[-1])
    if gap[last] - gap[start] >= thresholds.NEAR_SIZES / 2 * case.scene.smaller(case.subject, case.object):
        return yes(last, f"the gap between {{s}} and {{o}} goes from {gap[start]:.0f} to {gap[last]:.0f} px")
    return no(f"the gap between {{s}} and {{o}} goes from {gap[start]:.0f} to {gap[last]:.0f} px", last)


def rests_at_start(case: Case) -> Finding:
    """Question 1 of gestures: the gesture is not on from the start."""
    scene = case.scene
    start = first_seen(scene, case.subject)
    if start is None:
        return no("it is never seen")
    found = deeds.gesture_runs(scene, case.subject, deeds.PLAIN[case.deed])
    if found and found[0].start <= start:
        return no("the gesture of {s} is on from the start", start)
    return yes(start, "no gesture of {s} is on at the start")


def starts_gesture(case: Case) -> Finding:
    """Question 2 of gestures: a limb leaves its place."""
    start = first_seen(case.scene, case.subject)
    found = deeds.gesture_runs(case.scene, case.subject, thresholds.GESTURE_START_SHARE)
    if found and found[0].start != start:
        return yes(found[0].start, f"a part of {{s}} covers new ground for {found[0].length / case.scene.rate:.1f} s")
    return no("no part of {s} leaves its place" if not found else "a part of {s} is out from the start")


def gesture_shows(case: Case) -> Finding:
    """Question 3 of gestures: the limb goes towards the object."""
    found = deeds.DEEDS[case.deed](case.scene, case.subject, case.object)
    if found.index is not None:
        return yes(
            found.index,
            f"the moving part of {{s}} is {found.numbers['along_sizes']:.2f} of its sizes out towards {{o}}",
            **found.numbers,
        )
    return no("no part of {s} moves out towards {o}")


def keeps_gesture(case: Case) -> Finding:
    """Question 4 of gestures: the limb stays out for a while."""
    found = deeds.gesture_runs(case.scene, case.subject, deeds.PLAIN[case.deed])
    longest = max(found, key=lambda run: run.length, default=None)
    aimed = deeds.DEEDS[case.deed](case.scene, case.subject, case.object).strength > 0
    if aimed and longest is not None and longest.length >= case.scene.count(thresholds.HOLD_SECONDS):
        index = longest.start + case.scene.count(thresholds.HOLD_SECONDS) - 1
        return yes(index, f"the gesture of {{s}} lasts {longest.length / case.scene.rate:.1f} s")
    return no("no gesture in that direction lasts" if longest else "there is no gesture")


def keeps_distance(case: Case) -> Finding:
    """Question 5 of gestures: a gesture is made, and the two do not touch."""
    met = [run for run in case.contacts() if run.start > 0]
    if met:
        return no("{s} and {o} come to touch", met[0].start)
    found = deeds.gesture_runs(case.scene, case.subject, deeds.PLAIN[case.deed])
    if found and deeds.DEEDS[case.deed](case.scene, case.subject, case.object).strength > 0:
        return yes(found[0].start, "the gesture is made without touching")
    return no("there is no gesture in that direction")


def has_gestured(case: Case) -> Finding:
    """Question 6 of gestures: a lasting gesture towards the object has been made."""
    gone = case.ends_unseen(case.subject, case.object)
    if gone is not None:
        return no(f"{gone} is gone at the end")
    shown, kept = gesture_shows(case), keeps_gesture(case)
    if shown.holds and kept.holds and kept.index is not None:
        return yes(kept.index, f"{shown.reason}; {kept.reason}")
    return no(shown.reason if not shown.holds else kept.reason)


def thing_not_yet_there(case: Case) -> Finding:
    """Question 1 of handing over: no thing is in contact with the recipient at the start."""
    for thing in case.others:
        met = contacts(case.scene, case.object, thing)
        if met and met[0].start == 0:
            return no(f"{thing} is with {{o}} at the start", 0)
    return yes(0, "nothing that could be handed over is with {o} at the start")


def thing_with_subject(case: Case) -> Finding:
    """Question 2 of handing over: the subject has the thing."""
    _, thing = deeds.transfer(case.scene, case.subject, case.object, things=case.others)
    for name in [thing] if thing else case.others:
        met = contacts(case.scene, case.subject, name)
        if met:
            return yes(met[0].start, f"{name} is in contact with {{s}}")
    return no("no thing is in contact with {s}")


def thing_nears_object(case: Case) -> Finding:
    """Question 3 of handing over: the thing gets nearer to the recipient."""
    for thing in _things(case):
        found = deeds.approach(case.scene, thing, case.object)
        if found.index is not None:
            return yes(found.index, f"{thing} comes {found.numbers['closed_pixels']:.0f} px nearer to {{o}}", **found.numbers)
    return no("no thing that was with {s} comes nearer to {o}")


def thing_leaves_subject(case: Case) -> Finding:
    """Question 4 of handing over: the thing comes free of the subject."""
    for thing in _things(case):
        met = contacts(case.scene, case.subject, thing)
        gap = case.scene.gap(case.subject, thing)
        after = np.flatnonzero(np.nan_to_num(gap[met[-1].end + 1 :], nan=-1.0) > case.scene.tolerance(case.subject, thing))
        if after.size:
            return yes(met[-1].end + 1 + int(after[0]), f"{thing} comes free of {{s}}")
    return no("nothing comes free of {s}")


def thing_reaches_object(case: Case) -> Finding:
    """Question 5 of handing over: the thing touches the recipient after the subject."""
    found, thing = deeds.transfer(case.scene, case.subject, case.object, things=case.others)
    if found.index is not None:
        return yes(found.index, f"{thing} reaches {{o}}", **found.numbers)
    return no("nothing that was with {s} reaches {o}")


def thing_with_object_at_end(case: Case) -> Finding:
    """Question 6 of handing over: the thing is with the recipient at the end."""
    _, thing = deeds.transfer(case.scene, case.subject, case.object, things=case.others)
    if thing is None:
        return no("nothing was handed over")
    met = contacts(case.scene, case.object, thing)
    last = int(np.flatnonzero(~np.isnan(case.scene.gap(case.object, thing)))[-1])
    if met[-1].end >= last:
        return yes(last, f"{thing} is with {{o}} at the end")
    return no(f"{thing} is not with {{o}} at the end", last)


def _things(case: Case) -> list[str]:
    return [thing for thing in case.others if contacts(case.scene, case.subject, thing)]


def _closed_share(case: Case, share: float) -> Finding:
    start = first_seen(case.scene, case.subject, case.object)
    if start is None:
        return no(UNSEEN)
    gap = case.scene.gap_across(case.subject, start, case.object, start)
    best = 0.0
    for index in range(start + 1, len(case.scene.frames)):
        closed = float(np.nan_to_num(closed_by(case.scene, case.subject, case.object, index, start), nan=0.0))
        best = max(best, closed)
        if gap > 0 and closed >= share * gap:
            return yes(index, f"the own motion of {{s}} closes {closed:.0f} of {gap:.0f} px")
    return no(f"the own motion of {{s}} closes {best:.0f} of {gap:.0f} px")


def _widens(case: Case, factor: float, sizes: float) -> Finding:
    start = first_seen(case.scene, case.subject, case.object)
    if start is None:
        return no(UNSEEN)
    gap = case.scene.gap(case.subject, case.object)
    limit = factor * gap[start] + sizes * case.scene.smaller(case.subject, case.object)
    wide = np.flatnonzero(np.nan_to_num(gap, nan=-1.0) >= limit)
    if wide.size:
        return yes(int(wide[0]), f"the gap between {{s}} and {{o}} grows from {gap[start]:.0f} to {np.nanmax(gap):.0f} px")
    return no(f"the gap between {{s}} and {{o}} grows from {gap[start]:.0f} to {np.nanmax(gap):.0f} px only")
