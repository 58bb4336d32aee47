"""The run: every video of a source through the stages, over a run folder that can be stopped and gone on with anywhere."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from intergeneval.config import RunConfig, shard_name
from intergeneval.errors import BudgetError, ConfigError, RefusedError
from intergeneval.gate.run_scores import score_run, with_bytes
from intergeneval.judges import Defers, Judge
from intergeneval.judges.inquiries import Inquires
from intergeneval.records import MISSING, UNSCORED, DoubtedMask, Question, Sample, Score
from intergeneval.records import Outcome as Verdict
from intergeneval.records.remote import is_url
from intergeneval.run.carrying import carried
from intergeneval.run.deciding import Decision, Watch, write_decision
from intergeneval.run.doubting import found_doubts, given_doubts, write_doubts
from intergeneval.run.engine import Engine
from intergeneval.run.engines import engine_of
from intergeneval.run.gpus import environments, gpus
from intergeneval.run.job import Job, Outcome, Pending, Result
from intergeneval.run.judge_services import JudgeServices
from intergeneval.run.judge_stage import JudgeStage, concurrency
from intergeneval.run.manifest import write_manifest
from intergeneval.run.plan import Plan, Settled
from intergeneval.run.processes import exclusive, worker_count
from intergeneval.run.remote_out import RemoteOut
from intergeneval.run.resume import Jobs, RunState, replaced
from intergeneval.run.video import VideoPipeline
from intergeneval.run.video_setup import VideoSetup
from intergeneval.store import DOUBTS, RunStore, RunWriter

COUNTED = MISSING | UNSCORED
"""Statuses that count toward exit code 3: every video without a score, and every absent one."""


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
    refused: bool = False
    """Whether that is because the judge's server refuses everything by now; else it is the cost limit."""
    waiting: str = ""
    """What a judge that replies later has been asked, and when to come back; empty where nothing is under way."""
    decision: Decision | None = None
    """How it stands against the baseline that it was to be decided against; None where there was none. `scores` are then those
    of the videos that were looked at."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one pass over the videos came to."""

    samples: Sequence[Sample]
    """Whose videos were looked at."""
    stopped: str = ""
    """Why it stopped early; empty when it did not."""
    refused: bool = False
    """Whether that is because the judge's server refuses everything by now."""
    waiting: str = ""
    """What is still under way; empty where nothing is."""
    decision: Decision | None = None
    """What was decided on the way; None where nothing was to be, or where it ended before a look."""


class Run:
    """One run, from settings to scores.

    The constructor makes the plan, which settles what is to be run and checks that it can be. It raises UsageError and its kin;
    no judge has been asked, and nothing paid or written then. `judge` is one that another run of the same settings has built, so
    that weights are loaded once; it serves runs in this process only. `engine` is one that several runs share; whoever made it
    closes it.
    """

    def __init__(
        self,
        config: RunConfig,
        command: Sequence[str] = (),
        judge: Judge | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._remote = RemoteOut(config.out) if is_url(config.out) else None
        if self._remote is not None:
            config = replace(config, out=str(self._remote.folder))
        self.plan = Plan.of(config, command, judge)
        self._services = JudgeServices(self.plan.config, self.plan.backends.judge)
        self._settled = self.plan.settled
        self._engine = engine
        self._doubted: tuple[DoubtedMask, ...] | None = None

    @property
    def doubted(self) -> tuple[DoubtedMask, ...]:
        """What is doubted about the first-frame masks that are given, known before anything runs."""
        if self._doubted is None:
            self._doubted = given_doubts(self.plan)
        return self._doubted

    @property
    def judge(self) -> Judge:
        """The judge of this run."""
        return self.plan.backends.judge

    def settle(self, on_notice: Callable[[str], None] = lambda _: None) -> Settled:
        """Return questions, header and folder; a judge that is to word questions does so now, once.

        Raises BackendError when the judge fails, BudgetError at the cost limit.
        """
        if self._settled is None:
            # What was worded for a run that is there comes from the cache, so that to look for one costs nothing.
            begun = filter(lambda item: item.begun, (self._worded(old, on_notice) for old in self.plan.begun_here()))
            plan = next(begun, None) or self._worded(self.plan, on_notice)
            self.plan, self._settled = plan, plan.settled
        assert self._settled is not None
        return self._settled

    def _worded(self, plan: Plan, on_notice: Callable[[str], None]) -> Plan:
        asked = self._services.word(plan.bench.samples, plan.version, on_notice)
        return replace(plan, settled=plan.with_questions(asked))

    def execute(
        self, on_progress: Callable[[Progress], None] = lambda _: None, on_notice: Callable[[str], None] = lambda _: None
    ) -> RunResult:
        """Do what the run folder still lacks, then score everything in it, with what is doubted of masks beside the scores.

        `on_notice` takes lines for the user, such as that a server asks to wait; it is called from several threads. Raises
        ComparabilityError when the folder holds another run, StoreError when it cannot be written, RefusedError when the judge's
        server refuses the first requests for a cause that meets them all, and as `settle` does.
        """
        if self._remote is None:
            return self._execute(on_progress, on_notice)
        try:
            return self._execute(self._remote.telling(on_progress), on_notice)
        finally:
            self._remote.copy()

    def _execute(self, on_progress: Callable[[Progress], None], on_notice: Callable[[str], None]) -> RunResult:
        config, samples, settled = self.plan.config, self.plan.bench.samples, self.settle(on_notice)
        watch = self._watch(settled) if config.until_decided else None
        store = RunStore.create(settled.folder, settled.header)
        if self.doubted and not (store.folder / DOUBTS).exists():
            # A run that is stopped on its way has scores as well.
            write_doubts(store.folder, self.doubted)
        first, count = config.shard_of()
        shard = shard_name(first, count)
        with store.writer(shard) as writer, self._services.lend(store, on_notice, shard), self._own_engine():
            if count == 1:
                store.merge_shards()
            state = RunState.read(store)
            writer.append_all("samples", (sample for sample in samples if sample.id not in state.samples))
            writer.append_all("questions", _new_questions(settled, state))
            mine = samples[first - 1 :: count]
            recorder = _Recorder(writer, sum(len(self.plan.seeds(sample)) for sample in mine), on_progress)
            if watch is None:
                seen = self._see_all(store, state, mine, recorder)
            else:
                seen = self._see_until(watch, store, state, recorder)
            if count == 1 and len(self.plan.masks.videos) > config.pack_above:
                store.pack("tracks")
        write_doubts(store.folder, (*self.doubted, *found_doubts(self.plan, store)))
        ended = RunResult(
            store=store,
            scores=(),
            unscored=(),
            complete=not seen.waiting,
            observed=len(recorder.touched),
            stopped=seen.stopped,
            refused=seen.refused,
            waiting=seen.waiting,
            decision=seen.decision,
        )
        for line in replaced(state, store):
            on_notice(line)
        if count > 1:
            return ended
        scored = score_run(store, samples)
        store.write_scores(scored)
        write_manifest(store)
        if seen.decision is not None:
            write_decision(store.folder, seen.decision)
            looked = {sample.id for sample in seen.samples}
            scored = [score for score in scored if score.sample_id in looked]
        unscored = tuple(score for score in scored if score.status in COUNTED)
        complete = len(unscored) <= config.allowed_unscored * len(scored) and not seen.stopped and not seen.waiting
        return replace(ended, scores=tuple(scored), unscored=unscored, complete=complete)

    def _watch(self, settled: Settled) -> Watch:
        """Return what looks at the run on its way. Raises UsageError and ComparabilityError for a baseline that does not fit."""
        samples = self.plan.bench.samples
        seeds = {sample.id: self.plan.seeds(sample) for sample in samples}
        asked = {name: len(settled.questions[name]) * len(own) for name, own in seeds.items()}
        return Watch.of(self.plan.config.until_decided, settled.header, samples, asked, seeds)

    def _see_until(self, watch: Watch, store: RunStore, state: RunState, recorder: _Recorder) -> _Seen:
        """Bring videos through the stages until it is decided, or until something is under way that a decision needs."""
        seen, decision = list[Sample](), None
        # As many as can be on their way at once are judged before the next look.
        for part in watch.parts(max(concurrency(self.judge), self.plan.config.workers)):
            ended = self._see_all(store, state, part, recorder)
            seen += part
            if ended.stopped or ended.waiting:
                return replace(ended, samples=seen)
            decision = watch.decide(with_bytes(score_run(store, seen), store), seen)
            if decision.outcome is not Verdict.INCONCLUSIVE:
                break
        return _Seen(seen, decision=decision)

    def _see_all(self, store: RunStore, state: RunState, samples: Sequence[Sample], recorder: _Recorder) -> _Seen:
        """Bring videos through the stages, as often as a judge that replies later has replied by its own wait."""
        judge = self.judge
        if not isinstance(judge, Defers):
            return self._see(samples, state, recorder)
        judge.collect()
        while True:
            seen = self._see(samples, state, recorder)
            # Also at the cost limit: what was gathered until then is within it.
            waiting = judge.dispatch()
            if not waiting or seen.stopped or not judge.wait():
                return replace(seen, waiting=waiting)
            state = RunState.read(store)

    def _see(self, samples: Sequence[Sample], state: RunState, recorder: _Recorder) -> _Seen:
        """Bring videos through the stages, once."""
        plan, asked = self.plan, self.settle().questions
        videos = [(sample, seed) for sample in samples for seed in plan.seeds(sample)]
        plan.masks.check((sample, seed) for sample, seed in videos if state.tracks_of(sample.id, seed) is None)
        jobs = Jobs(plan, state, videos, asked)
        threads = concurrency(self.judge)
        stopped, refused = self._judge_in_threads(jobs, recorder, threads) if threads else ("", False)
        if not threads:
            with contextlib.closing(self._outcomes(jobs)) as given:
                for outcomes in given:
                    recorder.take(outcomes)
        return _Seen(samples, stopped, refused)

    def _judge_in_threads(self, jobs: Sequence[Job], recorder: _Recorder, threads: int) -> tuple[str, bool]:
        """Bring videos through the other stages while threads ask the judge; return why that stopped early, as `_see` does."""
        lock, limit, refused = threading.Lock(), "", False
        stage = JudgeStage(self.judge, threads, lock, recorder.finish)
        try:
            with contextlib.closing(self._outcomes(jobs)) as given:
                for outcomes in given:
                    with lock:
                        pending = recorder.take(outcomes)
                    if pending is not None and not stage.submit(pending):
                        break
        except BudgetError as error:
            # Raised while instances were looked for in a first frame; what is in line may still be asked as far as it goes.
            limit = str(error)
        except RefusedError as error:
            if not error.begun:
                stage.abandon()
                raise
            limit, refused = str(error), True
        except BaseException:
            stage.abandon()
            raise
        try:
            stage.finish()
        except BaseException:
            stage.abandon()
            raise
        return stage.stopped or limit, stage.refused or refused

    def _outcomes(self, jobs: Sequence[Job]) -> Generator[tuple[Outcome, ...], None, None]:
        """Give the outcomes of each video as they come; here when one worker is enough or a backend must not be shared."""
        plan, folder = self.plan, self.settle().folder
        backends, asked_here = plan.backends, bool(concurrency(self.judge))
        used = [backends.source, backends.tracker, backends.detector, *([] if asked_here else [backends.judge])]
        workers = worker_count(plan.config.workers, len(jobs), used)
        # The judge that verifies first frames lives in this process, with its cache and its cost limit.
        verified = bool(plan.grounding) and isinstance(self.judge, Inquires) and asked_here
        alone = exclusive(used)
        places = self._places() if alone and not verified else ()
        if verified:
            workers = 1
        elif len(places) > 1:
            workers = min(plan.config.workers or len(places), len(places), len(jobs))
        limit = plan.config.worker_memory
        if workers <= 1 and limit is not None and jobs:
            if alone or (plan.grounding and asked_here):
                raise ConfigError(
                    f"worker_memory {limit}: a backend of this run lives in the first process, "
                    "which is given no limit; leave worker_memory out"
                )
        elif verified and plan.config.engine:
            raise ConfigError(
                f"engine {plan.config.engine!r}: the judge {self.judge.id} verifies first frames of this run and lives in the "
                "first process; leave the engine out"
            )
        elif workers <= 1 and self._engine is None and not plan.config.engine:
            pipeline = VideoPipeline(plan.config, folder, backends, plan.bench)
            for job in jobs:
                yield pipeline.run(job)
            return
        if self._engine is None:
            share = 1.0 / plan.config.workers_per_gpu if alone else 0.0
            asked_for = plan.config.workers
            self._engine = engine_of(plan.config.engine, workers, places, cluster_workers=asked_for, gpu_share=share)
        setup = VideoSetup(config=plan.config, folder=folder, bench=plan.bench)
        if plan.config.carry:
            yield from carried(self._engine, setup, backends, jobs)
        else:
            yield from self._engine.outcomes(setup, jobs)

    def _places(self) -> tuple[dict[str, str], ...]:
        """Return the environments of workers that hold a GPU; none where a backend is told its device by the settings."""
        config = self.plan.config
        named = ((config.model, "source"), (config.tracker, "tracker"), (config.detector, "detector"), (config.judge, "judge"))
        if any("device" in config.settings_for(spec, kind) for spec, kind in named):
            return ()
        return environments(gpus(os.environ), config.workers_per_gpu)

    @contextlib.contextmanager
    def _own_engine(self) -> Iterator[None]:
        """Close, at the end of the block, the engine that this run opens in it."""
        given = self._engine
        try:
            yield
        finally:
            if self._engine is not None and given is None:
                self._engine.close()
                self._engine = None


def _new_questions(settled: Settled, state: RunState) -> Iterator[Question]:
    for name, asked in settled.questions.items():
        known = state.questions_of(name)
        yield from (item for item in asked if (item.interaction, item.question_id) not in known)


class _Recorder:
    """Writes what videos give into the run folder and counts those that are finished."""

    def __init__(self, writer: RunWriter, total: int, on_progress: Callable[[Progress], None]) -> None:
        self.touched: set[tuple[str, int]] = set()
        self._writer = writer
        self._total = total
        self._tell = on_progress
        self._began = time.monotonic()
        self._finished = set[tuple[str, int]]()

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
        # A judge that replies later is given the same video twice.
        self._finished.add((result.sample_id, result.seed))
        seconds = time.monotonic() - self._began
        self._tell(Progress(done=len(self._finished), total=self._total, seconds=seconds, result=result))

    def _write(self, result: Result) -> None:
        """Append what one job made, in the order of the stages."""
        parts = {
            "truth": result.truth,
            "stills": result.stills,
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
