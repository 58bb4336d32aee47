"""Whether a run can be: what its settings mean, and every fault of settings, judge and benchmark before the first video."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from intergeneval import bench, bench_paths
from intergeneval.bench import Benchmark, OwnMasks
from intergeneval.config import AUTO, OFF, RunConfig
from intergeneval.errors import BenchError, UsageError
from intergeneval.grounding import FirstFrame
from intergeneval.ids import few
from intergeneval.judges import AssessesConsistency, UsesServices, WritesQuestions
from intergeneval.masks import Mask
from intergeneval.plugins import KINDS, names, split_spec
from intergeneval.plugins.adapters import adapter_in
from intergeneval.records import Sample
from intergeneval.records.remote import is_url
from intergeneval.run.backends import Backends
from intergeneval.run.drawn_masks import unreadable
from intergeneval.run.infer_bench import benchmark_of, infer_benchmark
from intergeneval.run.job import PackedMask
from intergeneval.sources.folder import VIDEO_SUFFIXES, FolderSource
from intergeneval.sources.misfit import misfit_text
from intergeneval.sources.url import UrlSource
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
    spec = _spec_of(config)
    source, argument = split_spec(spec)
    staged = source == "staged"
    if config.bench:
        benchmark = bench.load(config.bench)
    elif source == "folder":
        benchmark = infer_benchmark(Path(config.model))
    elif source == "url":
        benchmark = benchmark_of(UrlSource(argument), argument)
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


def _spec_of(config: RunConfig) -> str:
    """Return the model as ``source:argument``. Raises UsageError for what is neither a folder nor of a registered source."""
    path = Path(config.model)
    if path.is_dir() or (path.is_file() and source_of(path) == "lora"):
        marker = source_of(path)
        _check_base(config, marker)
        if marker not in names("sources"):
            raise UsageError(f"{config.model}: looks like a {marker} folder, and no source called {marker!r} is installed here")
        return f"{marker}:{config.model}"
    if is_url(config.model):
        return f"url:{config.model}"
    if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
        return f"folder:{config.model}"
    source, argument = split_spec(config.model)
    if source not in names("sources"):
        raise UsageError(
            f"--model {config.model!r}: no such folder, and no source of that name; sources: {', '.join(names('sources'))}"
        )
    if not argument:
        raise UsageError(f"--model {config.model!r}: say what of {source!r}, as in {source}:NAME")
    return config.model


def source_of(folder: Path) -> str:
    """Return which source reads a folder or file given as ``--model``: by its marker file; ``lora`` for weights of an adapter."""
    if folder.is_file():
        return "folder" if adapter_in(folder) is None else "lora"
    marker = next((kind for name, kind in MARKERS.items() if (folder / name).is_file()), "")
    if marker:
        return marker
    if adapter_in(folder) is None or any(item.suffix.lower() in VIDEO_SUFFIXES for item in folder.iterdir()):
        return "folder"
    return "lora"


def _check_base(config: RunConfig, source: str) -> None:
    """Raise UsageError for a folder of adapter weights whose base is not given."""
    if source == "lora" and (told := adapter_text(config.model)) and "base" not in config.settings_for("lora", "source"):
        raise UsageError(told)


def adapter_text(folder: str) -> str:
    """Return how a folder of adapter weights is scored; empty for one that holds none."""
    adapter = adapter_in(Path(folder))
    if adapter is None:
        return ""
    return (
        f"{folder}: holds weights of a LoRA adapter ({adapter.file.name}, {adapter.form} form) and no videos: "
        f"--model {shlex.quote(f'lora:{folder}')} --set base=PIPELINE scores it through its base, a diffusers folder or hub id"
    )


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


def model_name(config: RunConfig, backends: Backends) -> str:
    """Return the name of the model in tables, by which its own first-frame masks are found too."""
    return config.name or backends.source.name


def seeds_of(config: RunConfig, backends: Backends, sample: Sample) -> Sequence[int]:
    """Return the seeds of a sample that are scored."""
    return backends.source.seeds(sample, config.seeds) or config.seeds or (0,)


def check_videos(backends: Backends, benchmark: Benchmark) -> None:
    """Raise UsageError where a folder holds no video of any sample: what is there, what it may be meant for, how to say so."""
    source = backends.source
    if isinstance(source, FolderSource) and not any(source.has(sample) for sample in benchmark.samples):
        names = [sample.id for sample in benchmark.samples]
        raise UsageError(misfit_text(source.folder, source.files(), names, benchmark.name))


def first_frame_finder(
    config: RunConfig, backends: Backends, benchmark: Benchmark, lacking: Sequence[tuple[str, int]]
) -> FirstFrame | None:
    """Return what finds instances in the first frames of a text-to-video model; None where masks are given for all of them.

    `lacking` are the videos, as (sample, seed), of which the model has no masks of its own. Raises UsageError when detector or
    tracker cannot do it.
    """
    if benchmark.task != bench.TEXT_TO_VIDEO or isinstance(backends.tracker, StoredTracker) or not lacking:
        return None
    if backends.detector is None:
        if there := _there(backends, benchmark, lacking):
            raise UsageError(_how_to_mask(config, backends, benchmark, there))
        # What there is has masks; what there is not needs none.
        return None
    tracker = backends.tracker
    if not isinstance(tracker, Segments):
        raise UsageError(
            f"benchmark {benchmark.name} is for text-to-video models, and the instances of {len(lacking)} videos are to be found "
            f"and cut out: the tracker {tracker.id} makes no masks from boxes; use hf, sam2 or flow"
        )
    prompts = Path(config.prompts) if config.prompts else None
    return FirstFrame(backends.detector, backends.judge, tracker, config.grounding, prompts)


def _there(backends: Backends, benchmark: Benchmark, lacking: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the videos among `lacking` in which somebody can be looked for, as far as that is known before the run."""
    source = backends.source
    if not isinstance(source, FolderSource):
        return list(lacking)
    held = {sample.id: sample for sample in benchmark.samples if source.has(sample)}
    there = [(name, seed) for name, seed in lacking if name in held]
    # What cannot be read is said of its video by the run; the others are scored.
    broken = unreadable(source, [(held[name], seed) for name, seed in there])
    return [key for key in there if key not in broken]


def _how_to_mask(config: RunConfig, backends: Backends, benchmark: Benchmark, lacking: Sequence[tuple[str, int]]) -> str:
    """Return why a run cannot begin without first-frame masks, with every way to have some."""
    model, source = model_name(config, backends), backends.source
    shown = ", ".join(f"{sample}/{seed}" for sample, seed in lacking[:5])
    more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
    own = bench_paths.own_place(benchmark.root)
    copied = "" if own == benchmark.root else f", a copy of {benchmark.root}"
    place = f"{bench.MASKS}/{bench.model_folder(model)}/<sample>"
    by_hand = f"as {place}/<instance>.png for every seed or {place}/<seed>/<instance>.png for one, in {own}{copied}"
    annotate = ""
    if isinstance(source, FolderSource):
        named = f" --name {shlex.quote(config.name)}" if config.name else ""
        asked = shlex.quote(config.bench or benchmark.name)
        annotate = f"intergeneval annotate {shlex.quote(str(source.folder))} --bench {asked}{named}, or "
    return (
        f"benchmark {benchmark.name} is for text-to-video models, and {model} has no first-frame masks of its own for "
        f"{len(lacking)} video{'s' if len(lacking) > 1 else ''} ({shown}{more}). Either of these brings them:\n"
        f"  have them found: give a detector, such as --detector grounding_dino, and --tracker hf or sam2 (pip install "
        f"'intergeneval[models]')\n"
        f"  draw them: {annotate}{by_hand}"
    )


def check_benchmark(benchmark: Benchmark, lacking: Sequence[tuple[str, int]], *, needs_masks: bool) -> None:
    """Raise BenchError naming the samples that cannot be run: none left, or without interactions or masks.

    `lacking` are the videos, as (sample, seed), of which the model has no masks of its own.
    """
    if not benchmark.samples:
        raise BenchError(f"benchmark {benchmark.name}: no sample is left to run")
    silent = [sample.id for sample in benchmark.samples if not sample.interactions]
    if silent:
        raise BenchError(
            f"benchmark {benchmark.name}: {_listed(silent)} without key interactions: the step from prompt to instances "
            f"and interactions is missing; 'intergeneval bench build' takes it, or write them into samples.jsonl, or leave these "
            f"samples out"
        )
    asked = {name for name, _ in lacking}
    bare = [
        sample.id
        for sample in benchmark.samples
        if sample.id in asked and any(instance.mask is None for instance in sample.instances)
    ]
    if needs_masks and bare and benchmark.task != bench.TEXT_TO_VIDEO:
        raise BenchError(
            f"benchmark {benchmark.name}: {_listed(bare)} with instances that have no first-frame mask: the steps of finding "
            f"and cutting them out are missing; 'intergeneval bench build' takes them, or draw the masks, or give finished "
            f'tracks with --tracker stored:DIR, or write task = "text-to-video" into bench.toml if models get the prompt alone'
        )


def _listed(ids: Sequence[str]) -> str:
    return f"{len(ids)} sample{'s' if len(ids) > 1 else ''} ({few(ids, 5)})"


class FirstFrameMasks:
    """The first-frame masks of a run: the model's own where it has some of a sample and seed, else the benchmark's.

    Each is read once, checked, and kept as run lengths for whoever tracks its video.
    """

    def __init__(self, benchmark: Benchmark, model: str, videos: Iterable[tuple[Sample, int]], own: Iterable[OwnMasks]) -> None:
        self._bench = benchmark
        self._model = model
        self._own = {(item.sample_id, item.seed): item for item in own}
        self._packed: dict[str, Mapping[str, PackedMask]] = {}
        self.videos = tuple(videos)
        """Every video of the run, as sample and seed."""

    @classmethod
    def of_run(cls, config: RunConfig, backends: Backends, whole: Benchmark, part: Benchmark) -> Self:
        """Look which masks the model has of its own, of the part of a benchmark that is run.

        Raises BenchError where something in the model's folder cannot be meant or read.
        """
        model = model_name(config, backends)
        videos = [(sample, seed) for sample in part.samples for seed in seeds_of(config, backends, sample)]
        if isinstance(backends.tracker, StoredTracker):
            return cls(part, model, videos, ())
        sets = bench.sets_of(whole, model)
        seeds = {(item.sample_id, item.seed) for item in sets}
        chosen = {sample.id for sample in part.samples}

        def used(item: OwnMasks) -> bool:
            if not config.seeds or item.sample_id not in chosen:
                # A seed whose video comes later must not make another run of this one.
                return item.sample_id in chosen
            return any(seed == item.seed or (item.seed is None and (item.sample_id, seed) not in seeds) for seed in config.seeds)

        return cls(part, model, videos, [bench.with_hashes(whole, item, model) for item in sets if used(item)])

    @property
    def sets(self) -> tuple[OwnMasks, ...]:
        """The model's own sets of masks that are used."""
        return tuple(self._own.values())

    @property
    def own_names(self) -> tuple[str, ...]:
        """The samples, as ``sample`` or ``sample/seed``, of which the model's own masks are used."""
        return tuple(item.name for item in self._own.values())

    @property
    def own_hash(self) -> str:
        """Hash over the content of the model's own masks; empty where there are none."""
        return bench.own_masks_hash(self._own.values())

    @property
    def lacking(self) -> tuple[tuple[str, int], ...]:
        """The videos, as (sample, seed), of which the model has no masks of its own."""
        return tuple((sample.id, seed) for sample, seed in self.videos if self.own(sample, seed) is None)

    def own(self, sample: Sample, seed: int) -> OwnMasks | None:
        """Return the model's own masks of a video; None where the benchmark's are used, or looked for."""
        return self._own.get((sample.id, seed), self._own.get((sample.id, None)))

    def check(self, videos: Iterable[tuple[Sample, int]]) -> None:
        """Read the masks of these videos, as far as that was not done. Raises BenchError naming all that cannot be used.

        Better before the first video than in the middle of a run.
        """
        faults: list[str] = []
        for sample, seed in videos:
            own = self.own(sample, seed)
            key = self._key(sample, seed)
            if key in self._packed:
                continue
            self._packed[key] = self._own_packed(sample, own, faults) if own is not None else self._read(sample, faults)
        if faults:
            more = f"\n(and {len(faults) - 5} more; 'intergeneval bench check' names them all)" if len(faults) > 5 else ""
            raise BenchError("\n".join(faults[:5]) + more)

    def of(self, sample: Sample, seed: int) -> Mapping[str, PackedMask]:
        """Return instance id -> mask of a video that was checked."""
        return self._packed[self._key(sample, seed)]

    def read(self, sample: Sample, seed: int) -> dict[str, Mask]:
        """Return instance id -> mask of a video, checked before or not: a run that goes on checks what is left to track.

        Raises BenchError where they cannot be used.
        """
        known = self._packed.get(self._key(sample, seed))
        if known is not None:
            return {name: packed.unpack() for name, packed in known.items()}
        own = self.own(sample, seed)
        if own is None:
            return bench.load_masks(self._bench, sample)
        return bench.load_own_masks(self._bench, sample, own, self._model)

    def _key(self, sample: Sample, seed: int) -> str:
        """Return what the masks of a video are kept by: the name of the model's own set, else that of the sample."""
        own = self.own(sample, seed)
        return sample.id if own is None else own.name

    def _read(self, sample: Sample, faults: list[str]) -> dict[str, PackedMask]:
        found: dict[str, Mask] = {}
        faults += [str(fault) for fault in bench.sample_mask_faults(self._bench, sample, found)]
        return {name: PackedMask.of(mask) for name, mask in found.items()}

    def _own_packed(self, sample: Sample, own: OwnMasks, faults: list[str]) -> dict[str, PackedMask]:
        try:
            found = bench.load_own_masks(self._bench, sample, own, self._model)
        except BenchError as error:
            faults.append(str(error))
            return {}
        return {name: PackedMask.of(mask) for name, mask in found.items()}
