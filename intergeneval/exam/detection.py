"""ROC-AUC: how well a score tells faulty videos from their perfect twins; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special, stats

from intergeneval.exam.agreement import LEVEL, Interval

SCENES_ENOUGH = 5
"""Faulty scenes under which an AUC is shown without an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roc:
    """How well one fault is told from perfection."""

    auc: float | None
    """Chance that a faulty video scores higher than a perfect one, ties half, 0 to 1; None without videos."""
    interval: Interval | None
    """Interval of it; None with fewer than `SCENES_ENOUGH` scenes."""
    scenes: int
    """Scenes in which the fault has a place: so many faulty videos, so many perfect ones."""


def roc(faulty: Sequence[float], perfect: Sequence[float]) -> Roc:
    """Return the AUC of scores of faulty videos against those of their perfect twins."""
    if not faulty or not perfect:
        return Roc(auc=None, interval=None, scenes=len(faulty))
    ranks = stats.rankdata([*faulty, *perfect])
    below = float(ranks[: len(faulty)].sum()) - len(faulty) * (len(faulty) + 1) / 2.0
    auc = below / (len(faulty) * len(perfect))
    enough = len(faulty) >= SCENES_ENOUGH
    return Roc(auc=auc, interval=_interval(auc, len(faulty), len(perfect)) if enough else None, scenes=len(faulty))


def _interval(auc: float, faulty: int, perfect: int) -> Interval:
    """Return the score interval: all theta with (theta - auc)^2 <= z^2 V(theta), V being Hanley and McNeil's variance.

    Newcombe (Statistics in Medicine 25, 2006), method 5. Unlike a bootstrap it has a width where the AUC is 1. Faulty videos and
    twins are taken as unrelated, which makes it wider than it need be.
    """
    z = float(special.ndtri(0.5 + LEVEL / 2))
    extra = (faulty + perfect) / 2.0 - 1.0

    def inside(theta: float) -> bool:
        spread = theta * (1.0 - theta) * (1.0 + extra * (1.0 - theta) / (2.0 - theta) + extra * theta / (1.0 + theta))
        return (theta - auc) ** 2 <= z * z * spread / (faulty * perfect)

    def edge(end: float) -> float:
        near, far = auc, end
        for _ in range(60):
            middle = (near + far) / 2.0
            near, far = (middle, far) if inside(middle) else (near, middle)
        return near

    return edge(0.0), edge(1.0)
