"""The plug-ins of a run, built from their specs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval import plugins
from intergeneval.config import RunConfig
from intergeneval.detectors import Detector
from intergeneval.judges import Judge
from intergeneval.sources import GivesFirstFrames, ReadsBenchmark, Source
from intergeneval.trackers import Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The plug-ins of one run, built once in each process."""

    source: Source
    """Where videos come from."""
    tracker: Tracker
    """Follows instances."""
    judge: Judge
    """Answers questions."""
    detector: Detector | None
    """Finds what emerged; None: not assessed."""

    @classmethod
    def build(cls, config: RunConfig, bench_root: Path, source: Source | None = None) -> Backends:
        """Build all plug-ins from their specs, but for a `source` that is there already.

        Raises UnknownPluginError, ConfigError and MissingDependencyError.
        """

        def made(kind: str, spec: str, **more: Any) -> Any:
            return plugins.build(kind, spec, {**config.settings_for(spec, kind[:-1]), **more})

        source = made("sources", config.model) if source is None else source
        if isinstance(source, ReadsBenchmark):
            source.attach(bench_root)
        if isinstance(source, GivesFirstFrames):
            source.give_by(config.fit)
        return cls(
            source=source,
            tracker=made("trackers", config.tracker),
            judge=made("judges", config.judge, **({"prompts": config.prompts} if config.prompts else {})),
            detector=None if config.detector == "none" else made("detectors", config.detector),
        )
