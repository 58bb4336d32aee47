"""How often the gate errs: 5,000 pairs of runs of one unchanged model, through the array functions behind every verdict."""

import numpy as np
import pytest

from intergeneval.gate.verdict import verdict_codes
from intergeneval.stats import clustered, minimum_detectable
from tests.stats.simulated_scores import cluster_codes, videos

REPEATS = 5_000


@pytest.fixture(scope="module", params=[(profile, clusters) for profile in ("paper", "bounded") for clusters in (30, 60, 120)])
def unchanged(request):
    """Clusters of 1 to 4 prompts, and differences of two runs whose only difference is the seed: (REPEATS, P)."""
    profile, clusters = request.param
    rng = np.random.default_rng(2)
    codes = cluster_codes(clusters, rng)
    values = videos(codes, REPEATS, profile, rng)
    return codes, values[..., 1] - values[..., 0]


def share_failed(differences, codes):
    # A planted drop may lead below any score, so the widest range there is holds it.
    moments = clustered(differences, codes, within=(-5.0, 5.0))
    return np.mean(verdict_codes(moments.low, moments.high) == 1)


def test_an_unchanged_model_raises_a_false_alarm_in_at_most_three_runs_of_a_hundred(unchanged):
    codes, differences = unchanged
    assert share_failed(differences, codes) <= 0.03


def test_any_drop_would_fail_half_of_the_unchanged_runs(unchanged):
    assert np.mean(unchanged[1].mean(axis=-1) < 0) == pytest.approx(0.5, abs=0.03)


def test_a_drop_of_twice_the_minimum_detectable_size_is_caught(unchanged):
    codes, differences = unchanged
    count = codes.max() + 1
    # The spread a cluster contributes, over all repeats: what a planner would know of this benchmark.
    sd = float(differences.mean(axis=-1).std() * np.sqrt(count))
    assert share_failed(differences - 2 * minimum_detectable(sd, count), codes) >= 0.95


def test_an_improvement_is_not_called_a_regression(unchanged):
    codes, differences = unchanged
    sd = float(differences.mean(axis=-1).std())
    assert share_failed(differences + 2 * sd, codes) <= 0.001
