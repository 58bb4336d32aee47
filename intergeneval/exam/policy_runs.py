"""The runs of an exam: every policy's videos through the ordinary run, one run folder a policy, several policies at a time.

A policy that has no place for its fault in a scene plays it exactly as ``perfect`` does, pixel by pixel; such videos are not made
again: the policy's run leaves them out, and its means take the perfect twin.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intergeneval.config import RAY, RunConfig
from intergeneval.errors import ComparabilityError, RecordError, StoreError, UsageError
from intergeneval.exam.grading import EVENT, SAMPLED, GradedVideo, grade_run
from intergeneval.exam.self_consistency import Rounds, ask_again
from intergeneval.exam.spec import PERFECT, ExamSpec
from intergeneval.ids import canonical_json
from intergeneval.judges import Defers, Judge
from intergeneval.records.disk import read_text
from intergeneval.run.backends import Backends
from intergeneval.run.engine import Engine
from intergeneval.run.engines import engine_of
from intergeneval.run.processes import Processes, exclusive, worker_count
from intergeneval.run.run import Run
from intergeneval.staged import plan, scenes
from intergeneval.staged.write import write
from intergeneval.store import RunStore, write_atomically

SPEC = "exam.json"
BENCH = "bench"
RUNS = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRun:
    """What came of one policy."""

    policy: str
    """The policy."""
    folder: Path
    """Its run folder."""
    videos: tuple[GradedVideo, ...]
    """Its graded videos: the scenes in which it does not play as ``perfect`` does."""
    rounds: Rounds
    """The second asking and the questions turned round."""
    observed: int
    """Videos on which anything was done just now."""
    complete: bool
    """Whether nothing is missing or unscored beyond the allowed share."""


def run_policies(
    spec: ExamSpec, out: Path, workers: int = 0, on_run: Callable[[PolicyRun, int, int], None] = lambda *_: None, engine: str = ""
) -> list[PolicyRun]:
    """Run and grade every policy, going on where an earlier call stopped; `on_run` gets each as it ends, done and total.

    `workers` processes take a policy each; 0: one a core, at most 8. On an `engine` that is a cluster policies are run in turn,
    the videos of each by as many workers. Raises ComparabilityError when `out` holds another exam,
    UnknownPluginError and ConfigError for backends that cannot be built, StoreError when it cannot be written.
    """
    backends = _checked(spec, out)
    spec = _prepare(spec, out)
    wanted = {policy: names for policy in spec.policies if (names := played(spec, policy))}
    used = (backends.judge, backends.tracker, backends.detector)
    count = worker_count(workers, len(wanted), used)
    done: dict[str, PolicyRun] = {}
    with contextlib.ExitStack() as ending:
        if engine.partition(":")[0] == RAY:
            cluster = ending.enter_context(
                contextlib.closing(engine_of(engine, count, cluster_workers=workers, gpu_share=float(exclusive(used))))
            )
            runs = _in_turn(spec, out, wanted, backends.judge, cluster)
        elif count <= 1 and not engine:
            runs = _in_turn(spec, out, wanted, backends.judge, None)
        else:
            jobs = list(wanted.items())
            runs = ending.enter_context(contextlib.closing(Processes(count).outcomes(_PolicySetup(spec, out), jobs)))
        for run in runs:
            done[run.policy] = run
            on_run(run, len(done), len(wanted))
    return [done[policy] for policy in wanted]


def run_shard(spec: ExamSpec, out: Path, shard: str, on_run: Callable[[str, int, int], None] = lambda *_: None) -> int:
    """Do every N-th video of every policy, from the I-th on (`shard` is ``I/N``); return on how many anything was done.

    Nothing is graded: `run_policies` without a shard finishes what is lacking, and grades. Raises as it does.
    """
    judge = _checked(spec, out).judge
    spec = _prepare(spec, out)
    wanted = {policy: names for policy in spec.policies if (names := played(spec, policy))}
    observed = 0
    for done, (policy, names) in enumerate(wanted.items(), 1):
        observed += Run(replace(_config(spec, out, policy, names), shard=shard), judge=judge).execute().observed
        on_run(policy, done, len(wanted))
    return observed


def begun_as(out: Path) -> ExamSpec:
    """Return the spec that the exam of a folder was begun with. Raises OSError and RecordError."""
    return ExamSpec.begun(read_text(out / SPEC), where=str(out / SPEC))


def played(spec: ExamSpec, policy: str) -> tuple[str, ...]:
    """Return the names of the scenes that a policy plays in a way of its own."""
    found = scenes(spec.seed, spec.scenes)
    return tuple(item.id for item in found if policy == PERFECT or plan(policy, item).dial.faults)


def layer_of(judge: Judge) -> str:
    """Return the layer of the truth that a judge is held against.

    One that is shown sampled frames, or reads the truth of them, cannot know more than they show. One that works on tracks has
    seen every frame.
    """
    return SAMPLED if judge.needs_frames or judge.needs_truth else EVENT


def _checked(spec: ExamSpec, out: Path) -> Backends:
    """Return the backends of an exam, before anything is written: a mistyped name leaves no folder behind. Raises UsageError."""
    backends = Backends.build(_config(spec, out, PERFECT, ()), out / BENCH)
    if isinstance(backends.judge, Defers):
        raise UsageError(
            f"--judge {spec.judge}: an exam asks some videos twice and needs each reply at once; examine {backends.judge.id}, "
            f"which is the same judge"
        )
    return backends


def _prepare(spec: ExamSpec, out: Path) -> ExamSpec:
    """Make the exam's folder and its benchmark, or check that they are those of this spec; return it as the exam goes on."""
    path = out / SPEC
    try:
        out.mkdir(parents=True, exist_ok=True)
        if path.exists():
            try:
                found = begun_as(out)
            except (RecordError, UnicodeDecodeError) as error:
                raise ComparabilityError(f"{path}: cannot be read ({error}); choose another --out") from None
            spec = spec.going_on(found)
            mine, theirs = spec.to_json(), found.to_json()
            said = "; ".join(f"{name}: {theirs[name]} there, {mine[name]} here" for name in mine if mine[name] != theirs[name])
            if said:
                raise ComparabilityError(f"{out}: holds another exam ({said}); choose another --out or remove the folder")
        else:
            write(out / BENCH, spec.seed, spec.scenes, spec.size)
            write_atomically(path, canonical_json(spec.to_json()) + "\n")
        return spec
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from None


def _config(spec: ExamSpec, out: Path, policy: str, names: Sequence[str]) -> RunConfig:
    return RunConfig(
        model=f"staged:{policy}",
        bench=str(out / BENCH),
        tracker=spec.tracker,
        judge=spec.judge,
        detector=spec.detector,
        out=str(out / RUNS / policy),
        samples=tuple(names),
        workers=1,
        settings=spec.settings,
        templates=spec.templates,
    )


def _in_turn(
    spec: ExamSpec, out: Path, wanted: dict[str, tuple[str, ...]], judge: Judge, engine: Engine | None
) -> Generator[PolicyRun, None, None]:
    for policy, names in wanted.items():
        yield _policy_run(spec, out, policy, names, judge, engine)


@dataclass(frozen=True, slots=True)
class _PolicySetup:
    """What a worker of an exam is made of: it does a policy at a time."""

    spec: ExamSpec
    out: Path

    @property
    def places(self) -> Sequence[Path]:
        return (self.out,)

    def build(self) -> Callable[[tuple[str, tuple[str, ...]]], PolicyRun]:
        import cv2

        cv2.setNumThreads(1)
        return lambda job: _policy_run(self.spec, self.out, *job, None)

    def lost(self, job: tuple[str, tuple[str, ...]]) -> PolicyRun:
        """Go on with a policy of which one video ends every worker: that one is found and recorded as failed."""
        return _policy_run(self.spec, self.out, *job, None, Processes(1))


def _policy_run(
    spec: ExamSpec, out: Path, policy: str, names: Sequence[str], judge: Judge | None, engine: Engine | None = None
) -> PolicyRun:
    run = Run(_config(spec, out, policy, names), judge=judge, engine=engine)
    result = run.execute()
    folder = result.store.folder
    store, asked = RunStore.open(folder), run.judge
    return PolicyRun(
        policy=policy,
        folder=folder,
        videos=tuple(grade_run(store, policy, layer_of(asked))),
        rounds=ask_again(store, asked, spec.recheck),
        observed=result.observed,
        complete=result.complete,
    )
