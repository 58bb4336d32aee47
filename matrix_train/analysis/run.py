"""The whole analysis: every video through the model once, then layers, plots and the page; run again, it goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intergeneval import bench, provenance
from intergeneval.bench import Benchmark
from intergeneval.errors import BackendError, BenchError, ConfigError, MediaError
from intergeneval.ids import sha256_json
from intergeneval.records import Sample
from intergeneval.videos import video_sha256, write_video
from matrix_train.analysis.config import AnalysisConfig
from matrix_train.analysis.files import Done, Folder
from matrix_train.analysis.findings import Findings, find
from matrix_train.analysis.maps import MapStore
from matrix_train.analysis.model import StudiedModel
from matrix_train.analysis.observe import Observer, first_look, track, tracker_of
from matrix_train.analysis.overlays import keep_means
from matrix_train.analysis.page import write_page
from matrix_train.analysis.roles import Slot
from matrix_train.analysis.scoring import score
from matrix_train.backbones import MapKind
from matrix_train.data.clips import Clip
from matrix_train.data.reading import read_dataset

MODES = ("generated", "clips")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be analysed."""

    config: AnalysisConfig
    """How."""
    data: str
    """Benchmark by name or path; with `on` clips, the folder of a dataset."""
    on: str = "generated"
    """``generated``: videos the model samples; ``clips``: real clips with known tracks."""
    out: Path
    """Folder of the analysis."""
    sets: Path | None = None
    """Run folder with scores, or a file of labels; None: no successes and failures."""
    limit: int | None = None
    """First samples or clips only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an analysis came to."""

    findings: Findings
    """Layers and tables."""
    page: Path
    """The page."""
    failed: tuple[str, ...]
    """Videos that could not be analysed, one sentence each; the next run of the same command tries them again."""


class _Videos:
    """The videos a model samples for a benchmark."""

    def __init__(self, request: Request) -> None:
        self._config = request.config
        self._bench: Benchmark = bench.load(request.data).narrow(limit=request.limit)
        self._tracker = tracker_of(request.config.video.tracker)
        self.identity = {"bench": self._bench.hash, "tracker": self._tracker.id}
        self.jobs: list[tuple[Sample | Clip, int]] = [
            (sample, seed) for sample in self._bench.samples for seed in request.config.video.seeds
        ]

    def analyse(self, model: StudiedModel, folder: Folder, job: tuple[Any, int], *, overlay: bool) -> None:
        """Sample, track and score one video; maps that an interrupted run left are taken up."""
        sample, seed = job
        video, kept = folder.video(sample.id, seed), folder.place("maps", sample.id, seed, ".safetensors")
        if not (kept.is_file() and video.is_file()):
            recorded = Observer(self._config, model).sample(self._bench, sample, seed)
            write_video(video, iter(recorded.frames), self._config.video.fps or model.rate)
            stated_slots = [slot.to_json() for slot in recorded.slots]
            recorded.store.save(kept, {"slots": stated_slots, "notes": list(recorded.notes)})
        store, stated = MapStore.load(kept)
        found: Any = stated
        slots = [Slot.from_json(item, where=str(kept)) for item in found["slots"]]
        _, firsts = first_look(self._bench, sample, model.shape)
        tracks, lost = track(self._tracker, sample, seed, video, firsts)
        stride = model.backbone.strides[0]
        scored = score(store, slots, tracks, lost, stride)
        if overlay:
            keep_means(folder.place("means", sample.id, seed, ".safetensors"), store, slots, tracks, stride)
        notes = (*found["notes"], *scored.notes)
        folder.finish(Done(sample_id=sample.id, seed=seed, sha256=video_sha256(video), notes=notes), scored)
        if not self._config.maps.keep:
            kept.unlink()


class _Clips:
    """Real clips whose tracks are known."""

    def __init__(self, request: Request) -> None:
        self._config = request.config
        self._root = Path(request.data)
        clips = read_dataset(self._root)
        self.identity = {"clips": sha256_json([clip.to_json() for clip in clips])}
        self.jobs: list[tuple[Sample | Clip, int]] = [(clip, 0) for clip in clips[: request.limit]]

    def analyse(self, model: StudiedModel, folder: Folder, job: tuple[Any, int], *, overlay: bool) -> None:
        """Noise, record and score one clip."""
        clip, seed = job
        recorded, tracks = Observer(self._config, model).clip(self._root, clip)
        stride = model.backbone.strides[0]
        scored = score(recorded.store, recorded.slots, tracks, {}, stride)
        if overlay:
            write_video(folder.video(clip.id, seed), iter(recorded.frames), self._config.video.fps or model.rate)
            keep_means(folder.place("means", clip.id, seed, ".safetensors"), recorded.store, recorded.slots, tracks, stride)
        folder.finish(Done(sample_id=clip.id, seed=seed, sha256="", notes=(*recorded.notes, *scored.notes)), scored)


def analyse(request: Request, say: Callable[[str], None]) -> Result:
    """Analyse every sample or clip that is not analysed yet, then choose layers and write tables, plots and page.

    Raises ConfigError, BenchError and what loading a model raises; what fails on one video is told and left for the next run.
    """
    if request.on not in MODES:
        raise ConfigError(f"--on is {request.on!r}; it must be one of {', '.join(MODES)}")
    if request.limit is not None and request.limit < 1:
        raise ConfigError(f"--limit is {request.limit}; give 1 or more")
    if request.sets is not None and not request.sets.exists():
        raise ConfigError(f"--sets: {request.sets} is neither a run folder nor a file of labels")
    source = _Videos(request) if request.on == "generated" else _Clips(request)
    model = StudiedModel(request.config.model, request.config.video)
    folder = Folder(request.out)
    folder.open(_header(request, source.identity, model))
    done, failed = [], []
    for number, job in enumerate(source.jobs, 1):
        name, seed = job[0].id, job[1]
        problem = ""
        try:
            if folder.done(name, seed) is None:
                source.analyse(model, folder, job, overlay=number <= request.config.page.overlays)
            done.append((name, seed))
        except (BackendError, MediaError, BenchError) as error:
            problem = f"{name}, seed {seed}: {error}"
            failed.append(problem)
        say(f"{number}/{len(source.jobs)}  {problem or f'{name} {seed}'}")
    if not done:
        raise BackendError(f"no video could be analysed; the first: {failed[0]}")
    cross = MapKind.V2T in model.backbone.kinds and "video" not in model.backbone.parts(MapKind.V2T)
    findings = find(folder, done, request.config, request.sets, cross=cross)
    return Result(findings=findings, page=write_page(folder, findings, _about(request, model, failed)), failed=tuple(failed))


def _header(request: Request, identity: dict[str, str], model: StudiedModel) -> dict[str, Any]:
    config = request.config
    settled = replace(config, video=replace(config.video, fps=config.video.fps or model.rate))
    return {
        "schema": 1,
        "on": request.on,
        "data": identity,
        "model": model.description,
        "config": settled.to_json(),
        "command": provenance.redact(sys.argv),
        "versions": provenance.versions(),
        "commit": provenance.commit(Path(__file__).parent),
    }


def _about(request: Request, model: StudiedModel, failed: Sequence[str]) -> dict[str, Any]:
    """Return what the page says of how it was made."""
    shape = model.shape
    steps = len(request.config.clips.timesteps) if request.on == "clips" else request.config.video.steps
    return {
        "model": request.config.model.path,
        "backbone": model.backbone.name,
        "layers": model.backbone.layers,
        "data": request.data,
        "on": request.on,
        "steps": steps,
        "frames": shape.frames,
        "height": shape.height,
        "width": shape.width,
        "tracker": request.config.video.tracker,
        "dtype": model.description["dtype"],
        "failed": list(failed),
        "config": request.config,
    }
