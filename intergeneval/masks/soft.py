"""Pictures of a mask that have more than two values: cut at the middle where loss explains what lies between, and never else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask, decode, encode, runs

DARK = 32
"""Brightness up to which a pixel is background with noise on it: video black is 16."""
BRIGHT = 223
"""Brightness from which it is the instance with noise on it: video white is 235."""
EDGE = 8
"""Pixels around the edge of a mask in which loss puts any value: JPEG works in blocks of eight."""
COLOUR_EDGE = 18
"""The same where the mask has a colour: colours are kept at half the size, so their blocks have sixteen, and are smoothed."""
COLOUR = 64
"""Distance of a channel, 0..255, beyond which two colours of a mask are two."""
STRAY = 0.02
"""Share of a mask's pixels up to which values between dark and bright, or another colour, may lie away from its edge."""
FLAT = 0.1
"""Share of the dark pixels with a value that may form flat patches, beyond which they are drawn and no noise."""
LOSS = 2
"""Levels by which a lossy file may move a whole block of background beside the mask: to round it moves it by one."""
BORDER = 0.8
"""Share of the frame's border from which a mask that also has the four corners may be a background."""

_CROSSING = 0.05
_SMEARED = 0.25  # Colours are stored at half the size, and a small mask is edge throughout.
_FEW = 8
_SPECK = 4  # Pixels from which a piece is no speck: 2x2, the smallest that a hand or a smaller copy of a mask makes.
_MANY = 100


@dataclass(frozen=True, slots=True)
class Cut:
    """One picture cut at its middle."""

    coded: str
    """The pixels in its brighter half, run-length coded."""
    around: bool | None
    """As `runs_around` says of them."""
    bright: bool
    """Whether a pixel is as bright as an instance must be somewhere."""
    problem: str
    """Why it cannot be cut; empty where it can."""
    drawn: bool
    """Whether dark pixels near its edge form patches as well, which a third value does and noise does not."""
    colour: tuple[int, int, int] | None
    """Middle colour of the mask; None of a grey picture and where it is empty."""


def runs_around(mask: Mask) -> bool | None:
    """Whether a mask (H, W) has the four corners and most of the border; None where it has every pixel."""
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if not (mask[0, 0] and mask[0, -1] and mask[-1, 0] and mask[-1, -1] and border.mean() >= BORDER):
        return False
    return None if mask.all() else True


def hole_share(mask: Mask) -> float:
    """Return the share of the frame that the largest hole of a mask (H, W) has; 0 where it has every pixel."""
    pieces = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    return float(pieces.max(initial=0) / mask.size)


def cut(strength: npt.NDArray[np.uint8], colours: npt.NDArray[Any] | None, *, lossy: bool = False) -> Cut:
    """Cut a picture of brightness 0..255 (H, W) at its middle; `colours` (H, W, 3) where it has some.

    `lossy` says that its format keeps no value exactly: flat patches within `LOSS` of the background are no drawing then.
    """
    mask = np.asarray(strength > 127)
    bits = mask.astype(np.uint8)
    side = np.ones((2 * EDGE + 1, 2 * EDGE + 1), dtype=np.uint8)
    reach = EDGE if colours is None else COLOUR_EDGE
    wide = np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)
    near = cv2.dilate(bits, wide) != cv2.erode(bits, wide)
    between = np.count_nonzero((strength > DARK) & (strength < BRIGHT) & ~near)
    allowed = max(STRAY * np.count_nonzero(mask), _FEW)
    problem = ""
    if between > allowed:
        problem = f"{between} pixels away from its edge lie between dark and bright"
    elif patches(strength, ~near):
        problem = f"dark pixels away from its edge form patches of one value ({_patch_value(strength, ~near)})"
    colour = None
    if colours is not None and mask.any():
        channels = (colours // 257 if colours.dtype == np.uint16 else colours).astype(np.int64)
        inner = cv2.erode(bits, side) > 0
        chosen = channels[inner if inner.any() else mask]
        middle = np.median(chosen, axis=0)
        colour = (int(middle[0]), int(middle[1]), int(middle[2]))
        others = np.count_nonzero((np.abs(chosen - middle) > COLOUR).any(axis=1))
        if not problem and others > max((STRAY if inner.any() else _SMEARED) * len(chosen), _FEW):
            problem = f"{others} of its bright pixels have another colour than {colour}"
    drawn = patches(strength, np.ones_like(mask), loss=LOSS if lossy else 0)
    return Cut(encode(mask), runs_around(mask), bool((strength >= BRIGHT).any()), problem, drawn, colour)


def patches(strength: npt.NDArray[np.uint8], where: Mask, *, loss: int = 0) -> bool:
    """Whether dark pixels of a picture form flat patches beside the background: a mask written as 1 does, noise does not.

    Pixels within `loss` levels of the background belong to it.
    """
    odd, flat = _flat(strength, where, loss)
    return bool(np.count_nonzero(flat) > max(FLAT * np.count_nonzero(odd), _FEW))


def _flat(strength: npt.NDArray[np.uint8], where: Mask, loss: int = 0) -> tuple[Mask, Mask]:
    dark = np.asarray(strength <= DARK) & where
    background = int(np.bincount(strength[dark], minlength=1).argmax())
    odd = dark & (np.abs(strength.astype(np.int16) - background) > loss)
    three = np.ones((3, 3), dtype=np.uint8)
    return odd, np.asarray(odd & (cv2.erode(strength, three) == cv2.dilate(strength, three)))


def _patch_value(strength: npt.NDArray[np.uint8], where: Mask) -> int:
    return int(np.bincount(strength[_flat(strength, where)[1]]).argmax())


def scattered(counts: str, size: tuple[int, int], *, faint: bool) -> bool:
    """Whether a run-length coded mask is noise: more pieces and holes than a thing has, most of them specks.

    A thing seen through leaves, and spilled beans, have many pieces too, of 2x2 pixels and more. `faint` says that the mask was
    written in a value that cannot be seen, as noise is: then a great many of any size are noise, which may have been enlarged.
    """
    found = runs(counts)
    area = sum(found[1::2])
    # Runs are cheap to count, and noise has many.
    if len(found) <= 2 * _CROSSING * area + 2 * _FEW:
        return False
    mask = decode(counts, size).astype(np.uint8)
    pieces = cv2.connectedComponentsWithStats(mask, connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    around = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)[2][1:, cv2.CC_STAT_AREA]
    # What lies around the pieces is the largest of these, and no hole.
    sizes = np.concatenate([pieces, np.sort(around)[:-1]])
    specks = np.count_nonzero(sizes < _SPECK)
    return bool(len(sizes) > _CROSSING * area + _FEW and (2 * specks > len(sizes) or (faint and len(sizes) > _MANY)))
