"""Bounds on real videos: how wide they are with the embedded defaults, and whether their middle follows what readers saw."""

import json

import numpy as np
import pytest
from scipy import stats

from intergeneval.stats import clusters_of, tie_groups


@pytest.fixture(scope="module")
def labels(real):
    """(model, sample) -> share of yes in the readings that agree."""
    found = {}
    for line in (real / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        told = [value == "yes" for value in label["q"].values() if value in ("yes", "no")]
        if told:
            found[label["model"], label["sample_id"]] = float(np.mean(told))
    return found


def test_every_real_video_has_bounds_that_hold_its_score(runs):
    for _, result in runs.values():
        for score in result.scores:
            low, high = score.if_bounds
            assert 0 <= low <= high <= 1
            assert score.if_ is None or low - 1e-9 <= score.if_ <= high + 1e-9


def test_widths_and_the_order_of_the_middles_are_told(runs, labels):
    keys = [(model, score.sample_id) for model, (_, result) in runs.items() for score in result.scores]
    spans = np.array([score.if_bounds for _, result in runs.values() for score in result.scores])
    middles, known = spans.mean(axis=1), [key in labels for key in keys]
    truth = [labels[key] for key, there in zip(keys, known, strict=True) if there]
    rho = stats.spearmanr(middles[known], truth).statistic
    print(f"{len(keys)} videos: mean width of the bounds {np.ptp(spans, axis=1).mean():.3f}, Spearman {rho:+.2f} ({len(truth)})")
    for model, (_, result) in runs.items():
        ends = np.array([score.if_bounds for score in result.scores]).mean(axis=0)
        print(f"{model}: bounds {ends[0]:.3f} to {ends[1]:.3f}, {sum(score.if_ is not None for score in result.scores)} scored")
    # Four prompts decide nothing, and that is what is said.
    samples = next(iter(runs.values()))[0]
    groups = tie_groups({model: result.scores for model, (_, result) in runs.items()}, clusters_of(samples))
    assert len(groups) == 1
