"""A model that loses videos is never claimed better for it, nor worse: 2,000 pairs of equal models of which one loses some.

Measured with this seed, 60 prompts, share of pairs in which the loser is called better / worse. By bounds: lost at random .026 /
.028 at no loss, .004 / .004 at 5 %, none from 20 % on; its worst videos lost .026 / .001 at 5 %, .017 / 0 at 20 %, none from 40 %
on. By the survivors, as it was done before: its worst videos lost .073, .41, .78 and .86 better at 5, 20, 40 and 60 %.
"""

import numpy as np
import pytest

from intergeneval.gate.verdict import verdict_codes
from tests.stats.loss_world import LOSSES, by_bounds, by_survivors, lost, pair

REPEATS = 2_000
CLAIMS = 0.05
ROUNDING = 3 * np.sqrt(CLAIMS * (1 - CLAIMS) / REPEATS)


@pytest.fixture(scope="module")
def equal():
    return pair(60, REPEATS)


@pytest.mark.parametrize("how", ["random", "worst"])
@pytest.mark.parametrize("share", LOSSES)
def test_two_equal_models_are_told_apart_in_at_most_five_of_a_hundred_pairs_whatever_one_loses(equal, share, how):
    first, second, codes = equal
    gone = lost(second, share, how)
    low, high = by_bounds(first, second, np.zeros_like(gone), gone, codes)
    assert np.mean((low > 0) | (high < 0)) <= CLAIMS + ROUNDING
    # Half of that falls to each side, so the loser is called better in at most 2.5 %, and the gate fails it in no more.
    assert np.mean(low > 0) <= CLAIMS / 2 + ROUNDING
    assert np.mean(verdict_codes(low, high) == 1) <= CLAIMS / 2 + ROUNDING


def test_survivors_flatter_the_model_that_loses_its_worst_videos(equal):
    first, second, _ = (item[:500] if item.ndim > 1 else item for item in equal)
    low, _ = by_survivors(first, second, lost(second, 0.2, "worst"))
    assert np.mean(low > 0) > 0.3


@pytest.mark.parametrize("share", [0.05, 0.2, 0.6])
def test_losing_more_never_brings_a_model_above_another(equal, share):
    first, second, codes = (item[:300] if item.ndim > 1 else item for item in equal)
    none = np.zeros(second.shape, dtype=bool)
    before, _ = by_bounds(first, second, none, none, codes)
    for how in ("random", "worst"):
        after, _ = by_bounds(first, second, none, lost(second, share, how), codes)
        assert not ((after > 0) & (before <= 0)).any()


def test_a_true_difference_is_claimed_as_often_as_before_where_nothing_is_missing_and_mostly_at_five_percent_loss():
    # Measured at .15: before .931; by bounds .930, .748 where one model loses 5 % of its videos, .468 where both do: 10 % of the
    # pairs are then known within bounds alone, which are .1 wide. At .3 it is always claimed.
    first, second, codes = pair(60, REPEATS, better=0.15)
    none = np.zeros(first.shape, dtype=bool)
    today = np.mean(by_survivors(first, second, none)[0] > 0)
    whole = np.mean(by_bounds(first, second, none, none, codes)[0] > 0)
    gaps = np.mean(by_bounds(first, second, none, lost(second, 0.05, "random"), codes)[0] > 0)
    assert (second - first).mean() == pytest.approx(0.15, abs=0.01)
    assert whole >= 0.9 * today
    assert gaps >= 0.6 * today
    assert gaps >= 0.6
