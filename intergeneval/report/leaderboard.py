"""Runs to leaderboards: one group for each comparability key, with estimates, tie groups, slices and pairs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intergeneval import stats
from intergeneval.records import (
    CONTROL_ID,
    Comparability,
    Comparison,
    Completeness,
    Controls,
    Estimate,
    PromptDifference,
    RunHeader,
    ScoreStatus,
    Undone,
)
from intergeneval.report.card import JudgeCard
from intergeneval.report.load import LoadedRun
from intergeneval.stats.undone import IDS as UNDONE_IDS

MAX_PAIRS = 45
"""Pairs shown of one group: all of ten models'; with more models, those against the leader and between neighbours come first."""
TOLD = frozenset((CONTROL_ID, *UNDONE_IDS))
"""Questions whose answers say something of the judge."""
MOVED = 10
"""Prompts shown that moved most, each way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the judge's answers of one run took."""

    seconds: float | None = None
    """Seconds spent in answering, summed over answers; None where the judge did not say."""
    tokens: float | None = None
    """Tokens read and written; None where the judge did not say."""
    cost: float | None = None
    """Cost, in the judge's currency; None where the judge did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model in a leaderboard."""

    run: LoadedRun
    """The run."""
    estimates: Mapping[str, Estimate]
    """By metric, the primary first."""
    tie_group: int | None
    """Rank of the tie group, that of its best model (1, 2, 4, ...); None where nothing was judged."""
    completeness: Completeness
    """How much of the run has a score."""
    counts: tuple[tuple[str, int], ...]
    """(status, videos) of all statuses but ok."""
    prompts: Mapping[str, float]
    """Prompt scores of the primary metric."""
    usage: Usage
    """What the answers took."""
    twins: Mapping[str, Estimate]
    """Contrast and sensitivity; empty where the benchmark has no twins."""
    controls: Controls | None = None
    """What the judge answered to questions that must be no; None where none was asked."""
    undone: Undone | None = None
    """Interactions that nobody does, as the judge says; None where questions 8 to 10 have no answers."""

    @property
    def label(self) -> str:
        """Name of the model on the page."""
        return self.run.label

    @property
    def main(self) -> Estimate:
        """The estimate of the primary metric."""
        return self.estimates[stats.PRIMARY]

    @property
    def scored_share(self) -> float:
        """Share of the expected videos that were looked at and scored, 0 to 1; a missing video that counts 0 is not."""
        expected = self.completeness.expected
        return self.main.statuses.get(ScoreStatus.OK.value, 0) / expected if expected else 0.0

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that have a score line, rising."""
        return tuple(sorted({score.seed for score in self.run.scores}))

    @property
    def frames(self) -> tuple[int, ...]:
        """Lengths of its videos in frames, rising."""
        return tuple(sorted({take.video.frames for take in self.run.takes.values() if take.video.frames}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two models of a group, prompt by prompt."""

    anchor: str
    """Anchor on the page."""
    first: int
    """Place of the baseline among the group's rows."""
    second: int
    """Place of the candidate."""
    comparisons: tuple[Comparison, ...]
    """All metrics, the primary first, last those of twins where there are any."""
    differences: tuple[PromptDifference, ...]
    """By rising difference."""

    @property
    def main(self) -> Comparison:
        """The comparison of the primary metric."""
        return self.comparisons[0]

    @property
    def gained(self) -> tuple[PromptDifference, ...]:
        """The prompts on which the candidate gained most."""
        return tuple(item for item in reversed(self.differences[-MOVED:]) if item.difference > 0)

    @property
    def lost(self) -> tuple[PromptDifference, ...]:
        """The prompts on which the candidate lost most."""
        return tuple(item for item in self.differences[:MOVED] if item.difference < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The prompts that share a label, for all models of a group."""

    dimension: str
    """``category``, ``direction``, ``instances`` or ``tag``."""
    label: str
    """Value of the dimension."""
    estimates: tuple[Estimate | None, ...]
    """One entry a row of the group; None where the run has no such prompt."""

    @property
    def prompts(self) -> int:
        """Scored prompts of the best covered model."""
        return max((item.prompts for item in self.estimates if item), default=0)

    @property
    def thin(self) -> bool:
        """Whether any model has fewer prompts here than a claim needs."""
        return any(item is None or item.prompts < stats.THIN for item in self.estimates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs that may be compared with each other, and nothing else."""

    anchor: str
    """Anchor on the page."""
    comparability: Comparability
    """The fields they agree in."""
    partial: tuple[str, ...]
    """Parts that none of them assessed."""
    differing: tuple[str, ...]
    """Fields in which this group differs from the first group."""
    rows: tuple[Row, ...]
    """By tie group, and within one by the falling middle of the bounds, which claims nothing."""
    slices: tuple[Slice, ...]
    """By dimension and label."""
    pairs: tuple[Pair, ...]
    """Pairs of rows."""
    pairs_left_out: int
    """Pairs there is no room for."""
    sample_ids: tuple[str, ...]
    """All samples of the group, in the first run's order."""
    card: JudgeCard | None
    """Judge card about this group's judge, revision and templates; None: the judge is unexamined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliced:
    """The slices of a group, by whether they say anything."""

    telling: tuple[Slice, ...]
    """Those with enough prompts, of dimensions with several labels."""
    silent: tuple[Slice, ...]
    """Those with too few prompts, or that hold what all of their dimension's prompts hold."""
    tagged: tuple[Slice, ...]
    """Those by tag."""


def sliced(group: Group) -> Sliced:
    """Return a group's slices by whether they say anything; tags stand apart."""
    own = [item for item in group.slices if item.dimension != "tag"]
    labels = {item.dimension: {other.label for other in own if other.dimension == item.dimension} for item in own}
    telling = [item for item in own if not item.thin and len(labels[item.dimension]) > 1]
    return Sliced(
        telling=tuple(telling),
        silent=tuple(item for item in own if item not in telling),
        tagged=tuple(item for item in group.slices if item.dimension == "tag"),
    )


def make_groups(runs: Sequence[LoadedRun], cards: Sequence[JudgeCard]) -> tuple[Group, ...]:
    """Sort runs into groups of equal comparability, in the order in which they were named."""
    sorted_runs: dict[tuple[str, tuple[str, ...]], list[LoadedRun]] = {}
    for run in runs:
        sorted_runs.setdefault((run.header.comparability.key, _partial(run)), []).append(run)
    first = runs[0].header.comparability
    return tuple(
        _group(f"g{number}", members, partial, first, cards)
        for number, ((_, partial), members) in enumerate(sorted_runs.items(), start=1)
    )


def _partial(run: LoadedRun) -> tuple[str, ...]:
    """Return what was not assessed, as the scores say; where nothing was looked at, as the header says."""
    looked = any(score.status is ScoreStatus.OK for score in run.scores)
    parts = {part for score in run.scores if score.status is ScoreStatus.OK for part in score.partial}
    return tuple(sorted(parts)) if looked else run.header.comparability.partial


def _group(
    anchor: str, runs: Sequence[LoadedRun], partial: tuple[str, ...], first: Comparability, cards: Sequence[JudgeCard]
) -> Group:
    clusters = stats.clusters_of(sample for run in runs for sample in run.samples.values())
    comparability = runs[0].header.comparability
    groups = stats.tie_groups({run.label: run.scores for run in runs}, clusters, profile=comparability.profile)
    places = {label: group.rank for group in groups for label in group.members}
    order = [label for group in groups for label in group.members]
    ranked = sorted(runs, key=lambda run: (order.index(run.label) if run.label in places else len(order), run.label))
    rows = tuple(_row(run, clusters, places.get(run.label)) for run in ranked)
    chosen = _pairs_to_show(len(rows))
    return Group(
        anchor=anchor,
        comparability=comparability,
        partial=partial,
        differing=first.differences(comparability),
        rows=rows,
        slices=_slices(rows, clusters),
        pairs=tuple(_pair(anchor, rows, pair, clusters) for pair in chosen),
        pairs_left_out=len(rows) * (len(rows) - 1) // 2 - len(chosen),
        sample_ids=tuple(dict.fromkeys(sample_id for run in runs for sample_id in run.samples)),
        card=next(iter(_fitting(cards, rows[0].run.header)), None),
    )


def _fitting(cards: Sequence[JudgeCard], header: RunHeader) -> list[JudgeCard]:
    """Return the cards about a run's judge, those of an exam with its own tracker and detector first."""
    return sorted((card for card in cards if card.fits(header)), key=lambda card: len(card.elsewhere(header.comparability)))


def _row(run: LoadedRun, clusters: Mapping[str, str], tie_group: int | None) -> Row:
    estimates = stats.estimates(run.scores, clusters, profile=run.header.comparability.profile)
    main = estimates[stats.PRIMARY]
    acts = {sample.id: len(sample.interactions) for sample in run.samples.values()}
    # Read once: they are many, and lie on the disk.
    told = [take.told(TOLD) for take in run.takes.values()]
    answers = [item for _, chosen in told for item in chosen if item.interaction < acts.get(item.sample_id, 0)]
    return Row(
        run=run,
        estimates=estimates,
        tie_group=tie_group,
        completeness=stats.completeness(run.scores, list(run.samples), run.header.seeds, stats.allowed_unscored(run.header)),
        counts=tuple((status, count) for status, count in main.statuses.items() if status != ScoreStatus.OK),
        prompts=stats.prompt_scores(run.scores),
        usage=_usage(usage for usages, _ in told for usage in usages),
        twins=stats.twin_estimates(run.twins, profile=run.header.comparability.profile) if run.twins else {},
        controls=stats.controls(answers),
        undone=stats.undone(answers),
    )


def _usage(usages: Iterable[Mapping[str, Any]]) -> Usage:
    """Sum what the answers that count say they took, by the kind their field names tell."""
    sums: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for usage in usages:
        for name, value in usage.items():
            if name not in kinds:
                kinds[name] = next((kind for kind in ("seconds", "token", "cost") if kind in name), "")
            kind = kinds[name]
            if kind and isinstance(value, int | float) and not (kind == "token" and "total" in name):
                sums[kind] = sums.get(kind, 0.0) + value
    return Usage(seconds=sums.get("seconds"), tokens=sums.get("token"), cost=sums.get("cost"))


def _slices(rows: Sequence[Row], clusters: Mapping[str, str]) -> tuple[Slice, ...]:
    labels = {key: value for row in rows for key, value in stats.labels_of(row.run.samples.values()).items()}
    found: dict[tuple[str, str], list[Estimate | None]] = {}
    for place, row in enumerate(rows):
        for item in stats.slices(row.run.scores, clusters, labels, profile=row.run.header.comparability.profile):
            found.setdefault((item.dimension, item.label), [None] * len(rows))[place] = item.estimate
    return tuple(
        Slice(dimension=dimension, label=label, estimates=tuple(estimates))
        for (dimension, label), estimates in sorted(found.items())
    )


def _pairs_to_show(count: int) -> list[tuple[int, int]]:
    """Return (better, worse) places, at most MAX_PAIRS: against the leader first, then neighbours, then the rest."""
    pairs = sorted(itertools.combinations(range(count), 2), key=lambda pair: (pair[0] > 0, pair[1] - pair[0] > 1, pair))
    return sorted(pairs[:MAX_PAIRS])


def _pair(anchor: str, rows: Sequence[Row], places: tuple[int, int], clusters: Mapping[str, str]) -> Pair:
    """Compare two rows; the better one is the candidate, so that a gain reads as one."""
    better, worse = places
    baseline, candidate = rows[worse].run, rows[better].run
    differences = stats.prompt_differences(baseline.scores, candidate.scores)
    names, profile = (baseline.label, candidate.label), candidate.header.comparability.profile
    twins = stats.compare_twins(baseline.twins, candidate.twins, names, profile=profile)
    return Pair(
        anchor=f"{anchor}-pair-{better + 1}-{worse + 1}",
        first=worse,
        second=better,
        comparisons=(*stats.compare_metrics(baseline.scores, candidate.scores, clusters, names, profile=profile), *twins),
        differences=tuple(sorted(differences, key=lambda item: (item.difference, item.sample_id))),
    )
