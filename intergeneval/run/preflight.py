"""Whether a run can be: what its settings mean, and every fault of settings, judge and benchmark before the first video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from intergeneval import bench
from intergeneval.bench import Benchmark
from intergeneval.config import AUTO, OFF, RunConfig
from intergeneval.errors import BenchError, IntergenevalError, UsageError
from intergeneval.grounding import FirstFrame
from intergeneval.judges import AssessesConsistency, UsesServices, WritesQuestions
from intergeneval.plugins import KINDS, names, split_spec
from intergeneval.records import Sample
from intergeneval.run.backends import Backends
from intergeneval.run.infer_bench import infer_benchmark
from intergeneval.run.job import PackedMask
from intergeneval.trackers import Segments
from intergeneval.trackers.stored import StoredTracker

MARKERS = {"model_index.json": "diffusers", "matrix_config.json": "matrix"}
"""File that tells what a folder given as ``--model`` is -> source that reads it; any other folder holds videos."""


def resolve(config: RunConfig) -> tuple[RunConfig, Benchmark]:
    """Return the settings with every ``auto`` settled and the model as ``source:argument``, and the whole benchmark.

    Raises UsageError when the model is neither a folder nor a registered source, or its benchmark cannot be told.
    """
    check_settings(config.settings)
    if not config.model:
        raise UsageError("no model given: --model FOLDER or --model SOURCE:ARGUMENT")
    path = Path(config.model)
    if path.is_dir():
        marker = next((kind for name, kind in MARKERS.items() if (path / name).is_file()), "folder")
        spec = f"{marker}:{config.model}"
        if marker not in names("sources"):
            raise UsageError(f"{config.model}: looks like a {marker} folder, and no source called {marker!r} is installed here")
    else:
        spec = config.model
        source, argument = split_spec(spec)
        if source not in names("sources"):
            raise UsageError(
                f"--model {config.model!r}: no such folder, and no source of that name; sources: {', '.join(names('sources'))}"
            )
        if not argument:
            raise UsageError(f"--model {config.model!r}: say what of {source!r}, as in {source}:NAME")
    source, argument = split_spec(spec)
    staged = source == "staged"
    if config.bench:
        benchmark = bench.load(config.bench)
    elif source == "folder":
        benchmark = infer_benchmark(path)
    elif source == "bench":
        benchmark = bench.load(argument)
    elif source in bench.names():
        benchmark = bench.load(source)
    else:
        raise UsageError(f"--model {config.model!r}: say which benchmark with --bench; known are {', '.join(bench.names())}")
    tracker = ("stored" if staged else "flow") if config.tracker == AUTO else config.tracker
    unasked = "staged" if staged and config.consistency != "judge" else "none"
    detector = unasked if config.detector == AUTO else config.detector
    return replace(config, model=spec, tracker=tracker, detector=detector), benchmark


def check_settings(settings: Iterable[str]) -> None:
    """Refuse settings of a plug-in nobody registered: a misspelt name would be ignored in silence. Raises UsageError."""
    kinds = {kind[:-1] for kind in KINDS}
    known = {name for kind in KINDS for name in names(kind)}
    for name in settings:
        if name not in known | kinds:
            raise UsageError(f"[settings.{name}]: no plug-in of that name; registered are {', '.join(sorted(known))}")


def check_judge(config: RunConfig, backends: Backends, benchmark: Benchmark) -> None:
    """Raise UsageError when the judge is asked for what it does not do."""
    judge = backends.judge
    if config.consistency == "judge" and not isinstance(judge, AssessesConsistency):
        raise UsageError(f"consistency 'judge': the judge {judge.id} does not say what emerged and disappeared; use 'tracks'")
    if config.consistency == "judge" and backends.detector is not None and benchmark.task != bench.TEXT_TO_VIDEO:
        raise UsageError("consistency 'judge' leaves a detector nothing to do; use --detector none, or consistency 'tracks'")
    if config.unknown_verbs == "judge" and not isinstance(judge, WritesQuestions):
        raise UsageError(f"unknown_verbs 'judge': the judge {judge.id} writes no questions; use 'templates'")
    if config.unknown_verbs == "judge" and config.cache == OFF:
        raise UsageError("unknown_verbs 'judge' needs the cache, so that a resumed run asks the same questions; drop cache 'off'")
    if config.max_cost is not None and not isinstance(judge, UsesServices):
        raise UsageError(f"max_cost {config.max_cost}: the judge {judge.id} costs nothing; leave the limit out")


def first_frame_finder(config: RunConfig, backends: Backends, benchmark: Benchmark) -> FirstFrame | None:
    """Return what finds instances in the first frames of a text-to-video model; None where the benchmark has masks.

    Raises UsageError when detector or tracker cannot do it.
    """
    if benchmark.task != bench.TEXT_TO_VIDEO or isinstance(backends.tracker, StoredTracker):
        return None
    tracker, who = backends.tracker, f"benchmark {benchmark.name} is for text-to-video models, so instances are found in their"
    if backends.detector is None:
        raise UsageError(f"{who} first frames: give a detector, such as --detector grounding_dino")
    if not isinstance(tracker, Segments):
        raise UsageError(
            f"{who} first frames and cut out: the tracker {tracker.id} makes no masks from boxes; use hf, sam2 or flow"
        )
    prompts = Path(config.prompts) if config.prompts else None
    return FirstFrame(backends.detector, backends.judge, tracker, config.grounding, prompts)


def check_benchmark(benchmark: Benchmark, *, needs_masks: bool) -> None:
    """Raise BenchError naming the samples that cannot be run: none left, or without interactions or masks."""
    if not benchmark.samples:
        raise BenchError(f"benchmark {benchmark.name}: no sample is left to run")
    silent = [sample.id for sample in benchmark.samples if not sample.interactions]
    if silent:
        raise BenchError(
            f"benchmark {benchmark.name}: {_listed(silent)} without key interactions: the step from prompt to instances "
            f"and interactions is missing; 'intergeneval bench build' takes it, or write them into samples.jsonl, or leave these "
            f"samples out"
        )
    bare = [sample.id for sample in benchmark.samples if any(instance.mask is None for instance in sample.instances)]
    if needs_masks and bare and benchmark.task != bench.TEXT_TO_VIDEO:
        raise BenchError(
            f"benchmark {benchmark.name}: {_listed(bare)} with instances that have no first-frame mask: the steps of finding "
            f"and cutting them out are missing; 'intergeneval bench build' takes them, or draw the masks, or give finished "
            f'tracks with --tracker stored:DIR, or write task = "text-to-video" into bench.toml if models get the prompt alone'
        )


def _listed(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return f"{len(ids)} sample{'s' if len(ids) > 1 else ''} ({shown})"


class FirstFrameMasks:
    """The first-frame masks of a benchmark: each is read once, checked, and kept as run lengths for whoever tracks its video."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._bench = benchmark
        self._packed: dict[str, Mapping[str, PackedMask]] = {}

    def check(self, samples: Iterable[Sample]) -> None:
        """Read the masks of these samples, as far as that was not done. Raises BenchError naming all that cannot be used.

        Better before the first video than in the middle of a run.
        """
        faults: list[str] = []
        for sample in samples:
            if sample.id in self._packed:
                continue
            packed = {}
            for instance in sample.instances:
                if instance.mask is not None:
                    try:
                        packed[instance.id] = PackedMask.of(bench.load_mask(self._bench, sample, instance))
                    except IntergenevalError as error:
                        faults.append(str(error))
            self._packed[sample.id] = packed
        if faults:
            more = f"\n(and {len(faults) - 5} more; 'intergeneval bench check' names them all)" if len(faults) > 5 else ""
            raise BenchError("\n".join(faults[:5]) + more)

    def of(self, sample: Sample) -> Mapping[str, PackedMask]:
        """Return instance id -> mask of a sample that was checked."""
        return self._packed[sample.id]
