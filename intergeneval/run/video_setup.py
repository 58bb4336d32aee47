"""What a worker that looks at videos is made of."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval.bench import Benchmark
from intergeneval.config import RunConfig
from intergeneval.records import Video, VideoStatus
from intergeneval.run.backends import Backends
from intergeneval.run.engine import LOST
from intergeneval.run.job import Job, Outcome, Result
from intergeneval.run.video import VideoPipeline
from intergeneval.store import HEADER


def limit_worker(config: RunConfig) -> None:
    """Hold this process to one thread of OpenCV and to the limit of memory: it is one of many."""
    import cv2

    cv2.setNumThreads(1)
    if config.worker_memory is not None:
        # What the process maps of its libraries is not counted: it is the data that grows with a video.
        most = round(config.worker_memory * (1 << 30))
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSetup:
    """The `Setup` of a run: each worker brings videos through the stages, with backends of its own."""

    config: RunConfig
    """The settings."""
    folder: Path
    """The run folder."""
    bench: Benchmark
    """The part of the benchmark that is run."""

    @property
    def places(self) -> Sequence[Path]:
        """Run folder, benchmark, and the folder of videos where there is one."""
        _, _, argument = self.config.model.partition(":")
        given = [Path(text) for text in (self.config.model, argument) if text and Path(text).exists()]
        return (self.folder / HEADER, self.bench.root, *given)

    def build(self) -> Callable[[Job], tuple[Outcome, ...]]:
        """Build the backends, within the limit of memory. Raises what they raise."""
        limit_worker(self.config)
        return VideoPipeline(self.config, self.folder, Backends.build(self.config, self.bench.root), self.bench).run

    def lost(self, job: Job) -> tuple[Outcome, ...]:
        """Return the record of a video that nothing is known of: it has no score, and a resume looks at it again."""
        video = Video(sample_id=job.sample.id, seed=job.seed, status=VideoStatus.FAILED, reason=LOST)
        return (Result(sample_id=job.sample.id, seed=job.seed, video=video),)
