"""Runs reduced to what comparing needs, read from run folders or from stored baselines.

A baseline is one JSON file that a repository keeps: the run's header without machine paths, the samples' clusters and labels,
and one score a line without its evidence, so that a diff shows which videos moved.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import ComparabilityError, StoreError, UsageError
from intergeneval.gate.run_scores import of_before, run_twins, written_scores
from intergeneval.ids import canonical_json
from intergeneval.records import Completeness, Profile, Record, RunHeader, Sample, Score, TwinScore
from intergeneval.records.codec import LATER
from intergeneval.records.disk import read_json
from intergeneval.stats import ScoreTable, allowed_unscored, clusters_of, completeness, labels_of
from intergeneval.store import HEADER, RunStore, write_atomically

BASELINES = Path("reports/baselines")
"""Where baselines are kept, relative to the repository that uses them."""
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
_SCORE_FIELDS = (
    *("sample_id", "seed", "status", "kisa_raw", "sgi_raw", "spi", "kisa", "sgi", "if", "partial"),
    *("kisa_bounds", "sgi_bounds", "spi_bounds", "if_bounds", "emergence_bounds", "disappearance_bounds", "plausibility_bounds"),
    *("open", "video"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRun(Record):
    """A run as far as comparisons look."""

    header: RunHeader
    """How the run was made."""
    clusters: Mapping[str, str]
    """Sample id -> cluster."""
    labels: Mapping[str, tuple[tuple[str, str], ...]]
    """Sample id -> the slices it falls into, as (dimension, label)."""
    scores: tuple[Score, ...]
    """One score a video."""
    twins: tuple[TwinScore, ...] = field(default=(), metadata=LATER)
    """One score a pair of twins and seed; empty where the benchmark has no twins."""

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.header.model

    @property
    def profile(self) -> Profile:
        """The profile it was scored under."""
        return self.header.comparability.profile

    @property
    def bounded(self) -> bool:
        """Whether its scores say how far missing answers may move them."""
        return any(score.if_bounds is not None for score in self.scores)

    def is_same(self, other: ScoredRun) -> bool:
        """Whether both are one run, by how and when it was begun: then what neither has seen is one thing."""
        mine, theirs = self.header, other.header
        return bool(mine.created) and (mine.created, mine.key, mine.source_hash) == (
            theirs.created,
            theirs.key,
            theirs.source_hash,
        )

    def completeness(self) -> Completeness:
        """Return how much of the run is scored, by the share that the run itself allowed."""
        return completeness(self.scores, tuple(self.clusters), self.header.seeds, allowed_unscored(self.header))


def read_run(folder: Path) -> ScoredRun:
    """Read a run folder. Raises UsageError where it is none or holds no scores, RecordError where a line is damaged."""
    store = RunStore.open(folder)
    scores, header = written_scores(store)
    if not scores:
        raise UsageError(f"{folder}: has no scores yet; finish it with the same `intergeneval run` command")
    samples = store.read("samples", Sample)
    return ScoredRun(
        header=header,
        clusters=clusters_of(samples),
        labels=labels_of(samples),
        scores=ScoreTable(scores),
        twins=run_twins(store, scores, samples),
    )


def find_baseline(name: str, root: Path = BASELINES) -> ScoredRun:
    """Read a baseline by what a user may call it: a run folder, a baseline file, or the name of a stored baseline.

    Raises UsageError naming the baselines that exist where it is none of these.
    """
    path = Path(name)
    stored = root / f"{name}.json"
    # A folder that happens to be called like a stored baseline, such as main, must not hide it.
    if is_run_folder(path):
        return read_run(path)
    if path.is_file():
        return read_baseline(path)
    if _NAME.match(name) and stored.is_file():
        return read_baseline(stored)
    if path.is_dir():
        return read_run(path)
    known = ", ".join(sorted(item.stem for item in root.glob("*.json"))) if root.is_dir() else ""
    raise UsageError(
        f"--baseline {name}: no run folder, no file, and no baseline stored in {root} ({known or 'there are none'});"
        " store one with `intergeneval gate RUN --baseline NAME --update`"
    )


def read_baseline(path: Path) -> ScoredRun:
    """Read a baseline file. Raises RecordError naming file and field, UsageError where it cannot be read."""
    try:
        value = read_json(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    found = ScoredRun.from_json(value, where=str(path))
    return found if found.bounded else dataclasses.replace(found, header=of_before(found.header))


def write_baseline(run: ScoredRun, name: str, root: Path = BASELINES) -> Path:
    """Store a run under a name and return the file. The same run gives the same bytes.

    Raises UsageError for a name that is not letters, digits, dots, dashes and underscores, StoreError when it cannot be written.
    """
    if not _NAME.match(name):
        raise UsageError(f"--baseline {name!r}: the name of a stored baseline is letters, digits, '.', '-' and '_'")
    path = root / f"{name}.json"
    try:
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(path, baseline_text(run))
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None
    return path


def baseline_text(run: ScoredRun) -> str:
    """Return the baseline as JSON text, one score a line in the order of sample and seed."""
    # Command, settings and source hold paths of the machine that ran it; none of them bears on a comparison.
    kept = {name: value for name, value in run.header.config.items() if name == "allowed_unscored"}
    kind = run.header.source.partition(":")[0]
    header = dataclasses.replace(run.header, config=kept, command="", source=kind)
    scores = sorted(run.scores, key=lambda score: (score.sample_id, score.seed))
    lines = ",\n  ".join(canonical_json(_compact(score)) for score in scores)
    rest = {"header": header, "clusters": run.clusters, "labels": run.labels}
    parts = [f' "{name}": {canonical_json(_plain(value))}' for name, value in rest.items()]
    text = "{\n" + ",\n".join(parts) + f',\n "scores": [\n  {lines}\n ]'
    if run.twins:
        twins = sorted(run.twins, key=lambda item: (item.pair, item.seed))
        text += ',\n "twins": [\n  ' + ",\n  ".join(canonical_json(item.to_json()) for item in twins) + "\n ]"
    return text + "\n}\n"


def check_comparable(runs: Sequence[ScoredRun], across: Sequence[str] = ()) -> dict[str, tuple[Any, ...]]:
    """Return the fields in which runs differ and may, by `across`, with each run's value.

    Raises ComparabilityError naming every other field that differs, with its values, and where a run shares no (sample, seed)
    with the first; UsageError for `across` with ``partial``, since upper bounds are never compared with full scores.
    """
    if "partial" in across:
        what = "score both runs with a detector, and under profile informative with --consistency judge"
        raise UsageError(f"--across partial: upper bounds are never compared with full scores; {what}")
    first = runs[0].header.comparability
    differing = dict.fromkeys(name for run in runs[1:] for name in first.differences(run.header.comparability))
    values = {name: tuple(run.header.comparability.to_json()[name] for run in runs) for name in differing}
    refused = [name for name in differing if name not in across]
    if refused:
        said = "; ".join(f"{name}: {' / '.join(_shown(value) for value in values[name])}" for name in refused)
        way_out = "" if "partial" in refused else "; only `intergeneval compare --across FIELD` compares such runs"
        raise ComparabilityError(f"the runs were not made alike, these fields differ: {said}{way_out}")
    for run in runs[1:]:
        _check_shared(runs[0], run)
    return values


def _check_shared(first: ScoredRun, second: ScoredRun) -> None:
    """Raise ComparabilityError where two runs share no (sample, seed), naming the seeds of both."""
    if {(score.sample_id, score.seed) for score in first.scores} & {(score.sample_id, score.seed) for score in second.scores}:
        return
    if not {score.sample_id for score in first.scores} & {score.sample_id for score in second.scores}:
        raise ComparabilityError(f"{first.name} and {second.name} have no sample in common, so there is nothing to compare")
    seeds = [", ".join(map(str, sorted({score.seed for score in run.scores}))) for run in (first, second)]
    raise ComparabilityError(
        f"no sample has a seed that both runs hold: {first.name} has seeds {seeds[0]}, {second.name} has seeds {seeds[1]};"
        " videos are paired by sample and seed, so make both with the same seeds"
    )


def common_clusters(runs: Sequence[ScoredRun]) -> dict[str, str]:
    """Return the clusters of all runs' samples. Raises ComparabilityError where a sample's cluster is not the same in all."""
    found: dict[str, str] = {}
    for run in runs:
        for sample_id, cluster in run.clusters.items():
            if found.setdefault(sample_id, cluster) != cluster:
                raise ComparabilityError(
                    f"sample {sample_id!r} belongs to {found[sample_id]} in one run and to {cluster} in {run.name};"
                    " the runs' benchmarks group their samples differently"
                )
    return found


def named(runs: Sequence[ScoredRun], places: Sequence[str]) -> list[str]:
    """Return a name for each run: its model's, with the place it was read from where models share a name."""
    models = [run.name for run in runs]
    return [name if models.count(name) == 1 else f"{name} ({place})" for name, place in zip(models, places, strict=True)]


def is_run_folder(path: Path) -> bool:
    """Whether a path is a run folder."""
    return (path / HEADER).is_file()


def _compact(score: Score) -> dict[str, Any]:
    value = score.to_json()
    return {name: value[name] for name in _SCORE_FIELDS if value.get(name) is not None and value[name] != []}


def _plain(value: Any) -> Any:
    return value.to_json() if isinstance(value, Record) else value


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."
