from dataclasses import replace

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
    TouchingAtStart,
    TrackState,
    Video,
    VideoStatus,
)
from intergeneval.scores import propagate, score_video, score_videos

FRAMES = (5, 10, 15, 20, 25, 30, 35, 40, 45, 48)
VISIBLE, LEFT, OCCLUDED = TrackState.VISIBLE, TrackState.LEFT, TrackState.OCCLUDED
VANISHED, LOST = TrackState.VANISHED, TrackState.LOST


def sample(interactions=1):
    return Sample(
        id="s",
        prompt="p",
        instances=(Instance(id="id1", class_="man", appearance="man", colour="red"),),
        interactions=(Interaction(subject="id1", verb="lifts", object="id1"),) * interactions,
    )


def touching(interactions=1):
    """The sample, its two in contact in the first frame."""
    found = sample(interactions)
    acts = tuple(replace(item, touching_at_start=TouchingAtStart.YES) for item in found.interactions)
    return replace(found, interactions=acts)


def video(**changes):
    return replace(Video(sample_id="s", seed=0, status=VideoStatus.OK, sha256="v", frames=49, sampled=(0, *FRAMES)), **changes)


def answers(values, interaction=0):
    """Build ten answers from a text of y, n, i (implausible), u (unanswerable), f, r, x (failed, refused, unparsed), - (none)."""
    value = {"y": AnswerValue.YES, "n": AnswerValue.NO, "i": AnswerValue.IMPLAUSIBLE}
    status = {"u": AnswerStatus.UNANSWERABLE, "f": AnswerStatus.FAILED, "r": AnswerStatus.REFUSED, "x": AnswerStatus.UNPARSED}
    return [
        Answer(
            sample_id="s",
            seed=0,
            interaction=interaction,
            question_id=number,
            status=status.get(letter, AnswerStatus.OK),
            value=value.get(letter),
            video="v",
        )
        for number, letter in enumerate(values, start=1)
        if letter != "-"
    ]


def consistency(states=None, **changes):
    tracked = {"id1": tuple(states or [VISIBLE] * len(FRAMES))}
    base = Consistency(sample_id="s", seed=0, frames=FRAMES, states=tracked, emergence=(False,) * len(FRAMES), video="v")
    return replace(base, **changes)


def scored(values="yyyyyyyyyy", assessed=None, profile=Profile.PAPER):
    return score_video(sample(), video(), answers(values), assessed or consistency(), profile)


def test_a_perfect_video_scores_one_everywhere():
    score = scored()
    assert (score.kisa_raw, score.sgi_raw, score.spi, score.kisa, score.sgi, score.if_) == (1, 1, 1, 1, 1, 1)
    assert (score.status, score.answered, score.partial) == (ScoreStatus.OK, "10/10", ())


def test_implausible_counts_as_no():
    score = scored("yyyiynyyiy")
    assert score.kisa_raw == pytest.approx(4 / 6)
    assert score.sgi_raw == 3 / 4


def test_raw_scores_are_means_over_interactions_and_if_is_their_mean_times_spi():
    both = answers("yyyyyyyyyy") + answers("yynnnnnnny", interaction=1)
    states = [VANISHED] + [VISIBLE] * 9
    score = score_video(sample(2), video(), both, consistency(states), Profile.PAPER)
    spi = (1 + (1 - 5 * 0.1)) / 2
    assert score.kisa_raw == pytest.approx((1 + 2 / 6) / 2, abs=1e-12)
    assert score.sgi_raw == pytest.approx((1 + 1 / 4) / 2, abs=1e-12)
    assert score.if_ == pytest.approx(((1 + 2 / 6) / 2 * spi + (1 + 1 / 4) / 2 * spi) / 2, abs=1e-12)


@pytest.mark.parametrize("letter", ["f", "r", "x", "-"])
def test_an_answer_that_failed_or_is_not_there_leaves_every_number_empty(letter):
    score = scored("yyyyyyyyy" + letter)
    assert score.status is ScoreStatus.UNANSWERED
    assert [score.kisa_raw, score.sgi_raw, score.spi, score.kisa, score.sgi, score.if_] == [None] * 6
    assert score.answered == "9/10"


def test_unanswerable_questions_leave_the_share_and_widen_the_bounds():
    score = scored("yynnuuyyyu")
    assert score.kisa_raw == 2 / 4
    assert score.sgi_raw == 1.0
    assert score.kisa_bounds == (2 / 6, 4 / 6)
    assert score.sgi_bounds == (3 / 4, 1.0)
    assert (score.status, score.answered) == (ScoreStatus.OK, "7/10")


@pytest.mark.parametrize("values", ["yyyuuuuyyy", "yyuuuuyyyy", "yyyyyyuuuu"])
def test_with_fewer_than_seven_of_the_ten_answered_there_is_no_if(values):
    score = scored(values)
    assert score.status is ScoreStatus.UNANSWERABLE
    assert score.if_ is None
    assert "could be answered, at least 7 of 10 are needed" in score.reason
    assert scored("yyyuuuyyyy").if_ == scored("yyyyyyyuuu").if_ == 1.0


def test_one_interaction_without_a_score_leaves_the_video_without():
    both = answers("yyyyyyyyyy") + answers("uuuuuuyyyy", interaction=1)
    score = score_video(sample(2), video(), both, consistency(), Profile.PAPER)
    assert (score.kisa_raw, score.sgi_raw, score.if_) == (None, 1.0, None)


@pytest.mark.parametrize(
    ("state", "paper", "bounded"), [(VANISHED, -1.5, 0.0), (LEFT, -1.5, 1.0), (OCCLUDED, -1.5, 1.0), (VISIBLE, 1.0, 1.0)]
)
def test_profiles_differ_in_what_is_missing_and_in_clipping(state, paper, bounded):
    assessed = consistency([state] * 10)
    assert propagate(assessed, Profile.PAPER).spi == paper
    assert propagate(assessed, Profile.BOUNDED).spi == bounded


def test_the_worst_video_reaches_minus_four_under_paper_and_zero_under_bounded():
    assessed = consistency([VANISHED] * 10, emergence=(True,) * 10)
    assert propagate(assessed, Profile.PAPER).spi == -4.0
    assert propagate(assessed, Profile.BOUNDED).spi == 0.0


def test_lost_frames_leave_numerator_and_denominator():
    propagation = propagate(consistency([LOST, LOST, VANISHED] + [VISIBLE] * 7), Profile.PAPER)
    assert propagation.disappearance_ratio == 1 / 8


def test_more_than_a_fifth_lost_leaves_spi_empty_and_says_whose():
    score = scored(assessed=consistency([LOST] * 3 + [VISIBLE] * 7))
    assert (score.spi, score.if_, score.status) == (None, None, ScoreStatus.UNTRACKED)
    assert "id1 in 3 of 10" in score.reason
    assert score.kisa_raw == 1.0


def test_without_a_detector_the_numbers_are_upper_bounds_and_say_so():
    score = scored(assessed=consistency([VANISHED] + [VISIBLE] * 9, emergence=None))
    assert score.partial == ("emergence",)
    assert score.spi == (1 + 0.5) / 2
    assert score.emergence_ratio is None


def test_a_frame_nobody_could_judge_never_counts_as_a_clean_one():
    # The public release marks such frames "error" and scores them as perfect.
    silent = (None,) * 10
    for assessed in (consistency(emergence=silent), consistency(states=None, disappearance=silent)):
        broken = replace(assessed, states=None) if assessed.disappearance else assessed
        score = scored(assessed=broken)
        assert (score.spi, score.if_, score.status) == (None, None, ScoreStatus.UNANSWERED)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(AnswerStatus.FAILED, ScoreStatus.UNANSWERED), (AnswerStatus.UNANSWERABLE, ScoreStatus.UNTRACKED)],
)
def test_a_failed_assessment_is_no_score(status, expected):
    score = scored(assessed=consistency(status=status, reason="the tracker broke"))
    assert (score.spi, score.status) == (None, expected)


def test_statements_without_states_are_taken_as_they_are_under_both_profiles():
    assessed = consistency(disappearance=(True,) + (False,) * 9, states=None)
    stated = replace(assessed, states=None)
    assert propagate(stated, Profile.PAPER).spi == propagate(stated, Profile.BOUNDED).spi == 0.75


@pytest.mark.parametrize("status", [VideoStatus.MISSING, VideoStatus.UNDECODABLE])
def test_a_missing_video_is_zero_under_bounded_and_empty_under_paper(status):
    gone = video(status=status, reason="no file s.mp4")
    bounded = score_video(sample(), gone, [], None, Profile.BOUNDED)
    paper = score_video(sample(), gone, [], None, Profile.PAPER)
    assert (bounded.if_, bounded.kisa, bounded.sgi) == (0, 0, 0)
    assert (paper.if_, paper.kisa, paper.sgi) == (None, None, None)
    assert bounded.reason == paper.reason == "no file s.mp4"
    assert bounded.status.value == paper.status.value == status.value


def test_later_answers_replace_earlier_ones_and_those_about_another_file_are_left_out():
    first, again = answers("nnnnnnnnnn"), answers("yyyyyyyyyy")
    old = [replace(answer, video="older", value=AnswerValue.NO) for answer in again]
    score = score_videos([sample()], [video()], [*first, *again, *old], [consistency()], Profile.PAPER)[0]
    assert score.if_ == 1.0


def test_scores_come_in_benchmark_order_then_by_seed():
    samples = [replace(sample(), id=name) for name in ("b", "a")]
    videos = [video(sample_id=name, seed=seed, status=VideoStatus.MISSING) for seed in (7, 2) for name in ("a", "b")]
    order = [(score.sample_id, score.seed) for score in score_videos(samples, videos, [], [], Profile.BOUNDED)]
    assert order == [("b", 2), ("b", 7), ("a", 2), ("a", 7)]


def test_a_frame_where_nobody_can_tell_because_an_instance_is_lost_leaves_the_emergence_ratio():
    states = [LOST] + [VISIBLE] * 9
    propagation = propagate(consistency(states, emergence=(None, True) + (False,) * 8), Profile.PAPER)
    assert propagation.emergence_ratio == 1 / 9
    unseen = propagate(consistency(states, emergence=(None, None) + (False,) * 8), Profile.PAPER)
    assert (unseen.spi, unseen.status) == (None, ScoreStatus.UNANSWERED)


def test_a_sample_the_run_has_not_reached_is_listed_and_has_no_number():
    other = replace(sample(), id="t")
    found = score_videos([sample(), other], [video()], answers("yyyyyyyyyy"), [consistency()], Profile.BOUNDED, wanted=(0, 1))
    assert [(score.sample_id, score.seed, score.status.value, score.if_) for score in found] == [
        ("s", 0, "ok", 1.0),
        ("s", 1, "unanswered", None),
        ("t", 0, "unanswered", None),
        ("t", 1, "unanswered", None),
    ]


@pytest.mark.parametrize("profile", list(Profile))
def test_a_profile_given_as_a_word_scores_as_its_name_says(profile):
    assessed = consistency([VANISHED] * 10)
    assert propagate(assessed, profile.value) == propagate(assessed, profile)


def test_too_few_answers_are_explained_by_what_the_judge_said():
    told = [replace(answer, reason="masks cannot show it") for answer in answers("uuuuuuuuuu")]
    assert "masks cannot show it" in score_video(sample(), video(), told, consistency(), Profile.PAPER).reason


def test_questions_that_the_first_frame_decides_count_under_paper_alone():
    given = answers("nnyyyyyyyy")
    paper = score_video(touching(), video(), given, consistency(), Profile.PAPER)
    bounded = score_video(touching(), video(), given, consistency(), Profile.BOUNDED)
    assert paper.kisa_raw == pytest.approx(4 / 6)
    assert (bounded.kisa_raw, bounded.answered) == (1.0, "8/8")
    assert bounded.interactions[0].left_out == (1, 2)
    assert bounded.interactions[0].kisa_bounds == (1.0, 1.0)
    assert "left_out" not in paper.interactions[0].to_json()
    # They need not be asked at all, and where they were asked and broke nothing is lost.
    for values in ("--yyyyyyyy", "ffyyyyyyyy"):
        assert score_video(touching(), video(), answers(values), consistency(), Profile.BOUNDED).if_ == 1.0
    open_ = score_video(touching(), video(), answers("--yyyyyyyy"), consistency(), Profile.PAPER)
    assert (open_.status, open_.if_) == (ScoreStatus.UNANSWERED, None)
    assert "2 not asked yet of 10 answers" in open_.reason


def test_seven_of_what_is_asked_must_be_answered():
    enough = score_video(touching(), video(), answers("--yyyyyyyu"), consistency(), Profile.BOUNDED)
    assert (enough.status, enough.kisa_raw, enough.sgi_raw) == (ScoreStatus.OK, 1.0, 1.0)
    short = score_video(touching(), video(), answers("--yyyuyyyu"), consistency(), Profile.BOUNDED)
    assert short.status is ScoreStatus.UNANSWERABLE
    assert "3 of 4 and 3 of 4 questions could be answered, at least 7 of 8 are needed" in short.reason


def test_the_informative_profile_leaves_out_1_and_7_and_multiplies_by_plausibility():
    marks = (True, True) + (False,) * (len(FRAMES) - 2)
    given = answers("nyyyyynyyy")
    found = score_video(sample(), video(), given, consistency(implausible=marks), Profile.INFORMATIVE)
    assert (found.kisa_raw, found.sgi_raw, found.plausibility) == (1.0, 1.0, pytest.approx(0.8))
    assert found.if_ == pytest.approx(0.8)
    assert (found.answered, found.partial) == ("8/8", ())
    unlooked = score_video(sample(), video(), given, consistency(), Profile.INFORMATIVE)
    assert (unlooked.plausibility, unlooked.if_, unlooked.partial) == (1.0, 1.0, ("plausibility",))
    for profile in (Profile.PAPER, Profile.BOUNDED):
        other = score_video(sample(), video(), given, consistency(implausible=marks), profile)
        assert (other.plausibility, other.partial) == (None, ())
        assert "plausibility" not in other.to_json()


def test_a_frame_without_a_mark_is_no_plausible_frame():
    marks = (None,) + (False,) * (len(FRAMES) - 1)
    found = score_video(sample(), video(), answers("y" * 10), consistency(implausible=marks), Profile.INFORMATIVE)
    assert (found.status, found.if_) == (ScoreStatus.UNANSWERED, None)
    assert "impossible bodies at frames 5" in found.reason


def test_what_was_asked_about_a_twin_counts_for_no_score():
    twin = answers("nnnnnnnnnn", interaction=1)
    found = score_video(sample(), video(), [*answers("y" * 10), *twin], consistency(), Profile.BOUNDED)
    assert (found.if_, found.answered, len(found.interactions)) == (1.0, "10/10", 1)
    broken = answers("ffffffffff", interaction=1)
    assert score_video(sample(), video(), [*answers("y" * 10), *broken], consistency(), Profile.BOUNDED).if_ == 1.0
