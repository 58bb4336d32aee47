"""The report as templates see it: groups of comparable runs with what has to be drawn, said and linked for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval import __version__
from intergeneval.errors import UsageError
from intergeneval.ids import short
from intergeneval.records import Comparison, Profile, Sample, Score
from intergeneval.report.card import JudgeCard, find_cards, read_cards
from intergeneval.report.columns import Columns, read_columns
from intergeneval.report.facts import facts_of, summary_of, title_of
from intergeneval.report.figures import CoveragePlot, HeatRow, Panel, coverage_plot, heat_map, panels
from intergeneval.report.formats import SPREADLESS, num, signed
from intergeneval.report.gallery import Gallery, make_gallery
from intergeneval.report.judged import Fault, Worth, faults_of, generated_facts, staged_facts, worth_of
from intergeneval.report.leaderboard import Group, Pair, Row, Sliced, make_groups, sliced
from intergeneval.report.load import LoadedRun, load_runs
from intergeneval.report.names import file_names
from intergeneval.report.plots import Axis, Bars, Dots, axis_over, bars, dots
from intergeneval.report.reference import METRICS, PublishedTable, published_tables
from intergeneval.report.shots import Glimpse
from intergeneval.report.staged_models import staged_models
from intergeneval.report.twin_shots import TwinShot, twin_shots
from intergeneval.stats import standing, unanswered_text, undecided_text

UNSCORED_SHOWN = 200
"""Videos without a score that are listed on the page; all of them are in the download."""

SampleKey = tuple[str, str]
"""Benchmark hash and sample id: equal ids of different benchmarks are different samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What the report is to show beside the runs themselves."""

    title: str = ""
    """Title; empty: benchmark, models and prompts."""
    reference: str = ""
    """Model that differences are taken to; empty: the best of each leaderboard."""
    cards: tuple[Path, ...] = ()
    """Judge cards of `validate`, used where judge, revision and templates match; empty: those of exams held beside the runs."""
    columns: tuple[str, ...] = ()
    """Result files of other suites, as `intergeneval.report.columns` reads them."""
    published: tuple[str, ...] = ()
    """Names or files of published tables to show as reference rows."""
    media: tuple[Path, ...] = ()
    """Folders of benchmarks and videos to look in beside the run folders: the settings of a run lead to no picture."""
    failures: bool = False
    """Whether to write a picture and a clip of each costly failure into ``failures/`` of the report."""
    stills: bool = True
    """Whether posters and strips are made of the videos of runs that hold none; those that a run holds are shown anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """One sample in the table of samples."""

    id: str
    """The sample."""
    href: str
    """Where its page is."""
    kind: str
    """Categories and direction."""
    instances: int
    """Number of instances."""
    values: tuple[float | None, ...]
    """Prompt score of each row of the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutScore:
    """One video without a score of its own."""

    label: str
    """Model name."""
    href: str
    """Where the sample's page is."""
    score: Score
    """Status and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutScores:
    """The videos without a score, cut to what a page can carry."""

    total: int
    """How many there are."""
    items: tuple[WithoutScore, ...]
    """The first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything the index page shows; sample pages are made one at a time from `samples`."""

    title: str
    """Title of the page."""
    summary: str
    """What was measured, in one sentence."""
    command: str
    """Command that makes this report again."""
    groups: tuple[Group, ...]
    """One leaderboard each."""
    runs: tuple[LoadedRun, ...]
    """All runs, in the order in which they were named."""
    samples: Mapping[SampleKey, tuple[Sample, tuple[LoadedRun, ...]]]
    """Every sample with the runs that have it, in leaderboard order."""
    names: Mapping[SampleKey, str]
    """File name of each sample's page, without extension."""
    references: Mapping[str, int]
    """Group anchor -> place of the row that differences are taken to."""
    columns: Columns
    """Columns of other suites."""
    published: tuple[PublishedTable, ...]
    """Published tables."""
    single: bool
    """Whether everything goes into one file."""
    version: str = __version__
    """Version of this software."""
    axes: Mapping[str, Axis] = field(default_factory=dict)
    """Group anchor -> axis of the leaderboard."""
    spreads: Mapping[str, Axis] = field(default_factory=dict)
    """Group anchor -> axis of the distributions."""

    @property
    def model_columns(self) -> tuple[str, ...]:
        """Columns of other suites that hold one number a model, joined or published."""
        joined = [name for name in self.columns.names if any(name in values for values in self.columns.by_model.values())]
        printed = [name for table in self.published for row in table.rows for name in row.metrics if name not in METRICS]
        return tuple(dict.fromkeys([*joined, *printed]))

    @property
    def own_masks(self) -> tuple[str, ...]:
        """Labels of the runs that used first-frame masks of the model's own."""
        return tuple(run.label for run in self.runs if run.header.own_masks)

    @property
    def facts(self) -> dict[str, list[tuple[str, str]]]:
        """Group anchor -> (name, value) of what its runs have in common."""
        return {group.anchor: facts_of(group) for group in self.groups}

    @property
    def deltas(self) -> dict[str, list[tuple[str, str]]]:
        """Group anchor -> difference of each row to the reference, as text."""
        return {
            group.anchor: [delta_text(group, place, self.references[group.anchor]) for place in range(len(group.rows))]
            for group in self.groups
        }

    def column(self, row: Row, name: str) -> float | None:
        """Return a joined number of a model, found by its own name or by its label."""
        for key in (row.label, row.run.header.model):
            if name in self.columns.by_model.get(key, {}):
                return self.columns.by_model[key][name]
        return None

    def heat_map(self, group: Group, gallery: Gallery) -> tuple[HeatRow, ...]:
        """Return the share of yes by question and model, from the answers that the grid shows."""
        return heat_map(group, gallery.letters)

    def panels(self, group: Group) -> tuple[Panel, ...]:
        """Return the categories side by side."""
        return panels(group)

    def coverage(self, group: Group) -> CoveragePlot | None:
        """Return the plot of IF against coverage."""
        return coverage_plot(group)

    def dots(self, group: Group, row: Row) -> Dots:
        """Return the dot plot of one row."""
        return dots(list(row.prompts.values()), self.spreads[group.anchor])

    def opened(self, group: Group) -> int | None:
        """Return the place of the pair that the page shows first: the first in which any prompt differs; None where none does."""
        differing = (place for place, pair in enumerate(group.pairs) if any(item.difference for item in pair.differences))
        return next(differing, None)

    def bars(self, pair: Pair) -> Bars:
        """Return the difference bars of a pair."""
        return bars([item.difference for item in pair.differences])

    def reading(self, comparison: Comparison) -> str:
        """Return what a comparison allows one to say, in one sentence."""
        if comparison.low is None or comparison.high is None:
            return "There is no interval, so nothing can be said of other prompts."
        if comparison.better:
            return "The interval lies above 0."
        if comparison.worse:
            return "The interval lies below 0."
        if comparison.high - comparison.low < SPREADLESS:
            return "Not decided: every prompt has the same difference, so nothing is known of how far others would differ."
        if comparison.unanswered:
            return f"Not decided: {unanswered_text(comparison.unanswered)}."
        return "Not decided: the interval holds 0, these prompts do not tell the two apart."

    def standing(self, group: Group, row: Row) -> str:
        """Return that a row's place within its tie group is not decided; empty for one that is alone in it."""
        members = [other for other in group.rows if other.tie_group == row.tie_group and row.tie_group is not None]
        if len(members) < 2:
            return ""
        return undecided_text(sum(other.main.open for other in members))

    def undecided(self, group: Group) -> list[tuple[int, str]]:
        """Return the tie groups of several models with why their order is not decided, and what is told apart inside them."""
        found = {row.tie_group: self.standing(group, row) for row in group.rows if row.tie_group is not None}
        inside: dict[int | None, list[str]] = {}
        for pair in group.pairs:
            ranks = {group.rows[pair.first].tie_group, group.rows[pair.second].tie_group}
            if len(ranks) == 1 and (pair.main.better or pair.main.worse):
                inside.setdefault(ranks.pop(), []).append(standing(pair.main))
        return [(rank, "; ".join([told, *inside.get(rank, [])])) for rank, told in found.items() if told]

    def href(self, group: Group, sample_id: str) -> str:
        """Return where a sample is shown: its page, or its part of the one file."""
        name = self.names[group.comparability.bench, sample_id]
        return f"#s-{name}" if self.single else f"samples/{name}.html"

    def prompt(self, group: Group, sample_id: str) -> str:
        """Return a sample's prompt."""
        return self.samples[group.comparability.bench, sample_id][0].prompt

    def sliced(self, group: Group) -> Sliced:
        """Return the slices by whether they say anything."""
        return sliced(group)

    def index_rows(self, group: Group) -> list[IndexRow]:
        """Return the table of samples of a group."""
        rows = []
        for sample_id in group.sample_ids:
            sample = self.samples[group.comparability.bench, sample_id][0]
            kinds = dict.fromkeys(item.category.value for item in sample.interactions if item.category)
            rows.append(
                IndexRow(
                    id=sample_id,
                    href=self.href(group, sample_id),
                    kind=", ".join(kinds),
                    instances=len(sample.instances),
                    values=tuple(row.prompts.get(sample_id) for row in group.rows),
                )
            )
        return rows

    def without_score(self, group: Group) -> WithoutScores:
        """Return the videos of a group whose score is none, or stands for a missing video."""
        found = [(row.label, score) for row in group.rows for score in row.run.scores if score.status != "ok"]
        return WithoutScores(
            total=len(found),
            items=tuple(
                WithoutScore(label=label, href=self.href(group, score.sample_id), score=score)
                for label, score in found[:UNSCORED_SHOWN]
            ),
        )

    def ranks(self, group: Group) -> str:
        """Return why models share a rank, and how ranks go on; empty where all have one of their own."""
        ranks = [row.tie_group for row in group.rows if row.tie_group is not None]
        shared = next((rank for rank in ranks if ranks.count(rank) > 1), None)
        if shared is None:
            return ""
        count = ranks.count(shared)
        after = f", so the next is {shared + count}" if shared + count in ranks else ""
        return f"Models that these prompts do not tell apart share a rank: {count} have rank {shared}{after}."

    def staged(self, group: Group) -> list[tuple[str, str]]:
        """Return what the staged models of a group show."""
        return staged_models(row.run for row in group.rows)

    def worth(self, group: Group) -> Worth:
        """Return how far a leaderboard's judge may be believed."""
        return worth_of(group)

    def card_facts(self, card: JudgeCard) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return a judge card's plain numbers: (what they are of, (name, number with its interval) each)."""
        return [("On staged video, whose truth is known", staged_facts(card)), ("On generated video", generated_facts(card))]

    def card_faults(self, card: JudgeCard) -> list[Fault]:
        """Return how well each fault is detected, the worst first."""
        return faults_of(card)

    def data(self, galleries: Mapping[str, Gallery]) -> dict[str, Any]:
        """Return what the index page's script needs to re-slice, to change the reference, and for the grids of `galleries`."""
        return {
            "groups": {
                group.anchor: {**self._group_data(group), "gallery": galleries[group.anchor].data} for group in self.groups
            }
        }

    def gallery(self, group: Group, seen: Mapping[SampleKey, Sequence[Glimpse]]) -> Gallery:
        """Return the grid of a group; `seen` are the videos of each sample, as their pages show them."""
        bench = group.comparability.bench
        named = {
            sample_id: (self.samples[bench, sample_id][0], self.names[bench, sample_id], self.href(group, sample_id))
            for sample_id in group.sample_ids
        }
        return make_gallery(group, named, {key[1]: items for key, items in seen.items() if key[0] == bench}, single=self.single)

    def twin_shots(self, group: Group, gallery: Gallery) -> tuple[TwinShot, ...]:
        """Return the pairs of twins, side by side."""
        return twin_shots(group, gallery)

    def _group_data(self, group: Group) -> dict[str, Any]:
        def cells(estimates: Sequence[Any]) -> list[list[float | int | None] | None]:
            return [
                None
                if item is None
                else [item.mean, item.low, item.high, item.prompts, item.coverage, item.open, *(item.bounds or (None, None))]
                for item in estimates
            ]

        axis = self.axes[group.anchor]
        return {
            "axis": [axis.low, axis.high],
            "bound": bool(group.partial),
            "models": [row.label for row in group.rows],
            "all": cells([row.main for row in group.rows]),
            "slices": [cells(item.estimates) for item in group.slices],
            "deltas": [
                [delta_text(group, place, reference) for place in range(len(group.rows))] for reference in range(len(group.rows))
            ],
        }


def make_report(folders: Sequence[Path], options: ReportOptions, *, single: bool, command: str) -> Report:
    """Read runs and everything shown with them. Raises UsageError and RecordError for what cannot be read."""
    runs = load_runs(folders)
    groups = make_groups(runs, read_cards(options.cards or find_cards(folders)))
    tables = published_tables(options.published)
    samples: dict[SampleKey, tuple[Sample, tuple[LoadedRun, ...]]] = {}
    for group in groups:
        for row in group.rows:
            for sample_id, sample in row.run.samples.items():
                key = (group.comparability.bench, sample_id)
                first, members = samples.get(key, (sample, ()))
                samples[key] = (first, (*members, row.run))
    benches = list(dict.fromkeys(bench for bench, _ in samples))
    plain = {key: key[1] if key[0] == benches[0] else f"{key[1]} {short(key[0])}" for key in samples}
    files = file_names(plain.values())
    return Report(
        title=options.title or title_of(runs),
        summary=summary_of(runs, groups),
        command=command,
        groups=groups,
        runs=tuple(runs),
        samples=samples,
        names={key: files[text] for key, text in plain.items()},
        references={group.anchor: _reference(group, options.reference) for group in groups},
        columns=_known_columns(read_columns(options.columns, {key for _, key in samples}), runs),
        published=tables,
        single=single,
        axes={group.anchor: _board_axis(group, tables) for group in groups},
        spreads={group.anchor: axis_over([value for row in group.rows for value in row.prompts.values()]) for group in groups},
    )


def delta_text(group: Group, place: int, reference: int) -> tuple[str, str]:
    """Return a row's paired difference to the reference and its interval, as text; the interval is empty where there is none."""
    if place == reference:
        return "reference", ""
    for pair in group.pairs:
        if {pair.first, pair.second} == {place, reference}:
            main = pair.main
            if main.difference is None:
                return "no shared prompt", ""
            sign = 1 if pair.second == place else -1
            ends = [] if main.low is None or main.high is None else sorted((sign * main.low, sign * main.high))
            mark = "*" if main.unanswered else ""
            return signed(sign * main.difference) + mark, _between(ends)
    return "not compared", ""


def _between(ends: Sequence[float]) -> str:
    if not ends:
        return ""
    return "no spread" if ends[1] - ends[0] < SPREADLESS else f"[{num(ends[0])}, {num(ends[1])}]"


def _reference(group: Group, wanted: str) -> int:
    """Return the place of the row whose label or model name was asked for; the first without a wish or a match."""
    names = [(row.label, row.run.header.model) for row in group.rows]
    return next((place for place, both in enumerate(names) if wanted in both), 0)


def check_reference(report: Report, wanted: str) -> None:
    """Raise UsageError where no run is called `wanted`."""
    known = sorted({row.label for group in report.groups for row in group.rows})
    models = {row.run.header.model for group in report.groups for row in group.rows}
    if wanted and wanted not in models and wanted not in known:
        raise UsageError(f"--reference {wanted!r}: no run is of that model; there are {', '.join(known)}")


def _known_columns(columns: Columns, runs: Sequence[LoadedRun]) -> Columns:
    """Refuse columns of models that no run is of: a misspelt name would drop them silently."""
    known = {name for run in runs for name in (run.label, run.header.model)}
    owners = {*columns.by_model, *(owner for owner, _ in columns.by_sample if owner)}
    unknown = sorted(owners - known)
    if unknown:
        raise UsageError(f"--columns: no run is of model {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return columns


def _board_axis(group: Group, tables: Sequence[PublishedTable]) -> Axis:
    ends = [end for row in group.rows for end in (row.main.mean, row.main.low, row.main.high) if end is not None]
    ends += [row.metrics["if"] for table in tables for row in table.rows if "if" in row.metrics]
    # No score is above 1, though a t interval may reach beyond; the axis ends where the scale does.
    floor = min(ends, default=0.0) if group.comparability.profile is Profile.PAPER else 0.0
    return axis_over([min(max(end, floor), 1.0) for end in ends], narrow=True)
