"""What a paired comparison says of its differences, whatever they are differences of: prompts, or pairs of twins. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from intergeneval.records import Comparison
from intergeneval.stats.clustered import Floats, Ints, clustered, known, within_bounds
from intergeneval.stats.estimates import SAME, caveat, spread
from intergeneval.stats.pairing import Changes, Spans
from intergeneval.stats.power import minimum_detectable
from intergeneval.stats.prompts import PRIMARY, cluster_codes
from intergeneval.stats.signflip import sign_flip


def blank(  # noqa: PLR0913  # what is compared, and what of it there is
    names: tuple[str, str],
    metric: str,
    level: float,
    total: int,
    changes: Changes | None,
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
        sd=None if changes is None else spread(changes.differences),
        baseline_mean=None if changes is None else _mean(changes.before),
        candidate_mean=None if changes is None else _mean(changes.after),
        correlation=None if changes is None else _correlation(changes),
        p=None,
        p_adjusted=None,
        family=1,
        flips=0,
        exact=False,
        prompts=len(spans.ids),
        prompts_total=total,
        clusters=0,
        coverage=len(spans.ids) / total if total else 0.0,
        scored=0 if changes is None else len(changes.ids),
        minimum_detectable=None,
        partial=partial,
        caveat="no video is scored in both runs",
        **_standings(spans),
        **counts,
    )


def with_changes(result: Comparison, changes: Changes, clusters: Mapping[str, str]) -> Comparison:
    """Return a comparison with what the prompts scored in both say."""
    moments = clustered(changes.differences, cluster_codes(changes.ids, clusters), result.level)
    return dataclasses.replace(result, difference=float(moments.mean), se=known(float(moments.se)))


def with_bounds(
    result: Comparison,
    spans: Spans,
    clusters: Mapping[str, str],
    within: tuple[float, float],
    what: str,
) -> Comparison:
    """Return a comparison with what holds whatever the missing answers are; `what` are all the same, in a caveat."""
    codes = cluster_codes(spans.ids, clusters)
    lows, highs = spans.lows, spans.highs
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


def unanswered_pairs(spans: Mapping[str, Sequence[tuple[float, float]]]) -> int:
    """Return of how many pairs of videos, as of `paired_bounds`, something has no answer."""
    return sum(low < high for items in spans.values() for low, high in items)


def _mean(values: Floats) -> float | None:
    """Return the mean, or None of nothing; the order they come in does not change a bit of it."""
    return math.fsum(values.tolist()) / len(values) if len(values) else None


def _standings(spans: Spans) -> dict[str, int]:
    """Return on how many prompts who is better, whatever the missing answers are, and how many videos lack an answer."""
    low, high = spans.lows, spans.highs
    return {
        "wins": int((low > 0).sum()),
        "ties": int(((low == 0) & (high == 0)).sum()),
        "losses": int((high < 0).sum()),
        "undecided": int(((low <= 0) & (high >= 0) & (low < high)).sum()),
        "unanswered": spans.unanswered,
    }


def _nearer(lows: Floats, highs: Floats, codes: Ints) -> tuple[float, int, bool]:
    """Return the sign-flip p of the end of the bounds that is nearer to 0; 1 where the bounds hold 0 and have a width."""
    if lows.mean() <= 0 <= highs.mean() and not np.array_equal(lows, highs):
        return 1.0, 1, True
    return sign_flip(lows if lows.mean() > 0 else highs, codes)


def _correlation(changes: Changes) -> float | None:
    if len(changes.ids) < 3:
        return None
    rows = changes.before, changes.after
    if min(np.ptp(row) for row in rows) <= SAME:
        return None
    centred = [row - row.mean() for row in rows]
    return float(centred[0] @ centred[1] / np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1])))
