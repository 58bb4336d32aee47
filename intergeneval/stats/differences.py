"""What a paired comparison says of its differences, whatever they are differences of: prompts, or pairs of twins. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from intergeneval.records import Comparison, PromptDifference
from intergeneval.stats.clustered import Floats, Ints, clustered, known, within_bounds
from intergeneval.stats.estimates import SAME, caveat, spread
from intergeneval.stats.power import minimum_detectable
from intergeneval.stats.prompts import PRIMARY, cluster_codes, mean_span
from intergeneval.stats.signflip import sign_flip

Spans = Mapping[str, Sequence[tuple[float, float]]]
"""Prompt or pair -> lowest and highest difference of each of its seeds."""


class Change(NamedTuple):
    """One prompt in two runs, as `PromptDifference` has it; a comparison of many models makes hundreds of thousands."""

    sample_id: str
    baseline: float
    candidate: float
    difference: float


Changes = Sequence[PromptDifference] | Sequence[Change]
"""One entry a prompt or pair."""


def blank(  # noqa: PLR0913  # what is compared, and what of it there is
    names: tuple[str, str],
    metric: str,
    level: float,
    total: int,
    pairs: Changes,
    spans: Spans,
    counts: Mapping[str, int],
    *,
    partial: tuple[str, ...] = (),
) -> Comparison:
    """Return a comparison with its counts and means and without any claim; `total` prompts are in either run."""
    return Comparison(
        baseline=names[0],
        candidate=names[1],
        metric=metric,
        secondary=metric != PRIMARY,
        level=level,
        difference=None,
        se=None,
        low=None,
        high=None,
        sd=spread(np.array([pair.difference for pair in pairs], dtype=np.float64)),
        baseline_mean=mean([pair.baseline for pair in pairs]) if pairs else None,
        candidate_mean=mean([pair.candidate for pair in pairs]) if pairs else None,
        correlation=_correlation(pairs),
        p=None,
        p_adjusted=None,
        family=1,
        flips=0,
        exact=False,
        prompts=len(spans),
        prompts_total=total,
        clusters=0,
        coverage=len(spans) / total if total else 0.0,
        scored=len(pairs),
        minimum_detectable=None,
        partial=partial,
        caveat="no video is scored in both runs",
        **_standings(spans),
        **counts,
    )


def with_pairs(result: Comparison, pairs: Changes, clusters: Mapping[str, str]) -> Comparison:
    """Return a comparison with what the prompts scored in both say."""
    values = np.array([pair.difference for pair in pairs], dtype=np.float64)
    moments = clustered(values, cluster_codes([pair.sample_id for pair in pairs], clusters), result.level)
    return dataclasses.replace(result, difference=float(moments.mean), se=known(float(moments.se)))


def with_bounds(
    result: Comparison,
    spans: Spans,
    clusters: Mapping[str, str],
    within: tuple[float, float],
    what: str,
) -> Comparison:
    """Return a comparison with what holds whatever the missing answers are; `what` are all the same, in a caveat."""
    codes = cluster_codes(list(spans), clusters)
    lows, highs = ends(spans)
    lowest, highest = within_bounds(lows, highs, codes, result.level, within)
    p, flips, exact = _nearer(lows, highs, codes)
    count, se = lowest.clusters, result.se
    found = None if se is None else minimum_detectable(se * math.sqrt(count), count, level=result.level)
    width = float(highest.mean - lowest.mean)
    return dataclasses.replace(
        result,
        low=known(float(lowest.low)),
        high=known(float(highest.high)),
        lowest=float(lowest.mean),
        highest=float(highest.mean),
        p=p,
        p_adjusted=p,
        flips=flips,
        exact=exact,
        clusters=count,
        # A claim must hold at the worst of the bounds, half their width below their middle.
        minimum_detectable=None if found is None else found + width / 2,
        caveat=caveat(lows, count, what),
    )


def unanswered_pairs(spans: Spans) -> int:
    """Return of how many pairs of videos, as of `paired_bounds`, something has no answer."""
    return sum(low < high for items in spans.values() for low, high in items)


def ends(spans: Spans) -> tuple[Floats, Floats]:
    """Return the lower and the upper ends of prompts, means over their seeds, (P,) each."""
    means = np.array([mean_span(items) for items in spans.values()], dtype=np.float64).reshape(-1, 2)
    return np.ascontiguousarray(means[:, 0]), np.ascontiguousarray(means[:, 1])


def mean(values: Sequence[float | None]) -> float:
    """Return the mean of numbers that are all there; the order they come in does not change a bit of it."""
    if len(values) == 1 and values[0] is not None:
        return values[0]
    present = [value for value in values if value is not None]
    assert len(present) == len(values) > 0
    return math.fsum(present) / len(present)


def _standings(spans: Spans) -> dict[str, int]:
    """Return on how many prompts who is better, whatever the missing answers are, and how many videos lack an answer."""
    low, high = ends(spans)
    return {
        "wins": int((low > 0).sum()),
        "ties": int(((low == 0) & (high == 0)).sum()),
        "losses": int((high < 0).sum()),
        "undecided": int(((low <= 0) & (high >= 0) & (low < high)).sum()),
        "unanswered": unanswered_pairs(spans),
    }


def _nearer(lows: Floats, highs: Floats, codes: Ints) -> tuple[float, int, bool]:
    """Return the sign-flip p of the end of the bounds that is nearer to 0; 1 where the bounds hold 0 and have a width."""
    if lows.mean() <= 0 <= highs.mean() and not np.array_equal(lows, highs):
        return 1.0, 1, True
    return sign_flip(lows if lows.mean() > 0 else highs, codes)


def _correlation(pairs: Changes) -> float | None:
    if len(pairs) < 3:
        return None
    rows = np.array([pair.baseline for pair in pairs]), np.array([pair.candidate for pair in pairs])
    if min(np.ptp(row) for row in rows) <= SAME:
        return None
    centred = [row - row.mean() for row in rows]
    return float(centred[0] @ centred[1] / np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1])))
