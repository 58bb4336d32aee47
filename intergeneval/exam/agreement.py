"""Accuracy and Cohen's kappa of yes/no answers, with intervals clustered by scene; pure functions.

Scores count `yes` alone, so both kinds of ``no`` are one side here. Answers about one scene resemble each other: intervals take
the scene as the unit, by the same formula as all our means.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from intergeneval.stats.clustered import Floats, Ints, clustered, t_quantile

LEVEL = 0.95
"""Confidence level of all intervals."""
ROUNDING = 1e-12
"""Standard errors up to this are 0: what is left is rounding."""
Interval = tuple[float, float]
"""Lower and upper end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its interval."""

    value: float | None
    """0 to 1; None where nothing was counted."""
    interval: Interval | None
    """None with fewer than two scenes."""
    count: int
    """What the share is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well answers agree with the truth."""

    accuracy: Share
    """Share of right answers."""
    kappa: float | None
    """Cohen's kappa, -1 to 1; None where the truth says one thing only, or nothing was answered."""
    kappa_interval: Interval | None
    """Interval of kappa; None with fewer than two scenes. Of a judge that always says the same it is 0 alone, as its kappa is."""


def share(hits: Sequence[bool], scenes: Sequence[Hashable]) -> Share:
    """Return a share with a Wilson interval on the effective number of observations.

    That number is p (1 - p) / SE^2 with the SE clustered by scene. Where all observations agree the SE is 0 and says nothing; the
    number of scenes takes its place, the least that the data can be worth. z is Student's t on scenes - 1.
    """
    if not hits:
        return Share(value=None, interval=None, count=0)
    values = np.array(hits, dtype=np.float64)
    codes = codes_of(scenes)
    mean, count = float(values.mean()), len(set(codes.tolist()))
    if count < 2:
        return Share(value=mean, interval=None, count=len(hits))
    se = float(clustered(values, codes, LEVEL).se)
    # A split that is the same in every scene has no spread between scenes; then too a scene is the least unit there is.
    worth = mean * (1.0 - mean) / se**2 if se > ROUNDING else float(count)
    return Share(value=mean, interval=wilson(mean, min(worth, float(len(hits))), t_quantile(count - 1, LEVEL)), count=len(hits))


def wilson(p: float, worth: float, z: float) -> Interval:
    """Return Wilson's score interval of a share `p` of `worth` observations, within [0, 1]."""
    middle = (p + z * z / (2.0 * worth)) / (1.0 + z * z / worth)
    half = z / (1.0 + z * z / worth) * math.sqrt(p * (1.0 - p) / worth + z * z / (4.0 * worth * worth))
    return min(max(middle - half, 0.0), p), max(min(middle + half, 1.0), p)


def agreement(truth: Sequence[bool], given: Sequence[bool], scenes: Sequence[Hashable]) -> Agreement:
    """Return accuracy and kappa of `given` yes/no answers against the true ones, one scene name each.

    kappa = (po - pe) / (1 - pe), from whole counts, so that a judge who always says the same gets exactly 0. Its standard error
    is the clustered one of its linear approximation: with a = [truth = given], t = [truth], j = [given], each answer adds
    (a - po) / (1 - pe) - (1 - po) / (1 - pe)^2 * ((2 pt - 1)(j - pj) + (2 pj - 1)(t - pt)). Where that has no spread (every
    answer is right, or every scene errs alike) the ends are those of the accuracy's interval, at the same chance agreement.
    """
    right = [one == other for one, other in zip(truth, given, strict=True)]
    accuracy = share(right, scenes)
    total, true_yes, said_yes = len(truth), sum(truth), sum(given)
    expected = true_yes * said_yes + (total - true_yes) * (total - said_yes)
    if true_yes in (0, total):  # where the truth never varies, kappa is 0 whatever the judge says
        return Agreement(accuracy=accuracy, kappa=None, kappa_interval=None)
    kappa = (total * sum(right) - expected) / (total * total - expected)
    codes = codes_of(scenes)
    if len(set(codes.tolist())) < 2:
        return Agreement(accuracy=accuracy, kappa=kappa, kappa_interval=None)
    pull = _influence(np.array(truth, dtype=np.float64), np.array(given, dtype=np.float64))
    se = float(clustered(pull, codes, LEVEL).se)
    half = se * t_quantile(len(set(codes.tolist())) - 1, LEVEL)
    ends = kappa - half, kappa + half
    if said_yes in (0, total):
        ends = 0.0, 0.0
    elif se <= ROUNDING and accuracy.interval is not None:
        chance = expected / (total * total)
        low, high = ((end - chance) / (1.0 - chance) for end in accuracy.interval)
        ends = min(low, kappa), max(high, kappa)
    return Agreement(accuracy=accuracy, kappa=kappa, kappa_interval=(max(ends[0], -1.0), min(ends[1], 1.0)))


def _influence(truth: Floats, given: Floats) -> Floats:
    right = (truth == given).astype(np.float64)
    po, pt, pj = right.mean(), truth.mean(), given.mean()
    pe = pt * pj + (1.0 - pt) * (1.0 - pj)
    chance = (2.0 * pt - 1.0) * (given - pj) + (2.0 * pj - 1.0) * (truth - pt)
    pull: Floats = (right - po) / (1.0 - pe) - (1.0 - po) / (1.0 - pe) ** 2 * chance
    return pull


def codes_of(scenes: Sequence[Hashable]) -> Ints:
    """Return a whole number for each scene's name, in order of appearance."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in scenes], dtype=np.int64)
