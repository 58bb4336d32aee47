"""Every video has bounds, and a difference of two takes what is missing in both as one thing."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from intergeneval.records import (
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Instance,
    Interaction,
    Profile,
    Sample,
    ScoreStatus,
    TrackState,
    Video,
    VideoStatus,
    bounds_of,
    difference_of,
)
from intergeneval.scores import score_video, score_videos

FRAMES = (5, 10, 15, 20)
V, GONE, LOST = TrackState.VISIBLE, TrackState.VANISHED, TrackState.LOST
MAN = Instance(id="id1", class_="man", appearance="man", colour="red")
CUP = Instance(id="id2", class_="cup", appearance="cup", colour="blue")
BYSTANDER = Instance(id="id3", class_="dog", appearance="dog", colour="green")
SAMPLE = Sample(
    id="s", prompt="p", instances=(MAN, CUP, BYSTANDER), interactions=(Interaction(subject="id1", verb="lifts", object="id2"),)
)
VIDEO = Video(sample_id="s", seed=0, status=VideoStatus.OK, sha256="v", frames=21, sampled=(0, *FRAMES))


def answers(letters, interaction=0):
    """Ten answers: y, n, u (unanswerable), d (declined for the verb), f (failed)."""
    value = {"y": AnswerValue.YES, "n": AnswerValue.NO}
    status = {"u": AnswerStatus.UNANSWERABLE, "d": AnswerStatus.UNANSWERABLE, "f": AnswerStatus.FAILED}
    return [
        Answer(
            sample_id="s",
            seed=0,
            interaction=interaction,
            question_id=number,
            status=status.get(letter, AnswerStatus.OK),
            value=value.get(letter),
            declined=letter == "d",
            video="v",
        )
        for number, letter in enumerate(letters, start=1)
    ]


def seen(one=(V,) * 4, other=(V,) * 4, bystander=(V,) * 4, **changes):
    states = {"id1": tuple(one), "id2": tuple(other), "id3": tuple(bystander)}
    base = Consistency(sample_id="s", seed=0, frames=FRAMES, states=states, emergence=(False,) * 4, video="v")
    return replace(base, **changes)


def scored(letters="yyyyyyyyyy", assessed=None, profile=Profile.BOUNDED, **changes):
    found = score_video(SAMPLE, VIDEO, answers(letters), assessed or seen(), profile)
    return replace(found, **{"video": "v", **changes})


def test_what_has_no_answer_is_no_at_worst_and_yes_at_best():
    found = scored("yyynuuynnu")
    assert (found.kisa_bounds, found.sgi_bounds) == ((3 / 6, 5 / 6), (1 / 4, 2 / 4))
    assert found.if_bounds == pytest.approx(((3 / 6 + 1 / 4) / 2, (5 / 6 + 2 / 4) / 2))
    assert found.if_bounds[0] <= found.if_ <= found.if_bounds[1]


def test_a_video_that_is_wholly_answered_has_bounds_of_no_width():
    found = scored("yynnyyynyy", seen(one=(V, GONE, V, V)))
    assert found.if_bounds == pytest.approx((found.if_, found.if_))
    assert found.open == ()


def test_frames_that_could_not_be_told_are_the_worst_and_none():
    found = scored(assessed=seen(bystander=(V, V, V, LOST), emergence=(False, None, False, None)), profile=Profile.PAPER)
    assert found.disappearance_bounds == (0.0, 1 / 4)
    assert found.emergence_bounds == (0.0, 0.5)
    assert scored(assessed=seen(one=(V, V, V, GONE)), profile=Profile.PAPER).spi_bounds == pytest.approx((0.375, 0.375))


def test_emergence_that_a_run_does_not_look_for_is_no_part_of_the_bounds():
    found = scored(assessed=seen(emergence=None))
    assert (found.partial, found.emergence_bounds, found.spi_bounds) == (("emergence",), None, (1.0, 1.0))


@pytest.mark.parametrize("letters", ["yyyyyyyyyf", "ffffffffff"])
def test_a_video_without_a_score_has_bounds_all_the_same(letters):
    found = scored(letters)
    assert (found.status, found.if_) == (ScoreStatus.UNANSWERED, None)
    assert found.if_bounds == pytest.approx((0.5 + 0.5 * 0.75, 1.0) if letters[0] == "y" else (0.0, 1.0))


def test_a_failed_assessment_leaves_every_frame_open():
    found = scored(assessed=seen(states=None, emergence=None, status=AnswerStatus.FAILED))
    assert (found.status, found.spi_bounds, found.if_bounds) == (ScoreStatus.UNANSWERED, (0.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize(("profile", "bounds"), [(Profile.BOUNDED, (0.0, 1.0)), (Profile.PAPER, (-4.0, 1.0))])
def test_what_the_run_has_not_reached_and_what_begins_otherwise_can_be_anything(profile, bounds):
    (unreached,) = score_videos([SAMPLE], [], [], [], profile)
    foreign = score_video(SAMPLE, replace(VIDEO, status=VideoStatus.FOREIGN_FIRST_FRAME, reason="other"), [], None, profile)
    assert unreached.if_bounds == foreign.if_bounds == bounds
    assert (foreign.status, foreign.if_, foreign.reason) == (ScoreStatus.FOREIGN_FIRST_FRAME, None, "other")


def test_a_missing_video_is_nothing_but_zero_under_bounded_and_anything_under_paper():
    gone = replace(VIDEO, status=VideoStatus.MISSING, sha256="")
    assert score_video(SAMPLE, gone, [], None, Profile.BOUNDED).if_bounds == (0.0, 0.0)
    assert score_video(SAMPLE, gone, [], None, Profile.PAPER).if_bounds == (-4.0, 1.0)


def test_what_a_judge_declares_for_the_verb_leaves_the_denominator_and_widens_nothing():
    found = scored("yyyydnyyyy")
    assert (found.kisa_raw, found.kisa_bounds, found.answered) == (4 / 5, (4 / 5, 4 / 5), "9/9")
    assert found.interactions[0].declined == (5,)
    assert scored("yydddnyyyy").status is ScoreStatus.OK  # all seven that can be asked
    assert scored("yydddnyyyu").status is ScoreStatus.UNANSWERABLE


def test_a_share_of_which_nothing_can_be_asked_is_open_as_a_whole():
    found = scored("ddddddyyyy")
    assert (found.status, found.if_, found.kisa_bounds) == (ScoreStatus.UNANSWERABLE, None, (0.0, 1.0))


def test_a_share_over_the_little_that_could_be_answered_is_no_share():
    found = scored("yuuuuuyuuu")
    assert (found.kisa_raw, found.sgi_raw, found.if_) == (None, None, None)
    assert found.kisa_bounds == (1 / 6, 1.0)


def test_who_only_stands_by_may_be_lost_and_widens_the_bounds_alone():
    found = scored(assessed=seen(bystander=(LOST,) * 4))
    assert (found.status, found.if_, found.if_bounds) == (ScoreStatus.OK, 1.0, (0.0, 1.0))
    assert scored(assessed=seen(other=(LOST, V, V, V))).status is ScoreStatus.UNTRACKED
    absent = seen(bystander=(LOST,) * 4, status=AnswerStatus.UNANSWERABLE, reason="id3 was not found")
    assert scored(assessed=absent).status is ScoreStatus.OK


def random_score(rng, profile, sha="v"):
    letters = "".join(rng.choice(list("ynnyuf"), size=10))
    states = [rng.choice([V, V, GONE, LOST], size=4) for _ in range(3)]
    emergence = tuple(rng.choice([True, False, False, None], size=4).tolist())
    marks = tuple(rng.choice([True, False, None], size=4).tolist())
    return scored(letters, seen(*states, emergence=emergence, implausible=marks), profile, video=sha)


METRICS = ("if", "kisa", "sgi", "spi", "kisa_raw", "sgi_raw")


@pytest.mark.parametrize("profile", list(Profile))
def test_a_video_against_itself_differs_by_exactly_nothing_whatever_is_missing(profile):
    rng = np.random.default_rng(3)
    for _ in range(60):
        one = random_score(rng, profile)
        assert {difference_of(one, one, metric, profile) for metric in METRICS} == {(0.0, 0.0)}


def resolved(score, truth, profile):
    """The score once everything open is known: `truth` gives the value (0 or 1) of each open item by name."""
    weight = dict.fromkeys(("kisa", "sgi", "emergence", "disappearance", "plausibility"), 0.0)
    for name, part in score.open:
        head, _, tail = name.partition(":")
        kind = head if not head.isdecimal() else "kisa" if int(tail) <= 6 else "sgi"
        weight[kind] += part * truth[name]
    raw = (score.kisa_bounds[0] + weight["kisa"] + score.sgi_bounds[0] + weight["sgi"]) / 2
    spi = 1 - 2.5 * sum(getattr(score, f"{name}_bounds")[0] + weight[name] for name in ("emergence", "disappearance"))
    plausible = 1.0 if score.plausibility_bounds is None else score.plausibility_bounds[0] + weight["plausibility"]
    return raw * (spi if profile is Profile.PAPER else min(max(spi, 0), 1)) * plausible


@pytest.mark.parametrize("profile", list(Profile))
def test_no_way_to_fill_the_gaps_leaves_the_bounds_and_shared_gaps_are_filled_alike(profile):
    rng = np.random.default_rng(5)
    for _ in range(40):
        one, other = random_score(rng, profile), random_score(rng, profile)
        low, high = difference_of(one, other, "if", profile)
        for _ in range(30):
            truth = {name: int(rng.integers(2)) for name, _ in (*one.open, *other.open)}
            private = {name: int(rng.integers(2)) for name in truth}
            shared = dict(one.open).keys() & dict(other.open).keys()
            second = {name: truth[name] if name in shared else private[name] for name in truth}
            first_value, second_value = resolved(one, truth, profile), resolved(other, second, profile)
            assert low - 1e-12 <= second_value - first_value <= high + 1e-12
            inside = bounds_of(one, "if", profile)
            assert inside[0] - 1e-12 <= first_value <= inside[1] + 1e-12


def test_the_bounds_of_a_difference_are_no_wider_than_they_must_be():
    one, other = scored("yuuyyynyyy"), scored("yyuynynyyy")
    truths = [dict(zip(("0:2", "0:3"), values, strict=True)) for values in itertools.product((0, 1), repeat=2)]
    every = [
        resolved(other, truth, Profile.BOUNDED) - resolved(one, truth, Profile.BOUNDED) for truth in truths
    ]  # 0:3 is open in both, 0:2 in the first alone
    assert difference_of(one, other, "if", Profile.BOUNDED) == pytest.approx((min(every), max(every)))


def test_other_bytes_are_another_video_whose_gaps_are_its_own():
    one = scored("yyyyuuyyyy")
    assert difference_of(one, replace(one, video="w"), "if", Profile.BOUNDED) == pytest.approx((-1 / 6, 1 / 6))


def test_one_run_against_itself_takes_even_an_unseen_video_as_one():
    (one,) = score_videos([SAMPLE], [], [], [], Profile.BOUNDED)
    assert difference_of(one, one, "if", Profile.BOUNDED) == (-1.0, 1.0)
    assert difference_of(one, one, "if", Profile.BOUNDED, same=True) == (0.0, 0.0)


def test_a_score_without_bounds_is_its_value_or_anything():
    old = scored(if_bounds=None)
    assert bounds_of(old, "if", Profile.BOUNDED) == (1.0, 1.0)
    assert bounds_of(replace(old, if_=None), "if", Profile.PAPER) == (-4.0, 1.0)
