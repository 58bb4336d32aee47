"""The steps of a build that hold a local model, done by workers: boxes proposed by the detector, masks and tracks by the tracker.

Both are handed whole items and give back the lines that the first process appends. The other steps stay with it: reading,
verifying and looking ask the judge, which has one cache and one cost limit there; painting takes turns with finding, since what
was found decides whether a text is painted once more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intergeneval import plugins
from intergeneval.build.config import NONE, BuildConfig
from intergeneval.build.folder import FOLDER, HEADER
from intergeneval.build.ground_step import ProposeJob, proposed
from intergeneval.build.records import Cut, Proposals
from intergeneval.build.segment_step import CutJob, Cutter
from intergeneval.config import RAY, plugin_settings
from intergeneval.errors import MediaError
from intergeneval.grounding import Grounder
from intergeneval.judges.prompting import CROP_NAMES, Prompts
from intergeneval.run.engine import LOST, Engine, J, O, Setup
from intergeneval.run.engines import engine_of
from intergeneval.run.gpus import environments, gpus
from intergeneval.run.processes import exclusive


def backend(config: BuildConfig, kind: str, spec: str, **more: Any) -> Any:
    """Build a plug-in of a build. Raises UnknownPluginError, ConfigError and MissingDependencyError."""
    settings = plugin_settings(config.settings, spec, kind[:-1])
    return plugins.build(kind, spec, {**settings, **{name: value for name, value in more.items() if value}})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeSetup:
    """The `Setup` of workers that propose boxes: each has a detector of its own."""

    config: BuildConfig
    """The settings."""
    detector: str
    """Id of the detector."""

    @property
    def places(self) -> Sequence[Path]:
        """List and build folder."""
        return _places(self.config)

    def build(self) -> Callable[[ProposeJob], Proposals | None]:
        """Build the detector. Raises what it raises."""
        config = self.config
        prompts = Prompts(Path(config.prompts) if config.prompts else None, CROP_NAMES)
        grounder = Grounder(backend(config, "detectors", config.detector), None, prompts, config.grounding)

        def propose(job: ProposeJob) -> Proposals | None:
            try:
                media = job.opened()
            except MediaError:
                # The first process meets the same and says so.
                return None
            return proposed(grounder, job.sample(media), media, job.anchor, job.wanted)

        return propose

    def lost(self, job: ProposeJob) -> Proposals:
        """Return the line of an item whose proposals no worker lived to make."""
        blank = Proposals(sample_id=job.item.id, input=job.wanted, detector=self.detector, frames=())
        return replace(blank, status="failed", reason=f"detecting failed: {LOST}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSetup:
    """The `Setup` of workers that cut out and follow: each has a tracker of its own."""

    config: BuildConfig
    """The settings."""
    tracker: str
    """Spec of the tracker; ``none`` where all masks are given."""
    root: Path
    """Folder that given masks are relative to."""

    @property
    def places(self) -> Sequence[Path]:
        """List and build folder."""
        return _places(self.config)

    def build(self) -> Callable[[CutJob], Cut]:
        """Build the tracker. Raises what it raises."""
        tracker = None if self.tracker == NONE else backend(self.config, "trackers", self.tracker)
        return Cutter(tracker=tracker, root=self.root, out=Path(self.config.out)).make

    def lost(self, job: CutJob) -> Cut:
        """Return the line of an item that no worker lived to cut out."""
        return job.failed(LOST)


def _places(config: BuildConfig) -> tuple[Path, ...]:
    return Path(config.source), Path(config.out) / FOLDER / HEADER


class StepWorkers:
    """The workers of a build: as many as it was told, or one a GPU where a backend holds one and there are several."""

    def __init__(self, config: BuildConfig) -> None:
        self._config = config
        self._cluster: Engine | None = None
        self._share = 0.0

    def outcomes(
        self, setup: Setup[J, O], held: tuple[object, str, str], jobs: Callable[[], Sequence[J]]
    ) -> Generator[O, None, None] | None:
        """Give what comes of each job, in the order in which they end; None where the first process is to do them.

        `held` is the backend that workers have of their own, its kind (``detector``, ``tracker``) and its spec; `jobs` is called
        only where there may be workers. Raises MissingDependencyError and ConfigError as `engine_of` does.
        """
        config, (own, kind, spec) = self._config, held
        alone, cards = exclusive([own]), tuple[dict[str, str], ...]()
        if alone and "device" not in plugin_settings(config.settings, spec, kind):
            cards = environments(gpus(os.environ), 1)
        most = max(len(cards), 1) if alone else config.workers
        count = min(config.workers or most, most)
        if count <= 1 and not config.engine:
            return None
        given = jobs()
        count = min(count, len(given))
        if not given or (count <= 1 and not config.engine):
            return None
        if config.engine.partition(":")[0] != RAY:
            return engine_of(config.engine, count, cards).outcomes(setup, given)
        share = float(alone)
        if self._cluster is None or share != self._share:
            self.close()
            self._cluster, self._share = engine_of(config.engine, count, cluster_workers=config.workers, gpu_share=share), share
        return self._cluster.outcomes(setup, given)

    def close(self) -> None:
        """Let go of workers that outlast a step."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None
