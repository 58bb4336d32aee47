"""AUC and its interval."""

import random

import pytest

from intergeneval.exam.detection import roc


def test_the_area_counts_pairs_and_ties_half():
    assert roc([1.0, 0.5], [0.0, 0.5]).auc == pytest.approx(3.5 / 4)
    assert roc([1.0] * 6, [0.0] * 6).auc == 1.0
    assert roc([0.3] * 6, [0.3] * 6).auc == 0.5


def test_a_fault_that_is_always_told_still_has_an_interval_with_a_width():
    found = roc([1.0] * 20, [0.0] * 20)
    assert found.interval[1] == 1.0
    assert 0.8 < found.interval[0] < 0.95


def test_few_scenes_have_no_interval_and_no_scene_has_no_area():
    assert roc([1.0] * 4, [0.0] * 4).interval is None
    assert roc([], []).auc is None


def test_the_interval_covers_the_true_area():
    rng, covered = random.Random(5), 0
    for _ in range(300):
        low, high = roc([rng.gauss(1.0, 1.0) for _ in range(24)], [rng.gauss(0.0, 1.0) for _ in range(24)]).interval
        covered += low <= 0.7602 <= high  # Phi(1 / sqrt 2)
    assert covered >= 273
