"""Staged videos as a model: ``--model staged:<policy>``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.records import Sample
from intergeneval.sources import Frame, SourceVideo
from intergeneval.staged import FPS, FRAMES, POLICIES, ROLE_POLICIES, Request, perform

_ALL = (*POLICIES, *ROLE_POLICIES)
_SETTINGS = ("frames", "fps")


class StagedSource:
    """Renders each sample of a staged benchmark under one policy, with its truth."""

    def __init__(self, policy: str, frames: int = FRAMES, fps: float = FPS) -> None:
        if policy not in _ALL:
            raise ConfigError(f"--model staged:{policy}: there is no such policy; there are: {', '.join(_ALL)}")
        if frames < 2 or fps <= 0:
            raise ConfigError(f"a staged video needs 2 frames or more and a positive rate, not frames={frames}, fps={fps}")
        self.policy = policy
        self.frames = frames
        self.fps = fps

    @property
    def name(self) -> str:
        """Name of the model in tables."""
        return f"staged:{self.policy}"

    def describe(self) -> Mapping[str, Any]:
        """Return policy, length and rate."""
        return {"source": "staged", "policy": self.policy, "frames": self.frames, "fps": self.fps}

    def seeds(self, sample: Sample, wanted: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002  # every sample has every seed
        """Return the wanted seeds, or seed 0."""
        return tuple(wanted) or (0,)

    def video(self, sample: Sample, seed: int) -> SourceVideo:
        """Render one sample at the benchmark's size. Raises BackendError for a sample that is not a staged scene."""
        wanted = Request(policy=self.policy, seed=seed, frames=self.frames, fps=self.fps)
        if sample.size is not None:
            wanted = Request(policy=self.policy, seed=seed, frames=self.frames, fps=self.fps, size=sample.size)
        images, truth = perform(sample, wanted).record(keep_frames=True)

        def frames() -> Iterator[Frame]:
            return iter(images)

        return SourceVideo(frames=frames, fps=self.fps, truth=truth, label=f"{sample.id}-{seed}")


def create(argument: str, settings: Mapping[str, Any]) -> StagedSource:
    """Make the source: `argument` is the policy, settings may hold ``frames`` and ``fps``. Raises ConfigError."""
    unknown = sorted(set(settings) - set(_SETTINGS))
    if unknown:
        raise ConfigError(f"staged source: unknown setting {unknown[0]!r}; known are {', '.join(_SETTINGS)}")
    if not argument:
        raise ConfigError(f"--model staged:POLICY needs a policy: {', '.join(_ALL)}")
    return StagedSource(argument, int(settings.get("frames", FRAMES)), float(settings.get("fps", FPS)))
