"""A detector that reads the truth of a staged video: every object that can be seen, with its true box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.detectors import DetectRequest
from intergeneval.errors import BackendError, ConfigError
from intergeneval.records import Detections


class StagedDetector:
    """Gives what a perfect detector would find among the classes asked for."""

    id = "staged-1"
    needs_truth = True

    def detect(self, request: DetectRequest) -> Detections:
        """Return the true boxes in the requested frames. Raises BackendError where the truth does not speak of them."""
        known = None if request.truth is None else request.truth.detections
        if known is None:
            raise BackendError(f"{request.sample.id}: the staged detector needs a staged video; use --model staged:POLICY")
        found = dict(zip(known.frames, known.found, strict=True))
        frames = tuple(sorted(request.frames))
        missing = [frame for frame in frames if frame not in found]
        if missing:
            raise BackendError(
                f"{request.sample.id}: the truth holds no objects of frame {missing[0]}; it knows frames "
                f"{', '.join(map(str, known.frames))}: sample the video as it was staged"
            )
        classes = set(request.classes)
        return Detections(
            sample_id=request.sample.id,
            seed=request.video.seed,
            detector=self.id,
            frames=frames,
            found=tuple(tuple(item for item in found[frame] if item.class_ in classes) for frame in frames),
        )


def create(argument: str, settings: Mapping[str, Any]) -> StagedDetector:
    """Make the detector; it takes neither argument nor settings (ConfigError)."""
    if argument or settings:
        raise ConfigError(f"the staged detector takes no argument and no settings, not {argument!r} and {dict(settings)!r}")
    return StagedDetector()
