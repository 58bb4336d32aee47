"""Which clips show the same as an earlier one: hashes of four frames and their colours, over all clips and all shards at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from intergeneval.ids import sha256_json
from matrix_train.curate.config import DoublesConfig
from matrix_train.curate.measuring import BITS
from matrix_train.curate.records import DROPPED, Known, Line

NAME = "doubles"
_COUNTS = np.array([value.bit_count() for value in range(1 << 16)], dtype=np.uint8)
"""Bits that are set in a number of 16 bits."""
OTHER = 0.9
"""How far the colour of any cell may be off, beside what light and encoders do. Of staged clips made lighter, darker, smaller or
cropped, the farthest is .73; the nearest of clips that have their places alike and show somebody else is 1.12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoublesStage:
    """Keeps the first of those that are alike, in the order of the source; no clip is decided alone, so it has no workers."""

    name: ClassVar[str] = NAME
    version: ClassVar[int] = 1
    config: DoublesConfig
    """Settings."""

    def wanted(self, clips: Sequence[Known]) -> str:
        """Return the hash of what all lines are made from: settings, and names and hashes of all clips in their order."""
        seen = [[clip.id, dict(clip.value("look"))] for clip in clips]
        return sha256_json([self.name, self.version, self.config.to_json(), seen])

    def make(self, clips: Sequence[Known], wanted: str) -> list[Line]:
        """Return the line of each clip."""
        seen = [clip.value("look") for clip in clips]
        found = doubles([one["fingerprint"] for one in seen], [one["colours"] for one in seen], self.config.distance)
        lines = []
        for clip, (first, distance) in zip(clips, found, strict=True):
            blank: dict[str, Any] = {"clip": clip.id, "input": wanted, "version": self.version}
            if first is not None:
                other = clips[first].id
                reason = f"it shows the same as {other}: {distance:.1%} of their fingerprints differ"
                blank |= {"status": DROPPED, "kind": "double", "reason": reason, "measured": {"distance": round(distance, 4)}}
                blank |= {"value": {"of": other}}
            lines.append(Line(**blank))
        return lines


def doubles(prints: Sequence[str], shades: Sequence[str], most: float) -> list[tuple[int | None, float]]:
    """Return for each clip the first kept one that it is a double of (index, share of bits that differ), or (None, 1.0).

    `prints` are fingerprints, hex of one length; `shades` colours (6, 6, 2) of CIE Lab, hex of signed bytes. All frames together
    may differ in the share `most` of their bits, and none in twice that; colours no more than light and encoders change them: the
    same room with somebody else in it is no double. Each is held against all that were kept, so time grows with the square of
    their number.
    """
    if most < 0 or not prints:
        return [(None, 1.0)] * len(prints)
    rows = np.frombuffer(bytes.fromhex("".join(prints)), dtype=np.uint16).reshape(len(prints), -1)
    words = BITS // 16
    frames = rows.shape[1] // words
    kept = np.empty_like(rows)
    tints = np.frombuffer(bytes.fromhex("".join(shades)), dtype=np.int8).reshape(len(prints), -1, 2).astype(np.float32)
    names: list[int] = []
    found: list[tuple[int | None, float]] = []
    for index, row in enumerate(rows):
        # One frame first: most clips differ in it already.
        near = np.flatnonzero(_differing(kept[: len(names), :words], row[:words]) <= 2 * most * BITS)
        shares = _by_frame(kept[near], row, frames)
        alike = (shares.mean(axis=1) <= most) & (shares.max(axis=1) <= 2 * most)
        alike &= _recoloured(tints[np.asarray(names, dtype=np.intp)[near]], tints[index]) <= OTHER
        if alike.any():
            place = int(np.argmax(alike))
            found.append((names[int(near[place])], float(shares[place].mean())))
            continue
        kept[len(names)] = row
        names.append(index)
        found.append((None, 1.0))
    return found


def _differing(rows: npt.NDArray[np.uint16], row: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    return np.asarray(_COUNTS[rows ^ row].sum(axis=1, dtype=np.int64))


def _by_frame(rows: npt.NDArray[np.uint16], row: npt.NDArray[np.uint16], frames: int) -> npt.NDArray[np.float64]:
    """Return the share of bits that differ, by frame (N, frames)."""
    counts = _COUNTS[rows ^ row].reshape(len(rows), frames, BITS // 16)
    return np.asarray(counts.sum(axis=2, dtype=np.int64) / BITS)


def _recoloured(rows: npt.NDArray[np.float32], row: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return how far the cell that differs most does (N,): stronger colours are moved further by light."""
    off = np.linalg.norm(rows - row, axis=2)
    strength = np.maximum(np.linalg.norm(rows, axis=2), np.linalg.norm(row, axis=1))
    return np.asarray((off / (6.0 + 0.4 * strength)).max(axis=1, initial=0.0), dtype=np.float32)
