"""The first frames that are annotated, one a sample or one a video, and points that are drawn on them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval.bench import Benchmark
from intergeneval.errors import UsageError
from intergeneval.pages.annotate.cutting import Frame
from intergeneval.sources.folder import FolderSource
from intergeneval.sources.misfit import misfit_text


@dataclass(slots=True, kw_only=True)
class Item:
    """One first frame to be annotated."""

    sample_id: str
    """The sample."""
    seed: int | None
    """The seed whose video it is; None: the benchmark's own first frame."""
    path: Path
    """The video or picture."""

    @property
    def key(self) -> str:
        """What its work is kept by."""
        return self.sample_id if self.seed is None else f"{self.sample_id}/{self.seed}"


def items_of(benchmark: Benchmark, source: FolderSource | None) -> list[Item]:
    """Return the first frames of a model's videos, or without a model the benchmark's own."""
    if source is None:
        return [
            Item(sample_id=sample.id, seed=None, path=benchmark.root / sample.image)
            for sample in benchmark.samples
            if sample.image is not None
        ]
    found = []
    for sample in benchmark.samples:
        for seed in source.seeds(sample, ()) if source.has(sample) else ():
            path = source.video(sample, seed).path
            if path is not None:
                found.append(Item(sample_id=sample.id, seed=seed, path=path))
    return found


def nothing_text(benchmark: Benchmark, source: FolderSource | None) -> str:
    """Return why there is nothing to annotate, and what to do."""
    if source is not None:
        return misfit_text(source.folder, source.files(), [sample.id for sample in benchmark.samples], benchmark.name)
    return (
        f"{benchmark.root}: its samples have no first frames, as every model draws its own: give the folder of a model's videos, "
        f"intergeneval annotate VIDEOS --bench {shlex.quote(str(benchmark.root))}"
    )


def inside(point: Sequence[float], frame: Frame) -> tuple[float, float]:
    """Return a point x, y that was drawn, moved into the frame. Raises UsageError for what is none."""
    x, y = (float(value) for value in point)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise UsageError(f"{point!r} is no point of the first frame")
    return min(max(x, 0.0), float(frame.shape[1])), min(max(y, 0.0), float(frame.shape[0]))
