"""Bounds of contrast where answers are missing, and what may be claimed of two runs by them."""

import dataclasses
import itertools

import numpy as np
import pytest

from intergeneval.errors import UsageError
from intergeneval.gate.verdict import gate_contrast
from intergeneval.records import (
    CONTRAST,
    SENSITIVITY,
    TWIN_METRICS,
    Outcome,
    Profile,
    Score,
    ScoreStatus,
    TwinScore,
    TwinState,
    TwinVideo,
    twin_difference,
    twin_range,
)
from intergeneval.stats import compare_twins, contrast, twin_estimate, twin_scores
from intergeneval.stats.clustered import clustered
from tests.stats.test_contrast import TWINS, sample, video, without
from tests.stats.yes_bias import rank_correlations


def seen(own, other, sha="", name="a"):
    return TwinVideo(sample_id=name, state=TwinState.SEEN, own=own, other=other, video=sha)


def pair(first, second, name="a + b", seed=0):
    return TwinScore(pair=name, cluster=name, seed=seed, first=first, second=second)


def completions(text):
    """Every way in which what is unanswered may be answered."""
    return ["".join(found) for found in itertools.product(*("yn" if letter in "?!" else letter for letter in text))]


def drawn(rng, gaps):
    """Seven letters, `gaps` of them without an answer, some declined."""
    found = rng.choice(["y", "n"], 7)
    found[rng.choice(7, gaps, replace=False)] = rng.choice(["?", "!"], gaps)
    return "".join(found)


def declined(own, other, place):
    return own[:place] + "-" + own[place + 1 :], other[:place] + "-" + other[place + 1 :]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("metric", TWIN_METRICS)
def test_the_bounds_are_the_worst_and_the_best_that_the_missing_answers_could_make_of_it(metric, seed):
    rng = np.random.default_rng(seed)
    texts = [drawn(rng, int(rng.integers(0, 3))) for _ in range(4)]
    if seed % 3 == 0:
        texts[:2] = declined(*texts[:2], 2)
    found = pair(seen(*texts[:2]), seen(*texts[2:])).bounds(metric, Profile.BOUNDED)
    values = [
        pair(seen(a, b), seen(c, d)).bounds(metric, Profile.BOUNDED)
        for a, b, c, d in itertools.product(*(completions(text) for text in texts))
    ]
    assert all(low == high for low, high in values)
    assert found == pytest.approx((min(low for low, _ in values), max(low for low, _ in values)))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("metric", TWIN_METRICS)
def test_what_two_runs_leave_open_about_one_video_takes_one_value_on_both_sides(metric, seed):
    rng = np.random.default_rng(100 + seed)
    before, after = [drawn(rng, 2) for _ in range(2)], [drawn(rng, 2) for _ in range(2)]
    # One question is open in both, whatever was drawn.
    before[0], after[0] = "?" + before[0][1:], "?" + after[0][1:]
    rest = seen("yyyynnn", "nnnnnnn", "s", "b")
    found = twin_difference(pair(seen(*before, "s"), rest), pair(seen(*after, "s"), rest), metric, Profile.BOUNDED)
    values = []
    for olds in itertools.product(*(completions(text) for text in before)):
        for news in itertools.product(*(completions(text) for text in after)):
            same = all(
                old[place] == new[place]
                for old, new, text, other in zip(olds, news, before, after, strict=True)
                for place in range(7)
                if text[place] in "?!" and other[place] in "?!"
            )
            if same:
                mine, theirs = (pair(seen(*texts), rest).bounds(metric, Profile.BOUNDED)[0] for texts in (olds, news))
                values.append(theirs - mine)
    assert found == pytest.approx((min(values), max(values)))
    apart = twin_difference(pair(seen(*before, "s"), rest), pair(seen(*after, "t"), rest), metric, Profile.BOUNDED)
    assert apart[0] <= found[0]
    assert apart[1] >= found[1]


@pytest.mark.parametrize("state", list(TwinState))
def test_a_run_compared_with_itself_differs_by_nothing(state):
    gap = seen("y?!nyyn", "nn?yn!n", "s") if state is TwinState.SEEN else TwinVideo(sample_id="a", state=state)
    items = [pair(gap, seen("yyyyyyy", "nn?nnnn", "t", "b"), f"{number}") for number in range(12)]
    items.append(pair(seen("yyyyyyy", "nnnnnnn"), seen("nnnnnnn", "yyyyyyy"), "told"))
    for item in compare_twins(items, items, same=True):
        assert (item.lowest, item.highest, item.low, item.high) == (0.0, 0.0, 0.0, 0.0)


def test_a_missing_video_is_the_worst_and_under_paper_it_may_be_anything():
    gone = TwinVideo(sample_id="a", state=TwinState.MISSING)
    item = pair(gone, seen("yyyyyyy", "nnnnnnn"))
    assert item.bounds(CONTRAST, Profile.BOUNDED) == (0.0, 0.0)
    assert item.bounds(SENSITIVITY, Profile.BOUNDED) == (0.0, 0.0)
    assert item.bounds(CONTRAST, Profile.PAPER) == (0.0, 1.0)
    assert item.value(CONTRAST, Profile.BOUNDED) == item.value(SENSITIVITY, Profile.BOUNDED) == 0.0
    assert item.value(CONTRAST, Profile.PAPER) is None
    # The pair is wrong whatever the other one shows, even where nobody knows what that is; how far off it is nobody knows.
    unseen = pair(gone, TwinVideo(sample_id="b", state=TwinState.UNSEEN))
    assert (unseen.value(CONTRAST, Profile.BOUNDED), unseen.value(SENSITIVITY, Profile.BOUNDED)) == (0.0, None)


def test_the_mean_of_contrast_counts_missing_videos_and_lies_inside_its_interval():
    right = pair(seen("yyyyyyy", "nnnnnnn"), seen("yyyyyyy", "nnnnnnn", name="b"), "right")
    gone = [pair(*(TwinVideo(sample_id=name, state=TwinState.MISSING) for name in "ab"), f"{n}") for n in range(9)]
    found = twin_estimate([right, *gone])
    assert (found.mean, found.bounds, found.prompts) == (pytest.approx(0.1), pytest.approx((0.1, 0.1)), 10)
    assert found.low <= found.mean <= found.high
    assert twin_estimate([right, *gone], profile=Profile.PAPER).mean == 1.0


def test_missing_and_foreign_videos_are_known_by_the_scores_of_the_run():
    answers = [*video("a", 7, 0), *video("b", 7, 0)]
    scores = [
        Score(sample_id="a", seed=0, status=ScoreStatus.MISSING, reason="no video", if_=0.0),
        Score(sample_id="b", seed=0, status=ScoreStatus.OK),
    ]
    found = contrast(TWINS, answers, scores=scores)
    assert (found.contrast, found.unjudged) == (0.0, {"a + b, seed 0": "a: no video"})
    scores[0] = dataclasses.replace(scores[0], status=ScoreStatus.FOREIGN_FIRST_FRAME, reason="another picture")
    (item,), _ = twin_scores(TWINS, answers, scores)
    assert item.first.state is TwinState.UNSEEN
    assert item.bounds(CONTRAST, Profile.BOUNDED) == (0.0, 1.0)


def test_what_a_judge_declines_for_a_verb_widens_nothing():
    answers = [*video("a", 7, 0), *video("b", 7, 0)]
    gaps = without(answers, 5, 0)
    assert contrast(TWINS, gaps).sensitivity_bounds == pytest.approx((6 / 7, 1.0))
    told = [dataclasses.replace(item, declined=item.status == "unanswerable") for item in gaps]
    assert contrast(TWINS, told).sensitivity_bounds == (1.0, 1.0)


def test_the_interval_of_contrast_holds_what_is_missing():
    samples = [sample(name, twin) for n in range(30) for name, twin in ((f"a{n:02d}", f"b{n:02d}"), (f"b{n:02d}", f"a{n:02d}"))]
    answers = [item for n in range(30) for item in (*video(f"a{n:02d}", 6, 1), *video(f"b{n:02d}", 6 if n % 2 else 1, 1))]
    whole = contrast(samples, answers)
    assert (whole.contrast_bounds, whole.open) == ((0.75, 0.75), 0)
    lost = [item for item in answers if item.sample_id not in {f"a{n:02d}" for n in range(6)}]
    found = contrast(samples, [*lost, *video("a00", 6, 1, seed=1), *video("b00", 1, 1, seed=1)][: len(lost)])
    # Six pairs of which nothing is known about one video: at best 1 or .5 each, at worst 0.
    assert found.contrast_bounds == pytest.approx(((24 * 0.75) / 30, 0.75))
    assert found.open == 6
    assert found.contrast_low < whole.contrast_low


def simulated(accuracy, count, rng, lost=0.0, worst=False):
    """Pairs of a model whose videos show the right roles in a share; the `worst` of them, or any, are never looked at."""
    found = []
    for number in range(count):
        videos = []
        for name in "ab":
            right = rng.random() < accuracy
            unseen = rng.random() < (lost * 2 * (not right) if worst else lost)
            videos.append(
                TwinVideo(sample_id=name, state=TwinState.UNSEEN)
                if unseen
                else seen(*(("y" * 7, "n" * 7) if right else ("n" * 7, "y" * 7)), name=name)
            )
        found.append(pair(*videos, name=f"{number:03d}"))
    return found


@pytest.mark.parametrize("count", [60, 160])
@pytest.mark.parametrize("accuracy", [0.5, 0.75, 0.9])
def test_the_interval_covers_the_truth_with_60_and_with_160_pairs(count, accuracy):
    rng = np.random.default_rng(24)
    right = (rng.random((4000, count, 2)) < accuracy).all(axis=-1).astype(float)
    found = clustered(right, np.arange(count), 0.95, twin_range(CONTRAST))
    inside = np.mean((found.low <= accuracy**2) & (accuracy**2 <= found.high))
    assert 0.93 <= inside <= 0.975
    # One of them by way of the records, so that it is the interval that a run gets.
    items = [
        pair(*(seen(*(("y" * 7, "n" * 7) if one else ("n" * 7, "y" * 7))) for one in (both, 1.0)), f"{n:03d}")
        for n, both in enumerate(right[0])
    ]
    one = twin_estimate(items)
    assert (one.mean, one.low, one.high) == pytest.approx((found.mean[0], found.low[0], found.high[0]))


def test_who_hides_the_wrong_videos_is_never_called_better_for_it():
    rng = np.random.default_rng(7)
    better = 0
    for _ in range(30):
        honest, hiding = simulated(0.6, 60, rng), simulated(0.6, 60, rng, lost=0.45, worst=True)
        better += compare_twins(honest, hiding)[0].better
    assert better <= 2


def test_a_difference_in_roles_is_found_and_the_gate_can_decide_by_it():
    rng = np.random.default_rng(3)
    good, bad = simulated(0.95, 160, rng), simulated(0.6, 160, rng)
    found = compare_twins(bad, good)
    assert [item.metric for item in found] == [CONTRAST, SENSITIVITY]
    assert found[0].better
    assert found[0].family == 2
    verdict, comparisons = gate_contrast((), compare_twins(good, bad))
    assert verdict.outcome is Outcome.REGRESSION
    assert "pairs of twins" in verdict.reason
    assert not comparisons[0].secondary
    assert gate_contrast((), compare_twins(good, good, same=True))[0].outcome is Outcome.PASS
    with pytest.raises(UsageError, match="must both hold twins"):
        gate_contrast((), compare_twins(good, []))


def test_bias_towards_yes_turns_the_order_by_if_around_and_leaves_that_by_contrast():
    plain, biased = rank_correlations(0.0, 30), rank_correlations(0.9, 30)
    assert plain[0] > 0.9
    assert biased[0] < 0.6
    assert min(plain[1], biased[1]) > 0.95
