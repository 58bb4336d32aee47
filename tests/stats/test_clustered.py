import numpy as np
import pytest
from scipy import stats

from intergeneval.stats import clustered


def test_one_prompt_a_cluster_is_the_ordinary_t_interval():
    values = np.array([0.1, 0.5, 0.9, 0.4, 0.7])
    moments = clustered(values, np.arange(5))
    assert moments.se == pytest.approx(values.std(ddof=1) / np.sqrt(5), rel=1e-12)
    low, high = stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values))
    assert (moments.low, moments.high) == (pytest.approx(low, rel=1e-9), pytest.approx(high, rel=1e-9))


def test_the_standard_error_follows_the_formula_for_uneven_clusters_worked_out_by_hand():
    # Mean 0.5; cluster sums of deviations: (-0.5 - 0.1) = -0.6, (0.2 + 0.3 + 0.1) = 0.6 and 0.0, in five of six prompts.
    values = np.array([0.0, 0.7, 0.4, 0.8, 0.6, 0.5])
    codes = np.array([0, 1, 0, 1, 1, 2])
    assert clustered(values, codes).se == pytest.approx(np.sqrt(3 / 2 * (0.6**2 + 0.6**2 + 0.0**2)) / 6, rel=1e-12)


def test_copies_of_a_prompt_in_its_cluster_add_no_certainty():
    values = np.array([0.1, 0.5, 0.9, 0.4, 0.7])
    once, thrice = clustered(values, np.arange(5)), clustered(np.repeat(values, 3), np.repeat(np.arange(5), 3))
    assert thrice.se == pytest.approx(float(once.se), rel=1e-12)
    assert thrice.clusters == 5


def test_the_order_of_prompts_and_the_numbers_of_clusters_do_not_matter():
    rng = np.random.default_rng(3)
    values, codes = rng.random(40), rng.integers(0, 12, size=40)
    order = rng.permutation(40)
    first, second = clustered(values, codes), clustered(values[order], codes[order] * 7 - 30)
    assert (second.se, second.low) == (pytest.approx(float(first.se)), pytest.approx(float(first.low)))


def test_a_batch_gives_each_repeat_what_it_gets_alone():
    rng = np.random.default_rng(4)
    values, codes = rng.random((3, 2, 20)), rng.integers(0, 6, size=20)
    batch = clustered(values, codes)
    assert batch.se.shape == (3, 2)
    assert batch.high[2, 1] == pytest.approx(float(clustered(values[2, 1], codes).high), rel=1e-12)


def test_one_cluster_has_a_mean_and_no_interval():
    moments = clustered(np.array([0.2, 0.4]), np.zeros(2, dtype=np.int64))
    assert moments.mean == pytest.approx(0.3)
    assert np.isnan([moments.se, moments.low, moments.high]).all()


@pytest.mark.parametrize("values", [np.array([]), np.array([0.1, np.nan])])
def test_nothing_and_missing_values_are_refused_not_averaged(values):
    with pytest.raises(ValueError, match=r"at least 1|not finite"):
        clustered(values, np.arange(len(values)))
