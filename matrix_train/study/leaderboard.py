"""The table in the form of the paper's ablation, as data: one row an arm, the orders, the control, what may be claimed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intergeneval.records import Estimate, Profile, Record
from intergeneval.stats import PRIMARY, estimate
from matrix_train.study.accuracy import ArmAccuracy
from matrix_train.study.plan import StudyPlan
from matrix_train.study.rule import ArmScores, Order, Verdict, adjusted, groups, order, spread_over

COLUMNS = ("kisa", "sgi", PRIMARY)
"""Metrics of the table, as the paper orders them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Record):
    """One arm."""

    arm: str
    """The arm."""
    label: str
    """Its row in the paper's ablation, such as ``VII``; empty: it has none."""
    estimates: Mapping[str, Estimate]
    """``kisa``, ``sgi`` and ``if`` over all training seeds, clustered by prompt."""
    by_seed: Mapping[str, float | None]
    """IF of each training seed; the key ``-`` where nothing was trained."""
    group: int | None
    """Tie group by the study's rule, 1 the best; None without a score."""
    videos: int
    """Generated videos."""
    unscored: float
    """Share of them without a score, 0 to 1."""
    statuses: Mapping[str, int]
    """Number of videos by score status."""
    accuracy: ArmAccuracy | None
    """How often the judge agrees with the blind labels; None while there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board(Record):
    """Everything the table says."""

    title: str
    """Title."""
    rows: tuple[Row, ...]
    """The arms in the plan's order."""
    orders: tuple[Order, ...]
    """The orders that were asked for; p adjusted after Holm."""
    control: Order | None
    """The dominant layers above the wrong ones; None where the study has no control."""
    labelled: int
    """Clips that were labelled blind."""
    labels_wanted: int
    """Clips that must be before anything is claimed."""
    partial: tuple[str, ...]
    """Parts not assessed; not empty: scores are upper bounds."""

    @property
    def claims(self) -> tuple[Order, ...]:
        """The orders that may be claimed: resolved, and the judge was examined on enough blind labels."""
        return tuple(item for item in self.orders if item.verdict is Verdict.RESOLVED) if self.examined else ()

    @property
    def examined(self) -> bool:
        """Whether enough clips were labelled blind."""
        return self.labelled >= self.labels_wanted

    @property
    def layers_claim(self) -> bool | None:
        """Whether a claim about layers stands: the control does worse. None where the study has no control."""
        return None if self.control is None else self.control.verdict is Verdict.RESOLVED


def board(
    plan: StudyPlan,
    arms: Sequence[ArmScores],
    clusters: Mapping[str, str],
    accuracies: Mapping[str, ArmAccuracy],
    labelled: int,
) -> Board:
    """Make the table of a study whose runs are all there. Raises ComparabilityError where arms were not scored alike."""
    by_name = {arm.name: arm for arm in arms}
    profile = plan.scoring.profile
    figures = {arm.name: _estimates(arm, clusters, profile) for arm in arms}
    middles = {name: item[PRIMARY].middle for name, item in figures.items()}
    tied = groups(arms, clusters, {name: middle for name, middle in middles.items() if middle is not None}, profile)
    rows = tuple(
        Row(
            arm=item.name,
            label=item.label,
            estimates=figures[item.name],
            by_seed={
                _named(seed): estimate(scores, clusters, profile=profile).mean
                for seed, scores in by_name[item.name].seeds.items()
            },
            group=tied.get(item.name),
            videos=len(by_name[item.name].videos),
            unscored=by_name[item.name].unscored,
            statuses=figures[item.name][PRIMARY].statuses,
            accuracy=accuracies.get(item.name),
        )
        for item in plan.arms
    )
    control = plan.control
    return Board(
        title=plan.title or plan.name,
        rows=rows,
        orders=adjusted([order(by_name[item.better], by_name[item.worse], clusters, profile) for item in plan.orders]),
        control=order(by_name[control.of], by_name[control.arm], clusters, profile) if control else None,
        labelled=labelled,
        labels_wanted=plan.labels.clips,
        partial=tuple(sorted({part for row in rows for item in row.estimates.values() for part in item.partial})),
    )


def _estimates(arm: ArmScores, clusters: Mapping[str, str], profile: Profile) -> dict[str, Estimate]:
    scores = spread_over(arm, list(arm.seeds))
    return {metric: estimate(scores, clusters, metric, profile=profile) for metric in COLUMNS}


def _named(seed: int | None) -> str:
    return "-" if seed is None else str(seed)
