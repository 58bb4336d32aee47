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
from matrix_train.datasets.likeness import Bits, alike

NAME = "doubles"
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
    same room with somebody else in it is no double. Time grows with the square of the clips, memory with their number.
    """
    found: list[tuple[int | None, float]] = [(None, 1.0)] * len(prints)
    if most < 0 or not prints:
        return found
    hashes = np.frombuffer(bytes.fromhex("".join(prints)), dtype=np.uint8).reshape(len(prints), -1)
    tints = np.frombuffer(bytes.fromhex("".join(shades)), dtype=np.int8).reshape(len(prints), -1, 2).astype(np.float32)
    earlier: dict[int, list[int]] = {}
    for first, second in alike(hashes, most):
        if _same(hashes[first], hashes[second], most) and _recoloured(tints[first], tints[second]) <= OTHER:
            earlier.setdefault(second, []).append(first)
    for second in sorted(earlier):
        # One that is a double itself speaks for nobody: what is kept is alike to none that is kept.
        kept = next((first for first in sorted(earlier[second]) if found[first][0] is None), None)
        if kept is not None:
            found[second] = kept, float(np.unpackbits(hashes[kept] ^ hashes[second]).mean())
    return found


def _same(one: Bits, other: Bits, most: float) -> bool:
    """Whether no frame of two clips differs in more than twice the share of bits that all together may."""
    by_frame = np.unpackbits(one ^ other).reshape(-1, BITS).mean(axis=1)
    return bool(by_frame.max() <= 2 * most)


def _recoloured(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return how far the cell that differs most does: stronger colours are moved further by light."""
    strength = np.maximum(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    return float((np.linalg.norm(one - other, axis=1) / (6.0 + 0.4 * strength)).max())
