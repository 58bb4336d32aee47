"""The estimated share of wrong clips: its interval covers the truth, is as narrow as can be, and hides nothing open."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from matrix_train.datasets.error_rate import ErrorRate, error_rate, fewest, most


def reject(clips, sampled, wrong, bad):
    return hypergeom.sf(wrong - 1, clips, bad, sampled) <= 0.025 or hypergeom.cdf(wrong, clips, bad, sampled) <= 0.025


@pytest.mark.parametrize(("clips", "sampled"), [(12, 5), (40, 17), (30, 30), (7, 1)])
def test_the_interval_holds_exactly_the_numbers_that_no_tail_test_rejects(clips, sampled):
    for wrong in range(sampled + 1):
        possible = range(wrong, clips - sampled + wrong + 1)
        kept = [bad for bad in possible if not reject(clips, sampled, wrong, bad)]
        assert (fewest(clips, sampled, wrong), most(clips, sampled, wrong)) == (kept[0], kept[-1])


@pytest.mark.parametrize(
    ("clips", "sampled", "bad"), [(500, 50, 5), (500, 50, 60), (11000, 200, 330), (80, 40, 1), (1000, 100, 0)]
)
def test_the_95_percent_interval_covers_the_truth_in_at_least_93_of_100_draws(clips, sampled, bad):
    generator = np.random.default_rng(clips + bad)
    draws = 2000
    covered = 0
    for wrong in generator.hypergeometric(bad, clips - bad, sampled, draws) if bad else [0] * draws:
        found = error_rate(clips=clips, sampled=sampled, decided=sampled, wrong=int(wrong))
        covered += found.low <= bad / clips <= found.high
    print(f"{clips} clips, {sampled} sampled, {bad} wrong: covered in {covered / draws:.2%} of {draws} draws")
    assert covered / draws >= 0.93


def test_a_whole_review_leaves_no_doubt_and_a_small_share_of_a_large_set_leaves_that_of_the_binomial():
    whole = error_rate(clips=40, sampled=40, decided=40, wrong=3)
    assert (whole.low, whole.rate, whole.high) == (3 / 40, 3 / 40, 3 / 40)
    # Clopper and Pearson's for 3 of 40 in an endless set: 0.0157 to 0.2039.
    large = error_rate(clips=1_000_000, sampled=40, decided=40, wrong=3)
    assert (large.low, large.high) == (pytest.approx(0.0157, abs=2e-4), pytest.approx(0.2039, abs=2e-4))


def test_what_nobody_decided_widens_the_interval_to_both_sides_of_what_it_may_be():
    opened = error_rate(clips=1000, sampled=50, decided=40, wrong=4)
    assert opened.rate == 0.1
    assert opened.low == error_rate(clips=1000, sampled=50, decided=50, wrong=4).low
    assert opened.high == error_rate(clips=1000, sampled=50, decided=50, wrong=14).high
    assert "10 of the sample undecided" in opened.text
    nothing = error_rate(clips=1000, sampled=50, decided=0, wrong=0)
    assert (nothing.rate, nothing.low, nothing.high) == (None, 0.0, 1.0)
    assert ErrorRate.from_json(nothing.to_json()) == nothing


@pytest.mark.parametrize("numbers", [(10, 11, 5, 1), (10, 5, 6, 1), (10, 5, 4, 5), (10, 0, 0, 0), (10, 5, 4, -1)])
def test_numbers_that_cannot_be_are_refused(numbers):
    clips, sampled, decided, wrong = numbers
    with pytest.raises(ValueError, match="cannot be"):
        error_rate(clips=clips, sampled=sampled, decided=decided, wrong=wrong)
