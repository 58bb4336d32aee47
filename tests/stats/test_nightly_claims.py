"""What is claimed in 20,000 pairs of models, printed beside what was claimed by survivors before."""

import numpy as np
import pytest

from intergeneval.gate.verdict import verdict_codes
from intergeneval.stats.sequential import clusters_to_decide
from tests.stats.loss_world import LOSSES, by_bounds, by_survivors, lost, pair

REPEATS = 20_000
ROUNDING = 3 * np.sqrt(0.05 * 0.95 / REPEATS)


@pytest.mark.parametrize("prompts", [30, 60, 118])
def test_false_claims_at_every_loss(prompts):
    first, second, codes = pair(prompts, REPEATS, seed=11)
    none = np.zeros(first.shape, dtype=bool)
    for how in ("random", "worst"):
        for share in LOSSES:
            gone = lost(second, share, how)
            low, high = by_bounds(first, second, none, gone, codes)
            before, under = by_survivors(first[:2_000], second[:2_000], gone[:2_000])
            print(
                f"{prompts} prompts, {share:.0%} lost, {how}: better {np.mean(low > 0):.4f} worse {np.mean(high < 0):.4f}"
                f" regression {np.mean(verdict_codes(low, high) == 1):.4f}"
                f" | by survivors {np.mean(before > 0):.4f} {np.mean(under < 0):.4f}"
            )
            assert np.mean((low > 0) | (high < 0)) <= 0.05 + ROUNDING
            assert np.mean(verdict_codes(low, high) == 1) <= 0.03


@pytest.mark.parametrize("better", [0.05, 0.1, 0.15, 0.3])
def test_power_at_small_losses(better):
    first, second, codes = pair(60, REPEATS, better, seed=12)
    none = np.zeros(first.shape, dtype=bool)
    today = np.mean(by_survivors(first[:2_000], second[:2_000], none[:2_000])[0] > 0)
    for share in (0.0, 0.02, 0.05, 0.1):
        one = np.mean(by_bounds(first, second, none, lost(second, share, "random"), codes)[0] > 0)
        both = np.mean(by_bounds(first, second, lost(first, share, "random", 50), lost(second, share, "random"), codes)[0] > 0)
        print(f"difference {better}, {share:.0%} lost: one model {one:.3f}, both {both:.3f}; before, nothing lost {today:.3f}")
        if share == 0:
            assert one >= 0.9 * today


@pytest.mark.parametrize("prompts", [118, 500])
def test_continuous_looking(prompts):
    for better in (0.0, 0.05, 0.15, 0.3):
        first, second, _ = pair(prompts, 4_000, better, seed=13)
        values = (second - first + 1) / 2
        up, down = clusters_to_decide(values, 0.5), clusters_to_decide(1 - values, 0.5)
        wrong = np.mean((up <= prompts) | (down <= prompts)) if better == 0 else np.mean(down <= prompts)
        used = np.minimum(np.minimum(up, down), prompts).mean()
        print(f"{prompts} prompts, difference {better}: {used:.0f} looked at, {1 - used / prompts:.0%} saved, wrong {wrong:.4f}")
        assert wrong <= 0.05
