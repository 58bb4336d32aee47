"""One geometry between a benchmark's first frame and a video: how a picture is given to a model, and how its video comes back.

A model makes videos of a shape of its own. Two ways lead there and back without loss of place, and each is the other's exact
inverse, pixel window for pixel window:

- ``scale``: the picture is stretched to the model's shape, and the video is stretched back. Nothing is lost, but the model sees
  people and things that are too broad or too narrow.
- ``crop``: the picture keeps its shape and lies in the middle of the model's frame, black around it; of the video that window is
  cut out again.

A run reads all videos by its setting ``fit``, so a source gives first frames by the same one, and a video that a run made comes
out right again wherever it is read with that ``fit``, also out of a plain folder.

To cut the picture's middle out and to judge that part alone would fill the model's frame with more pixels of the scene, but what
is cut away is gone from the video: of a square picture in a video of 16:9 it is 44 percent, most often heads, feet or the
one who acts, and a prompt cannot be scored on somebody who is not there. Black bars cost resolution and nobody's place, and
models know them from films; mirrored or repeated borders would show the model a second copy of who stands near an edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.errors import ConfigError
from intergeneval.records import Fit

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""

OF_A_RUN = "scale"
"""The way of a run whose settings name none."""
Mask = npt.NDArray[np.bool_]
"""One mask, shape (H, W)."""

FITS = ("crop", "scale")
"""``crop``: cut the middle out where the shapes differ; ``scale``: stretch. Both only scale where the shapes agree."""
SAME_SHAPE = 0.02
"""Two aspect ratios nearer than this share count as one: 832x468 is then scaled to 1280x720, not cropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """How frames of one size become frames of another."""

    source_size: tuple[int, int]
    """Height and width of the frames as stored, upright, in pixels."""
    size: tuple[int, int]
    """Height and width wanted, in pixels."""
    fit: Fit
    """What is done."""
    window: tuple[int, int, int, int]
    """Top, left, height and width of the part that is kept, in source pixels."""

    @classmethod
    def of(cls, source_size: tuple[int, int], size: tuple[int, int] | None, mode: str) -> Fitting:
        """Plan the way from `source_size` to `size` (both height, width; None: as stored) in one of FITS. Raises ConfigError."""
        if mode not in FITS:
            raise ConfigError(f"fit {mode!r} is not known; use one of {', '.join(FITS)}")
        height, width = source_size
        whole = (0, 0, height, width)
        if size is None or size == source_size:
            return cls(source_size=source_size, size=source_size, fit=Fit.EXACT, window=whole)
        wanted = size[1] / size[0]
        ratio = (width / height) / wanted
        if mode == "scale" or abs(ratio - 1) <= SAME_SHAPE:
            return cls(source_size=source_size, size=size, fit=Fit.SCALE, window=whole)
        if ratio > 1:
            kept = max(1, round(height * wanted))
            window = (0, (width - kept) // 2, height, kept)
        else:
            kept = max(1, round(width / wanted))
            window = ((height - kept) // 2, 0, kept, width)
        return cls(source_size=source_size, size=size, fit=Fit.CROP, window=window)

    def remark(self) -> str:
        """Return what is done in words, widths before heights; empty where nothing is."""
        if self.fit is Fit.EXACT:
            return ""
        _, _, height, width = self.window
        cut = f"centre crop {width}x{height} of " if self.fit is Fit.CROP else ""
        return f"{cut}{self.source_size[1]}x{self.source_size[0]} scaled to {self.size[1]}x{self.size[0]}"

    def apply(self, frame: Frame) -> Frame:
        """Return `frame` (H, W, 3) cut and scaled as planned."""
        if self.fit is Fit.EXACT:
            return frame
        top, left, height, width = self.window
        part = frame[top : top + height, left : left + width]
        shrinks = self.size[0] < height or self.size[1] < width
        resized = cv2.resize(part, (self.size[1], self.size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        return np.asarray(resized, dtype=np.uint8)

    def give(self, picture: Frame) -> Frame:
        """Return a picture of the shape of `size` as a model of `source_size` is given it: the inverse of `apply`."""
        if picture.shape[:2] == self.source_size and self.fit is Fit.EXACT:
            return picture
        top, left, height, width = self.window
        # Enlarged by area too where nothing is added: this is what models were given before there were bars.
        enlarges = self.fit is Fit.CROP and height >= picture.shape[0] and width >= picture.shape[1]
        inner = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC if enlarges else cv2.INTER_AREA)
        if self.fit is not Fit.CROP:
            return np.asarray(inner, dtype=np.uint8)
        frame = np.zeros((*self.source_size, 3), dtype=np.uint8)
        frame[top : top + height, left : left + width] = inner
        return frame

    def give_mask(self, mask: Mask) -> Mask:
        """Return a mask (H, W) of the picture at its place in the frame that the model is given, by nearest neighbour."""
        top, left, height, width = self.window
        rows, columns = (
            np.floor((np.arange(wanted) + 0.5) * length / wanted).astype(np.int64)
            for wanted, length in zip((height, width), mask.shape, strict=True)
        )
        frame = np.zeros(self.source_size, dtype=np.bool_)
        frame[top : top + height, left : left + width] = mask[rows[:, None], columns[None, :]]
        return frame

    def cut(self, frame: Frame) -> Frame:
        """Return the part of a video's frame that shows the picture, at the video's own resolution."""
        top, left, height, width = self.window
        return frame[top : top + height, left : left + width]

    def geometry(self) -> str:
        """Return in words what a model is given, widths before heights; empty where it is the picture's own shape."""
        if self.fit is not Fit.CROP:
            return ""
        _, _, height, width = self.window
        return f"first frames as {width}x{height} in the middle of {self.source_size[1]}x{self.source_size[0]}, black around"
