"""How often the judge agrees with blind labels, arm by arm. Pure.

Scores count ``yes`` alone, so both kinds of ``no`` are one side here. Accuracy and its interval are those of `intergeneval
validate`: a Wilson interval on the effective number of answers, clustered by scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intergeneval.exam.agreement import agreement
from intergeneval.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled(Record):
    """One question on which there is a label, and what the judge said."""

    arm: str
    """Arm that made the video."""
    scene: str
    """Cluster of its sample."""
    label: bool | None
    """What the labeller said, True for yes; None: could not tell."""
    judge: bool | None
    """What the judge said; None: it had no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAccuracy(Record):
    """The judge on the labelled videos of one arm."""

    questions: int
    """Questions on which the labeller said yes or no."""
    unsure: int
    """Questions on which the labeller could not tell."""
    answered: float | None
    """Share of `questions` that the judge answered, 0 to 1; None without any."""
    accuracy: float | None
    """Share of right answers among those, 0 to 1; None without any."""
    low: float | None
    """Lower end of its 95 % interval; None with fewer than two scenes."""
    high: float | None
    """Upper end."""
    kappa: float | None
    """Cohen's kappa, -1 to 1; None where the labels say one thing only."""
    judge_yes: float | None
    """Share of yes by the judge on the questions that both answered."""
    label_yes: float | None
    """Share of yes by the labeller on the same questions."""


def accuracy_of(items: Sequence[Labelled]) -> ArmAccuracy:
    """Return the judge's figures on some labelled questions."""
    told = [item for item in items if item.label is not None]
    both = [item for item in told if item.judge is not None]
    found = agreement([bool(item.label) for item in both], [bool(item.judge) for item in both], [item.scene for item in both])
    interval = found.accuracy.interval
    return ArmAccuracy(
        questions=len(told),
        unsure=len(items) - len(told),
        answered=len(both) / len(told) if told else None,
        accuracy=found.accuracy.value,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        kappa=found.kappa,
        judge_yes=sum(bool(item.judge) for item in both) / len(both) if both else None,
        label_yes=sum(bool(item.label) for item in both) / len(both) if both else None,
    )
