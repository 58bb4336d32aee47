"""When an order of two arms counts, on simulated scores."""

from dataclasses import replace

import numpy as np
import pytest

from intergeneval.records import Score, ScoreStatus
from intergeneval.stats import compare_paired
from matrix_train.study.accuracy import Labelled, accuracy_of
from matrix_train.study.rule import ArmScores, Verdict, adjusted, groups, order, pool

SCENES = 60
CLUSTERS = {f"s{index:03d}": f"sample:s{index:03d}" for index in range(240)}


def scores(level, rng, scenes=SCENES, sd=0.1, truth=None):
    """One training's scores: scene means that all arms share, plus `level`, plus noise of each video."""
    shared = np.random.default_rng(9).normal(0.5, 0.1, 240) if truth is None else truth
    values = shared[:scenes] + level + rng.normal(0, sd, scenes)
    return tuple(
        Score(sample_id=f"s{index:03d}", seed=0, status=ScoreStatus.OK, kisa=value, sgi=value, if_=float(value))
        for index, value in enumerate(values)
    )


def arm(name, levels, seed, **more):
    rng = np.random.default_rng(seed)
    return ArmScores(name=name, seeds={number: scores(level, rng, **more) for number, level in enumerate(levels)})


def unscore(item, seed, count):
    """Take the score of `count` videos of one training away, as a tracker that lost them would."""
    kept = list(item.seeds[seed])
    for index in range(count):
        kept[index] = replace(kept[index], status=ScoreStatus.UNTRACKED, kisa=None, sgi=None, if_=None)
    return replace(item, seeds={**item.seeds, seed: tuple(kept)})


def test_a_large_difference_on_which_all_training_seeds_agree_is_resolved():
    found = order(arm("matrix", (0.2, 0.2, 0.2), 1), arm("lora", (0.0, 0.0, 0.0), 2), CLUSTERS)
    assert found.verdict is Verdict.RESOLVED
    assert found.mean.low > 0
    assert [item.seed for item in found.seeds] == [0, 1, 2]
    assert found.scenes_needed is None


def test_the_opposite_order_is_told_as_such():
    found = order(arm("matrix", (-0.2, -0.2, -0.2), 1), arm("lora", (0.0, 0.0, 0.0), 2), CLUSTERS)
    assert found.verdict is Verdict.REVERSED
    assert found.mean.high < 0


def test_a_small_difference_is_not_resolved_and_tells_the_scenes_that_would_do():
    found = order(arm("matrix", (0.012, 0.012, 0.012), 3), arm("lora", (0.0, 0.0, 0.0), 4), CLUSTERS)
    assert found.verdict is Verdict.UNRESOLVED
    assert "the interval holds 0" in found.reason
    assert found.scenes_needed > SCENES


def test_where_answers_are_missing_more_scenes_are_no_way_out():
    better, worse = arm("matrix", (0.012,) * 3, 3), arm("lora", (0.0,) * 3, 4)
    half = SCENES // 2
    kept = {seed: list(items)[half:] for seed, items in better.seeds.items()}
    alone = order(
        replace(better, seeds=kept),
        replace(worse, seeds={seed: list(items)[half:] for seed, items in worse.seeds.items()}),
        CLUSTERS,
    )
    for seed in (0, 1, 2):
        better, worse = unscore(better, seed, half), unscore(worse, seed, half)
    found = order(better, worse, CLUSTERS)
    assert (found.mean.scored, found.mean.prompts_total) == (SCENES - half, SCENES)
    assert found.mean.difference == alone.mean.difference
    assert alone.scenes_needed is not None
    assert (found.verdict, found.scenes_needed, found.mean.unanswered) == (Verdict.UNRESOLVED, None, 3 * half)


def test_training_seeds_that_disagree_leave_an_order_open_however_narrow_the_interval_is():
    found = order(arm("matrix", (0.3, 0.3, -0.1), 5), arm("lora", (0.0, 0.0, 0.0), 6), CLUSTERS)
    assert found.mean.low > 0
    assert found.verdict is Verdict.UNRESOLVED
    assert "do not agree in sign" in found.reason
    assert found.scenes_needed is None


def test_two_training_seeds_are_too_few():
    found = order(arm("matrix", (0.2, 0.2), 1), arm("lora", (0.0, 0.0), 2), CLUSTERS)
    assert found.verdict is Verdict.UNRESOLVED
    assert "of 2 training seeds; an order needs 3" in found.reason


def test_arms_whose_unscored_shares_are_over_five_points_apart_are_not_compared():
    better, worse = arm("matrix", (0.2, 0.2, 0.2), 1), arm("lora", (0.0, 0.0, 0.0), 2)
    # 9 of 180 videos are five points: still compared; 10 are not.
    assert order(unscore(better, 0, 9), worse, CLUSTERS).verdict is Verdict.RESOLVED
    found = order(unscore(better, 0, 10), worse, CLUSTERS)
    assert found.verdict is Verdict.BARRED
    assert found.reason.startswith("5.6% and 0.0% of the videos have no score")
    assert order(unscore(better, 0, 10), unscore(worse, 1, 10), CLUSTERS).verdict is Verdict.RESOLVED


def test_the_base_has_no_training_seed_and_is_paired_with_each():
    base = ArmScores(name="base", seeds={None: scores(0.0, np.random.default_rng(7))})
    trained = arm("matrix", (0.2, 0.1, 0.3), 1)
    found = order(trained, base, CLUSTERS)
    assert [item.seed for item in found.seeds] == [0, 1, 2]
    alone = compare_paired(base.seeds[None], trained.seeds[1], CLUSTERS)
    assert found.seeds[1].comparison.difference == alone.difference
    assert found.mean.difference == pytest.approx(np.mean([item.comparison.difference for item in found.seeds]))
    # The base's videos are not counted thrice.
    assert len(base.videos) == SCENES
    assert order(base, trained, CLUSTERS).verdict is Verdict.REVERSED


def test_two_arms_without_training_are_compared_by_the_interval_alone():
    guided = ArmScores(name="cmg", seeds={None: scores(0.2, np.random.default_rng(7))})
    base = ArmScores(name="base", seeds={None: scores(0.0, np.random.default_rng(8))})
    found = order(guided, base, CLUSTERS)
    assert found.verdict is Verdict.RESOLVED
    assert "training seed" not in found.reason


def test_the_interval_takes_scenes_as_units_and_not_videos():
    better, worse = arm("a", (0.05, 0.05, 0.05), 1), arm("b", (0.0, 0.0, 0.0), 2)
    found = order(better, worse, CLUSTERS)
    assert (found.mean.prompts, found.mean.clusters, found.mean.videos) == (SCENES, SCENES, 3 * SCENES)
    means = [
        np.mean([better.seeds[seed][index].if_ - worse.seeds[seed][index].if_ for seed in range(3)]) for index in range(SCENES)
    ]
    assert found.mean.se == pytest.approx(np.std(means, ddof=1) / SCENES**0.5)


def test_noise_seeds_of_different_trainings_do_not_meet_when_pooled():
    first = [Score(sample_id="s", seed=seed, status=ScoreStatus.OK, if_=0.1 * seed) for seed in (3, 7)]
    pooled = pool([first, first])
    assert [score.seed for score in pooled] == [0, 1, 2, 3]


def test_the_p_values_of_the_orders_are_adjusted_together():
    arms = [arm("a", (0.2,) * 3, 1), arm("b", (0.05,) * 3, 2), arm("c", (0.0,) * 3, 3)]
    alone = [order(arms[0], arms[1], CLUSTERS), order(arms[1], arms[2], CLUSTERS)]
    together = adjusted(alone)
    assert all(item.mean.family == 2 for item in together)
    assert together[0].mean.p_adjusted == pytest.approx(min(1, 2 * min(item.mean.p for item in alone)))


def test_arms_are_in_one_group_unless_the_rule_tells_them_apart():
    arms = [
        arm("best", (0.3,) * 3, 1),
        arm("second", (0.29,) * 3, 2),
        arm("last", (0.0,) * 3, 3),
        arm("split", (0.4, 0.4, -0.4), 4),
    ]
    means = {item.name: float(np.mean([score.if_ for score in item.videos])) for item in arms}
    found = groups(arms, CLUSTERS, means)
    assert found["best"] == found["second"] == 1
    # Its mean lies far below the best, but its training seeds do not agree on that.
    assert found["split"] == 1
    assert found["last"] == 4


def test_false_orders_are_rare_where_nothing_differs():
    wrong = 0
    for trial in range(150):
        found = order(arm("a", (0.0,) * 3, 2 * trial + 100), arm("b", (0.0,) * 3, 2 * trial + 101), CLUSTERS)
        wrong += found.verdict is not Verdict.UNRESOLVED
    # The interval alone errs in 5 %; that all seeds agree too makes it rarer.
    assert wrong <= 12


def test_the_judges_accuracy_counts_both_kinds_of_no_as_one_and_leaves_unsure_labels_out():
    answers = [(True, True), (True, False), (False, False), (None, True), (False, None)] * 6
    items = [Labelled(arm="a", scene=f"s{index % 6}", label=label, judge=judge) for index, (label, judge) in enumerate(answers)]
    found = accuracy_of(items)
    assert (found.questions, found.unsure) == (24, 6)
    assert found.answered == 0.75
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.low < 2 / 3 < found.high
    assert (found.judge_yes, found.label_yes) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert accuracy_of([]).accuracy is None


def test_under_ten_scenes_no_number_of_scenes_is_told():
    better, worse = arm("a", (0.01,) * 3, 1, scenes=9), arm("b", (0.0,) * 3, 2, scenes=9)
    found = order(better, worse, CLUSTERS)
    assert found.verdict is Verdict.UNRESOLVED
    assert found.scenes_needed is None
