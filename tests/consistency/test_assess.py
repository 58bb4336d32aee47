"""Consistency on hand-made tracks and detections."""

from dataclasses import replace

import numpy as np
import pytest

from intergeneval import consistency
from intergeneval.records import AnswerStatus, Detection, Detections, TrackState
from tests.judges.moving_shapes import FRAMES, SAMPLED, SIZE, person, sample, still, thing, tracks, video

BODIES = {"a": person(still(20)), "o": person(still(100))}
AFTER = tuple(frame for frame in SAMPLED if frame)


def found_as(*boxes, name="man"):
    return tuple(Detection(class_=name, box=box, score=0.9) for box in boxes)


ACTOR, OTHER, STRANGER = (20.0, 40.0, 36.0, 100.0), (100.0, 40.0, 116.0, 100.0), (200.0, 40.0, 216.0, 100.0)


def detections(*, later, at_start=(ACTOR, OTHER), **fields):
    return Detections(
        sample_id="s",
        seed=0,
        detector="hand",
        frames=SAMPLED,
        found=(found_as(*at_start), *(found_as(*later),) * len(AFTER)),
        **fields,
    )


def assess(found=None, *, bodies=None, states=None, kept=None):
    item = sample(list(bodies or BODIES), "hugs")
    return consistency.assess(item, video(), tracks(bodies or BODIES, states), found, kept)


def test_states_are_those_of_the_tracks_at_the_sampled_frames_after_frame_0():
    gone = {"o": {**dict.fromkeys(range(12, 20), TrackState.OCCLUDED), **dict.fromkeys(range(20, FRAMES), TrackState.VANISHED)}}
    result = assess(states=gone)
    assert result.frames == AFTER
    assert result.states["o"][AFTER.index(12)] is TrackState.OCCLUDED
    assert result.states["o"][-1] is TrackState.VANISHED
    assert set(result.states["a"]) == {TrackState.VISIBLE}
    assert "o (man) vanished" in result.reasons[-1]


def test_without_detections_emergence_is_not_assessed():
    result = assess()
    assert result.emergence is None
    assert "emergence" not in result.assessors


def test_a_second_unboxed_man_emerges_and_a_bystander_of_frame_0_does_not():
    assert assess(detections(later=(ACTOR, OTHER, STRANGER))).emergence == (True,) * len(AFTER)
    assert assess(detections(at_start=(ACTOR, OTHER, STRANGER), later=(ACTOR, OTHER, STRANGER))).emergence == (False,) * len(
        AFTER
    )


def test_only_listed_classes_count():
    seen = detections(later=(ACTOR, OTHER))
    odd = replace(seen, found=(seen.found[0], *(items + found_as(STRANGER, name="dog") for items in seen.found[1:])))
    assert assess(odd).emergence == (False,) * len(AFTER)


def test_one_object_found_twice_is_one():
    twice = (ACTOR, OTHER, (101.0, 41.0, 116.0, 100.0))
    assert assess(detections(later=twice)).emergence == (False,) * len(AFTER)


def test_a_double_beside_an_instance_is_not_hidden_by_its_box():
    beside = (112.0, 40.0, 128.0, 100.0)
    assert assess(detections(later=(ACTOR, OTHER, beside))).emergence == (True,) * len(AFTER)


def test_a_surplus_that_may_be_the_lost_instance_gives_no_statement():
    lost = {"o": dict.fromkeys(range(1, FRAMES), TrackState.LOST)}
    result = assess(detections(later=(ACTOR, OTHER)), states=lost)
    assert result.emergence == (None,) * len(AFTER)
    assert "may be the lost one" in result.reasons[0]
    assert (result.status, result.reason) == (AnswerStatus.OK, "")


def test_failed_detection_gives_no_statement_and_never_false():
    result = assess(detections(later=(ACTOR, OTHER), status="failed", reason="no weights"))
    assert result.emergence == (None,) * len(AFTER)
    assert "no weights" in result.reasons[0]
    assert (result.status, result.reason) == (AnswerStatus.FAILED, "detection failed: no weights")


def test_a_frame_the_detector_did_not_look_at_makes_the_record_a_failed_one():
    seen = detections(later=(ACTOR, OTHER))
    short = assess(replace(seen, frames=seen.frames[:-1], found=seen.found[:-1]))
    assert (short.emergence[-1], short.emergence[0]) == (None, False)
    assert (short.status, short.reason) == (AnswerStatus.FAILED, f"the detector did not look at frame {AFTER[-1]}")
    blind = assess(replace(seen, frames=seen.frames[1:], found=seen.found[1:]))
    assert (blind.status, blind.emergence) == (AnswerStatus.FAILED, (None,) * len(AFTER))
    assert blind.reason == "the detector did not look at frame 0"


def test_failed_tracking_is_no_clean_record():
    broken = replace(tracks(BODIES), status="failed", reason="no masks")
    result = consistency.assess(sample(["a", "o"], "hugs"), video(), broken, None, None)
    assert result.status is AnswerStatus.FAILED
    assert result.states is None
    assert "no masks" in result.reason


def test_an_instance_without_a_track_counts_as_lost():
    result = consistency.assess(sample(["a", "o"], "hugs"), video(), tracks({"a": BODIES["a"]}), None, None)
    assert set(result.states["o"]) == {TrackState.LOST}
    assert result.diagnostics[1].lost_share == 1.0


def test_a_teleport_is_told_from_a_fast_throw():
    jump = {"a": person(lambda frame: 20.0 if frame < 15 else 120.0), "o": thing(lambda frame: 10.0 + 7 * frame, side=6)}
    first, second = assess(bodies=jump).diagnostics
    assert first.teleports == (15,)
    assert second.teleports == ()


def test_what_moved_on_while_a_picture_was_held_did_not_jump():
    bodies = {"a": person(lambda frame: 20.0 + 3 * frame + (100.0 if frame >= 15 else 0.0))}
    item, even = sample(["a", "o"], "hugs"), tracks({**bodies, "o": BODIES["o"]})
    held = tuple(frame / 8 + (5.0 if frame >= 15 else 0.0) for frame in range(FRAMES))
    blinked = tuple(frame / 8 + (5.0 if frame >= 25 else 0.0) for frame in range(FRAMES))
    found = [
        consistency.assess(item, replace(video(), times=times), even, None, None).diagnostics[0].teleports
        for times in ((), held, blinked)
    ]
    assert found == [(15,), (), (15,)]


def test_two_who_change_places_close_by_are_noticed_and_two_who_walk_past_each_other_are_not():
    swapped = {"a": person(lambda frame: 60.0 if frame < 15 else 80.0), "o": person(lambda frame: 80.0 if frame < 15 else 60.0)}
    assert [item.teleports for item in assess(bodies=swapped).diagnostics] == [(15,), (15,)]
    alone = {"a": swapped["a"], "o": person(lambda frame: 120.0)}
    assert [item.teleports for item in assess(bodies=alone).diagnostics] == [(), ()]
    passing = {"a": person(lambda frame: 30.0 + 3 * frame), "o": person(lambda frame: 130.0 - 3 * frame)}
    assert [item.teleports for item in assess(bodies=passing).diagnostics] == [(), ()]


def test_an_area_jump_is_seen_and_an_explained_one_is_not():
    grown = lambda frame: [(100.0, 40.0, 116.0 + (30.0 if frame >= 10 else 0.0), 100.0)]  # noqa: E731  # one motion, one line
    assert assess(bodies={"a": BODIES["a"], "o": grown}).diagnostics[1].area_jumps == (10,)
    leaving = thing(lambda frame: 100.0 + 5 * frame, side=30)
    assert assess(bodies={"a": BODIES["a"], "o": leaving}).diagnostics[1].area_jumps == ()


def test_fragmentation_is_the_share_outside_the_biggest_piece():
    split = lambda frame: [(100.0, 40.0, 120.0, 60.0), *([(150.0, 40.0, 160.0, 60.0)] if frame > 5 else [])]  # noqa: E731  # as above
    assert assess(bodies={"a": BODIES["a"], "o": split}).diagnostics[1].fragmentation == pytest.approx(1 / 3)


def test_drift_follows_the_colour_and_ignores_a_lamp():
    def frames(colour):
        kept = {}
        for frame in SAMPLED:
            picture = np.full((*SIZE, 3), 90, dtype=np.uint8)
            picture[40:100, 20:36] = (200, 40, 40)
            picture[40:100, 100:116] = colour(frame)
            kept[frame] = picture
        return kept

    same = assess(kept=frames(lambda _: (40, 60, 200))).diagnostics[1].appearance_drift
    dimmed = assess(kept=frames(lambda frame: (40, 60, 200) if frame == 0 else (36, 54, 184))).diagnostics[1].appearance_drift
    turned = assess(kept=frames(lambda frame: (40, 60, 200) if frame == 0 else (40, 180, 60))).diagnostics[1].appearance_drift
    assert same == pytest.approx(0.0, abs=1e-6)
    assert dimmed < 0.5
    assert turned > 0.9
    assert assess().diagnostics[1].appearance_drift is None


def test_what_a_detector_sees_behind_a_cut_did_not_emerge():
    seen = detections(later=(ACTOR, OTHER, STRANGER))
    item = sample(list(BODIES), "hugs")
    cut = AFTER[3]
    result = consistency.assess(item, replace(video(), cuts=(cut,)), tracks(BODIES), seen)
    assert result.emergence == (True,) * 3 + (None,) * (len(AFTER) - 3)
    assert "another shot" in result.reasons[3]
