"""From a decoded picture to upright, opaque RGB at the benchmark's size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from intergeneval.errors import ConfigError
from intergeneval.records import Fit
from intergeneval.videos.colour import mapping_of

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""

Turn = tuple[int, int, int, int]
"""Signs of a display matrix a, b, c, d: x' = a x + c y, y' = b x + d y, with y growing downward."""
UPRIGHT: Turn = (1, 0, 0, 1)

FITS = ("crop", "scale")
"""``crop``: cut the middle out where the shapes differ; ``scale``: stretch. Both only scale where the shapes agree."""
SAME_SHAPE = 0.02
"""Two aspect ratios nearer than this share count as one: 832x468 is then scaled to 1280x720, not cropped."""
GREY = 128
"""Level of the grey that lies behind transparent pixels."""


class Notes:
    """What was done to a video, each remark once, in the order in which it came up."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}

    def add(self, remark: str) -> None:
        """Keep a remark that has not been made yet."""
        self._said.setdefault(remark)

    def drop(self, remark: str) -> None:
        """Take a remark back that turned out to be wrong."""
        self._said.pop(remark, None)

    def all(self) -> tuple[str, ...]:
        """Return the remarks."""
        return tuple(self._said)


class Converter:
    """Turns the pictures of one video into RGB; one for all of them, since setting up a conversion costs more than doing it."""

    def __init__(self, notes: Notes, context: Any = None) -> None:
        """`context` is the stream's codec context before it has decoded: what the container says of colours."""
        self._notes = notes
        self._named = () if context is None else ((int(context.color_trc), int(context.color_primaries)),)
        self._reformatter = VideoReformatter()

    def rgb(self, picture: Any, turn: Turn) -> Frame:
        """Return a picture of PyAV as RGB uint8 (H, W, 3): as sRGB, transparency over mid grey, turned upright."""
        mapping = mapping_of(picture, *self._named)
        alpha = _has_alpha(picture.format.name)
        if mapping is not None:
            self._notes.add(mapping.remark)
            deep = self._array(picture, "rgba64le" if alpha else "rgb48le")
            frame = mapping.apply(deep[..., :3])
            if alpha:
                frame = np.concatenate([frame, (deep[..., 3:] >> 8).astype(np.uint8)], axis=2)
        else:
            frame = self._array(picture, "rgba" if alpha else "rgb24").astype(np.uint8, copy=False)
        return _upright(_over_grey(frame, self._notes) if alpha else frame, turn, self._notes)

    def _array(self, picture: Any, layout: str) -> npt.NDArray[Any]:
        return np.asarray(self._reformatter.reformat(picture, format=layout).to_ndarray())


@cache
def _has_alpha(layout: str) -> bool:
    known = av.VideoFormat(layout)
    return bool(known.has_palette or any(component.is_alpha for component in known.components))


def turn_by_matrix(picture: Any) -> Turn:
    """Return the turn of a picture's whole display matrix, mirroring included.

    For one picture of a stream only: PyAV ties a picture whose side data was looked at into a cycle, and its memory then waits
    for the garbage collector.
    """
    try:
        stored = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18 cannot list side data of a kind it does not know; the angle it still gives
        return turn_by_angle(picture)
    if stored is None:
        return UPRIGHT
    return _signs(np.frombuffer(bytes(stored), dtype=np.int32)[[0, 1, 3, 4]] / 65536)


def turn_by_angle(picture: Any) -> Turn:
    """Return the turn of a picture's rotation flag (of a photo's EXIF, say); a mirroring is not seen."""
    angle = np.deg2rad(-picture.rotation)
    return _signs(np.array([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)]))


def _signs(matrix: npt.NDArray[np.float64]) -> Turn:
    a, b, c, d = (int(np.sign(value)) if abs(value) > 1e-3 else 0 for value in matrix)
    return a, b, c, d


def _over_grey(rgba: npt.NDArray[np.uint8], notes: Notes) -> Frame:
    alpha = rgba[..., 3:]
    if int(alpha.min()) == 255:
        return np.ascontiguousarray(rgba[..., :3])
    notes.add("alpha over grey")
    share = alpha.astype(np.uint16)
    mixed = (rgba[..., :3] * share + GREY * (255 - share) + 127) // 255
    return mixed.astype(np.uint8)


def _upright(frame: Frame, turn: Turn, notes: Notes) -> Frame:
    if turn == UPRIGHT:
        return frame
    a, b, c, d = turn
    if a and d and not b and not c:
        turned = frame[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    elif b and c and not a and not d:
        turned = frame.transpose(1, 0, 2)[:: -1 if b < 0 else 1, :: -1 if c < 0 else 1]
    else:
        notes.add("a display matrix that is no quarter turn was not applied")
        return frame
    notes.add(_turn_in_words(a, b, c, d))
    return np.ascontiguousarray(turned)


def _turn_in_words(a: int, b: int, c: int, d: int) -> str:
    if a * d - b * c < 0:
        return "mirrored by its display matrix"
    degrees = 180 if a < 0 else 90 if b > 0 else 270
    return f"rotated {degrees} clockwise"


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
