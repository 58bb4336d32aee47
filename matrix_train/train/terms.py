"""What is logged of a step: the terms of its loss, in all and by timestep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

BINS = 10
"""Timestep bins in which every term is logged."""


def numbers(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Return terms as numbers."""
    return {name: float(value) for name, value in terms.items()}


def bins(clips: Mapping[str, Tensor], time_B: Tensor) -> dict[str, float]:
    """Return the mean of each term over the clips of each timestep bin, where a bin has a clip that the term is made of."""
    found: dict[str, list[float]] = {}
    for name, value_B in clips.items():
        for value, moment in zip(value_B.tolist(), time_B.tolist(), strict=True):
            if not math.isnan(value):
                found.setdefault(f"{name}/bin{min(BINS - 1, int(moment * BINS / 1000))}", []).append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


def mean(seen: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each term over the parts that have it."""
    names = sorted({name for item in seen for name in item})
    return {name: sum(item[name] for item in seen if name in item) / sum(name in item for item in seen) for name in names}
