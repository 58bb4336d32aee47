"""Accuracy and kappa with their intervals."""

import random

import pytest

from intergeneval.exam.agreement import agreement, share, wilson


def test_a_judge_that_always_says_the_same_has_kappa_exactly_zero_without_spread():
    rng = random.Random(1)
    truth = [rng.random() < 0.7 for _ in range(333)]
    scenes = [index // 10 for index in range(333)]
    for said in (True, False):
        found = agreement(truth, [said] * len(truth), scenes)
        assert found.kappa == 0.0
        assert found.kappa_interval == (0.0, 0.0)


def test_a_judge_that_was_always_right_has_a_lower_end_of_kappa_below_one():
    few = agreement([True, False] * 6, [True, False] * 6, [index // 4 for index in range(12)])
    many = agreement([True, False] * 60, [True, False] * 60, [index // 4 for index in range(120)])
    assert few.kappa == many.kappa == 1.0
    assert few.kappa_interval[0] < many.kappa_interval[0] < 1.0
    assert few.kappa_interval[1] == many.kappa_interval[1] == 1.0


def test_a_judge_that_errs_alike_in_every_scene_has_an_interval_around_its_kappa():
    found = agreement([True, True, False, False] * 5, [True, False, False, False] * 5, [index // 4 for index in range(20)])
    assert found.kappa_interval[0] < found.kappa < found.kappa_interval[1]


def test_kappa_is_what_the_textbook_example_gives():
    # 20 both yes, 15 both no, 5 and 10 apart: po = .7, pe = .5, kappa = .4
    truth = [True] * 20 + [False] * 15 + [True] * 5 + [False] * 10
    given = [True] * 20 + [False] * 15 + [False] * 5 + [True] * 10
    found = agreement(truth, given, range(50))
    assert found.kappa == pytest.approx(0.4)
    assert found.accuracy.value == pytest.approx(0.7)
    assert found.kappa_interval == pytest.approx((0.4 - 0.257, 0.4 + 0.257), abs=0.01)  # large-sample SE .1278, t 2.01


def test_a_judge_that_throws_coins_has_kappa_near_zero_and_its_interval_contains_it():
    rng = random.Random(7)
    truth = [rng.random() < 0.6 for _ in range(2000)]
    found = agreement(truth, [rng.random() < 0.6 for _ in truth], [index // 20 for index in range(2000)])
    assert found.kappa_interval[0] <= 0.0 <= found.kappa_interval[1]
    assert abs(found.kappa) < 0.08


def test_intervals_of_kappa_cover_as_they_say_where_a_scene_decides_many_answers():
    rng, covered = random.Random(3), 0
    for _ in range(200):
        truth, given, scenes = [], [], []
        for scene in range(30):
            flips = rng.random() < 0.3
            for _ in range(8):
                real = rng.random() < 0.5
                truth.append(real)
                given.append(real != flips)
                scenes.append(scene)
        low, high = agreement(truth, given, scenes).kappa_interval
        covered += low <= 0.4 <= high  # kappa of a judge who is right in 70 % of the scenes at a base rate of one half
    assert covered >= 180


def test_a_truth_that_never_varies_has_no_kappa():
    assert agreement([True] * 9, [True] * 9, range(9)).kappa is None
    assert agreement([True] * 9, [True] * 8 + [False], range(9)).kappa is None


def test_a_share_of_one_still_has_a_lower_end_below_one():
    found = share([True] * 500, [index // 10 for index in range(500)])
    assert found.value == 1.0
    assert found.interval[1] == 1.0
    assert 0.9 < found.interval[0] < 0.95  # as if the fifty scenes were all there is


def test_a_share_widens_when_answers_of_one_scene_stand_and_fall_together():
    alone = share([index % 10 != 0 for index in range(400)], range(400))
    together = share([index // 20 % 10 != 0 for index in range(400)], [index // 20 for index in range(400)])
    assert alone.value == together.value == 0.9
    assert together.interval[1] - together.interval[0] > 2 * (alone.interval[1] - alone.interval[0])


def test_nothing_counted_is_no_share_and_one_scene_has_no_interval():
    assert share([], []).value is None
    assert share([True, False], ["a", "a"]).interval is None


def test_wilson_agrees_with_the_published_interval():
    assert wilson(81 / 263, 263, 1.959964) == pytest.approx((0.2553, 0.3662), abs=2e-4)  # Newcombe 1998, table I
