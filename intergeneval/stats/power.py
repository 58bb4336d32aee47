"""How large a difference a benchmark can find, and how many prompts a question needs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special

from intergeneval.records import Comparison, Score
from intergeneval.stats.clustered import t_quantile
from intergeneval.stats.prompts import PRIMARY, by_video, score_value

POWER = 0.8
"""Share of repeats in which a difference of the planned size is found."""
FEWEST = 10
"""Clusters under which no smallest difference is told: the normal formula is off by more than an eighth there."""
_MOST = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Where a run's spread comes from, measured on the prompts with two or more scored seeds."""

    within: float
    """Standard deviation between videos of one prompt (seeds), on the scale of the metric."""
    between: float
    """Standard deviation between prompts once that of the seeds is taken out; 0 where nothing is left."""
    prompts: int
    """Prompts with two or more scored seeds."""
    seeds: float
    """Mean number of scored seeds on those prompts."""

    @property
    def regenerated(self) -> float:
        """Standard deviation of prompt differences to expect when an unchanged model makes all videos anew."""
        return math.sqrt(2 / self.seeds) * self.within


def minimum_detectable(sd: float, clusters: int, power: float = POWER, level: float = 0.95) -> float | None:
    """Return the smallest true difference whose interval excludes 0 in a share `power` of repeats; None under 10 clusters.

    (z_level + z_power) * sd / sqrt(clusters), with `sd` the standard deviation of the differences, one a cluster; for clusters
    of several prompts take SE * sqrt(C). Normal quantiles: in simulation the true one is larger by 6 % with 20 clusters, by
    12 % with 10, and by a third with 5.
    """
    _check_power(power)
    if clusters < FEWEST:
        return None
    return (_z(0.5 + level / 2) + _z(power)) * sd / math.sqrt(clusters)


def clusters_to_detect(sd: float, difference: float, power: float = POWER, level: float = 0.95) -> int | None:
    """Return the least number of clusters that finds a true `difference` in a share `power` of repeats.

    Takes t on C - 1. None for a difference of 0 and where ten million would not do. At least 2.
    """
    _check_power(power)
    margin = abs(difference)

    def enough(count: int) -> bool:
        return (t_quantile(count - 1, level) + _z(power)) * sd / math.sqrt(count) <= margin

    if margin == 0 or not enough(_MOST):
        return None
    low, high = 2, _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def prompts_to_decide(comparison: Comparison, tolerance: float, power: float = POWER) -> int | None:
    """Return with how many prompts in all the gate would decide in a share `power` of repeats.

    Plans with the difference, the spread and the cluster size that were seen: enough clusters for the interval to end above
    ``-tolerance`` or below 0, whichever is nearer to come, at bounds as wide as they are. None where no spread is known or no
    number would do, as when the missing answers alone could turn the verdict.
    """
    if comparison.difference is None or comparison.se is None:
        return None
    lowest = comparison.difference if comparison.lowest is None else comparison.lowest
    highest = comparison.difference if comparison.highest is None else comparison.highest
    margin = max(lowest + tolerance, -highest)
    sd = comparison.se * math.sqrt(comparison.clusters)
    clusters = clusters_to_detect(sd, max(margin, 0.0), power, comparison.level)
    return None if clusters is None else math.ceil(clusters * comparison.prompts / comparison.clusters)


def unchanged_pass_share(se: float, clusters: int, tolerance: float, level: float = 0.95) -> float:
    """Return the share of runs of an unchanged model whose interval ends above ``-tolerance``, 0 to 1.

    Normal approximation for the difference, t on C - 1 for the interval. Re-judged stored videos have no spread: 1.
    """
    if se == 0:
        return 1.0
    return float(special.ndtr(tolerance / se - t_quantile(clusters - 1, level)))


def seed_spread(scores: Iterable[Score], metric: str = PRIMARY) -> Spread | None:
    """Return what part of a run's spread is between seeds and what between prompts; None with under two prompts to tell from."""
    seeds: dict[str, list[float]] = {}
    for (sample_id, _), score in by_video(scores).items():
        value = score_value(score, metric)
        if value is not None:
            seeds.setdefault(sample_id, []).append(value)
    groups = [np.array(values) for values in seeds.values() if len(values) > 1]
    if len(groups) < 2:
        return None
    within = sum(float(np.square(group - group.mean()).sum()) for group in groups) / sum(len(group) - 1 for group in groups)
    count = sum(len(group) for group in groups) / len(groups)
    means = np.array([group.mean() for group in groups])
    between = max(0.0, float(means.var(ddof=1)) - within / count)
    return Spread(within=math.sqrt(within), between=math.sqrt(between), prompts=len(groups), seeds=count)


def _z(probability: float) -> float:
    return float(special.ndtri(probability))


def _check_power(power: float) -> None:
    if not 0 < power < 1:
        raise ValueError(f"power lies between 0 and 1, got {power}")
