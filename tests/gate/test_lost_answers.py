"""Stored videos judged twice, of which the second time lost some answers: the verdict that the gate comes to."""

from dataclasses import replace

import numpy as np
import pytest

from intergeneval.gate.verdict import gate
from intergeneval.records import (
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Instance,
    Interaction,
    Outcome,
    Profile,
    Sample,
    ScoreStatus,
    TrackState,
    Video,
    VideoStatus,
)
from intergeneval.scores import score_videos
from intergeneval.stats import minimum_detectable

FRAMES = tuple(range(5, 55, 5))
PROMPTS = 60
INSTANCES = (
    Instance(id="id1", class_="man", appearance="man", colour="red"),
    Instance(id="id2", class_="cup", appearance="cup", colour="blue"),
)
SAMPLES = [
    Sample(
        id=f"s{number:02d}",
        prompt="p",
        instances=INSTANCES,
        interactions=(Interaction(subject="id1", verb="lifts", object="id2"),),
    )
    for number in range(PROMPTS)
]
OWN = {sample.id: f"sample:{sample.id}" for sample in SAMPLES}


def judged(seed=1, skill=0.0, lost=0.0, status=AnswerStatus.UNANSWERABLE, model="a"):
    """Scores of 60 videos whose answers follow a seed; `skill` moves the chance of a yes, `lost` answers get no answer."""
    rng, holes = np.random.default_rng(seed), np.random.default_rng(99)
    quality = np.random.default_rng(0).beta(3, 2, size=PROMPTS)
    videos, answers, states = [], [], []
    for sample, chance in zip(SAMPLES, quality, strict=True):
        base = {"sample_id": sample.id, "seed": 0}
        videos.append(Video(**base, status=VideoStatus.OK, sha256=f"{model} {sample.id}", sampled=(0, *FRAMES), frames=51))
        seen = dict.fromkeys(("id1", "id2"), (TrackState.VISIBLE,) * len(FRAMES))
        states.append(Consistency(**base, frames=FRAMES, states=seen, emergence=(False,) * len(FRAMES), video=videos[-1].sha256))
        for number in range(1, 11):
            value = AnswerValue.YES if rng.random() < np.clip(chance + skill, 0, 1) else AnswerValue.NO
            gone = holes.random() < lost
            given = {"status": status, "value": None} if gone else {"status": AnswerStatus.OK, "value": value}
            answers.append(Answer(**base, interaction=0, question_id=number, video=videos[-1].sha256, **given))
    scores = score_videos(SAMPLES, videos, answers, states, Profile.BOUNDED)
    return [replace(score, video=item.sha256) for score, item in zip(scores, videos, strict=True)]


@pytest.mark.parametrize("status", [AnswerStatus.UNANSWERABLE, AnswerStatus.UNPARSED])
def test_judged_again_with_a_tenth_of_the_answers_lost_it_is_inconclusive_and_no_regression(status):
    verdict, _ = gate(judged(lost=0.1, status=status), judged(), OWN)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.comparison.lowest < -0.02 < 0 <= verdict.comparison.highest
    assert "without an answer" in verdict.reason


def test_judged_again_with_nothing_lost_it_passes_and_differs_by_exactly_nothing():
    verdict, comparisons = gate(judged(), judged(), OWN)
    assert verdict.outcome is Outcome.PASS
    assert {(item.difference, item.low, item.high) for item in comparisons} == {(0.0, 0.0, 0.0)}


def test_what_both_lost_on_the_same_bytes_is_one_thing_and_passes():
    verdict, comparisons = gate(judged(lost=0.1), judged(lost=0.1), OWN)
    assert verdict.outcome is Outcome.PASS
    assert {(item.low, item.high, item.unanswered) for item in comparisons} == {(0.0, 0.0, 0)}
    # Of other videos the same gaps are two.
    assert gate(judged(lost=0.1, model="b"), judged(lost=0.1), OWN)[0].outcome is Outcome.INCONCLUSIVE


def test_a_drop_of_twice_the_detectable_size_is_caught_as_before_where_nothing_is_missing():
    before = judged(seed=2, model="a")
    after = judged(seed=3, skill=-0.35, model="b")
    verdict, _ = gate(after, before, OWN)
    found = verdict.comparison
    assert found.difference < -2 * minimum_detectable(found.se * PROMPTS**0.5, PROMPTS)
    assert verdict.outcome is Outcome.REGRESSION


def test_a_model_that_loses_its_worst_videos_is_not_better_for_it():
    scores, other = judged(seed=4, model="a"), judged(seed=5, model="b")
    worst = {score.sample_id for score in sorted(scores, key=lambda item: item.if_)[:30]}
    wide = dict.fromkeys(("if_bounds", "kisa_bounds", "sgi_bounds", "spi_bounds"), (0.0, 1.0))
    lost = {"status": ScoreStatus.UNTRACKED, "if_": None, "open": (("video", 1.0),), **wide}
    survivors = [replace(score, **lost) if score.sample_id in worst else score for score in scores]
    kept = [score.if_ for score in survivors if score.if_ is not None]
    assert np.mean(kept) > np.mean([score.if_ for score in other]) + 0.1  # what the mean over the rest would say
    verdict, _ = gate(survivors, other, OWN)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert not verdict.comparison.better
