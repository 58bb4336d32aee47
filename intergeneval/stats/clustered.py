"""The one formula for means with clustered standard errors, on arrays with leading batch axes.

Simulations in the tests call it on thousands of repeats at once, estimates and comparisons on one: it is the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Means of P prompts with t intervals; every array has the batch shape of the values it came from."""

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


def clustered(values: Floats, clusters: Ints, level: float = 0.95) -> Moments:
    """Return mean, clustered SE and t interval of `values` (..., P) whose prompts belong to `clusters` (P,).

    SE = sqrt(C / (C - 1) * sum over clusters of (sum of (x_p - mean))^2) / P, the interval takes t on C - 1; with one prompt
    a cluster this is sd / sqrt(P). P must be at least 1. One cluster gives NaN for SE and interval, since nothing is known of
    the spread between clusters. Raises ValueError for no prompts, for values that are not finite, and for a wrong length.
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
    return Moments(mean=mean, se=se, low=mean - half, high=mean + half, clusters=count)


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
