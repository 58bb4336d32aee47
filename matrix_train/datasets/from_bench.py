"""A benchmark that was built from videos, with tracks beside them, as a dataset: its prompts with the places of their roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from intergeneval import bench
from intergeneval.errors import BackendError, BenchError, ConfigError, MediaError
from intergeneval.records import Interaction, Sample, Tracks, Video, VideoStatus
from intergeneval.sources.folder import FolderSource
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.stored import StoredTracker
from intergeneval.videos import Reader
from matrix_train.data.clips import Clip, ClipInstance, ClipInteraction
from matrix_train.datasets.writing import Dropped, Found, Written, write_dataset
from matrix_train.phrases import spans_of

STAGE = "from-bench"


def from_bench(name: str, out: Path) -> Written:
    """Write the videos of a benchmark, named or at a path, as a dataset; return what came of it.

    A sample becomes a clip for each seed of which there is a video with stored tracks; what has none is left out with its reason.
    Raises ConfigError where the benchmark has no videos of its own, BenchError for one that cannot be read.
    """
    benchmark = bench.load(name)
    if benchmark.videos is None:
        raise ConfigError(f"benchmark {benchmark.name} brings no videos; 'bench build' keeps those of a list that names videos")
    folder = benchmark.root / benchmark.videos
    if not folder.resolve().is_relative_to(benchmark.root.resolve()):
        raise ConfigError(f"benchmark {benchmark.name}: its folder of videos {benchmark.videos!r} lies outside the benchmark")
    return write_dataset(out, _items(benchmark, FolderSource(folder)))


def _items(benchmark: bench.Benchmark, source: FolderSource) -> Iterator[Found | Dropped]:
    tracker = StoredTracker()
    licence = "" if benchmark.licence == bench.UNSTATED else benchmark.licence
    for sample in benchmark.samples:
        seeds = source.seeds(sample, ())
        for seed in seeds:
            name = sample.id if len(seeds) == 1 else f"{sample.id}-{seed}"
            video = source.video(sample, seed)
            if video.path is None or video.missing:
                yield Dropped(clip=name, stage=STAGE, reason=video.missing)
                continue
            try:
                tracks = _tracks(benchmark, sample, seed, video.path, tracker)
            except (MediaError, BackendError, BenchError) as error:
                yield Dropped(clip=name, stage=STAGE, reason=str(error))
                continue
            clip = clip_of_sample(sample, tracks, name=name, licence=licence)
            if clip.interactions:
                yield Found(clip=clip, video=video.path, tracks=tracks)
            else:
                yield Dropped(clip=name, stage=STAGE, reason="no interaction has a subject with a track")


def _tracks(benchmark: bench.Benchmark, sample: Sample, seed: int, path: Path, tracker: StoredTracker) -> Tracks:
    reader = Reader(path, keep=False)
    count = sum(1 for _ in reader)
    video = Video(
        sample_id=sample.id,
        seed=seed,
        status=VideoStatus.OK,
        size=reader.size,
        source_size=reader.size,
        frames=count,
        fps=reader.fps,
    )
    masks = bench.load_masks(benchmark, sample)
    fitting = {name: mask for name, mask in masks.items() if mask.shape == reader.size}
    return tracker.track(TrackRequest(sample=sample, video=video, masks=fitting, frames=(), path=path))


def clip_of_sample(sample: Sample, tracks: Tracks, *, name: str, licence: str) -> Clip:
    """Return the record of a sample's clip, without paths: instances that have a track, and who does what to whom of them."""
    tracked = {track.instance_id for track in tracks.tracks}
    acts = tuple(
        _interaction(sample, item, item.subject, item.object if item.object in tracked else None)
        for item in sample.interactions
        if item.subject is not None and item.subject in tracked
    )
    return Clip(
        id=name,
        video="",
        caption=sample.prompt,
        instances=tuple(ClipInstance(id=item.id, class_=item.class_) for item in sample.instances if item.id in tracked),
        interactions=acts,
        source=sample.scene or sample.id,
        licence=licence,
    )


def _interaction(sample: Sample, item: Interaction, subject: str, target: str | None) -> ClipInteraction:
    spans = spans_of(sample, item)
    return ClipInteraction(
        subject=subject,
        object=target,
        verb=item.verb,
        subject_spans=spans["sub"],
        verb_spans=spans["verb"],
        object_spans=spans["obj"] if target is not None else (),
        category=item.category,
    )
