"""Paired comparisons: the same prompts and seeds in two runs, differences per prompt."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from intergeneval.records import (
    Comparison,
    Profile,
    PromptDifference,
    Score,
    SliceComparison,
    TieGroup,
    metric_range,
)
from intergeneval.stats.clustered import clustered
from intergeneval.stats.differences import blank, with_bounds, with_changes
from intergeneval.stats.estimates import slice_members, thin_caveat
from intergeneval.stats.pairing import Pairing
from intergeneval.stats.prompts import (
    METRICS,
    PRIMARY,
    THIN,
    ScoreTable,
    cluster_codes,
    common_partial,
    judged,
    mean_span,
    prompt_bounds,
)
from intergeneval.stats.signflip import holm

NAMES = ("baseline", "candidate")


def prompt_differences(
    baseline: Sequence[Score], candidate: Sequence[Score], metric: str = PRIMARY
) -> tuple[PromptDifference, ...]:
    """Return one difference (candidate - baseline) a prompt, over the seeds both runs scored, by rising sample id.

    Prompts without a seed in common are absent. Raises RecordError for a video scored twice.
    """
    changes, seeds = Pairing(ScoreTable(baseline), ScoreTable(candidate)).changes(metric)
    rows = zip(changes.ids, changes.before.tolist(), changes.after.tolist(), changes.differences.tolist(), seeds, strict=True)
    return tuple(
        PromptDifference(sample_id=name, baseline=before, candidate=after, difference=difference, seeds=common)
        for name, before, after, difference, common in rows
    )


def compare_paired(  # noqa: PLR0913  # what is compared, how it is called, and how sure one wants to be
    baseline: Sequence[Score],
    candidate: Sequence[Score],
    clusters: Mapping[str, str],
    metric: str = PRIMARY,
    names: tuple[str, str] = NAMES,
    level: float = 0.95,
    profile: Profile = Profile.BOUNDED,
    *,
    same: bool = False,
) -> Comparison:
    """Return the paired difference candidate - baseline of one metric with its clustered interval and sign-flip p.

    Scores are aligned by (sample, seed). A video that either run has no value for is left out of the mean difference and counted;
    the interval, and all that is claimed by it, takes it at its worst and at its best. A video that either run lacks is in
    neither. `same` says that both are one run. The p value stands unadjusted (family of one); `compare_metrics` and `adjust`
    adjust. Raises ComparabilityError where the runs left different parts unassessed, RecordError for a video scored twice or a
    sample without a cluster.
    """
    pairing = Pairing(ScoreTable(baseline), ScoreTable(candidate))
    return _compared(pairing, clusters, metric, names, level, profile, same=same)


def _compared(  # as `compare_paired`
    pairing: Pairing,
    clusters: Mapping[str, str],
    metric: str,
    names: tuple[str, str],
    level: float,
    profile: Profile,
    *,
    same: bool,
) -> Comparison:
    first, second = pairing.tables
    partial = common_partial(names, pairing.tables)
    changes = pairing.changes(metric)[0] if first.told and second.told else None
    spans = pairing.spans(metric, profile, same=same)
    total = len(first.sample_ids | second.sample_ids)
    counts = pairing.left_out(metric)
    result = blank(names, metric, level, total, changes, spans, counts, partial=partial)
    if changes is None or not changes.ids:
        return result
    low, high = metric_range(metric, profile)
    return with_bounds(
        with_changes(result, changes, clusters), spans, clusters, (low - high, high - low), "prompt differences are"
    )


def paired_bounds(
    baseline: Sequence[Score], candidate: Sequence[Score], metric: str, profile: Profile, *, same: bool = False
) -> dict[str, list[tuple[float, float]]]:
    """Return the lowest and highest difference of every pair of videos that both runs hold, by rising sample id.

    Pairs with different parts assessed are absent.
    """
    pairing = Pairing(ScoreTable(baseline), ScoreTable(candidate))
    found: dict[str, list[tuple[float, float]]] = {}
    lows, highs = pairing.ends(metric, profile, same=same)
    for (sample_id, _), low, high in zip(pairing.alike, lows.tolist(), highs.tolist(), strict=True):
        found.setdefault(sample_id, []).append((low, high))
    return found


def compare_metrics(
    baseline: Sequence[Score],
    candidate: Sequence[Score],
    clusters: Mapping[str, str],
    names: tuple[str, str] = NAMES,
    level: float = 0.95,
    profile: Profile = Profile.BOUNDED,
    *,
    same: bool = False,
) -> tuple[Comparison, ...]:
    """Return the comparisons of all metrics, the primary first; the others are secondary, their p Holm-adjusted together."""
    pairing = Pairing(ScoreTable(baseline), ScoreTable(candidate))
    found = [_compared(pairing, clusters, metric, names, level, profile, same=same) for metric in METRICS]
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
    alone = "which the interval takes at its worst and at its best"
    parts = [
        (item.only_baseline, f"only in {item.baseline}"),
        (item.only_candidate, f"only in {item.candidate}"),
        (item.unscored_baseline, f"without a score in {item.baseline} ({alone})"),
        (item.unscored_candidate, f"without a score in {item.candidate} ({alone})"),
        (item.mismatched, "with different parts assessed"),
    ]
    said = ", ".join(f"{count} {what}" for count, what in parts if count)
    return f"videos left out, by sample and seed: {said}" if said else ""


def standing(item: Comparison) -> str:
    """Return which of the two stands above the other, or that it is not decided, and how many videos lack an answer."""
    if item.better or item.worse:
        one, other = (item.candidate, item.baseline) if item.better else (item.baseline, item.candidate)
        return f"{one} stands above {other}"
    return undecided_text(item.unanswered)


def undecided_text(unanswered: int) -> str:
    """Return that an order is not decided, and how many videos lack an answer, where any does."""
    return "not decided" + (f": {unanswered_text(unanswered)}" if unanswered else "")


def unanswered_text(count: int) -> str:
    """Return how many videos lack an answer, in words."""
    return f"{count} video{'' if count == 1 else 's'} without an answer"


def slice_comparisons(
    baseline: Sequence[Score],
    candidate: Sequence[Score],
    clusters: Mapping[str, str],
    labels: Mapping[str, Sequence[tuple[str, str]]],
    names: tuple[str, str] = NAMES,
    profile: Profile = Profile.BOUNDED,
    *,
    same: bool = False,
) -> tuple[SliceComparison, ...]:
    """Return the comparison of the primary metric in each slice, by dimension and label, Holm-adjusted as one family.

    A slice of fewer than 20 compared prompts is `thin`: it keeps its difference and counts, and has neither interval nor p.
    """
    kept: list[tuple[str, str, Comparison]] = []
    for (dimension, label), ids in slice_members(labels).items():
        runs = [[score for score in scores if score.sample_id in ids] for scores in (baseline, candidate)]
        if not any(runs):
            continue
        item = compare_paired(runs[0], runs[1], clusters, names=names, profile=profile, same=same)
        item = dataclasses.replace(item, secondary=True)
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
    runs: Mapping[str, Sequence[Score]],
    clusters: Mapping[str, str],
    metric: str = PRIMARY,
    level: float = 0.95,
    profile: Profile = Profile.BOUNDED,
) -> tuple[TieGroup, ...]:
    """Return the runs (name -> scores) in groups, best group first, so that every run stands above all of the groups below.

    A run stands above another where the interval of (its lowest minus the other's highest), paired by prompt, lies above 0; else
    they share a group, and so do all between them. Within a group runs come by the falling middle of their bounds, which claims
    nothing. Without an interval nothing can be told apart. Runs of which nothing was judged are in no group. Intervals are not
    adjusted for the number of runs. Raises ComparabilityError where unassessed parts differ.
    """
    tables = {name: ScoreTable(scores) for name, scores in runs.items()}
    common_partial(list(tables), list(tables.values()))
    middles = {
        name: sum(mean_span(list(prompt_bounds(scores, metric, profile).values()))) / 2
        for name, scores in tables.items()
        if judged(scores)
    }
    order = sorted(middles, key=lambda item: (-middles[item], item))
    low, high = metric_range(metric, profile)

    def above(one: str, other: str) -> bool:
        spans = Pairing(tables[other], tables[one]).spans(metric, profile, same=False)
        codes = cluster_codes(spans.ids, clusters)
        return bool(spans.ids) and bool(clustered(spans.lows, codes, level, (low - high, high - low)).low > 0)

    # For each run how far down the list the last one lies that it does not stand above.
    reach = [
        max([place, *(below for below in range(place + 1, len(order)) if not above(name, order[below]))])
        for place, name in enumerate(order)
    ]
    groups: list[list[str]] = []
    end = -1
    for place, name in enumerate(order):
        if place > end:
            groups.append([])
        groups[-1].append(name)
        end = max(end, reach[place])
    return tuple(
        TieGroup(
            rank=order.index(members[0]) + 1,
            leader=members[0],
            members=tuple(members),
            comparisons=tuple(
                compare_paired(tables[members[0]], tables[name], clusters, metric, (members[0], name), level, profile)
                for name in members[1:]
            ),
        )
        for members in groups
    )
