"""Paired comparisons: the same prompts and seeds in two runs, differences per prompt."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from intergeneval.records import Comparison, PromptDifference, Score, ScoreStatus, SliceComparison, TieGroup
from intergeneval.stats.clustered import clustered, known
from intergeneval.stats.estimates import SAME, caveat, slice_members, spread, thin_caveat
from intergeneval.stats.power import minimum_detectable
from intergeneval.stats.prompts import (
    METRICS,
    PRIMARY,
    THIN,
    Key,
    by_video,
    cluster_codes,
    common_partial,
    prompt_scores,
    score_value,
)
from intergeneval.stats.signflip import holm, sign_flip

NAMES = ("baseline", "candidate")


def prompt_differences(
    baseline: Sequence[Score], candidate: Sequence[Score], metric: str = PRIMARY
) -> tuple[PromptDifference, ...]:
    """Return one difference (candidate - baseline) a prompt, over the seeds both runs scored, by rising sample id.

    Prompts without a seed in common are absent. Raises RecordError for a video scored twice.
    """
    first, second = by_video(baseline), by_video(candidate)
    seeds: dict[str, list[int]] = {}
    for sample_id, seed in sorted(_scored_pairs(first, second, metric)):
        seeds.setdefault(sample_id, []).append(seed)
    found = []
    for sample_id, common in seeds.items():
        before = _mean([score_value(first[sample_id, seed], metric) for seed in common])
        after = _mean([score_value(second[sample_id, seed], metric) for seed in common])
        found.append(
            PromptDifference(
                sample_id=sample_id, baseline=before, candidate=after, difference=after - before, seeds=tuple(common)
            )
        )
    return tuple(found)


def compare_paired(
    baseline: Sequence[Score],
    candidate: Sequence[Score],
    clusters: Mapping[str, str],
    metric: str = PRIMARY,
    names: tuple[str, str] = NAMES,
    level: float = 0.95,
) -> Comparison:
    """Return the paired difference candidate - baseline of one metric with its clustered t interval and sign-flip p.

    Scores are aligned by (sample, seed); a video that either run lacks, or has no value for, is left out and counted. The p
    value stands unadjusted (family of one); `compare_metrics` and `adjust` adjust. Raises ComparabilityError where the runs
    left different parts unassessed, RecordError for a video scored twice or a sample without a cluster.
    """
    partial = common_partial(names, (baseline, candidate))
    pairs = prompt_differences(baseline, candidate, metric)
    values = np.array([pair.difference for pair in pairs], dtype=np.float64)
    total = len({score.sample_id for score in (*baseline, *candidate)})
    result = Comparison(
        baseline=names[0],
        candidate=names[1],
        metric=metric,
        secondary=metric != PRIMARY,
        level=level,
        difference=None,
        se=None,
        low=None,
        high=None,
        sd=spread(values),
        baseline_mean=_mean([pair.baseline for pair in pairs]) if pairs else None,
        candidate_mean=_mean([pair.candidate for pair in pairs]) if pairs else None,
        correlation=_correlation(pairs),
        p=None,
        p_adjusted=None,
        family=1,
        flips=0,
        exact=False,
        prompts=len(pairs),
        prompts_total=total,
        clusters=0,
        coverage=len(pairs) / total if total else 0.0,
        wins=int((values > 0).sum()),
        ties=int((values == 0).sum()),
        losses=int((values < 0).sum()),
        minimum_detectable=None,
        partial=partial,
        caveat="no video is scored in both runs",
        **_left_out(by_video(baseline), by_video(candidate), metric),
    )
    return _with_inference(result, pairs, clusters) if pairs else result


def _with_inference(result: Comparison, pairs: Sequence[PromptDifference], clusters: Mapping[str, str]) -> Comparison:
    values = np.array([pair.difference for pair in pairs], dtype=np.float64)
    codes = cluster_codes([pair.sample_id for pair in pairs], clusters)
    moments = clustered(values, codes, result.level)
    p, flips, exact = sign_flip(values, codes)
    se = known(float(moments.se))
    return dataclasses.replace(
        result,
        difference=float(moments.mean),
        se=se,
        low=known(float(moments.low)),
        high=known(float(moments.high)),
        p=p,
        p_adjusted=p,
        flips=flips,
        exact=exact,
        clusters=moments.clusters,
        minimum_detectable=None
        if se is None
        else minimum_detectable(se * math.sqrt(moments.clusters), moments.clusters, level=result.level),
        caveat=caveat(values, moments.clusters, "prompt differences are"),
    )


def compare_metrics(
    baseline: Sequence[Score],
    candidate: Sequence[Score],
    clusters: Mapping[str, str],
    names: tuple[str, str] = NAMES,
    level: float = 0.95,
) -> tuple[Comparison, ...]:
    """Return the comparisons of all metrics, the primary first; the others are secondary, their p Holm-adjusted together."""
    found = [compare_paired(baseline, candidate, clusters, metric, names, level) for metric in METRICS]
    return (found[0], *adjust(found[1:]))


def adjust(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return the comparisons with their p Holm-adjusted as one family; those without p stay out of it."""
    tested = [index for index, item in enumerate(comparisons) if item.p is not None]
    adjusted = dict(zip(tested, holm([comparisons[index].p or 0.0 for index in tested]), strict=True))
    return tuple(
        dataclasses.replace(item, p_adjusted=adjusted.get(index), family=len(tested)) for index, item in enumerate(comparisons)
    )


def left_out(item: Comparison) -> str:
    """Return which videos a comparison could not pair, in one sentence; empty where it paired all."""
    parts = [
        (item.only_baseline, f"only in {item.baseline}"),
        (item.only_candidate, f"only in {item.candidate}"),
        (item.unscored_baseline, f"without a score in {item.baseline}"),
        (item.unscored_candidate, f"without a score in {item.candidate}"),
        (item.mismatched, "with different parts assessed"),
    ]
    said = ", ".join(f"{count} {what}" for count, what in parts if count)
    return f"videos left out, by sample and seed: {said}" if said else ""


def slice_comparisons(
    baseline: Sequence[Score],
    candidate: Sequence[Score],
    clusters: Mapping[str, str],
    labels: Mapping[str, Sequence[tuple[str, str]]],
    names: tuple[str, str] = NAMES,
) -> tuple[SliceComparison, ...]:
    """Return the comparison of the primary metric in each slice, by dimension and label, Holm-adjusted as one family.

    A slice of fewer than 20 compared prompts is `thin`: it keeps its difference and counts, and has neither interval nor p.
    """
    kept: list[tuple[str, str, Comparison]] = []
    for (dimension, label), ids in slice_members(labels).items():
        runs = [[score for score in scores if score.sample_id in ids] for scores in (baseline, candidate)]
        if not any(runs):
            continue
        item = dataclasses.replace(compare_paired(runs[0], runs[1], clusters, names=names), secondary=True)
        if item.prompts < THIN:
            item = dataclasses.replace(
                item, low=None, high=None, p=None, p_adjusted=None, minimum_detectable=None, caveat=thin_caveat(item.prompts)
            )
        kept.append((dimension, label, item))
    adjusted = adjust([item for _, _, item in kept])
    return tuple(
        SliceComparison(dimension=dimension, label=label, thin=item.prompts < THIN, comparison=item)
        for (dimension, label, _), item in zip(kept, adjusted, strict=True)
    )


def tie_groups(
    runs: Mapping[str, Sequence[Score]], clusters: Mapping[str, str], metric: str = PRIMARY, level: float = 0.95
) -> tuple[TieGroup, ...]:
    """Return the runs (name -> scores) in groups that cannot be told from their leader, best group first.

    Runs are gone through by falling mean. A run joins the open group unless its paired interval against the group's leader
    lies wholly below 0; then it leads the next group. Without an interval nothing can be told apart. Runs without a mean are
    in no group. Intervals are not adjusted for the number of runs. Raises ComparabilityError where unassessed parts differ.
    """
    common_partial(list(runs), list(runs.values()))
    means = {name: _mean(list(prompts.values())) for name in runs if (prompts := prompt_scores(runs[name], metric))}
    groups: list[tuple[int, list[str], list[Comparison]]] = []
    for place, name in enumerate(sorted(means, key=lambda item: (-means[item], item)), start=1):
        if groups:
            _, members, comparisons = groups[-1]
            item = compare_paired(runs[members[0]], runs[name], clusters, metric, (members[0], name), level)
            if item.high is None or item.high >= 0:
                members.append(name)
                comparisons.append(item)
                continue
        groups.append((place, [name], []))
    return tuple(
        TieGroup(rank=rank, leader=members[0], members=tuple(members), comparisons=tuple(comparisons))
        for rank, members, comparisons in groups
    )


def _scored_pairs(first: Mapping[Key, Score], second: Mapping[Key, Score], metric: str) -> set[Key]:
    """Return the videos that both runs have a value for, with the same parts assessed."""
    return {
        key
        for key in first.keys() & second.keys()
        if score_value(first[key], metric) is not None
        and score_value(second[key], metric) is not None
        and _alike(first[key], second[key])
    }


def _alike(first: Score, second: Score) -> bool:
    """Whether the same parts were assessed; the 0 of a missing video goes with anything."""
    looked_at = first.status is ScoreStatus.OK and second.status is ScoreStatus.OK
    return first.partial == second.partial or not looked_at


def _left_out(first: Mapping[Key, Score], second: Mapping[Key, Score], metric: str) -> dict[str, int]:
    both = first.keys() & second.keys()
    without = [{key for key in both if score_value(run[key], metric) is None} for run in (first, second)]
    kept = _scored_pairs(first, second, metric)
    return {
        "videos": len(kept),
        "only_baseline": len(first.keys() - both),
        "only_candidate": len(second.keys() - both),
        "unscored_baseline": len(without[0]),
        "unscored_candidate": len(without[1]),
        "mismatched": len(both - without[0] - without[1] - kept),
    }


def _correlation(pairs: Sequence[PromptDifference]) -> float | None:
    if len(pairs) < 3:
        return None
    rows = np.array([pair.baseline for pair in pairs]), np.array([pair.candidate for pair in pairs])
    if min(np.ptp(row) for row in rows) <= SAME:
        return None
    centred = [row - row.mean() for row in rows]
    return float(centred[0] @ centred[1] / np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1])))


def _mean(values: Sequence[float | None]) -> float:
    """Return the mean of numbers that are all there; the order they come in does not change a bit of it."""
    present = [value for value in values if value is not None]
    assert len(present) == len(values) > 0
    return math.fsum(present) / len(present)
