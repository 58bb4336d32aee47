import json

import numpy as np
import pytest

from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import canonical_json
from intergeneval.records import (
    Category,
    Direction,
    Estimate,
    Instance,
    Interaction,
    Profile,
    Sample,
    Score,
    ScoreStatus,
)
from intergeneval.stats import clusters_of, completeness, estimate, estimates, labels_of, slices
from tests.stats.simulated_scores import cluster_names, records

NAN = float("nan")


def own(count, name="p"):
    return cluster_names(range(count), name)


def sample(sample_id, scene=None, tags=(), categories=(Category.CONTACT,)):
    return Sample(
        id=sample_id,
        prompt="A man lifts a cup.",
        instances=(Instance(id="id1", class_="man", appearance="man", colour="red"),) * 2,
        interactions=tuple(
            Interaction(subject="id1", verb="lifts", object="id1", category=item, direction=Direction.BIDIRECTIONAL)
            for item in categories
        ),
        scene=scene,
        tags=tags,
    )


def test_prompts_weigh_alike_however_many_seeds_they_have():
    scores = [*records([[0.0, 0.0, 0.0, 0.0]]), *records([[1.0]], name="q")]
    assert estimate(scores, own(1) | own(1, "q")).mean == 0.5


def test_videos_without_a_score_are_left_out_and_counted():
    found = estimate(records([[0.2, NAN], [0.4, 0.6], [NAN, NAN]]), own(3))
    assert found.mean == pytest.approx((0.2 + 0.5) / 2)
    assert (found.prompts, found.prompts_total, found.videos, found.videos_total) == (2, 3, 3, 6)
    assert found.coverage == pytest.approx(2 / 3)
    assert found.statuses == {"ok": 3, "unanswered": 3}


def test_a_missing_video_that_counts_as_zero_enters_the_mean():
    scores = [*records([[0.8]]), Score(sample_id="q", seed=0, status=ScoreStatus.MISSING, if_=0.0)]
    found = estimate(scores, {**own(1), "q": "q"})
    assert (found.mean, found.coverage, found.statuses) == (0.4, 1.0, {"missing": 1, "ok": 1})


def test_no_score_at_all_is_no_number_at_all():
    found = estimate(records([[NAN]]), own(1))
    assert (found.mean, found.se, found.low, found.sd, found.clusters) == (None, None, None, None, 0)
    assert found.caveat == "no prompt has a score"


def test_one_cluster_gives_a_mean_without_an_interval_and_says_so():
    found = estimate(records([[0.2], [0.4]]), {"p0000": "scene:a", "p0001": "scene:a"})
    assert (found.mean, found.se, found.low, found.high) == (pytest.approx(0.3), None, None, None)
    assert "no interval" in found.caveat


def test_two_clusters_have_the_wide_interval_of_one_degree_of_freedom_and_a_caveat():
    found = estimate(records([[0.4], [0.6]]), own(2))
    # t on one degree of freedom is 12.706; the slope of the logit at the middle is 4: expit(12.706 * 0.1 * 4).
    assert (found.low, found.high) == pytest.approx((0.00617, 0.99383), abs=1e-4)
    assert "only 2 clusters" in found.caveat


def test_scores_that_never_vary_give_an_interval_without_width_and_a_caveat():
    found = estimate(records([[1.0]] * 30), own(30))
    assert (found.low, found.high) == (1.0, 1.0)
    assert "nothing varied here" in found.caveat


def test_enough_varying_clusters_have_no_caveat():
    assert not estimate(records(np.linspace(0, 1, 12)[:, None]), own(12)).caveat


def test_an_estimate_passes_through_json_unchanged():
    found = estimate(records([[0.2, NAN], [0.4, 0.6]]), own(2))
    assert Estimate.from_json(json.loads(canonical_json(found.to_json()))) == found


def test_the_order_of_the_score_lines_changes_no_bit():
    rng = np.random.default_rng(5)
    scores = records(rng.random((25, 3)))
    assert estimate(scores[::-1], own(25)) == estimate(scores, own(25))


def test_unassessed_parts_mark_the_estimate_as_an_upper_bound():
    scores = [Score(sample_id="p0000", seed=0, status=ScoreStatus.OK, if_=0.5, partial=("emergence",))]
    assert estimate(scores, own(1)).partial == ("emergence",)


def test_a_missing_metric_has_no_estimate_while_the_others_do():
    found = estimates(records([[0.3], [0.5]]), own(2))
    assert list(found) == ["if", "kisa", "sgi", "spi", "kisa_raw", "sgi_raw"]
    assert (found["kisa"].mean, found["spi"].mean) == (0.4, None)


@pytest.mark.parametrize(
    ("scores", "clusters", "metric", "error", "said"),
    [
        (records([[0.1]]) * 2, own(1), "if", RecordError, "is there twice"),
        (records([[0.1]]), {}, "if", RecordError, "'p0000' is not in the list of samples"),
        (records([[0.1]]), own(1), "beauty", UsageError, "'beauty' is not one of if, kisa"),
        ([Score(sample_id="p0000", seed=0, status=ScoreStatus.OK, if_=NAN)], own(1), "if", RecordError, "if is nan"),
    ],
)
def test_wrong_input_is_refused_by_name(scores, clusters, metric, error, said):
    with pytest.raises(error, match=said):
        estimate(scores, clusters, metric)


def test_prompts_of_a_scene_share_its_cluster_and_a_scene_is_never_taken_for_a_sample():
    assert clusters_of([sample("a", scene="kitchen"), sample("b", scene="kitchen"), sample("kitchen")]) == {
        "a": "scene:kitchen",
        "b": "scene:kitchen",
        "kitchen": "sample:kitchen",
    }


def test_a_sample_falls_into_every_slice_it_belongs_to_once():
    labels = labels_of([sample("a", tags=("indoor",), categories=(Category.CONTACT, Category.FORCE, Category.CONTACT))])
    assert labels["a"] == (
        ("category", "contact"),
        ("category", "force"),
        ("direction", "bidirectional"),
        ("instances", "2"),
        ("tag", "indoor"),
    )


def test_slices_under_twenty_prompts_claim_nothing():
    labels = {f"p{item:04d}": [("tag", "big")] if item < 20 else [("tag", "small")] for item in range(39)}
    big, small = slices(records(np.linspace(0, 1, 39)[:, None]), own(39), labels)
    assert (big.label, big.thin, big.estimate.prompts) == ("big", False, 20)
    assert big.estimate.low < big.estimate.mean < big.estimate.high
    assert (small.label, small.thin, small.estimate.low, small.estimate.high) == ("small", True, None, None)
    assert "19 of the 20 prompts" in small.estimate.caveat


def test_a_slice_nobody_scored_is_not_made_up():
    assert slices(records([[0.1]]), own(1), {"elsewhere": [("tag", "x")]}) == ()


def test_completeness_counts_what_is_missing_unscored_or_has_no_line():
    scores = [*records([[0.1] * 2] * 99), *records([[NAN]], name="q")]
    asked = [f"p{item:04d}" for item in range(100)]
    found = completeness(scores, asked, seeds=(0, 1), allowed=0.01)
    assert (found.expected, found.missing, found.unscored, found.complete) == (201, 2, 1, False)


def test_a_run_is_complete_up_to_the_allowed_share():
    scores = [*records([[0.1]] * 99), *records([[NAN]], name="q")]
    assert completeness(scores).complete
    assert not completeness(scores, allowed=0.009).complete
    assert not completeness([]).complete


@pytest.mark.parametrize("status", [status for status in ScoreStatus if status is not ScoreStatus.OK])
def test_every_video_without_a_score_counts_whatever_the_reason(status):
    scores = [*records([[0.5]] * 8), *(Score(sample_id=name, seed=0, status=status) for name in ("q", "r"))]
    found = completeness(scores)
    assert (found.missing + found.unscored, found.allowed, found.complete) == (2, 0.1, False)
    assert completeness(scores[:-1], allowed=0.12).complete


def test_bounds_take_what_has_no_answer_as_no_and_as_yes_and_the_interval_holds_both():
    scores = records([[0.2, NAN], [0.4, 0.6], [NAN, NAN]] * 4)
    found = estimate(scores, own(12))
    assert found.bounds == pytest.approx(((0.1 + 0.5 + 0) / 3, (0.6 + 0.5 + 1) / 3))
    assert (found.open, found.middle) == (12, pytest.approx(0.45))
    assert 0 <= found.low < found.bounds[0] < found.bounds[1] < found.high <= 1


def test_where_nothing_was_judged_there_is_no_mean_though_missing_videos_count_zero():
    found = estimate([Score(sample_id="p0000", seed=0, status=ScoreStatus.MISSING, if_=0.0)], own(1))
    assert (found.mean, found.low, found.bounds, found.middle, found.videos) == (None, None, None, None, 0)


@pytest.mark.parametrize("profile", [Profile.BOUNDED, Profile.PAPER])
def test_intervals_stay_inside_the_range_of_the_metric(profile):
    values = [[1.0], [1.0], [0.9], [1.0], [0.2]]
    found = estimate(records(values), own(5), profile=profile)
    assert 0.0 < found.low < found.mean < found.high < 1.0 or profile is Profile.PAPER
    assert found.high < 1.0


def test_a_sample_without_any_line_is_missing_also_where_seeds_are_unknown():
    assert completeness(records([[0.1]]), ["p0000", "p0001"]).missing == 1
