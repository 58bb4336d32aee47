"""Where videos come from (``--model``): the protocol every source keeps.

A source is built by an entry point of group ``intergeneval.sources`` from (argument, settings). Sources do not encode: one that
renders or generates hands over frames, and the run writes the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from intergeneval.errors import BackendError
from intergeneval.plugins.fitting import Fitting
from intergeneval.records import Sample, Truth

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceVideo:
    """What a source has for one sample and seed: a file, frames, or a reason why there is nothing."""

    path: Path | None = None
    """File or folder of frames on disk."""
    label: str = ""
    """How records name the path: relative to the model folder."""
    frames: Callable[[], Iterator[Frame]] | None = None
    """Makes the frames anew, RGB uint8 (H, W, 3), for sources that render; the run encodes them."""
    fps: float = 8.0
    """Frame rate of `frames`, frames per second."""
    fitting: Fitting | None = None
    """How the sample's first frame was given to the model that makes `frames`, and how they come back; None: not told."""
    missing: str = ""
    """Why there is no video, in one sentence."""
    truth: Truth | None = None
    """What really happens in it, where the source knows."""

    def made(self) -> Iterator[Frame]:
        """Yield what `frames` makes. Raises BackendError where they are of another size than the first frame was brought to."""
        assert self.frames is not None
        for frame in self.frames():
            if self.fitting is not None and frame.shape[:2] != self.fitting.source_size:
                raise BackendError(
                    f"it gave a video of {frame.shape[1]}x{frame.shape[0]}, and its first frame was brought to "
                    f"{self.fitting.source_size[1]}x{self.fitting.source_size[0]}, so masks and video would not meet"
                )
            yield frame


class Source(Protocol):
    """Gives one video for each sample and seed.

    A source that must not be asked from several processes at once (one that holds a GPU, say) sets ``parallel = False``; the
    run then calls `video` in the parent process only.
    """

    @property
    def name(self) -> str:
        """Name of the model in tables."""

    def describe(self) -> Mapping[str, Any]:
        """Return the configuration that decides the videos, plain JSON values; its hash goes into the header."""

    def seeds(self, sample: Sample, wanted: Sequence[int]) -> tuple[int, ...]:
        """Return the seeds this source has or will make for a sample, narrowed to `wanted` where that is not empty."""

    def video(self, sample: Sample, seed: int) -> SourceVideo:
        """Return the video of one sample and seed. Raises BackendError when generation fails."""


@runtime_checkable
class ReadsBenchmark(Protocol):
    """A source that makes its videos from the benchmark's own files: first frames and masks."""

    def attach(self, root: Path) -> None:
        """Take the folder that the samples' paths are relative to; called once, before `seeds` and `video`."""


@runtime_checkable
class GivesFirstFrames(Protocol):
    """A source that gives the samples' first frames to a model of its own shape.

    What comes back is read by the run's ``fit``, so the frame must go in by the same one (`intergeneval.plugins.fitting`).
    """

    def give_by(self, fit: str) -> None:
        """Take the run's ``fit``; called once, before `geometry` and `video`. Without it ``crop`` holds."""

    def geometry(self, sample: Sample) -> Fitting | None:
        """Return the way of a sample's first frame into the model and back, before anything is loaded; None where it has none."""
