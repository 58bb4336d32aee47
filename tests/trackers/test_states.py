import numpy as np
import pytest

from intergeneval.records import TrackState
from intergeneval.trackers.states import COVER_SHARE, StateRule

SIZE = (60, 100)
NOTHING = np.zeros(SIZE, dtype=bool)
VISIBLE, LEFT, OCCLUDED, VANISHED, LOST = (
    TrackState.VISIBLE,
    TrackState.LEFT,
    TrackState.OCCLUDED,
    TrackState.VANISHED,
    TrackState.LOST,
)


def block(x0, x1, y0=20, y1=40):
    mask = NOTHING.copy()
    mask[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    return mask


def states(a, b=None, lost=()):
    rule = StateRule(["a", "b"])
    b = b or [NOTHING] * len(a)
    return [
        rule.step({"a": first, "b": second}, ["a"] if index in lost else [])["a"]
        for index, (first, second) in enumerate(zip(a, b, strict=True))
    ]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("across", [False, True])
def test_a_thing_that_slides_out_over_any_border_has_left_and_stays_so(flip, across):
    masks = [block(20 - 8 * k, 40 - 8 * k) for k in range(8)]
    masks = [mask[:, ::-1] if flip else mask for mask in masks]
    if across:
        square = np.zeros((100, 100), dtype=bool)
        masks = [np.vstack([mask, square[:40]]).T for mask in masks]
        rule = StateRule(["a"])
        got = [rule.step({"a": mask})["a"] for mask in masks]
    else:
        got = states(masks)
    assert got == [VISIBLE] * 5 + [LEFT] * 3


def test_a_fast_thing_that_never_touched_the_border_before_it_was_gone_has_left():
    assert states([block(70, 76), block(76, 82), block(84, 90), block(93, 99), NOTHING])[-1] is LEFT


def test_a_thing_that_ends_at_the_border_without_moving_out_has_vanished():
    assert states([block(0, 20)] * 4 + [NOTHING])[-1] is VANISHED
    assert states([block(0, 14 + 2 * k) for k in range(4)] + [NOTHING])[-1] is VANISHED


def test_a_thing_that_ends_in_the_open_has_vanished():
    assert states([block(30, 50), block(34, 54), NOTHING, NOTHING])[-2:] == [VANISHED] * 2


def test_a_thing_is_occluded_while_its_cover_stays_and_has_vanished_once_the_cover_moves_away_without_it():
    a = [block(40, 60)] + [NOTHING] * 5
    b = [block(0, 20), block(35, 65), block(35, 65), block(0, 20), block(35, 65), NOTHING]
    assert states(a, b) == [VISIBLE, OCCLUDED, OCCLUDED, VANISHED, VANISHED, VANISHED]


def test_a_thing_that_slides_behind_another_is_occluded_though_its_last_sliver_lay_beside_it():
    man = block(60, 100, 0, 60)
    a = [block(30 + 9 * k, 50 + 9 * k) & ~man for k in range(7)]
    assert [mask.any() for mask in a] == [True] * 4 + [False] * 3
    assert states(a, [man] * 7) == [VISIBLE] * 4 + [OCCLUDED] * 3


@pytest.mark.parametrize("delta", [-0.2, 0.2])
def test_the_share_of_the_place_that_must_be_covered_is_the_named_one(delta):
    width = round(20 * (COVER_SHARE + delta))
    got = states([block(40, 60), NOTHING], [NOTHING, block(40, 40 + width)])[-1]
    assert got is (OCCLUDED if delta > 0 else VANISHED)


def test_a_thing_that_comes_back_is_visible_and_judged_anew():
    masks = [block(40, 60), NOTHING, block(12, 32), block(4, 24), block(0, 16), block(0, 8), NOTHING]
    assert states(masks) == [VISIBLE, VANISHED, VISIBLE, VISIBLE, VISIBLE, VISIBLE, LEFT]


@pytest.mark.parametrize("lost", [(), {5}])
def test_a_thing_seen_for_one_frame_after_a_gap_on_its_way_out_has_left(lost):
    sliding = [block(60 + 6 * k, 80 + 6 * k) for k in range(5)]
    assert states([*sliding, NOTHING, block(90, 100), NOTHING, NOTHING], lost=lost)[-2:] == [LEFT] * 2
    flickering = [NOTHING if k % 2 else block(20 - 4 * k, 40 - 4 * k) for k in range(12)]
    assert states(flickering)[-2:] == [LEFT] * 2


def test_motion_is_measured_over_the_frames_that_went_by_and_not_across_a_jump():
    slow = [block(8, 28), *[NOTHING] * 40, block(0, 20), NOTHING]
    assert states(slow)[-1] is VANISHED
    jump = [block(60, 80), NOTHING, block(0, 20), NOTHING]
    assert states(jump)[-1] is VANISHED


def test_a_thing_that_came_back_and_stands_still_at_the_border_has_vanished_though_it_moved_there_before():
    masks = [block(40 - 8 * k, 60 - 8 * k) for k in range(4)] + [NOTHING] + [block(0, 20)] * 2 + [NOTHING]
    assert states(masks)[-1] is VANISHED


def test_an_anchor_and_the_mask_of_the_first_frame_are_one_sight_of_the_instance():
    rule = StateRule(["a"], {"a": block(60, 80)})
    got = [rule.step({"a": mask})["a"] for mask in (block(60, 80), block(79, 99), NOTHING)]
    assert got[-1] is LEFT


def test_lost_is_taken_over_and_settles_nothing():
    masks = [block(40, 60), NOTHING, NOTHING, NOTHING]
    covers = [NOTHING, NOTHING, block(35, 65), NOTHING]
    assert states(masks, covers, lost={1}) == [VISIBLE, LOST, OCCLUDED, VANISHED]


def test_lost_beside_a_mask_is_refused():
    with pytest.raises(ValueError, match="lost and has a mask"):
        states([block(40, 60)], lost={0})


def test_a_thing_never_seen_has_vanished_unless_its_anchor_says_where_it_was():
    assert states([NOTHING, NOTHING]) == [VANISHED, VANISHED]
    rule = StateRule(["a", "b"], {"a": block(40, 60)})
    assert rule.step({"a": NOTHING, "b": block(35, 65)})["a"] is OCCLUDED


def test_asking_what_would_be_changes_nothing():
    rule = StateRule(["a", "b"])
    rule.step({"a": block(40, 60), "b": NOTHING})
    assert rule.expected("a", [NOTHING]) is VANISHED
    assert rule.step({"a": NOTHING, "b": block(35, 65)})["a"] is OCCLUDED
