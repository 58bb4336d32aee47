"""Simulated coverage: 5,000 repeats of a made-up benchmark whose true mean is known in closed form."""

import numpy as np
import pytest

from intergeneval.records import Profile
from intergeneval.stats import clustered, estimate
from tests.stats.simulated_scores import (
    RARE,
    cluster_codes,
    cluster_names,
    prompt_scores,
    prompt_spi,
    records,
    true_mean,
    true_spi,
    videos,
)

REPEATS = 5_000
RANGE = {"paper": (-4.0, 1.0), "bounded": (0.0, 1.0)}
SEED = 7


def covered(moments, truth):
    return np.mean((moments.low <= truth) & (truth <= moments.high))


@pytest.fixture(scope="module", params=["paper", "bounded"])
def profile(request):
    return request.param


@pytest.fixture(scope="module", params=[30, 60, 120])
def world(request, profile):
    """Clusters of 1 to 4 prompts with their simulated prompt scores, and the true mean."""
    rng = np.random.default_rng(SEED)
    codes = cluster_codes(request.param, rng)
    return codes, prompt_scores(codes, REPEATS, profile, rng), true_mean(profile)


def test_the_closed_form_is_the_mean_of_the_simulation(world):
    _, values, truth = world
    assert values.mean() == pytest.approx(truth, abs=5 * values.mean(axis=-1).std() / np.sqrt(REPEATS))


def test_ninety_five_percent_intervals_cover_93_to_97_percent(world):
    codes, values, truth = world
    assert 0.93 <= covered(clustered(values, codes), truth) <= 0.97


def test_prompts_counted_as_independent_cover_too_little(world):
    _, values, truth = world
    naive = clustered(values, np.arange(values.shape[-1]))
    assert covered(naive, truth) < 0.90  # measured 0.867 to 0.891


def test_videos_counted_as_independent_cover_still_less(profile):
    rng = np.random.default_rng(SEED)
    codes = cluster_codes(60, rng)
    values = videos(codes, REPEATS, profile, rng)
    naive = clustered(values.reshape(REPEATS, -1), np.arange(values[0].size))
    assert covered(naive, true_mean(profile)) < 0.85


# Where slips are rare (one video of fifty) and long, SPI alone is so skewed that few scenes hold nearly all of its variance.
# Measured with this seed, paper / bounded: 0.858 / 0.867 at 30 clusters, 0.892 / 0.898 at 60, 0.921 / 0.924 at 120. IF keeps
# its coverage in the same world since its variance comes from the answers. Neither t nor the formula is at fault, and no
# interval from so few events would do better: SPI is a secondary outcome, read by its sign-flip p.
SKEWED = {30: (0.84, 0.88), 60: (0.88, 0.91), 120: (0.91, 0.93)}


@pytest.mark.parametrize("clusters", SKEWED)
def test_skew_keeps_the_coverage_of_spi_lower_where_slips_are_rare_and_long(clusters, profile):
    rng = np.random.default_rng(SEED)
    codes = cluster_codes(clusters, rng)
    moments = clustered(prompt_spi(codes, REPEATS, profile, rng, RARE), codes)
    low, high = SKEWED[clusters]
    assert low <= covered(moments, true_spi(profile, RARE)) <= high


@pytest.mark.parametrize("clusters", [30, 60, 120])
def test_interaction_fidelity_keeps_its_coverage_where_slips_are_rare_and_long(clusters, profile):
    rng = np.random.default_rng(SEED)
    codes = cluster_codes(clusters, rng)
    moments = clustered(prompt_scores(codes, REPEATS, profile, rng, RARE), codes)
    assert 0.93 <= covered(moments, true_mean(profile, RARE)) <= 0.97


def test_the_estimate_of_records_is_the_simulated_one(profile):
    rng = np.random.default_rng(SEED)
    codes = cluster_codes(30, rng)
    values = videos(codes, 2, profile, rng)
    moments = clustered(values.mean(axis=-1), codes, within=RANGE[profile])
    found = estimate(records(values[1]), cluster_names(codes), profile=Profile(profile))
    assert (found.mean, found.low, found.high) == pytest.approx((moments.mean[1], moments.low[1], moments.high[1]), rel=1e-12)
