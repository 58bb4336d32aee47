import numpy as np
import pytest

from intergeneval.stats import (
    clustered,
    clusters_to_detect,
    compare_paired,
    minimum_detectable,
    prompts_to_decide,
    seed_spread,
    unchanged_pass_share,
)
from tests.stats.simulated_scores import cluster_names, records

PUBLISHED = {
    60: (0.072, 0.109, 0.145),
    120: (0.051, 0.077, 0.102),
    240: (0.036, 0.054, 0.072),
    500: (0.025, 0.038, 0.050),
}


@pytest.mark.parametrize("clusters", PUBLISHED)
def test_the_minimum_detectable_difference_is_that_of_the_documented_table(clusters):
    found = tuple(round(minimum_detectable(sd, clusters), 3) for sd in (0.2, 0.3, 0.4))
    assert found == PUBLISHED[clusters]


def test_the_minimum_detectable_difference_is_found_in_four_repeats_of_five():
    rng = np.random.default_rng(1)
    values = rng.normal(minimum_detectable(0.3, 60), 0.3, size=(20_000, 60))
    # The normal formula is a little hopeful: by the noncentral t distribution the share is 0.787 here.
    assert np.mean(clustered(values, np.arange(60)).low > 0) == pytest.approx(0.787, abs=4 * np.sqrt(0.787 * 0.213 / 20_000))


@pytest.mark.parametrize(("clusters", "larger"), [(10, 1.12), (20, 1.06)])
def test_with_few_clusters_the_true_difference_is_larger_by_what_is_documented(clusters, larger):
    rng = np.random.default_rng(5)
    found = clustered(rng.normal(size=(100_000, clusters)), np.arange(clusters))
    assert np.quantile(-found.low, 0.8) / minimum_detectable(1.0, clusters) == pytest.approx(larger, abs=0.01)


def test_under_ten_clusters_no_smallest_difference_is_told():
    assert minimum_detectable(0.3, 9) is None
    assert minimum_detectable(0.3, 10) is not None


def test_the_number_of_clusters_is_the_least_that_finds_the_difference():
    count = clusters_to_detect(0.3, 0.05)
    assert minimum_detectable(0.3, count) == pytest.approx(0.05, rel=0.01)
    rng = np.random.default_rng(2)
    values = rng.normal(0.05, 0.3, size=(5_000, count))
    assert np.mean(clustered(values, np.arange(count)).low > 0) == pytest.approx(0.8, abs=0.02)


def test_no_number_of_clusters_finds_a_difference_of_nothing():
    assert clusters_to_detect(0.3, 0.0) is None
    assert clusters_to_detect(0.3, 1e-9) is None
    assert clusters_to_detect(0.0, 0.1) == 2


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_power_lies_between_nothing_and_certainty(power):
    with pytest.raises(ValueError, match="between 0 and 1"):
        minimum_detectable(0.3, 60, power)


@pytest.mark.parametrize("prompts_a_cluster", [1, 3])
def test_the_number_of_prompts_that_would_decide_does_decide(prompts_a_cluster):
    rng = np.random.default_rng(3)
    clusters = cluster_names(np.repeat(np.arange(20), prompts_a_cluster))
    count = 20 * prompts_a_cluster
    noise = np.repeat(rng.normal(0, 0.3, 20), prompts_a_cluster)
    first, second = np.full((count, 1), 0.5), (0.5 + noise - noise.mean() - 0.005)[:, None]
    comparison = compare_paired(records(first), records(second), clusters)
    needed = prompts_to_decide(comparison, 0.02)
    assert needed > count
    sets = needed // prompts_a_cluster
    values = rng.normal(-0.005, comparison.se * np.sqrt(20), size=(300, sets))
    assert np.mean(clustered(values, np.arange(sets)).low > -0.02) == pytest.approx(0.8, abs=0.1)


def test_a_loss_beyond_the_tolerance_needs_the_prompts_that_show_a_loss():
    values = np.random.default_rng(7).normal(size=(60, 1))
    differences = -0.05 + 0.3 * (values - values.mean()) / values.std(ddof=1)
    comparison = compare_paired(records(np.full((60, 1), 0.5)), records(0.5 + differences), cluster_names(range(60)))
    assert prompts_to_decide(comparison, 0.02) == clusters_to_detect(0.3, 0.05)


def test_without_a_spread_nobody_knows_how_many_prompts_would_decide():
    one = compare_paired(records([[0.5]]), records([[0.4]]), cluster_names([0]))
    assert prompts_to_decide(one, 0.02) is None


@pytest.mark.parametrize(("prompts", "share"), [(60, 0.07), (118, 0.10)])
def test_an_unchanged_model_made_anew_passes_rarely(prompts, share):
    assert unchanged_pass_share(0.3 / np.sqrt(prompts), prompts, 0.02) == pytest.approx(share, abs=0.006)
    values = np.random.default_rng(4).normal(0, 0.3, size=(20_000, prompts))
    assert np.mean(clustered(values, np.arange(prompts)).low > -0.02) == pytest.approx(share, abs=0.012)


def test_a_rejudged_run_without_any_spread_always_passes():
    assert unchanged_pass_share(0.0, 60, 0.02) == 1.0


def test_the_spread_between_seeds_is_told_from_that_between_prompts():
    rng = np.random.default_rng(5)
    quality = 0.5 + rng.normal(0, 0.1, (2_000, 1))
    first, second = (records(quality + rng.normal(0, 0.2, (2_000, 3))) for _ in range(2))
    found = seed_spread(first)
    assert (found.within, found.between) == (pytest.approx(0.2, rel=0.05), pytest.approx(0.1, rel=0.1))
    assert (found.prompts, found.seeds) == (2_000, 3)
    # What is foretold for videos made anew is what two such runs show, to four standard errors of both.
    assert compare_paired(first, second, cluster_names(range(2_000))).sd == pytest.approx(found.regenerated, rel=0.08)


def test_one_seed_tells_nothing_of_the_spread_between_seeds():
    assert seed_spread(records(np.random.default_rng(6).random((30, 1)))) is None
