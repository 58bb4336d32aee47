"""Whether the masks that a person drew for a model are of the videos that are there now, asked before a run uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from intergeneval import bench, videos
from intergeneval.bench import Benchmark, Fit, OwnMasks
from intergeneval.errors import BenchError, MediaError
from intergeneval.records import Sample
from intergeneval.sources import Source
from intergeneval.sources.folder import FolderSource

_SHOWN = 5


def first_of_video(source: Source, sample: Sample, seed: int) -> videos.Frame | None:
    """Return the first frame of a video that lies there already; None where it is still to be made, or cannot be decoded."""
    path = video_of(source, sample, seed)
    if path is None:
        return None
    try:
        return next(iter(videos.Reader(path, size=sample.size, keep=False)))
    except MediaError:
        return None  # the run says what is wrong with it


def video_of(source: Source, sample: Sample, seed: int) -> Path | None:
    """Return a video that lies there already; None where it is still to be made."""
    return source.video(sample, seed).path if isinstance(source, FolderSource) else None


def unreadable(source: Source, listed: Iterable[tuple[Sample, int]]) -> dict[tuple[str, int], str]:
    """Return (sample, seed) -> why a video that lies there cannot be read, so that nobody can say who is in it."""
    found = {(sample.id, seed): video_of(source, sample, seed) for sample, seed in listed}
    told = {key: videos.unreadable(path) for key, path in found.items() if path is not None}
    return {key: why for key, why in told.items() if why}


def drawn_fits(
    source: Source, whole: Benchmark, model: str, sets: Sequence[OwnMasks], listed: Iterable[tuple[Sample, int]]
) -> dict[tuple[str, int], Fit]:
    """Return (sample, seed) -> whether the masks drawn for a model are of that video. Raises BenchError for a damaged file."""
    return bench.fits(
        whole, model, sets, listed,
        lambda sample, seed: video_of(source, sample, seed), lambda sample, seed: first_of_video(source, sample, seed),
    )  # fmt: skip


def unfit(
    source: Source, whole: Benchmark, model: str, sets: Sequence[OwnMasks], listed: Iterable[tuple[Sample, int]]
) -> dict[tuple[str, int], str]:
    """Return (sample, seed) -> why the masks drawn for a model are not of that video. Raises BenchError for a damaged file."""
    return {key: item.fault for key, item in drawn_fits(source, whole, model, sets, listed).items() if item.fault}


def check_drawn(whole: Benchmark, model: str, fits: Mapping[tuple[str, int], Fit]) -> None:
    """Raise BenchError where masks were drawn on another video, or for other words, than they would be used for."""
    found = {key: item.fault for key, item in fits.items() if item.fault}
    if not found:
        return
    lines = [f"  {sample}/{seed}: {why}" for (sample, seed), why in list(found.items())[:_SHOWN]]
    more = [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    count = "the masks of 1 video are" if len(found) == 1 else f"the masks of {len(found)} videos are"
    raise BenchError(
        f"benchmark {whole.name!r}: {count} not of what is there now, under the name of model {model!r}:\n"
        + "\n".join([*lines, *more])
        + "\nif it is another model, give it a name of its own with --name; else open 'intergeneval annotate' again, which "
        "brings back what was drawn on these videos before, or has them drawn anew"
    )
