"""The geometry judge on hand-made tracks whose story is known."""

import time
from dataclasses import replace

import pytest

from intergeneval import plugins, questions
from intergeneval.errors import BackendError, ConfigError
from intergeneval.judges import JudgeRequest
from intergeneval.judges.geometry import create
from intergeneval.judges.geometry.camera import estimate
from intergeneval.judges.geometry.measurements import Scene
from intergeneval.judges.geometry.predicates import PREDICATES
from intergeneval.records import AnswerStatus, AnswerValue, Profile, Relation, TouchingAtStart, TrackState
from intergeneval.verbs import patterns
from tests.judges.moving_shapes import FPS, FRAMES, SAMPLED, answers, person, ramp, sample, still, thing, tracks, verdicts, video

ARM_OUT = lambda frame: (14.0 * ramp(frame, 6, 10), 0.0)  # noqa: E731  # a table of motions reads best in one line each


def pusher(stop: float = 0.0):
    """Walks from 20 towards a box at 100 (its left side), to `stop` pixels short of it; then on by 40."""
    return person(lambda frame: 20 + (64 - stop) * ramp(frame, 4, 12) + 40 * ramp(frame, 15, 25))


def pushed(start: float = 100.0):
    return thing(lambda frame: start + 40 * ramp(frame, 15, 25))


PUSHES = {
    "as told": ({"a": pusher(), "o": pushed(), "b": person(still(210))}, "yyyyyyyyyy"),
    "no action": ({"a": person(still(20)), "o": thing(still(100)), "b": person(still(210))}, "ynnnnnnnnn"),
    "stops short": (
        {"a": person(lambda frame: 20 + 50 * ramp(frame, 4, 12)), "o": thing(still(100)), "b": person(still(210))},
        "yynnnnynnn",
    ),
    "without contact": ({"a": pusher(stop=14.0), "o": pushed(), "b": person(still(210))}, "yynnnyynnn"),
    "wrong agent": (
        {
            "a": person(still(20)),
            "o": thing(lambda frame: 100 - 40 * ramp(frame, 15, 25)),
            "b": person(lambda frame: 210 - 90 * ramp(frame, 4, 12) - 40 * ramp(frame, 15, 25)),
        },
        "ynnnnynnny",
    ),
    "wrong recipient": (
        {"a": pusher(), "o": thing(still(210), side=18), "x": pushed()},
        "yynnnnynnn",
    ),
    "engaged from the start": (
        {"a": person(lambda f: 84 + 40 * ramp(f, 4, 25)), "o": thing(lambda f: 100 + 40 * ramp(f, 4, 25))},
        None,
    ),
    "no outcome": ({"a": person(lambda frame: 20 + 64 * ramp(frame, 4, 12)), "o": thing(still(100))}, "yyyynnynnn"),
}


@pytest.mark.parametrize("story", [name for name, (_, expected) in PUSHES.items() if expected])
def test_a_push_and_each_way_it_goes_wrong_get_their_own_answers(story):
    bodies, expected = PUSHES[story]
    assert verdicts(bodies, "pushes") == expected


def test_being_engaged_from_the_start_leaves_1_and_2_open_unless_the_benchmark_knows():
    bodies = PUSHES["engaged from the start"][0]
    assert verdicts(bodies, "pushes") == "uuyyyyyyyy"
    assert verdicts(bodies, "pushes", fields={"touching_at_start": TouchingAtStart.NO})[0] == "y"
    found = answers(bodies, "pushes", fields={"touching_at_start": TouchingAtStart.YES}, profile=Profile.PAPER)
    assert found[1].value is AnswerValue.NO
    assert found[1].frame == 0
    assert found[6].value is AnswerValue.YES


def test_roles_swapped_deny_agent_recipient_and_receiver():
    bodies = {
        "a": person(lambda frame: 20 - 15 * ramp(frame, 15, 25)),
        "o": person(lambda frame: 110 - 74 * ramp(frame, 4, 12) - 15 * ramp(frame, 15, 25)),
    }
    assert verdicts(bodies, "pushes")[6:] == "nnnn"


def test_the_answers_survive_a_panning_camera():
    bodies, expected = PUSHES["as told"]
    assert verdicts(bodies, "pushes", drift=0.6) == expected
    bodies, expected = PUSHES["no outcome"]
    with_bystander = {**bodies, "b": person(still(190))}
    assert verdicts(with_bystander, "pushes", drift=0.6) == expected


def test_decisive_frames_are_sampled_frames_at_or_after_the_event():
    found = answers(PUSHES["as told"][0], "pushes")
    assert found[3].frame == 12
    assert all(item.frame in SAMPLED for item in found.values() if item.frame is not None)
    assert found[4].frame >= found[3].frame
    assert found[5].frame > 15


def test_a_kick_sends_the_ball_away_and_a_ball_that_stays_is_no_outcome():
    kicker = person(lambda frame: 20 + 50 * ramp(frame, 4, 12), lambda frame: (16.0 * ramp(frame, 10, 13), 0.0))
    ball = thing(lambda frame: 95 + 80 * ramp(frame, 14, 22), still(52), side=12)
    assert verdicts({"a": kicker, "o": ball}, "kicks") == "yyyyyyyyyy"
    assert verdicts({"a": kicker, "o": thing(still(95), still(52), side=12)}, "kicks") == "yyynnnynnn"


def test_a_lift_must_end_higher():
    lifter = person(lambda frame: 20 + 64 * ramp(frame, 4, 12))
    up = thing(still(100), lambda frame: 80 - 25 * ramp(frame, 15, 25))
    sideways = thing(lambda frame: 100 + 12 * ramp(frame, 15, 25))
    assert answers({"a": lifter, "o": up}, "lifts")[6].value is AnswerValue.YES
    assert answers({"a": lifter, "o": sideways}, "lifts")[6].value is AnswerValue.NO


def test_touching_needs_a_contact_that_lasts_and_does_not_pass_by():
    walker = person(lambda frame: 20 + 64 * ramp(frame, 4, 12) - 30 * ramp(frame, 24, 30))
    assert verdicts({"a": walker, "o": person(still(100)), "b": person(still(210))}, "pats") == "yyyyyyyyyy"
    passing = person(lambda frame: 5 + 200 * ramp(frame, 4, 24))
    found = answers({"a": passing, "o": thing(still(100), side=8)}, "pats")
    assert found[5].value is AnswerValue.NO


def test_a_hug_is_shared_and_the_right_two_share_it():
    left = person(lambda frame: 20 + 40 * ramp(frame, 4, 12))
    right = person(lambda frame: 120 - 44 * ramp(frame, 4, 12))
    assert verdicts({"a": left, "o": right, "b": person(still(210))}, "hugs", mutual=True) == "yyyyyyyyyy"
    other = {"a": left, "o": person(still(210)), "b": right}
    assert verdicts(other, "hugs", mutual=True)[7:] == "nnn"


def test_a_chase_is_told_from_two_that_stay_and_from_one_that_runs_alone():
    hunter = person(lambda frame: 10 + 110 * ramp(frame, 6, 28))
    hunted = thing(lambda frame: 80 + 110 * ramp(frame, 6, 28))
    tree = thing(still(60), still(5))
    assert verdicts({"a": hunter, "o": hunted, "b": tree}, "chases") == "yyyyyyyyyy"
    assert verdicts({"a": person(still(10)), "o": hunted, "b": tree}, "chases")[1:6] == "nnnnn"


def test_a_gesture_goes_towards_its_target_without_touching():
    waver = person(still(60), lambda frame: (26.0 * ramp(frame, 6, 10), 6.0 * ramp(frame, 6, 10)))
    found = verdicts({"a": waver, "o": person(still(180))}, "points at")
    assert found == "yyyyyyyyyy"
    away = verdicts({"a": waver, "o": person(still(5))}, "points at")
    assert away[2] == "n"
    assert away[8] == "n"
    assert verdicts({"a": person(still(60)), "o": person(still(180))}, "points at")[1:5] == "nnnn"


def test_opening_is_seen_by_its_outline_and_an_unmoved_door_is_not_opened():
    opener = person(lambda frame: 20 + 64 * ramp(frame, 4, 12))

    def door(frame):
        going = ramp(frame, 15, 25)
        return [(100.0, 40.0, 124.0 - 12 * going, 100.0), (124.0, 40.0, 124.0 + 14 * going, 60.0)]

    assert verdicts({"a": opener, "o": door}, "opens") == "yyyyyyyyyy"
    assert verdicts({"a": opener, "o": thing(still(100))}, "opens")[4:6] == "nn"


def test_a_thing_handed_over_goes_from_one_to_the_other():
    ball = thing(lambda frame: 36 + 124 * ramp(frame, 8, 20), still(60), side=10)
    bodies = {"a": person(still(20)), "o": person(still(170)), "ball": ball}
    assert verdicts(bodies, "throws the ball to")[:6] == "yyyyyy"
    stays = {**bodies, "ball": thing(still(36), still(60), side=10)}
    assert verdicts(stays, "throws the ball to")[2:6] == "nnnn"


def test_pouring_answers_where_the_kettle_is_but_not_whether_anything_flows():
    kettle = thing(lambda frame: 20 + 78 * ramp(frame, 4, 12), still(45))
    found = verdicts({"a": kettle, "o": thing(still(100))}, "pours coffee into")
    assert found == "yyyyuuyyyy"


def test_what_geometry_cannot_know_is_declined_before_any_video_is_seen():
    judge = create("", {})
    asked = questions.questions_for(sample(["a", "o"], "smiles at"))
    declined = {item.question_id: judge.declines(item) for item in asked}
    assert [number for number, why in declined.items() if why is None] == [7]
    assert "smiles at" in declined[3]


def test_a_lost_track_makes_a_no_unanswerable_but_leaves_a_seen_yes():
    bodies = PUSHES["as told"][0]
    late = {"o": dict.fromkeys(range(26, FRAMES), TrackState.LOST)}
    found = answers(bodies, "pushes", states=late)
    assert found[3].value is AnswerValue.YES
    early = {"o": dict.fromkeys(range(8, FRAMES), TrackState.LOST)}
    found = answers(bodies, "pushes", states=early)
    assert found[3].status is AnswerStatus.UNANSWERABLE
    assert "lost" in found[3].reason


def test_an_object_that_vanishes_is_no_outcome():
    gone = {"o": dict.fromkeys(range(27, FRAMES), TrackState.VANISHED)}
    assert answers(PUSHES["as told"][0], "pushes", states=gone)[6].value is AnswerValue.NO


def test_a_jump_at_the_decisive_frame_is_visually_implausible():
    jumping = thing(lambda frame: 100.0 if frame < 18 else 180.0)
    bodies = {"a": person(lambda frame: 20 + 64 * ramp(frame, 4, 12)), "o": jumping}
    assert answers(bodies, "pushes")[5].value is not AnswerValue.YES


def test_nothing_counts_after_two_have_changed_places():
    bodies, told = PUSHES["as told"]
    assert verdicts(bodies, "pushes") == told
    swapped = {
        "a": lambda frame: bodies["a" if frame < 8 else "b"](frame),
        "o": bodies["o"],
        "b": lambda frame: bodies["b" if frame < 8 else "a"](frame),
    }
    found = answers(swapped, "pushes")
    assert [found[number].value for number in (3, 4, 5, 8, 9)] == [AnswerValue.NO] * 5
    close = {"a": person(lambda f: 60.0 if f < 10 else 90.0), "o": person(lambda f: 90.0 if f < 10 else 60.0)}
    assert verdicts(close, "hugs", mutual=True)[2:6] == "nnnn"


def test_reasons_name_instances_by_class_and_colour():
    found = answers(PUSHES["as told"][0], "pushes")
    assert found[3].reason.startswith("The man (red box) touches the man (blue box)")
    everything = " ".join(item.reason for story, _ in PUSHES.values() for item in answers(story, "pushes").values())
    assert "{" not in everything


def test_a_still_camera_is_told_from_a_pan_and_a_zoom():
    still_ones = {"a": person(still(60)), "o": thing(still(120)), "b": person(still(180))}
    scene = Scene(tracks(still_ones, drift=0.5), SAMPLED, FPS)
    camera = estimate(scene)
    assert camera.pan[-1][0] == pytest.approx(16.0, abs=1.5)
    assert camera.zoom[-1] == pytest.approx(1.0, abs=0.02)
    assert estimate(Scene(tracks(still_ones), SAMPLED, FPS)).pan[-1] == pytest.approx([0.0, 0.0])
    grown = {name: (lambda frame, body=body: zoomed(body(frame), 1 + 0.002 * frame)) for name, body in still_ones.items()}
    assert estimate(Scene(tracks(grown), SAMPLED, FPS)).zoom[-1] == pytest.approx(1.064, abs=0.02)


def zoomed(rectangles, factor):
    return [
        (120 + (a - 120) * factor, 60 + (b - 60) * factor, 120 + (c - 120) * factor, 60 + (d - 60) * factor)
        for a, b, c, d in rectangles
    ]


def test_an_instance_without_a_track_is_unanswerable():
    item = sample(["a", "o"], "pushes")
    only = tracks({"a": person(still(20))})
    request = JudgeRequest(sample=item, video=video(), tracks=only, questions=questions.questions_for(item))
    assert {answer.status for answer in create("", {}).answer(request)} == {AnswerStatus.UNANSWERABLE}


def test_failed_tracking_is_an_error_and_no_answer():
    item = sample(["a", "o"], "pushes")
    failed = replace(tracks({"a": person(still(20)), "o": thing(still(100))}), status="failed", reason="no frame was read")
    request = JudgeRequest(sample=item, video=video(), tracks=failed, questions=questions.questions_for(item))
    with pytest.raises(BackendError, match="no frame was read"):
        create("", {}).answer(request)


def test_a_thing_moved_with_a_stick_is_moved_by_whoever_holds_the_stick():
    # The man stays where he is; a stick that he does not touch comes, touches the box and takes it along.
    stick = thing(lambda frame: 50 + 30 * ramp(frame, 4, 12) + 40 * ramp(frame, 15, 25))
    bodies = {"a": person(still(20)), "o": pushed(), "t": stick}
    plain = verdicts(bodies, "pushes")
    assert plain[2:5] == "nnn"
    assert verdicts(bodies, "pushes", fields={"instrument": "t"}) == "yyyyyynnyy"
    long = lambda frame: [(36.0, 82.0, 70 + 30 * ramp(frame, 4, 12) + 40 * ramp(frame, 15, 25), 86.0)]  # noqa: E731
    assert verdicts({**bodies, "t": long}, "pushes", fields={"instrument": "t"})[7] == "y"
    assert (
        "the man (green box) touches the man (blue box)"
        in answers(bodies, "pushes", fields={"instrument": "t"})[3].reason.lower()
    )


def test_any_of_several_will_do():
    bodies = {"a": pusher(), "o": thing(still(210), side=18), "x": pushed()}
    assert verdicts(bodies, "pushes") == PUSHES["wrong recipient"][1]
    done = answers(bodies, "pushes", fields={"alternatives": ("x",)})
    assert all(done[number].value is AnswerValue.YES for number in (3, 4, 5, 6, 8, 9, 10))
    assert "green box" in done[6].reason
    none = {"a": person(still(20)), "o": thing(still(210), side=18), "x": thing(still(100))}
    assert "y" not in verdicts(none, "pushes", fields={"alternatives": ("x",)})[2:]


def test_a_no_about_several_speaks_of_the_one_that_was_nearest_and_says_so_of_the_rest():
    bodies = {"a": person(lambda frame: 20 + 50 * ramp(frame, 4, 12)), "o": thing(still(210), side=18), "x": thing(still(100))}
    reason = answers(bodies, "pushes", fields={"alternatives": ("x",)})[3].reason
    assert "green box" in reason
    assert "nor does another that would do show it" in reason


def test_what_comes_to_the_subject_is_said_to_have_come():
    bodies = {"a": person(still(20)), "o": thing(lambda frame: 100 - 64 * ramp(frame, 4, 12))}
    found = answers(bodies, "pushes")[3]
    assert found.value is AnswerValue.NO
    assert "comes to the man (red box), and not the other way round" in found.reason


def test_an_alternative_that_was_lost_makes_a_no_unanswerable():
    lost = {"x": dict.fromkeys(range(1, FRAMES), TrackState.LOST)}
    bodies = {"a": person(still(20)), "o": thing(still(210), side=18), "x": pushed()}
    assert verdicts(bodies, "pushes", states=lost)[2] == "n"
    assert verdicts(bodies, "pushes", states=lost, fields={"alternatives": ("x",)})[2] == "u"


def put_then_push(turned_round=False):
    """Somebody walks to a ball and takes it along, and then on to a box and pushes that; or all of it backwards."""

    def walk(frame):
        return 20 + 30 * ramp(frame, 2, 6) + 20 * ramp(frame, 7, 11) + 60 * ramp(frame, 13, 19) + 30 * ramp(frame, 22, 30)

    def at(frame):
        return FRAMES - 1 - frame if turned_round else frame

    return {
        "a": person(lambda frame: walk(at(frame))),
        "ball": thing(lambda frame: 66 + 20 * ramp(at(frame), 7, 11), side=10),
        "box": thing(lambda frame: 146 + 30 * ramp(at(frame), 22, 30)),
    }


def second_deed(bodies):
    """Answers about pushing the box, which is to follow the pushing of the ball."""
    plain = sample(list(bodies), "pushes")
    (first,) = plain.interactions
    item = replace(plain, interactions=(first, replace(first, object="box", after=0)))
    asked = [one for one in questions.questions_for(item) if one.interaction == 1]
    request = JudgeRequest(sample=item, video=video(), tracks=tracks(bodies), questions=asked)
    return {answer.question_id: answer for answer in create("", {}).answer(request)}


def test_a_second_deed_is_looked_for_after_the_first_and_the_first_is_no_rival():
    done = second_deed(put_then_push())
    assert {number: answer.value for number, answer in done.items()} == dict.fromkeys(range(1, 11), AnswerValue.YES)
    assert "where the earlier deed begins" in done[1].reason
    assert done[1].frame >= 4
    assert second_deed(put_then_push(turned_round=True))[2].value is AnswerValue.NO


def test_a_second_deed_without_the_first_has_no_beginning():
    bodies = put_then_push()
    bodies["ball"] = thing(still(5), side=10)
    done = second_deed(bodies)
    assert [done[number].value for number in (1, 2)] == [AnswerValue.NO] * 2
    assert "the deed that it follows" in done[1].reason.lower()


def test_all_answers_about_several_that_would_do_speak_of_one():
    # The walk passes one, on the ground beside it; the other is the one that is taken along.
    bodies = {
        "a": person(lambda frame: 20 + 90 * ramp(frame, 4, 16) + 40 * ramp(frame, 18, 28)),
        "o": thing(still(60), still(101), side=12),
        "x": thing(lambda frame: 126 + 40 * ramp(frame, 18, 28)),
    }
    done = answers(bodies, "pushes", fields={"alternatives": ("x",)})
    for number in (3, 4, 5, 6):
        assert done[number].value is AnswerValue.YES
        assert "green box" in done[number].reason
    assert done[3].evidence["first_contact"] >= 15


def test_a_destination_is_reached_when_both_touch_at_the_end():
    there = {"a": pusher(), "o": pushed(), "d": thing(still(160), side=30)}
    away = {"a": pusher(), "o": pushed(), "d": thing(still(205), side=30)}
    fields = {"destination": "d", "relation": Relation.AT}
    assert answers(there, "pushes", fields=fields)[6].value is AnswerValue.YES
    assert answers(away, "pushes", fields=fields)[6].value is AnswerValue.NO
    words = answers(there, "pushes", fields={"destination": "the wall", "relation": Relation.AT})[6]
    assert words.status is AnswerStatus.UNANSWERABLE
    assert "masks cannot show question 6" in words.reason.lower()


def test_every_predicate_the_lexicon_names_exists():
    named = {name for pattern in patterns().values() for name in pattern.predicates.values()}
    assert named <= set(PREDICATES)
    assert {"acts", "agent", "recipient", "receives"} <= set(PREDICATES)


def test_every_predicate_answers_on_still_bodies_without_failing():
    bodies = {"a": person(still(20)), "o": thing(still(100)), "b": thing(still(180))}
    for pattern in ("throws", "puts", "catches", "gives the ball to", "flees from", "approaches", "sits on", "fills", "paints"):
        assert len(verdicts(bodies, pattern)) == 10


def test_the_judge_registers_under_its_name_and_takes_no_settings():
    judge = plugins.build("judges", "geometry")
    assert (judge.id, judge.needs_frames, judge.needs_truth) == ("geometry", False, False)
    with pytest.raises(ConfigError, match="no argument"):
        create("fast", {})
    with pytest.raises(ConfigError, match="no settings"):
        create("", {"contact": 3})


def test_three_instances_at_480_by_720_take_less_than_two_seconds_of_one_core():
    big = {
        name: (lambda frame, body=body: [tuple(4 * v for v in r) for r in body(frame)])
        for name, body in PUSHES["as told"][0].items()
    }
    import tests.judges.moving_shapes as shapes  # the size is a constant of that module

    item = sample(list(big), "pushes")
    before = shapes.SIZE
    shapes.SIZE = (480, 960)
    try:
        found = tracks(big)
    finally:
        shapes.SIZE = before
    begun = time.process_time()
    request = JudgeRequest(sample=item, video=video(), tracks=found, questions=questions.questions_for(item))
    values = [answer.value for answer in create("", {}).answer(request)]
    assert time.process_time() - begun < 2.0
    assert values == [AnswerValue.YES] * 10
    assert found.fps == FPS


def test_contact_in_a_picture_that_is_held_lasts_as_long_as_the_picture():
    # The two touch in frame 15 alone, an eighth of a second at an even rate; then that frame is shown for two seconds.
    bodies = {"a": person(lambda frame: 84.0 if frame == 15 else 20.0), "o": thing(still(100))}
    even = measured(bodies, ())
    held = measured(bodies, tuple(frame / 8 + (2.0 if frame > 15 else 0.0) for frame in range(FRAMES)))
    assert even.evidence["contact_seconds"] == 0.12
    assert held.evidence["contact_seconds"] == pytest.approx(2.125, abs=0.01)
    assert (even.value, held.value) == (AnswerValue.NO, AnswerValue.YES)


def test_times_at_an_even_rate_measure_like_none():
    bodies = {"a": pusher(), "o": pushed()}
    plain, timed = (scene_of(bodies, times) for times in ((), [frame / 8 for frame in range(FRAMES)]))
    assert (plain.frames, plain.rate) == (timed.frames, timed.rate)


def scene_of(bodies, times):
    return Scene(tracks(bodies), SAMPLED, FPS, times)


def measured(bodies, times):
    """The answer about contact that is kept."""
    item = sample(list(bodies), "pushes")
    request = JudgeRequest(
        sample=item,
        video=replace(video(), times=times, sampled=(0, 5, 10, 15, 20, 32)),
        tracks=tracks(bodies),
        questions=questions.questions_for(item),
    )
    found = create("", {}).answer(request)
    return next(answer for answer in found if "contact_seconds" in answer.evidence)
