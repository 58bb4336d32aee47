"""The run: every video of a source through the stages, over a run folder that can be stopped and gone on with anywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from intergeneval.config import RunConfig
from intergeneval.errors import BudgetError
from intergeneval.gate.run_scores import score_run, with_bytes
from intergeneval.judges import Judge
from intergeneval.judges.inquiries import Inquires
from intergeneval.records import MISSING, UNSCORED, Question, Sample, Score
from intergeneval.records import Outcome as Verdict
from intergeneval.run.deciding import Decision, Watch, write_decision
from intergeneval.run.job import Job, Outcome, Pending, Result
from intergeneval.run.judge_services import JudgeServices
from intergeneval.run.judge_stage import JudgeStage, concurrency
from intergeneval.run.manifest import write_manifest
from intergeneval.run.plan import Plan, Settled
from intergeneval.run.processes import run_in_processes, worker_count
from intergeneval.run.resume import RunState
from intergeneval.run.video import VideoPipeline
from intergeneval.store import RunStore, RunWriter

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
    decision: Decision | None = None
    """How it stands against the baseline that it was to be decided against; None where there was none. `scores` are then those
    of the videos that were looked at."""


class Run:
    """One run, from settings to scores.

    The constructor makes the plan, which settles what is to be run and checks that it can be. It raises UsageError and its kin;
    no judge has been asked, and nothing paid or written then. `judge` is one that another run of the same settings has built, so
    that weights are loaded once; it serves runs in this process only.
    """

    def __init__(self, config: RunConfig, command: Sequence[str] = (), judge: Judge | None = None) -> None:
        self.plan = Plan.of(config, command, judge)
        self._services = JudgeServices(self.plan.config, self.plan.backends.judge)
        self._settled = self.plan.settled

    @property
    def judge(self) -> Judge:
        """The judge of this run."""
        return self.plan.backends.judge

    def settle(self, on_notice: Callable[[str], None] = lambda _: None) -> Settled:
        """Return questions, header and folder; a judge that is to word questions does so now, once.

        Raises BackendError when the judge fails, BudgetError at the cost limit.
        """
        if self._settled is None:
            plan = self._worded(self.plan, on_notice)
            if not plan.begun:
                # What is worded comes from the cache the second time, so that to look for an older run costs nothing.
                plan = next(filter(lambda item: item.begun, (self._worded(old, on_notice) for old in plan.earlier())), plan)
            self.plan, self._settled = plan, plan.settled
        assert self._settled is not None
        return self._settled

    def _worded(self, plan: Plan, on_notice: Callable[[str], None]) -> Plan:
        asked = self._services.word(plan.bench.samples, plan.version, on_notice)
        return replace(plan, settled=plan.with_questions(asked))

    def execute(
        self, on_progress: Callable[[Progress], None] = lambda _: None, on_notice: Callable[[str], None] = lambda _: None
    ) -> RunResult:
        """Do what the run folder still lacks, then score everything in it.

        `on_notice` takes lines for the user, such as that a server asks to wait; it is called from several threads. Raises
        ComparabilityError when the folder holds another run, StoreError when it cannot be written, and as `settle` does.
        """
        config, samples, settled = self.plan.config, self.plan.bench.samples, self.settle(on_notice)
        watch = self._watch(settled) if config.until_decided else None
        store = RunStore.create(settled.folder, settled.header)
        first, count = config.shard_of()
        with store.writer(f"{first}-of-{count}" if count > 1 else "") as writer, self._services.lend(store, on_notice):
            if count == 1:
                store.merge_shards()
            state = RunState.read(store)
            writer.append("samples", [sample for sample in samples if sample.id not in state.samples])
            writer.append("questions", _new_questions(settled, state))
            mine = samples[first - 1 :: count]
            recorder = _Recorder(writer, sum(len(self.plan.seeds(sample)) for sample in mine), on_progress)
            if watch is None:
                decision, stopped, seen = None, self._see(mine, state, recorder), list(mine)
            else:
                decision, stopped, seen = self._see_until(watch, store, state, recorder)
        observed = len(recorder.touched)
        if count > 1:
            return RunResult(store=store, scores=(), unscored=(), complete=True, observed=observed, stopped=stopped)
        scored = score_run(store, samples)
        store.write_scores(scored)
        write_manifest(store)
        if decision is not None:
            write_decision(store.folder, decision)
            looked = {sample.id for sample in seen}
            scored = [score for score in scored if score.sample_id in looked]
        unscored = tuple(score for score in scored if score.status in COUNTED)
        complete = len(unscored) <= config.allowed_unscored * len(scored) and not stopped
        return RunResult(
            store=store,
            scores=tuple(scored),
            unscored=unscored,
            complete=complete,
            observed=observed,
            stopped=stopped,
            decision=decision,
        )

    def _watch(self, settled: Settled) -> Watch:
        """Return what looks at the run on its way. Raises UsageError and ComparabilityError for a baseline that does not fit."""
        asked = {
            sample.id: len(settled.questions[sample.id]) * len(self.plan.seeds(sample)) for sample in self.plan.bench.samples
        }
        return Watch.of(self.plan.config.until_decided, settled.header, self.plan.bench.samples, asked)

    def _see_until(
        self, watch: Watch, store: RunStore, state: RunState, recorder: _Recorder
    ) -> tuple[Decision | None, str, list[Sample]]:
        """Bring videos through the stages until it is decided; return decision, why it stopped otherwise, what was seen."""
        seen: list[Sample] = []
        decision = None
        # As many as can be on their way at once are judged before the next look.
        for part in watch.parts(max(concurrency(self.judge), self.plan.config.workers)):
            stopped = self._see(part, state, recorder)
            seen += part
            if stopped:
                return None, stopped, seen
            decision = watch.decide(with_bytes(score_run(store, seen), store), seen)
            if decision.outcome is not Verdict.INCONCLUSIVE:
                break
        return decision, "", seen

    def _see(self, samples: Sequence[Sample], state: RunState, recorder: _Recorder) -> str:
        """Bring videos through the stages; return why the run stopped early, empty when it did not."""
        plan, asked = self.plan, self.settle().questions
        jobs = [state.job(sample, seed, asked[sample.id]) for sample in samples for seed in plan.seeds(sample)]
        plan.masks.check((job.sample, job.seed) for job in jobs if job.tracks is None)
        jobs = [
            replace(
                job,
                own=plan.masks.own(job.sample, job.seed),
                masks=plan.masks.of(job.sample, job.seed) if job.tracks is None else None,
            )
            for job in jobs
        ]
        threads = concurrency(self.judge)
        stopped = self._judge_in_threads(jobs, recorder, threads) if threads else ""
        if not threads:
            for outcomes in self._outcomes(jobs):
                recorder.take(outcomes)
        return stopped

    def _judge_in_threads(self, jobs: Sequence[Job], recorder: _Recorder, threads: int) -> str:
        """Bring videos through the other stages while threads ask the judge; return why that stopped early."""
        lock, limit = threading.Lock(), ""
        stage = JudgeStage(self.judge, threads, lock, recorder.finish)
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
        plan, folder = self.plan, self.settle().folder
        backends, asked_here = plan.backends, bool(concurrency(self.judge))
        used = [backends.source, backends.tracker, backends.detector, *([] if asked_here else [backends.judge])]
        workers = worker_count(plan.config.workers, len(jobs), used)
        if plan.grounding and isinstance(self.judge, Inquires) and asked_here:
            # The judge that verifies first frames lives in this process, with its cache and its cost limit.
            workers = 1
        if workers <= 1:
            pipeline = VideoPipeline(plan.config, folder, backends, plan.bench)
            for job in jobs:
                yield pipeline.run(job)
            return
        yield from run_in_processes(workers, (plan.config, folder, plan.bench), jobs)


def _new_questions(settled: Settled, state: RunState) -> Iterator[Question]:
    for asked in settled.questions.values():
        yield from (item for item in asked if (item.sample_id, item.interaction, item.question_id) not in state.questions)


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
