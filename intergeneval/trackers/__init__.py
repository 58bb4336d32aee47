"""Trackers: first-frame masks in, one Track an instance out; the protocol every tracker keeps.

Built by an entry point of group ``intergeneval.trackers`` from (argument, settings).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask
from intergeneval.records import Box, Sample, Tracks, Truth, Video

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRequest:
    """One video to track."""

    sample: Sample
    """The sample, with its instances."""
    video: Video
    """The probed video: size, fps; `frames` may be 0 where the count is not known before decoding."""
    masks: Mapping[str, Mask]
    """Instance id -> boolean mask (H, W) on the anchor frame, at the video's size."""
    frames: Iterable[Frame]
    """All frames in order, RGB uint8 (H, W, 3), at the video's size; can be walked once, need not be held."""
    path: Path | None = None
    """The video file, for trackers that look beside it."""
    truth: Truth | None = None
    """Given only to a tracker that declares `needs_truth`."""
    anchor: int = 0
    """Frame whose masks are given; beyond 0 only for a tracker that says ``both_ways = True`` (``hf``, ``sam2``)."""


class Tracker(Protocol):
    """Follows all instances of a video in one pass over its frames."""

    @property
    def id(self) -> str:
        """Name with its revision, such as ``flow-1``; part of the comparability key."""

    @property
    def needs_truth(self) -> bool:
        """Whether it reads the truth of a staged video."""

    def track(self, request: TrackRequest) -> Tracks:
        """Track every instance that has a mask, through every frame. Raises BackendError or MediaError."""


@runtime_checkable
class Keepable(Protocol):
    """A tracker whose tracks may be kept for later runs: they depend on frames, masks, its id and its settings alone.

    One that reads files beside a video does not say so.
    """

    keepable: bool
    """True."""


@runtime_checkable
class Segments(Protocol):
    """A tracker that also turns boxes into masks, for pictures whose instances are known by boxes only."""

    @property
    def id(self) -> str:
        """As of the tracker."""

    def segment(self, frame: Frame, boxes: Mapping[str, Box]) -> Mapping[str, Mask]:
        """Return a mask (H, W) for each box (in pixels), by its name; empty where it finds nothing. Raises BackendError."""
