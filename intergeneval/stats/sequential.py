"""A confidence sequence for the mean of paired differences: valid however often one looks, so that a run may stop when decided.

By betting (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86, 2024): whoever bets on
every cluster that the mean lies above m, and starts with 1, holds 1 / alpha or more at any time with a chance of at most alpha
while the mean is m or less (Ville's inequality). The capital is spread evenly over a grid of constant bets (their grid Kelly), so
it does not depend on the order of what was seen. Clusters come in a seeded random order; the claim is about prompts like these,
not only about those of the benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from intergeneval.stats.clustered import Floats, Ints, cluster_sums

ORDER_SEED = 20_260_401
"""Seed of the order in which clusters are looked at."""
_BETS = np.geomspace(0.02, 0.99, 20)
"""The bets, as shares of the largest that can never lose all."""
_PLACES = 401
"""Candidate means on which the ends of the interval are found; between two of them the outer one is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is known of a mean difference after some of the clusters."""

    low: float
    """Lower end: at no time was the true mean below it, in all but a share (1 - level) / 2 of repeats."""
    high: float
    """Upper end, likewise."""
    clusters: int
    """Clusters seen."""


def seeded_order(clusters: Mapping[str, str], seed: int = ORDER_SEED) -> list[list[str]]:
    """Return the sample ids by cluster, clusters in a seeded random order that depends on their names alone."""
    members: dict[str, list[str]] = {}
    for sample_id, cluster in sorted(clusters.items()):
        members.setdefault(cluster, []).append(sample_id)
    names = sorted(members)
    return [members[names[place]] for place in np.random.default_rng(seed).permutation(len(names))]


def log_capital(values: Floats, clusters: Ints, place: float, largest: int) -> Floats:
    """Return the logarithm of the capital after each cluster of bets that the mean of `values` lies above `place`, (..., C).

    `values` (..., P) lie in [0, 1] and belong to `clusters` (P,), whose numbers rise in the order of looking; `largest` is the
    number of prompts of the largest cluster there is. A cluster pays the sum of (x_p - place) over its prompts, divided by
    `largest`: that is fair where the mean over prompts is `place`, and never costs more than the bet.
    """
    if place <= 0:
        return np.full((*values.shape[:-1], len(np.unique(clusters))), np.inf)
    pays = cluster_sums(values - place, clusters) / largest
    grown = np.cumsum(np.log1p(_BETS[:, *([None] * pays.ndim)] / place * pays), axis=-1)
    capital: Floats = np.logaddexp.reduce(grown, axis=0) - math.log(len(_BETS))
    return capital


def look(lows: Floats, highs: Floats, clusters: Ints, largest: int, within: tuple[float, float], level: float = 0.95) -> Looked:
    """Return the confidence sequence after the clusters seen so far; `lows` and `highs` (P,) bound each prompt's difference.

    `within` is the range of a difference. Where nothing is missing `lows` and `highs` are the same.
    """
    floor, width = within[0], within[1] - within[0]
    least = math.log(2 / (1 - level))
    low = _end((lows - floor) / width, clusters, largest, least)
    high = 1 - _end(1 - (highs - floor) / width, clusters, largest, least)
    return Looked(low=floor + width * low, high=floor + width * high, clusters=len(np.unique(clusters)))


def _end(values: Floats, clusters: Ints, largest: int, least: float) -> float:
    """Return the largest mean that the capital refutes, along with every lower one; 0 where none is."""
    low, places = 0.0, np.linspace(0, 1, _PLACES)[1:]
    for place in places:
        # Ever, not now: what was refuted once stays refuted.
        if log_capital(values, clusters, float(place), largest).max() < least:
            break
        low = float(place)
    return low


def clusters_to_decide(differences: Sequence[Floats], place: float, level: float = 0.95) -> Ints:
    """Return after how many clusters each repeat, of differences in [0, 1] one a cluster, refutes a mean of `place` or less.

    One more than there are where it never does.
    """
    values = np.array(differences, dtype=np.float64)
    capital = log_capital(values, np.arange(values.shape[-1]), place, 1)
    hit = capital >= math.log(2 / (1 - level))
    counts: Ints = np.where(hit.any(axis=-1), hit.argmax(axis=-1) + 1, values.shape[-1] + 1).astype(np.int64)
    return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What looking after every cluster comes to, at one true difference and spread."""

    decided: float
    """Share of repeats that are decided before the clusters are used up, 0 to 1."""
    clusters: float
    """Clusters looked at on average, with all of them where nothing was decided."""
    saved: float
    """Share of the clusters that need not be judged, on average, 0 to 1."""


def expected(
    difference: float, sd: float, clusters: int, within: tuple[float, float], level: float = 0.95, repeats: int = 1_000
) -> Expected | None:
    """Return after how many of so many clusters a true difference is told from 0; None for a spread its range cannot have.

    Simulated with a fixed seed: differences follow the beta distribution of that mean and spread in the range `within`, one a
    cluster.
    """
    width = within[1] - within[0]
    mean, variance = (difference - within[0]) / width, (sd / width) ** 2
    if not 0 < mean < 1 or not 0 < variance < mean * (1 - mean):
        return None
    weight = mean * (1 - mean) / variance - 1
    drawn = np.random.default_rng(ORDER_SEED).beta(mean * weight, (1 - mean) * weight, size=(repeats, clusters))
    counts = clusters_to_decide(list(drawn), (0 - within[0]) / width, level)
    used = float(np.minimum(counts, clusters).mean())
    return Expected(decided=float((counts <= clusters).mean()), clusters=used, saved=1 - used / clusters)
