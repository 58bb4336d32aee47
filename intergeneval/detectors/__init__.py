"""Detectors: a frame and class nouns in, boxes out; the protocol every detector keeps.

Built by an entry point of group ``intergeneval.detectors`` from (argument, settings).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from intergeneval.records import Detections, Sample, Truth, Video

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectRequest:
    """The sampled frames of one video, and the classes to look for."""

    sample: Sample
    """The sample."""
    video: Video
    """The video; `frames` below are its `sampled` indices."""
    frames: Mapping[int, Frame]
    """Frame index -> RGB uint8 (H, W, 3)."""
    classes: Sequence[str]
    """Class nouns to look for, without repeats."""
    truth: Truth | None = None
    """Given only to a detector that declares `needs_truth`."""


class Detector(Protocol):
    """Finds objects of listed classes in frames."""

    @property
    def id(self) -> str:
        """Name with its revision; part of the comparability key."""

    @property
    def needs_truth(self) -> bool:
        """Whether it reads the truth of a staged video."""

    def detect(self, request: DetectRequest) -> Detections:
        """Look at every frame of the request. Raises BackendError."""
