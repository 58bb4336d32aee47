"""Estimates of one model: the mean over prompts with its clustered interval, whole and by slice."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from intergeneval.records import Estimate, Profile, Score, SliceEstimate, is_open, metric_range
from intergeneval.stats.clustered import Floats, clustered, known, within_bounds
from intergeneval.stats.prompts import (
    METRICS,
    PRIMARY,
    THIN,
    cluster_codes,
    judged,
    partial_of,
    prompt_bounds,
    prompt_scores,
    score_value,
)

FEW_CLUSTERS = 10
"""Clusters under which the interval has not been shown to cover as it says."""
SAME = 1e-12
"""Range of prompt values up to which they are one value: what is left is rounding."""


def estimate(
    scores: Sequence[Score],
    clusters: Mapping[str, str],
    metric: str = PRIMARY,
    level: float = 0.95,
    profile: Profile = Profile.BOUNDED,
) -> Estimate:
    """Return the mean of `metric` over prompts, its bounds, and the interval around these.

    `clusters` gives each sample's cluster (see `clusters_of`), `profile` the metric's range. Videos without a value are left out
    of the mean and counted, and are in the bounds and the interval like all others; under profile ``bounded`` a missing video has
    the value 0 and so enters the mean. Where no video was judged there is no number. Raises RecordError for a video scored twice
    or a sample without a cluster, UsageError for an unknown metric.
    """
    prompts = prompt_scores(scores, metric) if judged(scores) else {}
    values = np.array(list(prompts.values()), dtype=np.float64)
    total = len({score.sample_id for score in scores})
    counts = Counter(score.status.value for score in scores)
    result = Estimate(
        metric=metric,
        level=level,
        mean=None,
        se=None,
        low=None,
        high=None,
        sd=spread(values),
        prompts=len(prompts),
        prompts_total=total,
        clusters=0,
        videos=sum(score_value(score, metric) is not None for score in scores) if prompts else 0,
        videos_total=len(scores),
        coverage=len(prompts) / total if total else 0.0,
        statuses={name: counts[name] for name in sorted(counts)},
        partial=partial_of(scores),
        open=sum(is_open(score, metric, profile) for score in scores),
        caveat="no prompt has a score",
    )
    if not prompts:
        return result
    spans = prompt_bounds(scores, metric, profile)
    return with_interval(result, prompts, spans, clusters, metric_range(metric, profile), "prompts score")


def with_interval(
    result: Estimate,
    values: Mapping[str, float],
    spans: Mapping[str, tuple[float, float]],
    clusters: Mapping[str, str],
    within: tuple[float, float],
    what: str,
) -> Estimate:
    """Return an estimate with mean, bounds and interval, of the values and spans of prompts or of pairs of twins, by name.

    `what` are all the same, in a caveat.
    """
    means = np.array(list(values.values()), dtype=np.float64)
    moments = clustered(means, cluster_codes(list(values), clusters), result.level)
    lows, highs = (np.array(ends, dtype=np.float64) for ends in zip(*spans.values(), strict=True))
    lowest, highest = within_bounds(lows, highs, cluster_codes(list(spans), clusters), result.level, within)
    return dataclasses.replace(
        result,
        mean=float(moments.mean),
        se=known(float(moments.se)),
        low=known(float(lowest.low)),
        high=known(float(highest.high)),
        bounds=(float(lowest.mean), float(highest.mean)),
        clusters=lowest.clusters,
        caveat=caveat(lows, lowest.clusters, what),
    )


def estimates(
    scores: Sequence[Score], clusters: Mapping[str, str], level: float = 0.95, profile: Profile = Profile.BOUNDED
) -> dict[str, Estimate]:
    """Return the estimates of all metrics, by metric, the primary first."""
    return {metric: estimate(scores, clusters, metric, level, profile) for metric in METRICS}


def slices(
    scores: Sequence[Score],
    clusters: Mapping[str, str],
    labels: Mapping[str, Sequence[tuple[str, str]]],
    metric: str = PRIMARY,
    level: float = 0.95,
    profile: Profile = Profile.BOUNDED,
) -> tuple[SliceEstimate, ...]:
    """Return the estimate of each slice, by dimension and label; `labels` as `labels_of` gives them.

    A slice of fewer than 20 scored prompts is `thin`: it keeps its mean and counts, and has no interval to claim with.
    """
    found = []
    for (dimension, label), ids in slice_members(labels).items():
        inside = [score for score in scores if score.sample_id in ids]
        if not inside:
            continue
        part = estimate(inside, clusters, metric, level, profile)
        thin = part.prompts < THIN
        if thin:
            part = dataclasses.replace(part, low=None, high=None, caveat=thin_caveat(part.prompts))
        found.append(SliceEstimate(dimension=dimension, label=label, thin=thin, estimate=part))
    return tuple(found)


def slice_members(labels: Mapping[str, Sequence[tuple[str, str]]]) -> dict[tuple[str, str], frozenset[str]]:
    """Return the sample ids of each (dimension, label), by dimension and label."""
    members: dict[tuple[str, str], set[str]] = {}
    for sample_id, found in labels.items():
        for item in found:
            members.setdefault(item, set()).add(sample_id)
    return {item: frozenset(members[item]) for item in sorted(members)}


def thin_caveat(prompts: int) -> str:
    """Return the sentence that goes with a thin slice."""
    return f"{prompts} of the {THIN} prompts that a claim needs: shown without an interval"


def spread(values: Floats) -> float | None:
    """Return the standard deviation over prompts (P - 1 in the denominator); None with fewer than two."""
    return float(values.std(ddof=1)) if len(values) > 1 else None


def caveat(values: Floats, clusters: int, what: str) -> str:
    """Return what keeps the interval over `values` from being read as usual; empty when nothing does."""
    if clusters < 2:
        return f"one cluster ({len(values)} prompts): nothing is known of the spread between clusters, so there is no interval"
    if np.ptp(values) <= SAME:
        return f"all {len(values)} {what} the same: an interval without width says that nothing varied here, not that nothing can"
    if clusters < FEW_CLUSTERS:
        return f"only {clusters} clusters: the interval may cover less than it says"
    return ""
