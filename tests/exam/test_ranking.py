"""Rank correlation and calibration over policies."""

import numpy as np
import pytest

from intergeneval.exam.ranking import means, ranking


def world(slope=1.0, noise=0.0):
    rng = np.random.default_rng(0)
    true = np.clip(np.linspace(0.1, 0.9, 12)[:, None] + rng.normal(0, 0.1, (12, 30)), 0, 1)
    return true, 0.05 + slope * true + rng.normal(0, noise, true.shape)


def test_measured_scores_on_a_line_give_its_slope_and_perfect_ranks():
    found = ranking(*world(slope=0.8))
    assert [found.figures["spearman"], found.figures["kendall"]] == pytest.approx([1.0, 1.0])
    assert found.figures["slope"] == pytest.approx(0.8)
    assert found.figures["intercept"] == pytest.approx(0.05)


def test_scores_the_other_way_round_have_ranks_of_minus_one():
    assert ranking(*world(slope=-1.0)).figures["spearman"] == pytest.approx(-1.0)


def test_noise_lowers_the_ranks_and_gives_them_an_interval():
    found = ranking(*world(noise=1.0))
    low, high = found.intervals["spearman"]
    assert low < found.figures["spearman"] < 1.0
    assert high - low > 0.01


def test_ranks_without_spread_and_ranks_of_few_scenes_have_no_interval():
    assert ranking(*world()).intervals["spearman"] is None  # every draw of scenes gives exactly 1
    true, measured = world(noise=1.0)
    assert ranking(true[:, :4], measured[:, :4]).intervals["spearman"] is None
    assert ranking(true[:, :5], measured[:, :5]).intervals["spearman"] is not None


def test_a_measure_that_never_moves_has_no_ranks():
    true, measured = world()
    found = ranking(true, np.full_like(measured, 0.4))
    assert found.figures["spearman"] is None
    assert found.intervals["spearman"] is None
    assert found.figures["slope"] == pytest.approx(0.0, abs=1e-12)


def test_a_video_without_a_score_leaves_both_means():
    true, measured = np.array([[0.2, 0.8]]), np.array([[0.3, np.nan]])
    assert means(true, measured) == pytest.approx([0.2])
    assert means(measured, true) == pytest.approx([0.3])
    assert np.isnan(means(true, np.full_like(true, np.nan))).all()


def test_equal_inputs_give_equal_intervals():
    assert ranking(*world(noise=0.3)) == ranking(*world(noise=0.3))
