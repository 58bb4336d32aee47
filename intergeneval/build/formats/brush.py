"""The run-length code of Label Studio's brush: runs of bytes in a stream of bits, of a picture in four channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from intergeneval.masks import Mask

_SIZES = (3, 4, 8, 16)
"""Bits of a run's length, of four kinds."""
_WORD = 8


class BrushError(ValueError):
    """What is wrong with a code."""


class _Bits:
    """Whole numbers out of a stream of bits, the highest bit first."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._end = data, 0, 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next bits as a number. Raises BrushError at the end."""
        last = self._at + count
        if last > self._end:
            raise BrushError("the code ends too early")
        first, end = self._at // 8, -(-last // 8)
        found = int.from_bytes(self._data[first:end], "big") >> (8 * end - last)
        self._at = last
        return found & ((1 << count) - 1)


def unpack(code: Sequence[int], size: tuple[int, int]) -> Mask:
    """Return the mask (H, W) of a brush's code: where its fourth channel is set. Raises BrushError."""
    if not all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 256 for item in code):
        raise BrushError("the code holds something else than bytes")
    bits = _Bits(bytes(code))
    total, word = bits.take(32), bits.take(5) + 1
    sizes = [bits.take(4) + 1 for _ in range(4)]
    if total != size[0] * size[1] * 4:
        raise BrushError(
            f"the code is of {total} values, and a picture of {size[1]}x{size[0]} in four channels has {size[0] * size[1] * 4}"
        )
    out = np.zeros(total, dtype=np.uint8)
    at = 0
    while at < total:
        same = bits.take(1)
        end = at + 1 + bits.take(sizes[bits.take(2)])
        if end > total:
            raise BrushError("a run goes beyond the picture")
        if same:
            out[at:end] = bits.take(word) & 255
            at = end
        while at < end:
            out[at] = bits.take(word) & 255
            at += 1
    return np.asarray(out.reshape(size[0], size[1], 4)[:, :, 3] > 0)


def pack(mask: Mask) -> list[int]:
    """Return the code of a mask (H, W), the same in all four channels."""
    values = np.repeat(mask.ravel(), 4)
    steps = np.flatnonzero(np.diff(values.astype(np.int8))) + 1
    edges = np.concatenate(([0], steps, [values.size]))
    parts = [f"{values.size:032b}", f"{_WORD - 1:05b}", *(f"{size - 1:04b}" for size in _SIZES)]
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        value = f"{255 if values[start] else 0:08b}"
        left = end - start
        while left:
            run = min(left, 1 << _SIZES[-1])
            kind = next(place for place, size in enumerate(_SIZES) if run <= 1 << size)
            parts.append(f"1{kind:02b}{run - 1:0{_SIZES[kind]}b}{value}")
            left -= run
    text = "".join(parts)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))
