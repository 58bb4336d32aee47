"""The one formula for means with clustered standard errors, on arrays with leading batch axes.

Simulations in the tests call it on thousands of repeats at once, estimates and comparisons on one: it is the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

_ROUNDING = 1e-9
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Means of P prompts with their intervals; every array has the batch shape of the values it came from."""

    mean: Floats
    """Mean over prompts, equal weights."""
    se: Floats
    """Clustered standard error; NaN with one cluster."""
    low: Floats
    """Lower end of the interval; NaN with one cluster."""
    high: Floats
    """Upper end of the interval; NaN with one cluster."""
    clusters: int
    """Number of clusters, C."""


def clustered(values: Floats, clusters: Ints, level: float = 0.95, within: tuple[float, float] | None = None) -> Moments:
    """Return mean, clustered SE and interval of `values` (..., P) whose prompts belong to `clusters` (P,).

    SE = sqrt(C / (C - 1) * sum over clusters of (sum of (x_p - mean))^2) / P, the interval takes t on C - 1; with one prompt
    a cluster this is sd / sqrt(P). `within` is the range of the values, and the interval then lies inside it: t on the logit of
    the mean's place in the range, whose SE follows by the delta method. In the middle of the range that is the t interval, and
    near an end it is as skewed as the mean is. Without `within` it is the t interval.

    P must be at least 1. One cluster gives NaN for SE and interval, since nothing is known of the spread between clusters. Values
    that are all the same give an interval of no width. Raises ValueError for no prompts, for values that are not finite or lie
    outside `within`, and for a wrong length.
    """
    if values.shape[-1] != len(clusters) or len(clusters) == 0:
        raise ValueError(f"{values.shape[-1]} values and {len(clusters)} clusters: both must be equal and at least 1")
    if not np.isfinite(values).all():
        raise ValueError("a value is not finite; a missing score must be left out, not averaged")
    prompts = len(clusters)
    mean = values.mean(axis=-1)
    sums = cluster_sums(values - mean[..., None], clusters)
    count = sums.shape[-1]
    if count < 2:
        unknown = np.full_like(mean, np.nan)
        return Moments(mean=mean, se=unknown, low=unknown, high=unknown, clusters=count)
    se = np.sqrt(count / (count - 1) * np.square(sums).sum(axis=-1)) / prompts
    half = t_quantile(count - 1, level) * se
    low, high = (mean - half, mean + half) if within is None else _inside(mean, half, within)
    return Moments(mean=mean, se=se, low=low, high=high, clusters=count)


def within_bounds(
    lows: Floats, highs: Floats, clusters: Ints, level: float = 0.95, within: tuple[float, float] | None = None
) -> tuple[Moments, Moments]:
    """Return the moments of the lowest and of the highest values that prompts may have, each (..., P).

    The interval from the first's low to the second's high covers the mean whatever the missing values are; where nothing is
    missing both are the same.
    """
    lowest = clustered(lows, clusters, level, within)
    return lowest, lowest if highs is lows or np.array_equal(lows, highs) else clustered(highs, clusters, level, within)


def _inside(mean: Floats, half: Floats, within: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return the ends of the interval on the logit scale; where the mean lies at an end of the range there is no spread."""
    floor, width = within[0], within[1] - within[0]
    place = (mean - floor) / width
    slope = place * (1 - place)
    if (place < -_ROUNDING).any() or (place > 1 + _ROUNDING).any():
        raise ValueError(f"a mean lies outside the range {within} of its values")
    spread = (half > 0) & (slope > 0)
    step = np.divide(half / width, slope, out=np.zeros_like(place), where=spread)
    middle = special.logit(np.clip(place, 0.0, 1.0))
    ends = (floor + width * special.expit(middle + sign * step) for sign in (-1, 1))
    low, high = (np.where(spread, end, mean) for end in ends)
    return low, high


def cluster_sums(values: Floats, clusters: Ints) -> Floats:
    """Return the sums of `values` (..., P) within each cluster, (..., C), by rising cluster number."""
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=clusters[order[0]] - 1))
    sums: Floats = np.add.reduceat(values[..., order], starts, axis=-1)
    return sums


def t_quantile(degrees: int, level: float) -> float:
    """Return the two-sided t quantile: with 120 `degrees` of freedom and `level` 0.95 it is 1.98. `level` is in (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, got {level}")
    return float(special.stdtrit(degrees, 0.5 + level / 2))


def known(value: float) -> float | None:
    """Return a plain float, or None for NaN: records hold no NaN."""
    return None if np.isnan(value) else float(value)
