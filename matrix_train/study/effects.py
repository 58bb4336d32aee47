"""How arms differ in how well they bind: paired by scene, two-sided, with the spread over training seeds. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from intergeneval.records import Record

METRICS = ("object", "margin", "denoising at 150", "denoising at 400", "denoising at 650", "subject")
"""Outcomes in the order in which they count; the first decides. Of each, more is better."""
LEVEL = 0.95
"""Level of the intervals of all arms together."""

Values = Mapping[str, npt.NDArray[np.float64]]
"""What was measured of one model: each of METRICS, scene by scene."""


class Word(enum.StrEnum):
    """What is said of an arm."""

    HELPS = "helps"
    HARMS = "harms"
    NONE = "no difference beyond the bound"
    OPEN = "not decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Record):
    """One arm's difference to the reference in one outcome."""

    metric: str
    """Outcome, one of METRICS."""
    mean: float
    """The arm's own mean over videos and seeds."""
    difference: float
    """Arm less reference, mean over scenes and seeds."""
    se_scenes: float
    """Standard error of the difference over scenes, each first averaged over videos and seeds."""
    spread: float | None
    """Standard deviation of the difference over training seeds; None with a single one."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end."""
    word: Word
    """What the interval says."""
    by_seed: tuple[float, ...]
    """The difference of each training seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEffects(Record):
    """What a study found of one arm."""

    arm: str
    """The arm."""
    scenes: int
    """Scenes that were measured, those of each training seed counted."""
    means: Mapping[str, float]
    """Mean of each outcome."""
    effects: tuple[Effect, ...] = field(default=())
    """Its differences to the reference; empty for the reference itself."""


def effects(arms: Mapping[str, Mapping[int | None, Values]], reference: str, bound: float) -> tuple[ArmEffects, ...]:
    """Return what was found of each arm, in order; `arms` are what was measured, by arm and training seed (None: not trained).

    All arms must have the same scenes. An interval is as wide as lets those of all arms hold together at LEVEL (Bonferroni). An
    arm that is not trained is paired with every seed of the reference, and so is one whose reference is not trained.
    """
    width = float(norm.ppf(1 - (1 - LEVEL) / 2 / max(1, len(arms) - 1)))
    found = []
    for name, seeds in arms.items():
        means = {metric: float(np.mean([item[metric].mean() for item in seeds.values()])) for metric in METRICS}
        scenes = sum(len(item[METRICS[0]]) for item in seeds.values())
        own = () if name == reference else tuple(_effect(seeds, arms[reference], metric, width, bound) for metric in METRICS)
        found.append(ArmEffects(arm=name, scenes=scenes, means=means, effects=own))
    return tuple(found)


def _effect(
    own: Mapping[int | None, Values], reference: Mapping[int | None, Values], metric: str, width: float, bound: float
) -> Effect:
    pairs = _paired(own, reference)
    differences = np.stack([first[metric] - second[metric] for first, second in pairs])
    of_scenes, by_seed = differences.mean(axis=0), differences.mean(axis=1)
    mean, se = float(of_scenes.mean()), float(of_scenes.std(ddof=1) / np.sqrt(len(of_scenes)))
    spread = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
    # Scenes and seeds are both drawn: another set of either would have given another difference.
    error = float(np.hypot(se, 0.0 if spread is None else spread / np.sqrt(len(by_seed))))
    low, high = mean - width * error, mean + width * error
    return Effect(
        metric=metric,
        mean=float(np.mean([first[metric].mean() for first, _ in pairs])),
        difference=mean,
        se_scenes=se,
        spread=spread,
        low=low,
        high=high,
        word=word_of(low, high, bound),
        by_seed=tuple(float(value) for value in by_seed),
    )


def _paired(own: Mapping[int | None, Values], reference: Mapping[int | None, Values]) -> list[tuple[Values, Values]]:
    if set(own) == {None}:
        return [(own[None], other) for other in reference.values()]
    if set(reference) == {None}:
        return [(item, reference[None]) for item in own.values()]
    return [(item, reference[seed]) for seed, item in own.items()]


def word_of(low: float, high: float, bound: float) -> Word:
    """Return what an interval says of a difference."""
    if low > 0:
        return Word.HELPS
    if high < 0:
        return Word.HARMS
    return Word.NONE if -bound < low and high < bound else Word.OPEN
