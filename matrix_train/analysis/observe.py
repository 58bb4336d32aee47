"""One video or clip through model, maps, masks and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from intergeneval import bench, plugins
from intergeneval import masks as rle
from intergeneval.bench import Benchmark
from intergeneval.errors import BackendError, ConfigError
from intergeneval.plugins.fitting import OF_A_RUN, Fitting
from intergeneval.records import Sample, Tracks, TrackState, Video, VideoStatus
from intergeneval.trackers import Tracker, TrackRequest
from intergeneval.videos import Frame, Reader
from matrix_train.analysis.config import AnalysisConfig
from matrix_train.analysis.maps import MapStore
from matrix_train.analysis.model import Shape, StudiedModel
from matrix_train.analysis.recorder import Recorder
from matrix_train.analysis.roles import Act, Slot, slots_of
from matrix_train.backbones import MapKind
from matrix_train.backbones.load_encoders import Frames
from matrix_train.data.batches import generator_of
from matrix_train.data.clips import Clip, inside, mask_tracks
from matrix_train.phrases import spans_of
from matrix_train.targets import Masks, resize


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One video whose maps are recorded and whose masks may still be unknown."""

    store: MapStore
    """The maps."""
    slots: tuple[Slot, ...]
    """Their roles, in order."""
    notes: tuple[str, ...]
    """What was left out."""
    frames: Frames
    """The video."""


class Observer:
    """Runs the model on one sample or clip after another."""

    def __init__(self, config: AnalysisConfig, model: StudiedModel) -> None:
        self._config, self._model = config, model
        kinds = [MapKind(kind) for kind in config.maps.kinds]
        self._recorder = Recorder(model.backbone, kinds, heads=config.maps.heads)

    def sample(self, benchmark: Benchmark, sample: Sample, seed: int) -> Recorded:
        """Sample a video from a benchmark's first frame and record it. Raises BenchError, ConfigError or BackendError."""
        first, firsts = first_look(benchmark, sample, self._model.shape)
        grid = self._model.grid
        acts = [Act(subject=item.subject, object=item.object, spans=spans_of(sample, item)) for item in sample.interactions]
        offsets = self._model.encoder.text(sample.prompt, first).offsets
        slots, weights, notes = slots_of(acts, sample.prompt, offsets, {key: mask[None] for key, mask in firsts.items()}, grid)
        if not slots:
            raise BackendError(f"sample {sample.id}: {'; '.join(notes) or 'it has no interaction'}")
        self._model.show(list(firsts.values()))
        with self._recorder.recording(weights, grid) as store:
            frames = self._model.sample(first, sample.prompt, self._config.video, seed)
        if len(store.timesteps) < self._config.video.steps:
            found, wanted = len(store.timesteps), self._config.video.steps
            raise BackendError(f"sample {sample.id}: {found} conditional passes were seen in {wanted} steps")
        return Recorded(store=store, slots=slots, notes=notes, frames=frames)

    @torch.no_grad()
    def clip(self, root: Path, clip: Clip) -> tuple[Recorded, dict[str, Masks]]:
        """Noise a real clip at each timestep and record the passes; its tracks come with it. Raises MediaError or ConfigError."""
        model, backbone = self._model, self._model.backbone
        shape = model.shape
        reader = Reader(inside(root, clip.video, "video"), keep=False)
        fitting = Fitting.of(reader.size, (shape.height, shape.width), "crop")
        frames = np.stack([fitting.apply(frame) for frame in islice(reader, shape.frames)])
        if len(frames) < shape.frames:
            raise ConfigError(f"clip {clip.id}: has {len(frames)} frames, the model takes {shape.frames}; set video.frames")
        tracks = {
            key: resize(masks[: shape.frames], (shape.height, shape.width), fitting.window)
            for key, masks in mask_tracks(root, clip).items()
        }
        mean = model.encoder.video(frames).chunk(2)[0]
        shift, factor = (item.view(-1, 1, 1, 1) for item in model.encoder.scaling())
        clean = ((mean - shift) * factor)[None].to(model.device)
        grid = backbone.grid((clean.shape[2], clean.shape[3], clean.shape[4]))
        text = model.encoder.text(clip.caption, frames[0])
        acts = [
            Act(subject=item.subject, object=item.object, spans={role: item.spans(role) for role in ("sub", "obj", "verb")})
            for item in clip.interactions
        ]
        firsts = {key: masks[:1] for key, masks in tracks.items()}
        slots, weights, notes = slots_of(acts, clip.caption, text.offsets, firsts, grid)
        if not slots:
            raise BackendError(f"clip {clip.id}: {'; '.join(notes) or 'it has no interaction'}")
        model.show([mask[0] for mask in firsts.values()])
        given = {**text.tensors, **model.encoder.first_frame(frames[0], len(frames))}
        condition = {name: self._placed(item) for name, item in given.items()}
        with self._recorder.recording(weights, grid) as store:
            for time in self._config.clips.timesteps:
                draws = generator_of(self._config.clips.seed, clip.id, time)
                noise = torch.randn(clean.shape, generator=draws).to(model.device)
                time_1 = torch.tensor([time], device=model.device)
                backbone.predict(backbone.noising.mix(clean, noise, time_1), time_1, condition)
        return Recorded(store=store, slots=slots, notes=notes, frames=frames), tracks

    def _placed(self, item: torch.Tensor) -> torch.Tensor:
        batch = item[None].to(self._model.device)
        return batch.to(self._model.dtype) if batch.is_floating_point() else batch


def first_look(benchmark: Benchmark, sample: Sample, shape: Shape) -> tuple[Frame, dict[str, Masks]]:
    """Return a sample's first frame and its instances' masks (H, W), at the size of the video. Raises BenchError."""
    if benchmark.first_look is not None:
        first, masks = benchmark.first_look(sample)
    else:
        found = bench.load_first_frame(benchmark, sample)
        if found is None:
            raise BackendError(f"sample {sample.id}: has no first frame to start from")
        first, masks = found, bench.load_masks(benchmark, sample)
    # As a run without settings gives it, so that the videos are the same.
    way = Fitting.of((shape.height, shape.width), (first.shape[0], first.shape[1]), OF_A_RUN)
    return way.give(first), {key: way.give_mask(mask) for key, mask in masks.items()}


def tracker_of(spec: str) -> Tracker:
    """Load a tracker by its spec. Raises ConfigError for one that reads the truth of staged videos."""
    tracker: Tracker = plugins.build("trackers", spec)
    if tracker.needs_truth:
        raise ConfigError(f"video.tracker: {spec!r} reads the truth of staged videos, and a generated video has none")
    return tracker


def track(
    tracker: Tracker, sample: Sample, seed: int, path: Path, firsts: Mapping[str, Masks]
) -> tuple[dict[str, Masks], dict[str, float]]:
    """Return the mask tracks (frames, H, W) of a finished video, and the share of frames in which each instance was lost.

    Raises BackendError when the tracker fails, MediaError when the file cannot be read.
    """
    reader = Reader(path, keep=False)
    video = Video(sample_id=sample.id, seed=seed, status=VideoStatus.OK, size=reader.size, fps=reader.fps)
    try:
        made: Tracks = tracker.track(TrackRequest(sample=sample, video=video, masks=firsts, frames=iter(reader), path=path))
    except (ValueError, RuntimeError, KeyError) as error:
        raise BackendError(f"sample {sample.id}: the tracker {tracker.id} failed: {error}") from error
    if made.status != "ok":
        raise BackendError(f"sample {sample.id}: the tracker {tracker.id} failed: {made.reason}")
    tracks: dict[str, Any] = {}
    lost = {}
    for item in made.tracks:
        tracks[item.instance_id] = np.stack([rle.decode(counts, made.size) for counts in item.masks])
        lost[item.instance_id] = sum(state is TrackState.LOST for state in item.states) / len(item.states)
    return tracks, lost
