"""Kinds of scenes in which masks mislead: overlap, stills, trembling outlines, tools, ropes, mouths; and clips turned about."""

import pytest

from intergeneval.judges import JudgeRequest
from intergeneval.judges.geometry import create
from intergeneval.questions import questions_for
from intergeneval.records import AnswerStatus, AnswerValue, Part, TrackState
from tests.judges.moving_shapes import FRAMES, answers, moving, person, ramp, sample, still, thing, tracks, verdicts, video

FROZEN = {"a": person(still(80)), "o": thing(still(90)), "b": person(still(200))}
BEHIND = {"a": person(lambda frame: 80 + 3 * (frame // 4 % 2)), "o": thing(still(90)), "b": person(still(200))}
VERBS = ("pushes", "lifts", "pats", "opens", "cuts", "eats", "leads", "kicks", "hugs", "chases", "points at", "feeds", "gives to")


@pytest.mark.parametrize("verb", VERBS)
def test_a_still_picture_gets_no_from_2_to_10_or_nothing(verb):
    assert set(verdicts(FROZEN, verb)[1:10]) <= {"n", "u"}
    # Nothing that masks decide is left open: what is unanswerable was declared before any video was seen.
    found = answers(FROZEN, verb)
    open_ = [item.question_id for item in found.values() if item.status is AnswerStatus.UNANSWERABLE and item.question_id > 1]
    assert all("cannot" in found[number].reason or "masks" in found[number].reason.lower() for number in open_)


def test_where_all_stand_still_the_judge_says_nobody_and_where_a_bystander_does_it_it_does_not():
    assert answers(FROZEN, "pats")[8].reason.startswith("Nobody: neither")
    other = {"a": person(still(20)), "o": person(still(100)), "b": person(lambda frame: 210 - 94 * ramp(frame, 4, 12))}
    found = answers(other, "pats")
    assert found[10].value is AnswerValue.YES
    assert found[8].reason.startswith("Neither")


def test_a_cake_that_nobody_touches_is_not_cut_though_the_cook_stands_behind_it():
    assert verdicts(FROZEN, "cuts")[1:10] == "nnnnnnnnn"
    # One who moves behind it may cut it or not: the knife is no instance.
    assert verdicts(BEHIND, "cuts")[1:6] == "uuuuu"
    assert verdicts(BEHIND, "cuts")[6:10] == "yuuu"


def test_a_picture_that_trembles_and_breathes_as_a_whole_stands_still():
    trembling = {name: _shaken(body) for name, body in FROZEN.items()}
    quiet = moving(trembling, {"a": 0.3, "o": 0.2})
    assert verdicts(trembling, "lifts", motion=quiet)[1:10] == "nnnnnnnnn"
    breathing = moving(trembling, {"a": 6.0, "o": 5.0}, restless=4.0)
    assert verdicts(trembling, "lifts", motion=breathing)[1:10] == "nnnnnnnnn"


def test_hands_that_move_before_the_body_are_acting_though_the_outline_stays():
    assert verdicts(FROZEN, "pats")[6] == "n"
    assert verdicts(FROZEN, "pats", motion=moving(FROZEN, {"a": 9.0}))[6] == "y"


def test_an_overlap_is_a_contact_once_the_thing_is_taken_along():
    held = {"a": person(still(80)), "o": thing(still(92), lambda frame: 80 - 25 * ramp(frame, 8, 20))}
    assert verdicts(held, "lifts")[0] == "u"
    assert verdicts(held, "lifts")[2:6] == "yyyy"


def test_a_mask_that_grows_over_something_else_has_not_moved():
    reach = person(lambda frame: 20 + 60 * ramp(frame, 4, 12) + 14 * ramp(frame, 14, 20))
    slid = {"a": reach, "o": thing(lambda frame: 96 + 14 * ramp(frame, 14, 20), still(60), side=40)}
    assert verdicts(slid, "pushes")[4] == "y"
    assert verdicts(slid, "pushes", motion=moving(slid, {"a": 5.0, "o": 2.0}))[4] == "n"


def test_a_few_pixels_of_jitter_do_not_say_who_came():
    lifter = {
        "a": person(lambda frame: 64.0 + 2 * ramp(frame, 4, 12)),
        "o": thing(lambda frame: 84.0 - 3 * ramp(frame, 4, 12), lambda frame: 80 - 25 * ramp(frame, 14, 24)),
    }
    assert verdicts(lifter, "lifts")[2:6] == "yyyy"
    assert verdicts(lifter, "lifts")[7:] == "yyy"


def test_small_things_stay_in_contact_through_the_noise_of_their_masks():
    can = thing(lambda frame: 97.0 + 2.5 * (frame % 2) + 0 * frame, still(60), side=8)
    reach = person(lambda frame: 20 + 60 * ramp(frame, 4, 12))
    assert verdicts({"a": reach, "o": can}, "holds")[2:4] == "yy"


def test_a_plate_under_a_thing_is_never_the_agent():
    plate = lambda _: [(90.0, 100.0, 130.0, 104.0)]  # noqa: E731
    bodies = {
        "a": person(lambda frame: 20 + 64 * ramp(frame, 4, 12)),
        "o": thing(still(100), lambda frame: 80 - 25 * ramp(frame, 15, 25)),
        "plate": plate,
    }
    assert verdicts(bodies, "lifts")[7:] == "yyy"
    alone = {**bodies, "a": person(still(20))}
    assert verdicts(alone, "lifts")[9] == "n"


def test_an_outcome_that_is_hidden_at_the_end_is_unanswerable_and_one_that_vanished_is_none():
    bodies = {
        "a": person(lambda frame: 20 + 64 * ramp(frame, 4, 12)),
        "o": thing(still(100), lambda f: 80 - 25 * ramp(f, 14, 20)),
    }
    gone = dict.fromkeys(range(24, FRAMES), TrackState.OCCLUDED)
    assert verdicts(bodies, "lifts", states={"o": gone})[5] == "u"
    assert verdicts(bodies, "lifts", states={"o": dict.fromkeys(gone, TrackState.VANISHED)})[5] == "n"


def test_holding_is_not_eating_and_the_mouth_is_where_the_head_is():
    apple = lambda high: thing(still(74), lambda frame: 80 - high * ramp(frame, 6, 14), side=8)  # noqa: E731
    eater = person(still(60), lambda frame: (18.0, 6.0 * ramp(frame, 6, 14)))
    at_mouth = {"part": Part.MOUTH}
    assert verdicts({"a": eater, "o": apple(40)}, "eats", fields=at_mouth)[1:4] == "yyy"
    assert verdicts({"a": eater, "o": apple(40)}, "eats", fields=at_mouth)[7:] == "yyy"
    assert verdicts({"a": eater, "o": apple(10)}, "eats", fields=at_mouth)[2:4] == "nn"
    assert verdicts({"a": eater, "o": apple(10)}, "eats", fields=at_mouth)[7:] == "nnn"
    assert set(verdicts({"a": eater, "o": apple(40)}, "eats")[7:]) == {"u"}


def test_a_calf_on_a_rope_is_led_when_the_rope_is_named_and_else_nobody_knows():
    leader = person(lambda frame: 30 + 60 * ramp(frame, 4, 28))
    calf = thing(lambda frame: 80 + 60 * ramp(frame, 4, 28))
    rope = lambda frame: [(44.0 + 60 * ramp(frame, 4, 28), 70.0, 84.0 + 60 * ramp(frame, 4, 28), 84.0)]  # noqa: E731
    tree = thing(still(5), still(5))
    bodies = {"a": leader, "o": calf, "rope": rope, "tree": tree}
    assert verdicts(bodies, "leads", fields={"instrument": "rope"}) == "uyyyyyyyyy".replace("u", verdicts(bodies, "leads")[0], 1)
    assert verdicts(bodies, "leads")[1:] == "uuuuuyuuu"
    loose = {**bodies, "rope": thing(still(200), side=8)}
    assert verdicts(loose, "leads", fields={"instrument": "rope"})[2:5] == "nnn"


def test_a_rope_that_was_not_found_in_the_first_frame_leaves_it_open_who_leads_whom():
    bodies = {
        "a": person(lambda frame: 30 + 60 * ramp(frame, 4, 28)),
        "o": thing(lambda frame: 80 + 60 * ramp(frame, 6, 30)),
    }
    item = sample([*bodies, "rope"], "leads", fields={"instrument": "rope"})
    request = JudgeRequest(sample=item, video=video(), tracks=tracks(bodies), questions=questions_for(item))
    found = {answer.question_id: answer for answer in create("", {}).answer(request)}
    for number in (2, 3, 4, 5, 8, 9, 10):
        assert found[number].status is AnswerStatus.UNANSWERABLE
        assert "not tracked" in found[number].reason


def test_what_a_following_camera_keeps_in_the_middle_has_moved_against_the_background():
    # Both stand where they are in the picture, and the surroundings pass by.
    leader = person(lambda frame: 84.0 + 2 * (frame // 4 % 2))
    pushed = {"a": leader, "o": thing(still(100))}
    known = moving(pushed, {"a": 8.0, "o": 8.0}, camera=-8.0)
    assert verdicts(pushed, "pushes", motion=known)[4:6] == "yy"
    assert verdicts(pushed, "pushes", motion=moving(pushed, {"a": 8.0, "o": 0.0}))[4:6] == "nn"


def _shaken(body):
    return lambda frame: [(x0 - frame % 2, y0, x1 + (frame // 2) % 2, y1) for x0, y0, x1, y1 in body(frame)]


PUSH = {
    "a": person(lambda frame: 20 + 64 * ramp(frame, 4, 12) + 40 * ramp(frame, 15, 25)),
    "o": thing(lambda frame: 100 + 40 * ramp(frame, 15, 25)),
    "b": person(still(210)),
}
LIFT = {
    "a": person(lambda frame: 20 + 64 * ramp(frame, 4, 12)),
    "o": thing(still(100), lambda frame: 80 - 25 * ramp(frame, 15, 25)),
    "b": person(still(210)),
}
PAT = {"a": person(lambda frame: 20 + 64 * ramp(frame, 4, 12)), "o": person(still(100)), "b": person(still(210))}
MIRROR = lambda body: lambda frame: [(240 - x1, y0, 240 - x0, y1) for x0, y0, x1, y1 in body(frame)]  # noqa: E731
SLOWED = lambda body: lambda frame: body(frame * 0.8)  # noqa: E731
REVERSED = lambda body: lambda frame: body(FRAMES - 1 - frame)  # noqa: E731
DONE = {"pushes": PUSH, "lifts": LIFT, "pats": PAT}


@pytest.mark.parametrize("verb", DONE)
@pytest.mark.parametrize("turned", [MIRROR, SLOWED], ids=["mirrored", "slowed"])
def test_a_mirrored_or_slowed_clip_keeps_every_answer(verb, turned):
    assert verdicts({name: turned(body) for name, body in DONE[verb].items()}, verb) == verdicts(DONE[verb], verb) == "y" * 10


@pytest.mark.parametrize(
    ("verb", "must"),
    [
        # A push backwards begins in contact and ends apart; whose motion carried the box nobody sees, but that it moved.
        ("pushes", {1: "nu", 2: "nu", 5: "y", 6: "y"}),
        # A lift backwards is a lowering: it ends no higher.
        ("lifts", {1: "nu", 2: "nu", 5: "y", 6: "n"}),
        # A touch backwards begins with it.
        ("pats", {1: "nu", 2: "nu", 7: "y"}),
    ],
)
def test_a_reversed_clip_changes_what_depends_on_the_order_of_time(verb, must):
    found = verdicts({name: REVERSED(body) for name, body in DONE[verb].items()}, verb)
    assert {number: letters for number, letters in must.items() if found[number - 1] not in letters} == {}, found
