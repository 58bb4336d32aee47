"""From a decoded picture to upright, opaque RGB at the benchmark's size."""

from __future__ import annotations

from functools import cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from intergeneval.errors import MediaError
from intergeneval.plugins.fitting import FITS, SAME_SHAPE, Fitting
from intergeneval.videos.colour import mapping_of
from intergeneval.videos.decoding import MAX_FRAME_BYTES

__all__ = [
    "FITS",
    "GREY",
    "SAME_SHAPE",
    "UPRIGHT",
    "Converter",
    "Fitting",
    "Frame",
    "Notes",
    "Turn",
    "turn_by_angle",
    "turn_by_matrix",
]

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""

Turn = tuple[int, int, int, int]
"""Signs of a display matrix a, b, c, d: x' = a x + c y, y' = b x + d y, with y growing downward."""
UPRIGHT: Turn = (1, 0, 0, 1)

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
        """Return a picture of PyAV as RGB uint8 (H, W, 3): as sRGB, transparency over mid grey, turned upright.

        Raises MediaError for one that is too large.
        """
        needed = picture.width * picture.height * picture.format.padded_bits_per_pixel // 8
        if needed > MAX_FRAME_BYTES:
            raise MediaError(
                f"a picture of {picture.width}x{picture.height} takes {needed >> 20} MiB ({picture.format.name}), and "
                f"{MAX_FRAME_BYTES >> 20} are the most; scale it down, or store it with 8 bits a channel"
            )
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
