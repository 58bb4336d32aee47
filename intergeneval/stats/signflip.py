"""The sign-flip permutation test by cluster, and Holm's adjustment."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from intergeneval.stats.clustered import Floats, Ints, cluster_sums

FLIPS = 10_000
"""Sign patterns drawn where there are too many to go through."""
_SEED = 20_251_008
_ROUNDING = 1e-9
_ROWS = 1_000
_KEPT = 1 << 13
"""Bits of a pattern up to which the random ones are kept, 10 MB for 10,000 patterns."""
Bytes = npt.NDArray[np.uint8]


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
    hits = int((np.abs(2 * _sums_of_chosen(sums, flips, seed) - sums.sum()) >= observed).sum())
    return (1 + hits) / (1 + flips), flips, False


def _sums_of_chosen(sums: Floats, flips: int, seed: int) -> Floats:
    """Return for each drawn pattern the sum of what it chooses of `sums`: eight at a time, looked up by a byte of the pattern."""
    padded = np.zeros(-(-len(sums) // 8) * 8)
    padded[: len(sums)] = sums
    tables = padded.reshape(-1, 8) @ _BITS.T
    found = np.zeros(flips)
    for table, chosen in zip(tables, _patterns(len(sums), flips, seed), strict=True):
        found += table.take(chosen)
    return found


_BITS = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(np.float64)
"""The eight bits of each byte, lowest first."""


@functools.lru_cache(maxsize=8)
def _patterns(count: int, flips: int, seed: int) -> Bytes:
    """Return `flips` random patterns of `count` bits, eight to a byte, (count / 8, flips): a report asks for the same often."""
    made = np.empty((-(-count // 8), flips), dtype=np.uint8)
    drawn = _drawn(1 << (count - 1).bit_length(), flips, seed) if count <= _KEPT else None
    rng = np.random.default_rng(seed)
    for start in range(0, flips, _ROWS):  # in pieces: 10,000 patterns of 2,400 clusters take 24 MB before they are packed
        rows = min(_ROWS, flips - start)
        if drawn is None:
            bits = rng.integers(0, 2, size=(rows, count), dtype=np.int8).view(np.uint8)
        else:
            first = start * count // 8
            bits = np.unpackbits(drawn[first : first + -(-rows * count // 8)], count=rows * count).reshape(rows, count)
        made[:, start : start + rows] = np.packbits(bits, axis=1, bitorder="little").T
    return made


@functools.lru_cache(maxsize=4)
def _drawn(most: int, flips: int, seed: int) -> Bytes:
    """Return the random bits that patterns of up to `most` bits are cut from, eight to a byte.

    Those of fewer bits are a prefix of those of more: a thousand patterns take whole words from the generator.
    """
    rng = np.random.default_rng(seed)
    rows = [min(_ROWS, flips - start) for start in range(0, flips, _ROWS)]
    pieces = [np.packbits(rng.integers(0, 2, size=count * most, dtype=np.int8).view(np.uint8)) for count in rows]
    return np.concatenate(pieces)


def holm(values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p values, in the order given; each is at least its own p and at most 1."""
    adjusted = [0.0] * len(values)
    running = 0.0
    for place, index in enumerate(sorted(range(len(values)), key=lambda item: values[item])):
        running = max(running, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = running
    return adjusted
