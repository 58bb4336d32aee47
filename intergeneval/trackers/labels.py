"""Whose is each pixel: owners carried along the motion, and asked for anew only where the motion does not tell.

A pixel whose motion is believed keeps its owner, an instance or the ground: ground that moves with the ground cannot join an
instance, and where nothing moves every mask keeps its pixels. The rest is open: uncovered, covered, entered, changed, or at a
border between things that slide along each other. There, what lay around and how the pixel looks decide.
"""

from __future__ import annotations

import cv2
import numpy as np

from intergeneval.masks import Mask
from intergeneval.trackers import limits
from intergeneval.trackers.appearance import Floats, Owners
from intergeneval.trackers.motion import Grey, Motion

_SEVEN, _FIVE, _THREE = (np.ones((side, side), np.uint8) for side in (7, 5, 3))


class Labels:
    """The shares that the ground (0) and the instances (1 and on) have in each pixel of the latest frame."""

    def __init__(self, masks: list[Floats]) -> None:
        """`masks` are shares (H, W) of the instances in the first frame, 0 to 1, not overlapping."""
        held = np.stack(masks)
        self.shares: Floats = np.concatenate([np.maximum(1 - held.sum(axis=0, keepdims=True), 0), held]).astype(np.float32)
        self.shares /= self.shares.sum(axis=0)
        self.rooted: Floats = np.ones(held.shape[1:], dtype=np.float32)
        """How firmly a pixel's owner was handed down from the first frame (H, W), 0 to 1."""
        self.untouched: Mask = np.ones(held.shape[1:], dtype=np.bool_)
        """Whether nothing has moved at a pixel since the first frame (H, W)."""

    def step(self, motion: Motion, beliefs: Floats, grey: Grey) -> None:
        """Go on to the next frame; `beliefs` say whose each pixel looks to be (kinds, H, W)."""
        carried = np.stack([motion.carry(share) for share in self.shares])
        carried /= np.maximum(carried.sum(axis=0), 1e-6)
        rooted = motion.carry(self.rooted)
        most = carried.max(axis=0)
        # Each carrying blurs a little: what is nearly decided is decided.
        blurred = motion.moved & (most < limits.SHARP_BELOW)
        sharp = carried[:, blurred] ** np.float32(limits.SHARPEN)
        carried[:, blurred] = sharp / np.maximum(sharp.sum(axis=0), 1e-6)
        owner = owners_of(carried)
        sliding = (cv2.dilate(owner, _FIVE) != cv2.erode(owner, _FIVE)) & motion.torn
        stirred = motion.moved | motion.broken
        loose = _grown(motion.broken | sliding, _THREE) & _grown(stirred, _FIVE)
        rooted[motion.moved] *= np.float32(limits.ROOT_KEPT)
        rooted[sliding] = np.minimum(rooted[sliding], limits.ROOT_SLIDING)
        rooted[motion.broken] = 0.0
        asked = np.where(loose, 1.0, np.where(rooted > limits.ROOT_FIRM, 0.0, limits.ROOT_ASKED * (1 - rooted)))
        self.shares = _asked(carried, beliefs, asked.astype(np.float32), motion.broken, grey)
        self.rooted = rooted
        self.untouched &= ~_grown(stirred | loose, _THREE)

    def put(self, index: int, place: Mask, beliefs: Floats) -> None:
        """Give a place (H, W) to one instance as far as looks agree: it was found there, and so is nowhere else."""
        left = self.shares[index] * ~place
        self.shares[0] += left
        self.shares[index] -= left
        self.rooted[left > 0] = 0.0
        self.untouched &= left == 0
        near = _grown(place, _SEVEN)
        prior = np.where(place[near], np.float32(limits.PUT_INSIDE), np.float32(limits.PUT_RIM))
        given = beliefs[:, near] * (1 - prior)
        given[index] = beliefs[index][near] * prior
        self.shares[:, near] = given / np.maximum(given.sum(axis=0), 1e-6)
        self.rooted[near] = 0.0
        self.untouched &= ~near

    def clear(self) -> None:
        """Give everything to the ground: the picture is another."""
        self.shares[:] = 0.0
        self.shares[0] = 1.0
        self.rooted[:] = 0.0
        self.untouched[:] = False


def owners_of(shares: Floats) -> Owners:
    """Return whose share is the largest in each pixel (H, W), from the shares of all (kinds, H, W); of equal ones the first."""
    most = shares[0].copy()
    owner = np.zeros(most.shape, dtype=np.uint8)
    for index in range(1, len(shares)):
        np.copyto(owner, np.uint8(index), where=shares[index] > most)
        np.maximum(most, shares[index], out=most)
    return owner


def _asked(carried: Floats, beliefs: Floats, weight: Floats, broken: Mask, grey: Grey) -> Floats:
    """Return the shares (kinds, H, W): as carried, and by surroundings and looks as far as `weight` (H, W) asks for it."""
    rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
    if not len(rows):
        return carried
    margin, (height, width) = 4 * limits.SMOOTH_RADIUS, weight.shape
    part = np.s_[
        max(0, rows[0] - margin) : min(height, rows[-1] + 1 + margin),
        max(0, columns[0] - margin) : min(width, columns[-1] + 1 + margin),
    ]
    whole = (slice(None), *part)
    side = (limits.AROUND_SIDE, limits.AROUND_SIDE)
    inner = carried[whole]
    around = np.stack([cv2.blur(share, side) for share in inner])
    lean = np.where(broken[part], np.float32(limits.AROUND_BROKEN), np.float32(limits.AROUND))
    told = inner + lean * (around - inner)
    near = np.stack([cv2.blur(share, (limits.NEAR_SIDE, limits.NEAR_SIDE)) for share in inner]) > limits.NEAR_SHARE
    told = np.where(near, told + np.float32(limits.SHARE_FLOOR), np.float32(limits.SHARE_FAR))
    odds = np.log(told * beliefs[whole])
    smoothed = np.exp(_smooth(odds - odds.max(axis=0), grey[part]).clip(-12, 0))
    smoothed /= smoothed.sum(axis=0)
    shares = carried.copy()
    shares[whole] += weight[part] * (smoothed - inner)
    return shares


def _smooth(fields: Floats, grey: Grey) -> Floats:
    """Smooth fields (kinds, H, W) along the edges of the grey frame (guided filter: He, Sun, Tang, TPAMI 2013)."""
    side = (2 * limits.SMOOTH_RADIUS + 1,) * 2
    guide = grey.astype(np.float32) / 255.0
    mean_guide = cv2.blur(guide, side)
    spread = cv2.blur(guide * guide, side) - mean_guide * mean_guide + np.float32(limits.SMOOTH_EPSILON)
    smoothed = []
    for field in fields:
        mean = cv2.blur(field, side)
        slope = (cv2.blur(guide * field, side) - mean_guide * mean) / spread
        smoothed.append(cv2.blur(slope, side) * guide + cv2.blur(mean - slope * mean_guide, side))
    return np.stack(smoothed).astype(np.float32, copy=False)


def _grown(mask: Mask, window: cv2.typing.MatLike) -> Mask:
    grown: Mask = cv2.dilate(mask.astype(np.uint8), window) > 0
    return grown


def largest_pieces(mask: Mask) -> Mask:
    """Return a mask (H, W) without pieces below PIECE_SHARE of the largest."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = areas >= limits.PIECE_SHARE * areas[1:].max()
    keep[0] = False
    kept: Mask = keep[pieces]
    return kept
