"""Whether the harness sees what binding shows: over all trained models, its scores against the share of right objects. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from intergeneval.records import Record
from matrix_train.study.table import markdown_table

SCORES = ("if", "contrast")
"""The harness's scores that are held against binding."""
LEAST = 4
"""Models below which no correlation is told."""
DRAWS = 4000
"""Resamples of the models that an interval is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView(Record):
    """One trained model in both views."""

    arm: str
    """Its arm."""
    seed: int | None
    """Its training seed; None where nothing was trained."""
    object: float
    """Share of right objects."""
    scores: dict[str, float | None]
    """What the harness says: each of SCORES, None where it has no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Record):
    """How the order of the models by a score goes with that by binding."""

    score: str
    """One of SCORES."""
    models: int
    """Models that have the score."""
    rho: float | None
    """Spearman's rank correlation; None with fewer than LEAST models, or where all of them have one value."""
    low: float | None
    """Lower end of its 95 % interval, over resamples of the models."""
    high: float | None
    """Upper end."""


def agreements(models: Sequence[ModelView]) -> tuple[Agreement, ...]:
    """Return how each score orders the models, against the share of right objects."""
    return tuple(_agreement(name, models) for name in SCORES)


def _agreement(name: str, models: Sequence[ModelView]) -> Agreement:
    pairs = np.array([(item.object, item.scores[name]) for item in models if item.scores[name] is not None], dtype=np.float64)
    rho = _rho(pairs) if len(pairs) >= LEAST else None
    if rho is None:
        return Agreement(score=name, models=len(pairs), rho=None, low=None, high=None)
    rng = np.random.default_rng(0)
    draws = (_rho(pairs[rng.integers(len(pairs), size=len(pairs))]) for _ in range(DRAWS))
    # A resample in which all have one value orders nothing.
    low, high = np.quantile([value for value in draws if value is not None], (0.025, 0.975))
    return Agreement(score=name, models=len(pairs), rho=rho, low=float(low), high=float(high))


def _rho(pairs: npt.NDArray[np.float64]) -> float | None:
    if (np.ptp(pairs, axis=0) == 0).any():
        return None
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


def markdown(title: str, models: Sequence[ModelView], found: Sequence[Agreement]) -> str:
    """Return the page."""
    rows = [
        [item.arm, _seed(item.seed), f"{item.object:.3f}", *(_number(item.scores[name]) for name in SCORES)] for item in models
    ]
    parts = [
        f"# {title}: what the harness sees",
        "The same models twice: the share of right objects, read off videos of held-out scenes by colour at known places, "
        "and what the harness says of its own videos. IF asks for much more than the right object: everybody must be followed "
        "from first to last frame, and a figure that fades on its way is lost.",
        "\n".join(f"- {_said(item)}" for item in found),
        markdown_table(["arm", "training seed", "right objects", *SCORES], rows),
    ]
    return "\n\n".join(parts) + "\n"


def _said(item: Agreement) -> str:
    if item.rho is None or item.low is None or item.high is None:
        return f"{item.score}: no rank correlation, with {item.models} models that have a number, or all of them the same"
    return f"{item.score}: Spearman {item.rho:+.2f} [{item.low:+.2f}, {item.high:+.2f}] over {item.models} models"


def _seed(seed: int | None) -> str:
    return "not trained" if seed is None else str(seed)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
