import math

import numpy as np
import pytest

from intergeneval.errors import UsageError
from intergeneval.gate.verdict import decide, exit_code, gate, gate_contrast, verdict_codes
from intergeneval.records import Outcome, Score, ScoreStatus, TwinScore, TwinState, TwinVideo, Verdict
from intergeneval.stats import compare_paired, compare_twins, completeness


def run(values):
    return [
        Score(sample_id=f"p{prompt:03d}", seed=0, status=ScoreStatus.OK, if_=float(value)) for prompt, value in enumerate(values)
    ]


def own(count):
    return {f"p{prompt:03d}": f"sample:p{prompt:03d}" for prompt in range(count)}


def judged(differences, tolerance=0.02):
    return decide(compare_paired(run(np.full(len(differences), 0.5)), run(0.5 + differences), own(len(differences))), tolerance)


def spread_around(mean, sd, count=60):
    """Differences with exactly that mean and standard deviation."""
    values = np.random.default_rng(1).normal(size=count)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


@pytest.mark.parametrize(
    ("mean", "sd", "outcome"),
    [
        (0.0, 0.05, Outcome.PASS),
        (0.2, 0.3, Outcome.PASS),
        (-0.1, 0.1, Outcome.REGRESSION),
        (0.0, 0.3, Outcome.INCONCLUSIVE),
        (-0.05, 0.3, Outcome.INCONCLUSIVE),
    ],
)
def test_the_verdict_is_read_from_the_interval(mean, sd, outcome):
    assert judged(spread_around(mean, sd)).outcome is outcome


def test_a_sure_but_tolerated_loss_passes_since_passing_is_tested_first():
    verdict = judged(spread_around(-0.01, 0.01))
    assert verdict.comparison.high < 0
    assert verdict.outcome is Outcome.PASS


def test_the_bounds_themselves_decide_nothing():
    codes = verdict_codes(np.array([-0.02, -0.02, -0.5, math.nan]), np.array([0.1, 0.0, 0.0, math.nan]))
    assert codes.tolist() == [0, 0, 0, 0]


def test_equal_scores_pass():
    assert judged(np.zeros(60)).outcome is Outcome.PASS


def test_an_inconclusive_verdict_says_how_many_prompts_would_decide_and_how_rarely_such_runs_pass():
    verdict = judged(spread_around(0.0, 0.3))
    assert verdict.prompts_needed > 60
    assert f"about {verdict.prompts_needed} prompts would decide" in verdict.reason
    assert verdict.unchanged_pass_share == pytest.approx(0.069, abs=0.001)
    assert "an unchanged model would pass in 7 % of runs" in verdict.reason


def test_a_decided_verdict_asks_for_no_more_prompts():
    assert judged(spread_around(-0.2, 0.3)).prompts_needed is None


def test_one_cluster_decides_nothing_and_says_why():
    scores = run([0.5, 0.5])
    verdict = decide(compare_paired(scores, scores, {"p000": "a", "p001": "a"}))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "there is no interval: one cluster" in verdict.reason
    assert (verdict.prompts_needed, verdict.unchanged_pass_share) == (None, None)


def test_nothing_in_common_decides_nothing():
    assert "no video is scored in both runs" in decide(compare_paired(run([0.5]), [], own(1))).reason


def test_twins_that_have_no_value_in_either_run_are_counted_as_pairs():
    unseen = [TwinVideo(sample_id=name, state=TwinState.UNSEEN) for name in ("a", "b")]
    pair = TwinScore(pair="a + b", cluster="a", seed=0, first=unseen[0], second=unseen[1])
    verdict, _ = gate_contrast((), compare_twins([pair], [pair]))
    assert verdict.reason == (
        "no pair of twins has a value in both runs (1 pairs of videos without a value in the run, 1 in the baseline),"
        " so nothing can be said"
    )


@pytest.mark.parametrize("tolerance", [-0.01, math.nan, math.inf])
def test_a_tolerance_that_means_nothing_is_refused(tolerance):
    with pytest.raises(UsageError, match="--tolerance"):
        judged(np.zeros(3), tolerance)


def test_the_gate_is_on_interaction_fidelity_and_shows_the_others():
    verdict, comparisons = gate(run(spread_around(0.5, 0.1)), run(spread_around(0.5, 0.1)), own(60), names=("main", "branch"))
    assert (verdict.comparison.metric, verdict.comparison.baseline, verdict.comparison.candidate) == ("if", "main", "branch")
    assert len(comparisons) == 6


def test_a_verdict_passes_through_json_unchanged():
    verdict = judged(spread_around(0.0, 0.3))
    assert Verdict.from_json(verdict.to_json()) == verdict


@pytest.mark.parametrize(
    ("mean", "sd", "whole", "strict", "code"),
    [
        (0.0, 0.01, True, True, 0),
        (-0.2, 0.1, True, False, 4),
        (0.0, 0.3, True, False, 0),
        (0.0, 0.3, True, True, 5),
        (0.0, 0.01, False, False, 3),
        (-0.2, 0.1, False, False, 3),
    ],
)
def test_exit_codes_are_those_of_the_contract(mean, sd, whole, strict, code):
    scores = run([0.5] * 60)
    complete = completeness(scores, [] if whole else ["never made"], allowed=0.01)
    assert exit_code(judged(spread_around(mean, sd)), complete, strict=strict) == code


def test_an_undecided_gate_never_says_that_the_prompts_it_has_would_decide():
    # Near the end of the range the interval is wider than the plain one that the plan takes.
    verdict = decide(compare_paired(run([0.9375, 0.8333]), run([0.0, 0.0]), own(2)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.prompts_needed is not None
    assert verdict.prompts_needed > 2
