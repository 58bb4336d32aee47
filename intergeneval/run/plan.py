"""What a run is to do, settled without side effects: to make a plan asks no judge, pays nothing and writes nothing.

A plan knows everything about a run but the questions that a judge has yet to word (``unknown_verbs = "judge"``); key, header and
folder follow once those are there, and at once where there are none. A run keeps the version of the question templates that it
began with: one of version 1 knows nothing of the optional fields of interactions, and goes on as if there were none.

What is named by a hub id is looked up on the hub, since the revision of a model stands in the key; a base pipeline named so
(``matrix:OWNER/NAME``) must be there, and is fetched.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from intergeneval import provenance, questions
from intergeneval.bench import Benchmark, Fit
from intergeneval.config import RunConfig
from intergeneval.errors import ConfigError, RecordError, UsageError
from intergeneval.ids import sha256_json, sha256_json_beside, short
from intergeneval.judges import Judge, bodies_revision, omits, revision_of
from intergeneval.judges.services import CostEstimate
from intergeneval.plugins import secrets, split_spec
from intergeneval.records import CONTROL_ID, RUN_SCHEMA, Comparability, Profile, Question, RunHeader, Sample
from intergeneval.run.backends import Backends
from intergeneval.run.drawn_masks import check_drawn, drawn_fits
from intergeneval.run.preflight import (
    FirstFrameMasks,
    check_benchmark,
    check_judge,
    check_videos,
    first_frame_finder,
    model_name,
    resolve,
    seeds_of,
)
from intergeneval.sources import GivesFirstFrames
from intergeneval.store import HEADER, RunStore
from intergeneval.videos import sample_frames

TYPICAL_FRAMES = 12
"""Frames a judge sees of a video whose length is not known yet, for estimates: about 11 are sampled at any length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What follows from a plan once all its questions are worded."""

    questions: Mapping[str, tuple[Question, ...]]
    """Sample id -> its questions."""
    header: RunHeader
    """How the run is made, with its comparability key."""
    folder: Path
    """The run folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run as its settings describe it."""

    config: RunConfig
    """The settings, with every ``auto`` settled."""
    whole: Benchmark
    """The benchmark."""
    bench: Benchmark
    """The part of it that is run."""
    backends: Backends
    """The plug-ins."""
    grounding: str
    """How instances are found in the first frames of a text-to-video model; empty where masks are given."""
    command: tuple[str, ...]
    """The command line, for the header."""
    templated: Mapping[str, tuple[Question, ...]]
    """Sample id -> its questions as templates word them, whoever words them in the end."""
    version: int
    """Version of the question templates."""
    masks: FirstFrameMasks
    """First-frame masks: the model's own, or the benchmark's."""
    drawn: Mapping[tuple[str, int], Fit]
    """(sample, seed) -> whether masks that a person drew are of that video, looked at once."""
    settled: Settled | None
    """Questions, header and folder; None while questions are still to be worded."""

    @classmethod
    def of(cls, config: RunConfig, command: Sequence[str] = (), judge: Judge | None = None) -> Self:
        """Settle what is to be run and check that it can be. Raises UsageError and its kin.

        `judge` is one that another run of the same settings has built, so that weights are loaded once.
        """
        _check_secrets(config)
        config, whole = resolve(config)
        sample_frames(2, config.sampling)
        bench = whole.narrow(ids=config.samples or None, limit=config.limit)
        backends = Backends.build(config, whole.root)
        if judge is not None:
            backends = replace(backends, judge=judge)
        check_judge(config, backends, bench)
        check_videos(backends, whole)
        masks = FirstFrameMasks.of_run(config, backends, whole, bench)
        model = model_name(config, backends)
        drawn = drawn_fits(backends.source, whole, model, masks.sets, masks.videos)
        check_drawn(whole, model, drawn)
        finder = first_frame_finder(config, backends, bench, masks.lacking)
        check_benchmark(bench, masks.lacking, needs_masks=split_spec(config.tracker)[0] != "stored")
        plan = cls(
            config=config,
            whole=whole,
            bench=bench,
            backends=backends,
            grounding=finder.method if finder is not None else "",
            command=tuple(command),
            templated={},
            version=questions.NEWEST,
            masks=masks,
            drawn=drawn,
            settled=None,
        ).at_version(config.templates or begun_with(config.out) or questions.NEWEST)
        if plan.settled is not None and not plan.begun:
            plan = next((earlier for earlier in plan.begun_here() if earlier.begun), plan)
        if not plan.begun:
            # A run that goes on looks only at the masks of videos it still has to track.
            masks.check(masks.videos)
        return plan

    def at_version(self, version: int) -> Self:
        """Return the plan as a run with templates of that version has it. Raises ConfigError where there is none."""
        templates = questions.embedded(version)
        bench = self.bench.plain if version == questions.VERSIONS[0] else self.bench
        plan = replace(
            self,
            whole=self.whole.plain if version == questions.VERSIONS[0] else self.whole,
            bench=bench,
            templated=_Templated(bench.samples, lambda sample: self._asked_of(sample, templates)),
            version=version,
            settled=None,
        )
        if plan.to_word:
            # What is wrong with a benchmark is told before a judge is paid for words.
            return replace(plan, templated=dict(plan.templated))
        return replace(plan, settled=plan.with_questions(plan.templated))

    def _asked_of(self, sample: Sample, templates: questions.Templates) -> tuple[Question, ...]:
        made = questions.questions_for(sample, templates, profile=self.config.profile, controls=self.config.controls)
        return tuple(item for item in made if not omits(self.backends.judge, item))

    @property
    def begun(self) -> bool:
        """Whether the run folder is there already."""
        return self.settled is not None and (self.settled.folder / HEADER).exists()

    def begun_here(self) -> Iterator[Self]:
        """Give the plan at every version whose run may have been begun in a folder that its key names, newest first.

        Only versions with which a run of this model and benchmark was begun: a judge that words questions may have to be asked
        before the key is known, and nobody pays for words of a run that there is not.
        """
        if self.config.out or self.config.templates:
            return
        known = {_version_of(folder) for folder in runs_of(model_name(self.config, self.backends), self.whole.name)}
        for version in reversed(questions.VERSIONS):
            if version <= self.version and known & {version, None}:
                yield self.at_version(version)

    @property
    def to_word(self) -> tuple[tuple[Sample, int], ...]:
        """The interactions, as (sample, index), whose questions the judge is to word when the run begins."""
        if self.config.unknown_verbs != "judge":
            return ()
        return tuple(
            (sample, index) for sample in self.bench.samples for index in questions.unknown_interactions(sample, self.version)
        )

    def with_questions(self, asked: Mapping[str, tuple[Question, ...]]) -> Settled:
        """Return questions, header and folder, given the questions of every sample."""
        header = self._header(asked)
        return Settled(
            questions=asked, header=header, folder=Path(self.config.out) if self.config.out else _default_folder(header)
        )

    def seeds(self, sample: Sample) -> Sequence[int]:
        """Return the seeds of a sample that are scored."""
        return seeds_of(self.config, self.backends, sample)

    def estimate(self) -> CostEstimate | None:
        """Return what the judge may take for the whole run, with nothing done or cached yet; None for one that costs nothing."""
        judge = self.backends.judge
        estimate = getattr(judge, "estimate", None)
        if estimate is None:
            return None
        seeds = {sample.id: len(self.seeds(sample)) for sample in self.bench.samples}
        asked = sum(count * len(self.templated[name]) for name, count in seeds.items())
        # Not every judge takes the last one.
        parts = {"assess": self.config.consistency == "judge", **({"bodies": True} if self._bodies else {})}
        found: CostEstimate | None = estimate(sum(seeds.values()), asked, TYPICAL_FRAMES, **parts)
        # What is asked in equal words comes from the cache the second time.
        words = tuple(dict.fromkeys(questions.words_of(sample, index) for sample, index in self.to_word))
        if found is None or not words:
            return found
        wording = getattr(judge, "estimate_wording", None)
        more: CostEstimate | None = wording(words) if wording is not None else None
        if more is None:
            unknown = f"{len(words)} of the requests word questions, and what they take is not known"
            more = CostEstimate(requests=len(words), input_tokens=0, output_tokens=0, cost=None, basis=unknown)
        return more.after(found)

    @property
    def _bodies(self) -> bool:
        """Whether the judge is asked to mark bodies that cannot be."""
        asked = self.config.profile is Profile.INFORMATIVE and self.config.consistency == "judge"
        return asked and bool(bodies_revision(self.backends.judge))

    def _header(self, asked: Mapping[str, tuple[Question, ...]]) -> RunHeader:
        config, backends, whole = self.config, self.backends, self.whole
        templates = questions.templates_hash(questions.embedded(self.version))
        # Controls count for no score, so runs with and without them may be compared.
        scored = (item for sample in self.bench.samples for item in asked[sample.id] if item.question_id != CONTROL_ID)
        worded = (question.to_json() for question in scored)
        chosen = [sample.id for sample in self.bench.samples]
        narrowed = self.bench.samples != whole.samples
        if config.consistency == "judge":
            detector = f"judge {backends.judge.id}"
        else:
            detector = backends.detector.id if backends.detector else "none"
        unmarked = config.profile is Profile.INFORMATIVE and not self._bodies
        own_hash, geometry = self.masks.own_hash, self._geometry()
        comparability = Comparability(
            bench=whole.hash,
            questions=sha256_json_beside(worded, templates),
            judge=backends.judge.id,
            judge_revision=revision_of(backends.judge, bodies=self._bodies),
            tracker=backends.tracker.id + (f", first frame: {self.grounding}" if self.grounding else ""),
            detector=detector,
            sampling=config.sampling,
            profile=config.profile,
            samples=f"{len(chosen)} of {len(whole.samples)}: {short(sha256_json(chosen))}" if narrowed else "all",
            partial=(*(("emergence",) if detector == "none" else ()), *(("plausibility",) if unmarked else ())),
        )
        return RunHeader(
            schema=RUN_SCHEMA,
            model=model_name(config, backends),
            source=_source(config.model),
            source_hash=sha256_json([backends.source.describe(), config.fit, *(item for item in (own_hash, geometry) if item)]),
            bench=whole.name,
            bench_version=whole.version,
            samples=len(chosen),
            bench_samples=len(whole.samples),
            seeds=config.seeds,
            comparability=comparability,
            key=comparability.key,
            config=config.to_json(),
            versions=provenance.versions(),
            commit=provenance.commit(Path.cwd()),
            command=provenance.redact(self.command),
            created=provenance.now(),
            templates=templates,
            own_masks=self.masks.own_names,
            own_masks_hash=own_hash,
            geometry=geometry,
        )

    def _geometry(self) -> str:
        """Return how first frames of another shape than the model's videos are given to it; empty where there are none."""
        source = self.backends.source
        if not isinstance(source, GivesFirstFrames):
            return ""
        ways = (source.geometry(sample) for sample in self.bench.samples if sample.image is not None)
        return "; ".join(sorted({way.geometry() for way in ways if way is not None} - {""}))


class _Templated(Mapping[str, tuple[Question, ...]]):
    """The questions of each sample, worded by templates whenever they are asked for: that costs less than to hold them all."""

    def __init__(self, samples: Iterable[Sample], asked: Callable[[Sample], tuple[Question, ...]]) -> None:
        self._samples = {sample.id: sample for sample in samples}
        self._asked = asked

    def __getitem__(self, name: str) -> tuple[Question, ...]:
        """Return the questions of a sample."""
        return self._asked(self._samples[name])

    def __iter__(self) -> Iterator[str]:
        """Give the ids of the samples, in their order."""
        return iter(self._samples)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._samples)


def runs_of(model: str, benchmark: str) -> Iterator[Path]:
    """Give the run folders of a model and a benchmark, by their names, where runs lie that were told no folder."""
    yield from (path.parent for path in _place(model).glob(f"{glob.escape(benchmark)}-*/{HEADER}"))


def begun_with(out: str) -> int | None:
    """Return the version of the question templates of the run in that folder; None where there is none, or of other templates.

    Raises UsageError and RecordError for a damaged header.
    """
    if not out or not (Path(out) / HEADER).exists():
        return None
    began = RunStore.open(Path(out)).header.templates
    versions = {questions.templates_hash(questions.embedded(version)): version for version in questions.VERSIONS}
    return versions.get(began)


def _version_of(folder: Path) -> int | None:
    try:
        return begun_with(str(folder))
    except (UsageError, RecordError):
        # Whether it is this run is not known yet; if it is, opening it says what is wrong with it.
        return None


def _source(spec: str) -> str:
    """Return the source as the header names it: a path in one spelling, so that ``./videos`` and ``videos`` are one model."""
    kind, argument = split_spec(spec)
    return f"{kind}:{os.path.normpath(argument)}" if Path(argument).exists() else spec


def _place(model: str) -> Path:
    name = "".join(character if character.isalnum() or character in "-_." else "-" for character in model).strip(".-")
    return Path("runs") / (name or "model")


def _default_folder(header: RunHeader) -> Path:
    return _place(header.model) / f"{header.bench}-{short(header.key)}"


def _check_secrets(config: RunConfig) -> None:
    """Raise ConfigError where a setting, whatever it is called, holds a key: all settings are stored in the run folder."""
    told = [table.get("key_variable") for table in config.settings.values()]
    known = secrets.surely(more=[name for name in told if isinstance(name, str)])
    if (place := secrets.place_of(config.to_json(), known)) is not None:
        raise ConfigError(f"{place}: holds a secret of the environment, and would be stored in the run folder; take it out")
