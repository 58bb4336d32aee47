"""One picture file of a mask, decoded so that every value that was written can be told apart: indices, ids, colours, alpha.

Image libraries hand out what a picture looks like. Of a mask that is not enough: two indices of a palette may have one colour,
ids in 16 bits round to black in 8, and what a torn file lacks is filled with black, which in a mask means "not here".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
DEEP = 1 << 60
"""Added to the code of a value of 16 bits."""
INDEXED = 1 << 59
"""Added to the index of a palette whose colour an earlier index has too."""
_GREY = 0x010101
_DEEP_GREY = (1 << 32) | (1 << 16) | 1

_GREYS = np.arange(256, dtype=np.int64) * _GREY
_DEEP_GREYS = np.arange(65536, dtype=np.int64) * _DEEP_GREY + DEEP * (np.arange(65536) > 0)


class PictureError(Exception):
    """What is wrong with the picture of a mask and the way out; whoever knows the file makes an error of it."""

    def __init__(self, problem: str, fix: str, place: int = 0) -> None:
        """`place` is the index of the picture among those that were given."""
        super().__init__(problem)
        self.problem, self.fix, self.place = problem, fix, place


@dataclass(frozen=True, slots=True)
class Values:
    """What was written in each pixel of a picture, as codes: numbers that are equal where the same was written.

    0 is black, or the background of a palette. `told` shows a code to a user.
    """

    keys: npt.NDArray[Any]
    """Whole numbers (H, W)."""
    table: npt.NDArray[np.int64] | None
    """The code of each key; None: keys are codes."""

    def distinct(self, most: int) -> tuple[tuple[int, ...], bool]:
        """Return the codes that there are, sorted, and whether there are more than `most`, of which that many are given.

        Walks over what is left of the picture are cheaper here than sorting it: most masks have two values.
        """
        found: list[int] = []
        left = self.keys.ravel()
        while left.size and len(found) < most:
            found.append(int(left[0]))
            left = left[left != left[0]]
        return tuple(sorted({key if self.table is None else int(self.table[key]) for key in found})), bool(left.size)

    def on(self) -> Mask:
        """Return where the code is not 0 (H, W)."""
        return np.asarray(self.keys > 0 if self.table is None else (self.table > 0)[self.keys])

    def strength(self) -> npt.NDArray[np.uint8]:
        """Return grey values in eight bits (H, W)."""
        return _eight(self.keys)


@dataclass(frozen=True, slots=True)
class Pixels:
    """One decoded picture."""

    values: Values
    """Its colours."""
    strength: npt.NDArray[np.uint8]
    """The brightest channel in eight bits (H, W)."""
    colours: npt.NDArray[Any] | None
    """Channels (H, W, 3) where they differ; None: a grey picture."""
    alpha: Values | None
    """Its transparency as grey values; None where it has none."""
    palette: bool
    """Whether the values are indices, which no loss can have blurred."""


def told(code: int) -> str:
    """Return a code as a user knows it: a grey value, (red, green, blue), or an index."""
    if code & INDEXED:
        return f"index {code - INDEXED}"
    bits = 16 if code & DEEP else 8
    value = code & ~DEEP
    red, green, blue = ((value >> (bits * place)) & ((1 << bits) - 1) for place in (2, 1, 0))
    return str(red) if red == green == blue else f"({red}, {green}, {blue})"


def brightest(code: int) -> bool:
    """Whether a code is white: the highest grey of its depth."""
    return code in (255 * _GREY, DEEP | 65535 * _DEEP_GREY)


def is_one(code: int) -> bool:
    """Whether a code is the grey value 1."""
    return code in (_GREY, DEEP | _DEEP_GREY)


def colour_of(code: int) -> tuple[int, int, int] | None:
    """Return red, green and blue of a code in eight bits; None for a grey value."""
    red, green, blue = _channels(code)
    return None if red == green == blue else (red, green, blue)


def strength_of(code: int) -> int:
    """Return the brightest channel of a code in eight bits."""
    return max(_channels(code))


def _channels(code: int) -> tuple[int, int, int]:
    bits = 16 if code & DEEP else 8
    red, green, blue = (((code & ~DEEP) >> (bits * place)) & ((1 << bits) - 1) for place in (2, 1, 0))
    return (red // 257, green // 257, blue // 257) if bits == 16 else (red, green, blue)


def read_pixels(content: bytes) -> Pixels:
    """Decode a PNG or another picture that OpenCV reads. Raises PictureError for one that is damaged or cannot be read."""
    if not content.startswith(PNG):
        # Every other format is decoded as it is looked at: upright, in the depth it has.
        return _of_channels(_decoded(content, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH))
    chunks = dict[bytes, bytes]()
    for kind, body in png_chunks(content):
        chunks[kind] = chunks.get(kind, b"") + body
    if chunks[b"IHDR"][9] == 3:
        return _of_palette(chunks)
    return _of_channels(_decoded(content, cv2.IMREAD_UNCHANGED))


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the chunks of a PNG once each checksum held. Raises PictureError: libraries fill up a torn file with black."""
    again = "save it again as PNG"
    if not content.startswith(PNG):
        raise PictureError("the mask is not a PNG image", "save masks as PNG: other formats blur their edges")
    offset, kind, found = len(PNG), b"", []
    while offset + 12 <= len(content) and kind != b"IEND":
        (length,) = struct.unpack_from(">I", content, offset)
        kind, body = content[offset + 4 : offset + 8], content[offset + 8 : offset + 8 + length]
        checksum = content[offset + 8 + length : offset + 12 + length]
        if len(checksum) < 4 or struct.unpack(">I", checksum)[0] != zlib.crc32(kind + body):
            raise PictureError(f"damaged PNG (chunk at byte {offset})", again)
        found.append((kind, body))
        offset += 12 + length
    if kind != b"IEND" or found[0][0] != b"IHDR" or len(found[0][1]) != 13 or 0 in struct.unpack(">II", found[0][1][:8]):
        raise PictureError("the PNG image ends too early", again)
    yield from found


def _decoded(content: bytes, how: int) -> npt.NDArray[Any]:
    picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), how)
    if picture is None:
        raise PictureError("the mask does not decode", "save it again as PNG")
    if picture.dtype not in (np.uint8, np.uint16):
        raise PictureError(f"the mask has values of type {picture.dtype}", "save it as PNG: 255 on the instance, 0 elsewhere")
    return np.asarray(picture)


def _of_channels(picture: npt.NDArray[Any]) -> Pixels:
    """Return what a picture (H, W) or (H, W, channels), alpha last, holds."""
    alpha, colours = None, None
    if picture.ndim == 3:
        if picture.shape[2] in (2, 4):
            alpha = _grey_codes(picture[..., -1])
            picture = picture[..., :-1]
        blue, green, red = (picture[..., place] for place in ((0, 0, 0) if picture.shape[2] == 1 else (0, 1, 2)))
        if (blue != green).any() or (green != red).any():
            colours = np.stack([red, green, blue], axis=-1)
        picture = red
    if colours is None:
        return Pixels(_grey_codes(picture), _eight(picture), None, alpha, palette=False)
    deep = colours.dtype == np.uint16
    wide, bits = colours.astype(np.int64), 16 if deep else 8
    codes = wide[..., 0] << (2 * bits) | wide[..., 1] << bits | wide[..., 2]
    codes[codes > 0] += DEEP * deep
    return Pixels(Values(codes, None), _eight(colours.max(axis=-1)), colours, alpha, palette=False)


def _grey_codes(levels: npt.NDArray[Any]) -> Values:
    return Values(levels, _GREYS if levels.dtype == np.uint8 else _DEEP_GREYS)


def _eight(levels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.asarray(levels if levels.dtype == np.uint8 else levels // 257, dtype=np.uint8)


def _of_palette(chunks: dict[bytes, bytes]) -> Pixels:
    """Return what a palette picture holds; libraries give its colours, so its indices are decoded as if they were grey values."""
    header = chunks[b"IHDR"]
    bits, plain = header[8], header[:9] + b"\0" + header[10:]
    grey = ((b"IHDR", plain), (b"IDAT", chunks.get(b"IDAT", b"")), (b"IEND", b""))
    found = _decoded(PNG + b"".join(_chunk(*item) for item in grey), cv2.IMREAD_UNCHANGED)
    # OpenCV stretches fewer than eight bits of grey to 0..255.
    indices = found if bits == 8 else (found // (255 // ((1 << bits) - 1))).astype(np.uint8)
    table = np.frombuffer(chunks.get(b"PLTE", b""), np.uint8)
    table = table[: len(table) // 3 * 3].reshape(-1, 3).astype(np.int64)
    if int(indices.max()) >= len(table):
        raise PictureError(
            f"the palette has {len(table)} colours, a pixel the index {int(indices.max())}", "save it again as PNG"
        )
    codes = table[:, 0] << 16 | table[:, 1] << 8 | table[:, 2]
    black = codes == 0
    if not black.any():
        # Index 0 is the background, as DAVIS writes it. Where another one is black, the colours tell, as of any picture.
        codes[0] = 0
    # A colour that comes again is another index all the same.
    again = np.ones(len(codes), dtype=np.bool_)
    again[np.unique(codes, return_index=True)[1]] = False
    codes[again] = INDEXED + np.flatnonzero(again)
    alpha = np.full(len(table), 255, dtype=np.uint8)
    clear = np.frombuffer(chunks.get(b"tRNS", b""), np.uint8)[: len(table)]
    alpha[: len(clear)] = clear
    strength = table.max(axis=1).astype(np.uint8)[indices]
    return Pixels(Values(indices, codes), strength, None, _grey_codes(alpha[indices]) if len(clear) else None, palette=True)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
