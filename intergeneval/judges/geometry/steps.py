"""Predicates of questions 1 to 6 about things that are touched and moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intergeneval.judges.geometry import deeds, thresholds
from intergeneval.judges.geometry.contact import Run, begun, deciding, first_seen
from intergeneval.judges.geometry.findings import OVERLAP, Case, Finding, no, unknown, yes
from intergeneval.judges.geometry.stirring import first_stir, stirs

UNSEEN = "{s} and {o} are never seen together"


def apart_at_start(case: Case) -> Finding:
    """Question 1: the two do not touch in the first frame that shows both, at the start or since the earlier deed."""
    start = first_seen(case.scene, case.subject, case.object, since=case.since)
    if start is None:
        return no(UNSEEN)
    gap = float(case.scene.gap(case.subject, case.object)[start])
    limit = case.scene.tolerance(case.subject, case.object)
    numbers = {"gap_pixels": round(gap, 1), "limit_pixels": round(limit, 1)}
    if gap > limit:
        return yes(start, f"{gap:.1f} px lie between {{s}} and {{o}} {case.when}, contact ends at {limit:.1f} px", **numbers)
    if case.since == 0 and case.touching is None:
        return unknown(OVERLAP, **numbers)
    if case.since == 0 and case.touching is False:
        return yes(start, "{s} and {o} overlap in the picture at the start, and are known not to touch", **numbers)
    return no(f"{{s}} and {{o}} touch {case.when} already, {gap:.1f} px apart", start, **numbers)


def approaches(case: Case) -> Finding:
    """Question 2: the subject's own motion (when mutual, either's) closes a good part of the first gap."""
    found = deeds.approach(case.scene, case.subject, case.object, mutual=case.mutual, since=case.since)
    gap, closed = found.numbers.get("gap_pixels", 0.0), found.numbers.get("closed_pixels", 0.0)
    near = _too_near(case, gap)
    if near is not None:
        return near
    moving = [stirs(case.scene, name) for name in ((case.subject, case.object) if case.mutual else (case.subject,))]
    if not np.logical_or.reduce(moving)[case.since : (found.index or len(moving[0])) + 1].any():
        return no("{s} does not move by itself before it could be nearer to {o}", **found.numbers)
    if found.index is not None:
        return yes(found.index, f"the own motion of {{s}} closes {closed:.0f} of {gap:.0f} px to {{o}}", **found.numbers)
    return no(f"the own motion of {{s}} closes {closed:.0f} of {gap:.0f} px to {{o}} only", **found.numbers)


def _too_near(case: Case, gap: float) -> Finding | None:
    """Return what is to be said of an approach from where no outline can tell one; None where the gap is wide enough."""
    scene, start = case.scene, first_seen(case.scene, case.subject, case.object, since=case.since)
    if start is None or gap > deciding(scene, case.subject, case.object):
        return None
    names = (case.subject, case.object) if case.mutual else (case.subject,)
    begins = [index for index in (first_stir(scene, name) for name in names) if index is not None]
    if not begins:
        return no(f"{{s}} does not move by itself, {gap:.0f} px from {{o}}")
    if case.since == 0 and case.touching and gap <= scene.tolerance(case.subject, case.object):
        return no("{s} and {o} touch from the start, so no approach is seen")
    if case.since == 0 and case.touching is None and gap <= scene.tolerance(case.subject, case.object):
        return unknown(OVERLAP)
    return yes(min(begins), f"{{s}} begins to move {gap:.0f} px from {{o}}")


def gap_closes(case: Case) -> Finding:
    """Question 2 of catching: the gap closes, whoever moves."""
    scene = case.scene
    start = first_seen(scene, case.subject, case.object, since=case.since)
    if start is None:
        return no(UNSEEN)
    gap = scene.gap(case.subject, case.object).copy()
    gap[:start] = np.nan
    near = _too_near(replace(case, mutual=True), float(gap[start]))
    if near is not None:
        return near
    least = deeds.least_approach(scene, case.subject, case.object, float(gap[start]))
    closed = np.nan_to_num(gap[start] - gap, nan=0.0)
    over = np.flatnonzero(closed >= least)
    if over.size and closed.max() > 0:
        return yes(int(over[0]), f"the gap between {{s}} and {{o}} closes by {closed.max():.0f} of {gap[start]:.0f} px")
    return no(f"the gap of {gap[start]:.0f} px between {{s}} and {{o}} closes by {max(0.0, closed.max()):.0f} px only")


def makes_contact(case: Case) -> Finding:
    """Question 3: the two touch."""
    met = case.contacts()
    gap = case.scene.gap(case.subject, case.object)
    limit = case.scene.tolerance(case.subject, case.object)
    if met:
        return yes(
            met[0].start, f"{{s}} touches {{o}} (gap at most {limit:.1f} px)", first_contact=case.scene.frames[met[0].start]
        )
    if np.isnan(gap).all():
        return no(UNSEEN)
    if case.undecided():
        return unknown(OVERLAP)
    least = float(np.nanmin(gap))
    numbers = {"least_gap_pixels": round(least, 1)}
    if least > limit:
        return no(f"{{s}} and {{o}} come no closer than {least:.1f} px, contact begins at {limit:.1f} px", **numbers)
    if not begun(case.scene, case.subject, case.object)[0]:
        return no("{s} and {o} overlap in the picture from the start, and neither does anything", **numbers)
    return no("{s} and {o} meet because {o} comes to {s}, and not the other way round", **numbers)


def keeps_contact(case: Case) -> Finding:
    """Question 4: one contact lasts."""
    scene, met = case.scene, case.contacts()
    longest = max(met, key=lambda run: run.length, default=None)
    if longest is None:
        return _none_made(case, "{s} makes no contact with {o} that it could keep")
    seconds = longest.length / scene.rate
    index = scene.shown(longest.start + scene.count(thresholds.HOLD_SECONDS) - 1, longest.end)
    if index is not None:
        return yes(index, f"contact of {{s}} with {{o}} lasts {seconds:.1f} s", contact_seconds=round(seconds, 2))
    return no(f"the longest contact of {{s}} with {{o}} lasts {seconds:.2f} s only", contact_seconds=round(seconds, 2))


def engages(case: Case) -> Finding:
    """Question 5 of touching: during a lasting contact the two stay together instead of passing by."""
    scene = case.scene
    apart = scene.place(case.subject) - scene.place(case.object)
    for run in _lasting(case):
        stretch = apart[run.start : run.end + 1]
        stretch = stretch[~np.isnan(stretch).any(axis=1)]
        slip = float(np.hypot(*(stretch[-1] - stretch[0]))) if len(stretch) else 0.0
        slip /= scene.smaller(case.subject, case.object)
        if slip <= thresholds.PASS_SIZES * max(1.0, run.length / scene.rate):
            index = scene.shown(run.start + scene.count(thresholds.HOLD_SECONDS) - 1, run.end) or run.end
            return yes(index, f"{{s}} and {{o}} stay together for {run.length / scene.rate:.1f} s", slip_sizes=round(slip, 2))
    return _none_made(case, "no contact in which {s} and {o} stay together")


def has_touched(case: Case) -> Finding:
    """Question 6 of touching: a lasting contact took place."""
    lasting = _lasting(case)
    gone = case.ends_unseen(case.subject, case.object)
    if gone is not None:
        return no(f"{gone} is gone at the end")
    hidden = case.ends_hidden(case.subject, case.object)
    if hidden is not None:
        return unknown(f"{hidden} is hidden at the end")
    if lasting:
        run = lasting[-1]
        return yes(run.end, f"contact of {{s}} with {{o}} lasted {run.length / case.scene.rate:.1f} s")
    return _none_made(case, "no lasting contact of {s} with {o} took place")


def contact_at_end(case: Case) -> Finding:
    """Question 6 of mounting and catching: the two touch when last seen together."""
    met = case.contacts()
    both = np.flatnonzero(~np.isnan(case.scene.gap(case.subject, case.object)))
    gone = case.ends_unseen(case.subject, case.object)
    if not both.size or gone is not None:
        return no(UNSEEN if gone is None else f"{gone} is gone at the end")
    last = int(both[-1])
    hidden = case.ends_hidden(case.subject, case.object)
    if hidden is not None:
        return unknown(f"{hidden} is hidden at the end")
    if case.undecided() and not met:
        return unknown(OVERLAP)
    if met and met[-1].end >= last:
        return yes(last, "{s} and {o} touch at the end")
    apart = float(case.scene.gap(case.subject, case.object)[last])
    if apart <= case.scene.tolerance(case.subject, case.object):
        return no("{s} and {o} overlap in the picture at the end, but no contact was made", last)
    return no(f"{{s}} and {{o}} are {apart:.1f} px apart at the end", last)


def settled_at_end(case: Case) -> Finding:
    """Question 6 of sitting down and climbing up: they touch at the end, and the subject is lower, higher or in another pose."""
    touching = contact_at_end(case)
    if not touching.holds or touching.index is None:
        return touching
    scene, end = case.scene, touching.index
    start = int(np.argmax(scene.sights[case.subject].visible))
    place = scene.place(case.subject)
    step = scene.sights[case.subject].centre[end] - scene.sights[case.subject].centre[start]
    posed = scene.change(case.subject, end, start, shift=step)
    rise = float(abs(place[end] - place[start])[1]) / max(1.0, scene.sights[case.subject].size)
    numbers = {"pose_share": round(posed, 3), "height_sizes": round(rise, 3)}
    if posed >= thresholds.SETTLED_SHARE or rise >= thresholds.RAISED_SIZES:
        return yes(
            end,
            f"{{s}} and {{o}} touch at the end, {posed:.0%} of the outline changed and {rise:.2f} sizes up or down",
            **numbers,
        )
    return no("{s} and {o} touch at the end, but {s} stands as it did before", end, **numbers)


def moves_on_contact(case: Case) -> Finding:
    """Question 4 of striking: the object starts to move at a touch."""
    found = _motion(case)
    if found is not None:
        run, index, far = found
        return yes(
            index, f"{{o}} moves {far:.1f} of its sizes from frame {case.scene.frames[run.start]} on, where {{s}} touches it"
        )
    return no("{o} does not start to move at any touch" if case.contacts() else "{s} is not seen to touch and move {o}")


def moves_in_contact(case: Case) -> Finding:
    """Question 5 of moving: the object moves while they touch."""
    scene = case.scene
    best = 0.0
    for run in case.contacts():
        moved = np.nan_to_num(deeds.shift(scene, case.object, _anchor(case, run)), nan=0.0)[run.start : run.end + 1]
        over = np.flatnonzero(moved >= thresholds.MOVED_SIZES)
        best = max(best, float(moved.max(initial=0.0)))
        if over.size:
            index = run.start + int(over[0])
            return yes(
                index,
                f"{{o}} moves {moved.max():.1f} of its sizes in contact with {{s}}",
                moved_sizes=round(float(moved.max()), 2),
            )
    return no(f"{{o}} moves {best:.2f} of its sizes in contact with {{s}} only", moved_sizes=round(best, 2))


def moves_away(case: Case) -> Finding:
    """Question 5 of striking and throwing: once touched, the object travels away from where it was touched."""
    found = _motion(case)
    if found is None:
        return no("{s} does not set {o} in motion")
    run = found[0]
    moved = np.nan_to_num(deeds.shift(case.scene, case.object, _anchor(case, run)), nan=0.0)
    over = np.flatnonzero(moved[run.start :] >= thresholds.AWAY_SIZES)
    if over.size:
        return yes(run.start + int(over[0]), f"{{o}} travels {moved[run.start :].max():.1f} of its sizes")
    return no(f"{{o}} travels {moved[run.start :].max(initial=0.0):.2f} of its sizes only")


def displaced(case: Case) -> Finding:
    """Question 6 of moving: when last seen, the object is in another place than in the first frame."""
    hidden = case.ends_hidden(case.object)
    if hidden is not None:
        return unknown(f"{hidden} is hidden at the end")
    end = _last(case)
    if end is None:
        return no("{o} is gone at the end")
    moved = deeds.shift(case.scene, case.object, _first(case))
    if moved[end] >= thresholds.DISPLACED_SIZES:
        return yes(end, f"{{o}} ends {moved[end]:.1f} of its sizes from where it was", moved_sizes=round(float(moved[end]), 2))
    return no(f"{{o}} ends {moved[end]:.2f} of its sizes from where it was", moved_sizes=round(float(moved[end]), 2))


def raised(case: Case) -> Finding:
    """Question 6 of lifting: when last seen, the object is higher than in the first frame."""
    hidden = case.ends_hidden(case.object)
    if hidden is not None:
        return unknown(f"{hidden} is hidden at the end")
    end = _last(case)
    if end is None:
        return no("{o} is gone at the end")
    place = case.scene.place(case.object)[:, 1]
    rise = float(place[_first(case)] - place[end]) / max(1.0, case.scene.sights[case.object].size)
    numbers = {"rise_sizes": round(rise, 2)}
    if rise >= thresholds.RAISED_SIZES and case.scene.change(case.object, end, _first(case)) >= thresholds.MOVED_SHARE:
        return yes(end, f"{{o}} ends {rise:.1f} of its sizes higher", **numbers)
    return no(f"{{o}} ends {rise:.2f} of its sizes higher", **numbers)


def not_yet_moved(case: Case) -> Finding:
    """Question 1 of throwing and placing: the object rests, or stays with the subject, in the first moments."""
    scene = case.scene
    start = first_seen(scene, case.subject, case.object)
    if start is None:
        return no(UNSEEN)
    end = min(len(scene.frames) - 1, start + scene.count(thresholds.FIRST_SECONDS))
    moved = float(np.nan_to_num(deeds.shift(scene, case.object, start)[end], nan=0.0))
    held = any(run.start <= start and run.end >= end for run in case.contacts())
    if moved < thresholds.MOVED_SIZES or held:
        return yes(start, f"{{o}} moves {moved:.2f} of its sizes in the first moments", moved_sizes=round(moved, 2))
    return no(f"{{o}} is on its way from the start, {moved:.1f} of its sizes", start, moved_sizes=round(moved, 2))


def has_hold(case: Case) -> Finding:
    """Question 2 of throwing and placing: the two touch."""
    return makes_contact(case)


def separates(case: Case) -> Finding:
    """Question 4 of throwing: after a contact, a gap opens that stays."""
    met = case.contacts()
    gap = case.scene.gap(case.subject, case.object)
    if not met:
        return _none_made(case, "{s} was not in contact with {o}")
    after = met[0].end + 1
    rest = gap[after:]
    wide = np.flatnonzero(np.nan_to_num(rest, nan=-1.0) > case.scene.tolerance(case.subject, case.object))
    if wide.size:
        return yes(after + int(wide[0]), f"the gap between {{s}} and {{o}} opens to {np.nanmax(rest):.0f} px")
    return no("{s} and {o} are in contact to the end")


def apart_at_end(case: Case) -> Finding:
    """Question 6 of throwing: when last seen, a gap lies between the two and the object is in another place than at first."""
    moved = displaced(case)
    if not moved.holds or moved.index is None:
        return moved
    gap = float(case.scene.gap(case.subject, case.object)[moved.index])
    if np.isnan(gap) or gap > case.scene.tolerance(case.subject, case.object):
        return yes(
            moved.index, f"{moved.reason}, out of sight of {{s}}" if np.isnan(gap) else f"{moved.reason}, {gap:.0f} px from {{s}}"
        )
    return no("{s} and {o} touch at the end", moved.index)


def comes_to_rest(case: Case) -> Finding:
    """Question 5 of placing: moved in contact, the object then stays where it is."""
    moved = moves_in_contact(case)
    if not moved.holds or moved.index is None:
        return moved if moved.unknown else no("{o} was not moved in contact with {s}")
    scene = case.scene
    reach = scene.count(thresholds.REST_SECONDS)
    for index in range(moved.index + 1, len(scene.frames) - reach):
        if np.nan_to_num(deeds.shift(scene, case.object, index)[index + reach], nan=np.inf) < thresholds.MOVED_SIZES / 2:
            return yes(index + reach, f"{{o}} stays in place for {thresholds.REST_SECONDS:.2f} s after {{s}} moved it")
    return no("{o} is still on its way at the end")


def reshapes(case: Case) -> Finding:
    """Question 5 of opening and bending: the object's outline changes while they touch."""
    best = 0.0
    for run in case.contacts():
        anchor = _anchor(case, run)
        for index in range(run.start, run.end + 1):
            changed = case.scene.altered(case.object, index, anchor)
            best = max(best, 0.0 if np.isnan(changed) else changed)
            if changed >= thresholds.RESHAPED_SHARE:
                return yes(
                    index, f"{changed:.0%} of the outline of {{o}} changes in contact with {{s}}", changed=round(changed, 3)
                )
    return _none_made(case, f"{best:.0%} of the outline of {{o}} changes in contact with {{s}}", changed=round(best, 3))


def reshaped_at_end(case: Case) -> Finding:
    """Question 6 of opening and bending: the object's outline differs between first and last sight."""
    hidden = case.ends_hidden(case.object)
    if hidden is not None:
        return unknown(f"{hidden} is hidden at the end")
    end = _last(case)
    if end is None:
        return no("{o} is gone at the end")
    changed = case.scene.altered(case.object, end, _first(case))
    if changed >= thresholds.RESHAPED_SHARE:
        return yes(end, f"{changed:.0%} of the outline of {{o}} differs from the start", changed=round(changed, 3))
    return no(f"{changed:.0%} of the outline of {{o}} differs from the start", changed=round(changed, 3))


def _none_made(case: Case, reason: str, /, **numbers: float) -> Finding:
    """Return a ``no``, unless the two overlap from the start and nobody can tell whether they touch."""
    return unknown(OVERLAP, **numbers) if case.undecided() else no(reason, None, **numbers)


def _lasting(case: Case) -> list[Run]:
    hold = case.scene.count(thresholds.HOLD_SECONDS)
    return [run for run in case.contacts() if case.scene.shown(run.start + hold - 1, run.end) is not None]


def _motion(case: Case) -> tuple[Run, int, float] | None:
    """Return (contact, frame, farthest shift) of the first contact that sets the object in motion."""
    for run in case.contacts():
        index, far = deeds.set_in_motion(case.scene, case.object, run)
        if index is not None:
            return run, index, far
    return None


def _anchor(case: Case, run: Run) -> int:
    """Return the frame in which the object was last seen before a contact acted on it; the first sight in it where none was."""
    visible = np.flatnonzero(case.scene.sights[case.object].visible)
    before = visible[visible <= max(0, run.start - 1)]
    return int(before[-1]) if before.size else int(visible[0])


def _first(case: Case) -> int:
    return int(np.argmax(case.scene.sights[case.object].visible))


def _last(case: Case) -> int | None:
    """Return the frame of the object's last sight; None when it vanished: a thing that is gone is no outcome."""
    sight = case.scene.sights[case.object]
    visible = np.flatnonzero(sight.visible)
    if not visible.size or case.ends_unseen(case.object) is not None:
        return None
    return int(visible[-1])
