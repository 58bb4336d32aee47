"""Measured against true IF over policies: rank correlation and calibration, intervals from resampled scenes; pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from intergeneval.exam.agreement import ROUNDING, Interval
from intergeneval.stats.clustered import Floats

RESAMPLES = 1000
"""Draws of the bootstrap over scenes."""
FEWEST = 3
"""Policies that a rank correlation needs."""
FEWEST_SCENES = 5
"""Scenes under which there is no interval: so few give the same draws again and again."""
FIGURES = ("spearman", "kendall", "slope", "intercept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How measured model scores follow the true ones."""

    figures: dict[str, float | None]
    """``spearman``, ``kendall`` (tau-b), and ``slope`` and ``intercept`` of measured on true IF; None where not defined."""
    intervals: dict[str, Interval | None]
    """Percentile intervals over resampled scenes; None with too few scenes, where more than one draw in ten leaves the figure
    undefined, and where every draw gives the same value: then resampling says nothing of how sure it is."""


def ranking(true: Floats, measured: Floats, seed: int = 0) -> Ranking:
    """Compare true and measured IF, both (policies, scenes), NaN where a video has no score.

    A policy's score is the mean over the scenes in which it has both. All policies play the same scenes, so scenes are drawn
    with replacement, for all policies at once.
    """
    whole = _figures(*_means(true, measured))
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in FIGURES}
    for _ in range(RESAMPLES if true.shape[1] >= FEWEST_SCENES else 0):
        columns = rng.integers(0, true.shape[1], true.shape[1])
        for name, value in _figures(*_means(true[:, columns], measured[:, columns])).items():
            if value is not None:
                drawn[name].append(value)
    return Ranking(figures=whole, intervals={name: _ends(values) for name, values in drawn.items()})


def means(values: Floats, other: Floats) -> Floats:
    """Return the mean of `values` (policies, scenes) over the scenes in which both have one; NaN for a policy without any."""
    both = np.isfinite(values) & np.isfinite(other)
    count = both.sum(axis=1)
    total = np.where(both, values, 0.0).sum(axis=1)
    found: Floats = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return found


def _means(true: Floats, measured: Floats) -> tuple[Floats, Floats]:
    one, other = means(true, measured), means(measured, true)
    kept = np.isfinite(one)
    return one[kept], other[kept]


def _figures(true: Floats, measured: Floats) -> dict[str, float | None]:
    blank: dict[str, float | None] = dict.fromkeys(FIGURES)
    if len(true) < FEWEST or np.ptp(true) == 0:
        return blank
    slope = float(((true - true.mean()) * (measured - measured.mean())).sum() / np.square(true - true.mean()).sum())
    blank["slope"], blank["intercept"] = slope, float(measured.mean() - slope * true.mean())
    if np.ptp(measured) > 0:
        blank["spearman"] = float(stats.spearmanr(true, measured).statistic)
        blank["kendall"] = float(stats.kendalltau(true, measured).statistic)
    return blank


def _ends(values: list[float]) -> Interval | None:
    if len(values) < 0.9 * RESAMPLES or float(np.ptp(values)) <= ROUNDING:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
