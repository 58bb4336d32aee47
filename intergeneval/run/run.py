"""The run: every video of a source through the stages, over a run folder that can be stopped and gone on with anywhere."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intergeneval import provenance, questions, scores
from intergeneval.bench import Benchmark
from intergeneval.config import RunConfig
from intergeneval.errors import BudgetError
from intergeneval.ids import sha256_json, short
from intergeneval.judges import Judge
from intergeneval.judges.inquiries import Inquires
from intergeneval.judges.services import CostEstimate
from intergeneval.plugins import split_spec
from intergeneval.records import (
    RUN_SCHEMA,
    Answer,
    Comparability,
    Consistency,
    Profile,
    Question,
    RunHeader,
    Sample,
    Score,
    ScoreStatus,
    Video,
)
from intergeneval.run.job import Backends, Job, Outcome, Pending, Result
from intergeneval.run.judge_services import JudgeServices
from intergeneval.run.judge_stage import JudgeStage, concurrency
from intergeneval.run.manifest import write_manifest
from intergeneval.run.preflight import FirstFrameMasks, check_benchmark, check_judge, resolve
from intergeneval.run.processes import run_in_processes, usable_cores
from intergeneval.run.resume import RunState
from intergeneval.run.video import VideoPipeline, first_frame
from intergeneval.store import HEADER, RunStore, RunWriter
from intergeneval.videos import sample_frames

MAX_WORKERS = 8
TYPICAL_FRAMES = 12
"""Frames a judge sees of a video whose length is not known yet, for estimates: about 11 are sampled at any length."""
UNSCORED = frozenset({ScoreStatus.MISSING, ScoreStatus.UNDECODABLE, ScoreStatus.UNANSWERED})
"""Statuses that count toward exit code 3: an error or an absent video, not what geometry cannot know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is, after each video."""

    done: int
    """Videos finished by this call."""
    total: int
    """Videos this call has to do."""
    seconds: float
    """Since the first began."""
    result: Result
    """What came last of the one just finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run ended with."""

    store: RunStore
    """The run folder."""
    scores: tuple[Score, ...]
    """All scores in benchmark order; empty for a shard, which only collects."""
    unscored: tuple[Score, ...]
    """Those that count toward an incomplete run."""
    complete: bool
    """Whether the unscored share is within what is allowed."""
    observed: int
    """Videos on which anything was done in this call."""
    stopped: str = ""
    """Why the run stopped before its last video; empty when it did not."""


class Run:
    """One run, from settings to scores.

    The constructor settles what is to be run and checks that it can be: benchmark, backends, comparability key and folder. It
    raises UsageError and its kin; nothing has been written then. `judge` is one that another run of the same settings has built,
    so that weights are loaded once; it serves runs in this process only.
    """

    def __init__(self, config: RunConfig, command: Sequence[str] = (), judge: Judge | None = None) -> None:
        config, whole = resolve(config)
        sample_frames(2, config.sampling)
        self.bench = whole.narrow(ids=config.samples or None, limit=config.limit)
        self.config = config
        self._backends = Backends.build(config, whole.root)
        if judge is not None:
            self._backends = replace(self._backends, judge=judge)
        check_judge(config, self._backends, self.bench)
        found = first_frame(config, self._backends, self.bench)
        self._grounding = found.method if found is not None else ""
        self._services = JudgeServices(config, self._backends.judge)
        try:
            self.questions = {sample.id: self._services.questions_for(sample) for sample in self.bench.samples}
        finally:
            self._services.close()
        check_benchmark(self.bench, needs_masks=split_spec(config.tracker)[0] != "stored")
        self.header = self._header(whole, command)
        self.folder = Path(config.out) if config.out else _default_folder(self.header)
        self._masks = FirstFrameMasks(self.bench)
        if not (self.folder / HEADER).exists():
            # A run that goes on looks only at those of videos it still has to track.
            self._masks.check(self.bench.samples)

    @property
    def judge(self) -> Judge:
        """The judge of this run."""
        return self._backends.judge

    def _header(self, whole: Benchmark, command: Sequence[str]) -> RunHeader:
        asked = [question.to_json() for sample in self.bench.samples for question in self.questions[sample.id]]
        backends, narrowed = self._backends, self.bench.samples != whole.samples
        chosen = [sample.id for sample in self.bench.samples]
        if self.config.consistency == "judge":
            detector = f"judge {backends.judge.id}"
        else:
            detector = backends.detector.id if backends.detector else "none"
        comparability = Comparability(
            bench=whole.hash,
            questions=sha256_json([asked, questions.templates_hash()]),
            judge=backends.judge.id,
            judge_revision=backends.judge.revision,
            tracker=backends.tracker.id + (f", first frame: {self._grounding}" if self._grounding else ""),
            detector=detector,
            sampling=self.config.sampling,
            profile=self.config.profile,
            samples=f"{len(chosen)} of {len(whole.samples)}: {short(sha256_json(chosen))}" if narrowed else "all",
            partial=("emergence",) if detector == "none" else (),
        )
        return RunHeader(
            schema=RUN_SCHEMA,
            model=self.config.name or backends.source.name,
            source=_source(self.config.model),
            source_hash=sha256_json([backends.source.describe(), self.config.fit]),
            bench=whole.name,
            bench_version=whole.version,
            samples=len(chosen),
            bench_samples=len(whole.samples),
            seeds=self.config.seeds,
            comparability=comparability,
            key=comparability.key,
            config=self.config.to_json(),
            versions=provenance.versions(),
            commit=provenance.commit(Path.cwd()),
            command=provenance.redact(command),
            created=provenance.now(),
            templates=questions.templates_hash(),
        )

    def execute(
        self, on_progress: Callable[[Progress], None] = lambda _: None, on_notice: Callable[[str], None] = lambda _: None
    ) -> RunResult:
        """Do what the run folder still lacks, then score everything in it.

        `on_notice` takes lines for the user, such as that a server asks to wait; it is called from several threads. Raises
        ComparabilityError when the folder holds another run, StoreError when it cannot be written.
        """
        store = RunStore.create(self.folder, self.header)
        first, count = self.config.shard_of()
        with store.writer(f"{first}-of-{count}" if count > 1 else "") as writer, self._services.lend(store, on_notice):
            if count == 1:
                store.merge_shards()
            state = RunState.read(store)
            writer.append("samples", [sample for sample in self.bench.samples if sample.id not in state.samples])
            writer.append("questions", self._new_questions(state))
            mine = self.bench.samples[first - 1 :: count]
            observed, stopped = self._see(mine, state, writer, on_progress)
        if count > 1:
            return RunResult(store=store, scores=(), unscored=(), complete=True, observed=observed, stopped=stopped)
        scored = score_run(store, self.bench.samples)
        store.write_scores(scored)
        write_manifest(store)
        unscored = tuple(score for score in scored if score.status in UNSCORED)
        complete = len(unscored) <= self.config.allowed_unscored * len(scored) and not stopped
        return RunResult(
            store=store, scores=tuple(scored), unscored=unscored, complete=complete, observed=observed, stopped=stopped
        )

    def estimate(self) -> CostEstimate | None:
        """Return what the judge may take for the whole run, with nothing done or cached yet; None for one that costs nothing."""
        estimate = getattr(self._backends.judge, "estimate", None)
        if estimate is None:
            return None
        seeds = {sample.id: len(self._seeds(sample)) for sample in self.bench.samples}
        asked = sum(count * len(self.questions[name]) for name, count in seeds.items())
        assess = self.config.consistency == "judge"
        found: CostEstimate = estimate(sum(seeds.values()), asked, TYPICAL_FRAMES, assess=assess)
        return found

    def _seeds(self, sample: Sample) -> Sequence[int]:
        return self._backends.source.seeds(sample, self.config.seeds) or self.config.seeds or (0,)

    def _new_questions(self, state: RunState) -> Iterator[Question]:
        for asked in self.questions.values():
            yield from (
                question
                for question in asked
                if (question.sample_id, question.interaction, question.question_id) not in state.questions
            )

    def _see(
        self, samples: Sequence[Sample], state: RunState, writer: RunWriter, on_progress: Callable[[Progress], None]
    ) -> tuple[int, str]:
        """Bring every video through the stages; return on how many anything was done, and why the run stopped early."""
        jobs = [state.job(sample, seed, self.questions[sample.id]) for sample in samples for seed in self._seeds(sample)]
        self._masks.check(job.sample for job in jobs if job.tracks is None)
        jobs = [job if job.tracks is not None else replace(job, masks=self._masks.of(job.sample)) for job in jobs]
        recorder = _Recorder(writer, len(jobs), on_progress)
        threads = concurrency(self._backends.judge)
        stopped = self._judge_in_threads(jobs, recorder, threads) if threads else ""
        if not threads:
            for outcomes in self._outcomes(jobs):
                recorder.take(outcomes)
        return len(recorder.touched), stopped

    def _judge_in_threads(self, jobs: Sequence[Job], recorder: _Recorder, threads: int) -> str:
        """Bring videos through the other stages while threads ask the judge; return why that stopped early."""
        lock, limit = threading.Lock(), ""
        stage = JudgeStage(self._backends.judge, threads, lock, recorder.finish)
        try:
            for outcomes in self._outcomes(jobs):
                with lock:
                    pending = recorder.take(outcomes)
                if pending is not None and not stage.submit(pending):
                    break
        except BudgetError as error:
            # Raised while instances were looked for in a first frame; what is in line may still be asked as far as it goes.
            limit = str(error)
        except BaseException:
            stage.abandon()
            raise
        try:
            stage.finish()
        except BaseException:
            stage.abandon()
            raise
        return stage.stopped or limit

    def _outcomes(self, jobs: Sequence[Job]) -> Iterator[tuple[Outcome, ...]]:
        """Give the outcomes of each video as they come; here when one worker is enough or a backend must not be shared."""
        backends = self._backends
        seeing = [backends.source, backends.tracker, backends.detector]
        used = [*seeing, *([] if concurrency(backends.judge) else [backends.judge])]
        shareable = all(getattr(backend, "parallel", True) for backend in used)
        if self._grounding and isinstance(backends.judge, Inquires) and concurrency(backends.judge):
            # The judge that verifies first frames lives in this process, with its cache and its cost limit.
            shareable = False
        workers = min(self.config.workers or min(usable_cores(), MAX_WORKERS), len(jobs)) if shareable else 1
        if workers <= 1:
            pipeline = VideoPipeline(self.config, self.folder, backends, self.bench)
            for job in jobs:
                yield pipeline.run(job)
            return
        yield from run_in_processes(workers, (self.config, self.folder, self.bench), jobs)


def score_run(store: RunStore, samples: Sequence[Sample] | None = None, profile: Profile | None = None) -> list[Score]:
    """Score a run folder from its stage files, under its own profile or another; reads only."""
    found = scores.score_videos(
        samples if samples is not None else _unique(store.read("samples", Sample)),
        store.read("videos", Video),
        store.read("answers", Answer),
        store.read("consistency", Consistency),
        profile or store.header.comparability.profile,
        store.header.seeds,
    )
    # What a run leaves unassessed, it leaves so for every video, also for one that has no record of it.
    partial = store.header.comparability.partial
    return [
        replace(score, partial=tuple(sorted({*partial, *(score.partial if score.if_ is not None else ())}))) for score in found
    ]


def _unique(samples: Iterable[Sample]) -> list[Sample]:
    return list({sample.id: sample for sample in samples}.values())


def _source(spec: str) -> str:
    """Return the source as the header names it: a path in one spelling, so that ``./videos`` and ``videos`` are one model."""
    kind, argument = split_spec(spec)
    return f"{kind}:{os.path.normpath(argument)}" if Path(argument).exists() else spec


def _default_folder(header: RunHeader) -> Path:
    model = "".join(character if character.isalnum() or character in "-_." else "-" for character in header.model).strip(".-")
    return Path("runs") / (model or "model") / f"{header.bench}-{short(header.key)}"


class _Recorder:
    """Writes what videos give into the run folder and counts those that are finished."""

    def __init__(self, writer: RunWriter, total: int, on_progress: Callable[[Progress], None]) -> None:
        self.touched: set[tuple[str, int]] = set()
        self._writer = writer
        self._total = total
        self._tell = on_progress
        self._began = time.monotonic()
        self._finished = 0

    def take(self, outcomes: Sequence[Outcome]) -> Pending | None:
        """Write the result of one video, which is its last unless a judge is still to be asked: return what it is to be asked."""
        *results, last = outcomes
        for result in results:
            assert isinstance(result, Result)
            self._write(result)
        if isinstance(last, Pending):
            return last
        self.finish(last)
        return None

    def finish(self, result: Result) -> None:
        """Write the last that one video gives."""
        self._write(result)
        self._finished += 1
        seconds = time.monotonic() - self._began
        self._tell(Progress(done=self._finished, total=self._total, seconds=seconds, result=result))

    def _write(self, result: Result) -> None:
        """Append what one job made, in the order of the stages."""
        parts = {
            "truth": result.truth,
            "videos": result.video,
            "grounding": result.grounding,
            "tracks": result.tracks,
            "detections": result.detections,
            "consistency": result.consistency,
        }
        made = {stage: record for stage, record in parts.items() if record is not None}
        for stage, record in made.items():
            self._writer.append(stage, [record])
        self._writer.append("answers", result.answers)
        if made or result.answers:
            self.touched.add((result.sample_id, result.seed))
