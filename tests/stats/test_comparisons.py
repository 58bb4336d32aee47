import dataclasses

import numpy as np
import pytest

from intergeneval.errors import ComparabilityError
from intergeneval.records import Comparison, Score, ScoreStatus
from intergeneval.stats import (
    clustered,
    compare_metrics,
    compare_paired,
    estimate,
    holm,
    prompt_differences,
    sign_flip,
    slice_comparisons,
    tie_groups,
)
from tests.stats.simulated_scores import cluster_codes, cluster_names, records, videos

NAN = float("nan")


def own(count):
    return cluster_names(range(count))


@pytest.fixture(scope="module")
def two_runs():
    rng = np.random.default_rng(11)
    codes = cluster_codes(40, rng)
    first, second = videos(codes, 2, "bounded", rng)
    return codes, first, 0.8 * first + 0.2 * second


def test_the_difference_is_candidate_minus_baseline_with_the_clustered_interval(two_runs):
    codes, first, second = two_runs
    found = compare_paired(records(first), records(second), cluster_names(codes), names=("old", "new"))
    moments = clustered((second - first).mean(axis=1), codes, within=(-1, 1))
    assert (found.difference, found.se, found.low, found.high) == pytest.approx(
        tuple(float(item) for item in (moments.mean, moments.se, moments.low, moments.high))
    )
    assert (found.baseline, found.candidate, found.prompts, found.clusters, found.coverage) == ("old", "new", len(codes), 40, 1.0)
    assert found.difference == pytest.approx(found.candidate_mean - found.baseline_mean)
    assert found.correlation == pytest.approx(np.corrcoef(first.mean(axis=1), second.mean(axis=1))[0, 1])
    assert found.wins + found.ties + found.losses == len(codes)


def test_pairing_finds_what_two_separate_intervals_do_not(two_runs):
    codes, first, _ = two_runs
    better = np.clip(first + 0.03, None, 1)
    clusters = cluster_names(codes)
    found = compare_paired(records(first), records(better), clusters)
    apart = estimate(records(first), clusters), estimate(records(better), clusters)
    assert found.low > 0
    assert apart[0].high > apart[1].low


def test_swapping_the_runs_turns_the_sign_and_nothing_else(two_runs):
    codes, first, second = two_runs
    there = compare_paired(records(first), records(second), cluster_names(codes))
    back = compare_paired(records(second), records(first), cluster_names(codes))
    assert (back.difference, back.low, back.high, back.p) == pytest.approx((-there.difference, -there.high, -there.low, there.p))
    assert (back.wins, back.losses) == (there.losses, there.wins)


def test_only_seeds_that_both_scored_are_compared_and_the_rest_is_counted():
    first = records([[0.2, 0.9], [0.5, 0.5], [0.4, NAN]])
    second = records([[0.4, NAN], [0.6, 0.7], [NAN, 0.3], [0.1, 0.1]])
    found = compare_paired(first, second, own(4))
    assert found.difference == pytest.approx((0.2 + 0.15) / 2)
    assert (found.scored, found.prompts, found.prompts_total, found.coverage) == (2, 3, 4, 0.75)
    assert (found.videos, found.only_baseline, found.only_candidate) == (3, 0, 2)
    assert (found.unscored_baseline, found.unscored_candidate) == (1, 2)


def test_prompt_differences_name_their_seeds_and_means():
    (pair,) = prompt_differences(records([[0.2, 0.9, 0.4]]), records([[0.4, NAN, 0.8]]))
    assert (pair.sample_id, pair.seeds) == ("p0000", (0, 2))
    assert (pair.baseline, pair.candidate, pair.difference) == pytest.approx((0.3, 0.6, 0.3))


def test_runs_with_nothing_in_common_give_no_number():
    found = compare_paired(records([[0.1]]), records([[NAN]]), own(1))
    assert (found.difference, found.low, found.p, found.minimum_detectable) == (None, None, None, None)
    assert found.caveat == "no video is scored in both runs"


def test_one_cluster_gives_a_difference_without_an_interval():
    found = compare_paired(records([[0.1], [0.2]]), records([[0.2], [0.4]]), {"p0000": "a", "p0001": "a"})
    assert (found.difference, found.se, found.low) == (pytest.approx(0.15), None, None)
    assert "no interval" in found.caveat


def test_equal_runs_differ_by_nothing_with_p_one():
    scores = records(np.random.default_rng(2).random((30, 2)))
    found = compare_paired(scores, scores, own(30))
    assert (found.difference, found.low, found.high, found.p, found.ties) == (0.0, 0.0, 0.0, 1.0, 30)
    assert found.correlation == pytest.approx(1.0)
    assert "nothing varied here" in found.caveat


def test_a_run_that_never_varies_has_no_correlation():
    found = compare_paired(records([[0.5]] * 5), records(np.linspace(0, 1, 5)[:, None]), own(5))
    assert found.correlation is None


def test_a_missing_video_compares_as_the_zero_it_scores():
    missing = [Score(sample_id="p0000", seed=0, status=ScoreStatus.MISSING, if_=0.0)]
    partial = [dataclasses.replace(item, partial=("emergence",)) for item in records([[0.6]])]
    assert compare_paired(partial, missing, own(1)).difference == pytest.approx(-0.6)


def test_upper_bounds_are_not_compared_with_full_scores():
    partial = [dataclasses.replace(item, partial=("emergence",)) for item in records([[0.6], [0.7]])]
    with pytest.raises(ComparabilityError, match="'partial' differs"):
        compare_paired(records([[0.6], [0.7]]), partial, own(2))
    assert compare_paired(partial, partial, own(2)).partial == ("emergence",)


def test_pairs_assessed_in_different_parts_are_left_out_and_counted():
    full = records([[0.6], [0.7]])
    mixed = [dataclasses.replace(full[0], partial=("emergence",)), full[1]]
    other = [full[0], dataclasses.replace(full[1], partial=("emergence",))]
    found = compare_paired(mixed, other, own(2))
    assert (found.prompts, found.mismatched) == (0, 2)


def test_other_outcomes_are_secondary_and_adjusted_together(two_runs):
    codes, first, second = two_runs
    found = compare_metrics(records(first), records(second), cluster_names(codes))
    assert [item.metric for item in found] == ["if", "kisa", "sgi", "spi", "kisa_raw", "sgi_raw"]
    assert [item.secondary for item in found] == [False] + [True] * 5
    assert (found[0].p_adjusted, found[0].family) == (found[0].p, 1)
    tested = [item for item in found[1:] if item.p is not None]
    assert len(tested) == tested[0].family == 2
    assert [item.p_adjusted for item in tested] == holm([item.p for item in tested])


def test_a_comparison_passes_through_json_unchanged(two_runs):
    codes, first, second = two_runs
    found = compare_paired(records(first), records(second), cluster_names(codes))
    assert Comparison.from_json(found.to_json()) == found


def test_thin_slices_have_neither_interval_nor_p(two_runs):
    codes, first, second = two_runs
    labels = {f"p{item:04d}": [("tag", "big")] if item < 20 else [("tag", "small")] for item in range(39)}
    big, small = slice_comparisons(records(first), records(second), cluster_names(codes), labels)
    assert (big.thin, big.comparison.prompts, big.comparison.secondary) == (False, 20, True)
    assert big.comparison.p is not None
    assert (small.thin, small.comparison.low, small.comparison.p, small.comparison.p_adjusted) == (True, None, None, None)
    assert big.comparison.family == 1


def test_holm_steps_down_and_never_passes_one():
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_few_clusters_go_through_every_sign_pattern():
    # All five differences point one way: only the two patterns without a change of sign are as extreme, 2 of 32.
    assert sign_flip(np.array([0.1, 0.2, 0.3, 0.1, 0.2]), np.arange(5)) == (2 / 32, 32, True)


def test_signs_flip_by_cluster_not_by_prompt():
    differences = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.4])
    assert sign_flip(differences, np.array([0, 0, 0, 1, 1, 1]))[0] == 0.5


def test_many_clusters_are_drawn_with_a_fixed_seed_and_agree_with_the_exact_answer():
    differences = np.random.default_rng(8).normal(0.1, 0.3, size=13)
    exact, _, all_of_them = sign_flip(differences, np.arange(13))
    drawn, flips, every = sign_flip(differences, np.arange(13), flips=8_000)
    assert (all_of_them, every, flips) == (True, False, 8_000)
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 8_000))
    assert sign_flip(differences, np.arange(13), flips=8_000)[0] == drawn


def test_a_drawn_p_is_never_zero():
    assert sign_flip(np.full(60, 0.5) + np.linspace(0, 0.1, 60), np.arange(60))[0] == 1 / 10_001


def test_p_is_uniform_where_nothing_differs():
    rng = np.random.default_rng(9)
    found = [sign_flip(rng.normal(size=12), np.arange(12))[0] for _ in range(400)]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 400))


def test_models_that_cannot_be_told_from_the_leader_share_its_rank():
    rng = np.random.default_rng(10)
    base = rng.random((60, 1))
    noise = rng.normal(0, 0.1, (2, *base.shape))
    noise -= noise.mean(axis=1, keepdims=True) - [[[0.002]], [[-0.002]]]
    runs = {
        "worse": base - 0.5 + noise[0],
        "worse too": base - 0.5 + noise[1],
        "good": base + noise[0],
        "good too": base + noise[1],
        "unscored": np.full_like(base, NAN),
    }
    groups = tie_groups({name: records(values) for name, values in runs.items()}, own(60))
    assert [(group.rank, set(group.members)) for group in groups] == [(1, {"good", "good too"}), (3, {"worse", "worse too"})]
    assert all(group.leader == group.members[0] for group in groups)
    assert [item.baseline for item in groups[0].comparisons] == [groups[0].leader]


def test_models_without_an_interval_are_tied():
    groups = tie_groups({"a": records([[0.1]]), "b": records([[0.9]])}, own(1))
    assert [group.members for group in groups] == [("b", "a")]


def test_tie_groups_refuse_upper_bounds_beside_full_scores():
    partial = [dataclasses.replace(item, partial=("emergence",)) for item in records([[0.6], [0.7]])]
    with pytest.raises(ComparabilityError, match="partial"):
        tie_groups({"a": records([[0.6], [0.7]]), "b": partial}, own(2))
