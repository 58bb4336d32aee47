"""The sign-flip permutation test by cluster, and Holm's adjustment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from intergeneval.stats.clustered import Floats, Ints, cluster_sums

FLIPS = 10_000
"""Sign patterns drawn where there are too many to go through."""
_SEED = 20_251_008
_ROUNDING = 1e-9
_ROWS = 1_000


def sign_flip(differences: Floats, clusters: Ints, flips: int = FLIPS, seed: int = _SEED) -> tuple[float, int, bool]:
    """Return (two-sided p, sign patterns used, whether they were all there are) for a mean difference of 0.

    Under the null hypothesis a cluster's differences (P,) may all change sign together. With at most `flips` patterns all are
    gone through and p is exact; otherwise `flips` patterns are drawn and p = (1 + as extreme) / (1 + flips), never 0. Clusters
    whose differences add up to 0 change nothing and are left out; with no other left p is 1.
    """
    sums = cluster_sums(differences, clusters)
    slack = _ROUNDING * np.abs(sums).sum()
    sums = sums[np.abs(sums) > slack]
    if len(sums) == 0:
        return 1.0, 1, True
    observed = abs(sums.sum()) - slack
    if 2 ** len(sums) <= flips:
        patterns = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1
        extreme = np.abs(2 * patterns @ sums - sums.sum()) >= observed
        return float(extreme.mean()), len(patterns), True
    rng = np.random.default_rng(seed)
    hits = 0
    for start in range(0, flips, _ROWS):  # in pieces: 10,000 patterns of 2,400 clusters would be 190 MB
        patterns = rng.integers(0, 2, size=(min(_ROWS, flips - start), len(sums)), dtype=np.int8)
        hits += int((np.abs(2 * (patterns @ sums) - sums.sum()) >= observed).sum())
    return (1 + hits) / (1 + flips), flips, False


def holm(values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p values, in the order given; each is at least its own p and at most 1."""
    adjusted = [0.0] * len(values)
    running = 0.0
    for place, index in enumerate(sorted(range(len(values)), key=lambda item: values[item])):
        running = max(running, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = running
    return adjusted
