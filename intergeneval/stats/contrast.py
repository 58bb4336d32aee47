"""Contrast over twins: whether a model's videos keep apart who does it and to whom it is done (protocol, section 1).

    s(V, T)     = share of yes of video V about interaction T, over the questions that were answered about both of V's
    contrast    = mean over pairs of [s(A, a) > s(A, b)] * [s(B, b) > s(B, a)], a tie counts half in its bracket
    sensitivity = mean over pairs of (s(A, a) - s(A, b) + s(B, b) - s(B, a)) / 2

Both sides of a comparison come from one video and the same questions, so a judge's bias towards yes cancels. As with scores, what
is claimed goes by bounds: everything unanswered as bad and as good as it can be.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from intergeneval.records import (
    CONTRAST,
    SENSITIVITY,
    TWIN_METRICS,
    Answer,
    Comparison,
    Contrast,
    Estimate,
    Profile,
    Sample,
    Score,
    TwinPair,
    TwinScore,
    twin_difference,
    twin_range,
)
from intergeneval.stats.clustered import Floats
from intergeneval.stats.comparisons import NAMES, adjust
from intergeneval.stats.differences import blank, unanswered_pairs, with_bounds, with_changes
from intergeneval.stats.estimates import spread, with_interval
from intergeneval.stats.pairing import Changes, Spans
from intergeneval.stats.prompts import mean_span
from intergeneval.stats.twin_scores import twin_scores

CHANCE = {CONTRAST: 0.25, SENSITIVITY: 0.0}
"""What a model comes to whose videos show either deed whatever is asked for, by the toss of a coin."""


def contrast(
    samples: Iterable[Sample],
    answers: Iterable[Answer],
    level: float = 0.95,
    scores: Iterable[Score] = (),
    profile: Profile = Profile.BOUNDED,
) -> Contrast:
    """Return contrast and sensitivity over all pairs of twins among `samples`, with intervals by pair.

    How answers, scores and samples belong together is told by `twin_scores`. A pair's value is the mean over its seeds. What
    cannot be answered about one of a video's two interactions is left out for both. A video has no value where one of these
    questions failed, was refused, could not be parsed or is missing, or where fewer than 4 of the 7 are left: the pair then
    stands in `Contrast.unjudged` for that seed, since an error is never a score. Without any pair that has a value both means are
    None.

    The intervals hold what the missing answers may be, and lie inside the scales, 0 to 1 and -1 to 1; with fewer than two
    clusters there is none. A missing video is the lowest, in the means as in the intervals, but under ``paper``, where it may be
    anything; its pair stands in `Contrast.unjudged` too.
    """
    found, none = twin_scores(samples, answers, scores)
    means = {metric: twin_estimate(found, metric, level, profile) for metric in TWIN_METRICS}
    pairs = []
    unjudged = dict(none)
    for item in found:
        mine, theirs = item.first.shares(), item.second.shares()
        if mine is None or theirs is None:
            unjudged[f"{item.pair}, seed {item.seed}"] = item.reason
        else:
            pairs.append(_pair(item, mine, theirs))
    right, moved = means[CONTRAST], means[SENSITIVITY]
    return Contrast(
        contrast=right.mean,
        contrast_low=right.low,
        contrast_high=right.high,
        sensitivity=moved.mean,
        sensitivity_low=moved.low,
        sensitivity_high=moved.high,
        level=level,
        pairs=tuple(pairs),
        unjudged=unjudged,
        contrast_bounds=right.bounds,
        sensitivity_bounds=moved.bounds,
        open=right.open,
    )


def _pair(item: TwinScore, mine: tuple[float, float], theirs: tuple[float, float]) -> TwinPair:
    return TwinPair(
        first=item.first.sample_id,
        second=item.second.sample_id,
        seed=item.seed,
        first_own=mine[0],
        first_other=mine[1],
        second_own=theirs[0],
        second_other=theirs[1],
    )


def twin_estimate(
    scores: Sequence[TwinScore], metric: str = CONTRAST, level: float = 0.95, profile: Profile = Profile.BOUNDED
) -> Estimate:
    """Return the mean of contrast or sensitivity over pairs, its bounds, and the interval around these, clustered by pair.

    In the estimate pairs stand for prompts, and pairs of videos for videos.
    """
    values = _values(scores, metric, profile)
    spans = _spans(scores, metric, profile)
    means = {pair: math.fsum(seeds) / len(seeds) for pair, seeds in values.items()}
    result = Estimate(
        metric=metric,
        level=level,
        mean=None,
        se=None,
        low=None,
        high=None,
        sd=spread(np.array(list(means.values()), dtype=np.float64)),
        prompts=len(values),
        prompts_total=len(spans),
        clusters=0,
        videos=sum(len(seeds) for seeds in values.values()),
        videos_total=len(scores),
        coverage=len(values) / len(spans) if spans else 0.0,
        open=sum(low < high for low, high in (item.bounds(metric, profile) for item in scores)),
        caveat="no pair has a value",
    )
    if not values:
        return result
    ends = {pair: mean_span(seeds) for pair, seeds in spans.items()}
    return with_interval(result, means, ends, _clusters(scores), twin_range(metric), "pairs score")


def twin_estimates(scores: Sequence[TwinScore], level: float = 0.95, profile: Profile = Profile.BOUNDED) -> dict[str, Estimate]:
    """Return contrast and sensitivity, by metric."""
    return {metric: twin_estimate(scores, metric, level, profile) for metric in TWIN_METRICS}


def compare_twins(
    baseline: Sequence[TwinScore],
    candidate: Sequence[TwinScore],
    names: tuple[str, str] = NAMES,
    level: float = 0.95,
    profile: Profile = Profile.BOUNDED,
    *,
    same: bool = False,
) -> tuple[Comparison, ...]:
    """Return the paired differences candidate - baseline of contrast and sensitivity, p Holm-adjusted over the two.

    Pairs are aligned by name and seed, and stand for prompts; empty where either run has none.
    """
    if not baseline or not candidate:
        return ()
    found = [_compared(baseline, candidate, metric, names, level, profile, same=same) for metric in TWIN_METRICS]
    return adjust([dataclasses.replace(item, secondary=True) for item in found])


def _compared(
    baseline: Sequence[TwinScore],
    candidate: Sequence[TwinScore],
    metric: str,
    names: tuple[str, str],
    level: float,
    profile: Profile,
    *,
    same: bool,
) -> Comparison:
    first, second = ({(item.pair, item.seed): item for item in run} for run in (baseline, candidate))
    both = sorted(first.keys() & second.keys())
    spans: dict[str, list[tuple[float, float]]] = {}
    values: dict[str, list[tuple[float, float]]] = {}
    for key in both:
        spans.setdefault(key[0], []).append(twin_difference(first[key], second[key], metric, profile, same=same))
        before, after = first[key].value(metric, profile), second[key].value(metric, profile)
        if before is not None and after is not None:
            values.setdefault(key[0], []).append((before, after))
    changes, wide = _arrays(values), _arrays(spans)
    lacking = [sum(run[key].value(metric, profile) is None for key in both) for run in (first, second)]
    counts = {
        "videos": sum(map(len, values.values())),
        "only_baseline": len(first.keys() - second.keys()),
        "only_candidate": len(second.keys() - first.keys()),
        "unscored_baseline": lacking[0],
        "unscored_candidate": lacking[1],
        "mismatched": 0,
    }
    total = len({item.pair for item in (*baseline, *candidate)})
    told = Changes(ids=tuple(values), before=changes[0], after=changes[1])
    unanswered = unanswered_pairs(spans)
    ends = Spans(ids=tuple(spans), lows=wide[0], highs=wide[1], unanswered=unanswered)
    result = blank(names, metric, level, total, told, ends, counts)
    if not told.ids:
        return dataclasses.replace(result, caveat="no pair has a value in both runs")
    clusters = _clusters((*baseline, *candidate))
    low, high = twin_range(metric)
    return with_bounds(with_changes(result, told, clusters), ends, clusters, (low - high, high - low), "differences of pairs are")


def _arrays(found: Mapping[str, Sequence[tuple[float, float]]]) -> tuple[Floats, Floats]:
    """Return the means of both numbers of each pair over its seeds."""
    means = np.array([mean_span(items) for items in found.values()], dtype=np.float64).reshape(-1, 2)
    return np.ascontiguousarray(means[:, 0]), np.ascontiguousarray(means[:, 1])


def _values(scores: Sequence[TwinScore], metric: str, profile: Profile) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for item in scores:
        value = item.value(metric, profile)
        if value is not None:
            found.setdefault(item.pair, []).append(value)
    return found


def _spans(scores: Sequence[TwinScore], metric: str, profile: Profile) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for item in scores:
        found.setdefault(item.pair, []).append(item.bounds(metric, profile))
    return found


def _clusters(scores: Iterable[TwinScore]) -> dict[str, str]:
    return {item.pair: item.cluster for item in scores}
