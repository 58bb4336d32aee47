"""How things look: small dense descriptors, one linear classifier that tells all owners of pixels apart, and colours.

The classifier is a ridge regression on fixed random features (Rahimi, Recht, NIPS 2008), solved from sums that are kept: what the
first frame taught keeps its weight for good, what was learnt on the way fades.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from intergeneval.trackers import limits

Floats = npt.NDArray[np.float32]
Bins = npt.NDArray[np.int32]
Owners = npt.NDArray[np.uint8]

SIDE = 16
"""Histogram bins along each of lightness, a and b."""
CHROMA_SPAN = 128
"""Range of a and b that the bins share, centred on grey; stronger colours fall into the outer bins."""
SMOOTHING = 0.8
"""Standard deviation, in bins, of the blur over a histogram: noise and light move a colour by about a bin."""


def _tables() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    values = np.arange(256, dtype=np.int32)
    low = 128 - CHROMA_SPAN // 2
    return values * SIDE // 256, np.clip((values - low) * SIDE // CHROMA_SPAN, 0, SIDE - 1)


_LIGHT_BIN, _CHROMA_BIN = _tables()


def lab_of(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return an RGB frame (H, W, 3) as CIE Lab, each channel in 0 to 255."""
    return cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.uint8, copy=False)


def colour_bins(lab: npt.NDArray[np.uint8]) -> Bins:
    """Return each pixel's histogram bin (H, W) of a Lab frame (H, W, 3)."""
    binned: Bins = (_LIGHT_BIN[lab[..., 0]] * SIDE + _CHROMA_BIN[lab[..., 1]]) * SIDE + _CHROMA_BIN[lab[..., 2]]
    return binned


def histogram(bins: Bins, weight: npt.NDArray[np.bool_]) -> Floats:
    """Return the smoothed colour distribution (SIDE**3 entries, sum 1) of the pixels where `weight` holds."""
    counts = np.bincount(bins[weight], minlength=SIDE**3).astype(np.float32).reshape(SIDE, SIDE, SIDE)
    smooth = gaussian_filter(counts, SMOOTHING, mode="nearest").ravel() + np.float32(1e-6)
    normal: Floats = (smooth / smooth.sum()).astype(np.float32)
    return normal


def agreement(first: Floats, second: Floats) -> float:
    """Return the Bhattacharyya coefficient of two distributions, 0 (no colour in common) to 1 (equal)."""
    return float(np.sqrt(first * second).sum())


def descriptors(picture: npt.NDArray[np.uint8]) -> Floats:
    """Return what each pixel of a Lab frame (H, W, 3) looks like (H, W, 8): Lab here, Lab around, and edges around.

    Scaled so that a step of 1 is about what tells two things apart. Lightness counts less than hue: light changes.
    """
    lab = picture.astype(np.float32)
    lab[..., 0] *= 0.6 * 100 / 255
    here, around = cv2.GaussianBlur(lab, (0, 0), 0.6), cv2.GaussianBlur(lab, (0, 0), 2.5)
    light = np.ascontiguousarray(lab[..., 0])
    slopes = cv2.merge([np.abs(cv2.Sobel(light, cv2.CV_32F, 1, 0)), np.abs(cv2.Sobel(light, cv2.CV_32F, 0, 1))])
    edges = np.sqrt(cv2.GaussianBlur(slopes, (0, 0), 2.0))
    joined: Floats = np.concatenate([here / 12, around / 16, edges / 3], axis=2).astype(np.float32, copy=False)
    return joined


class Looks:
    """Tells from a descriptor whose a pixel is: the ground's (0) or an instance's (1 and on)."""

    def __init__(self, first: Floats, owners: Owners, kinds: int) -> None:
        """`first` are descriptors (n, d) of the first frame, `owners` whose they are (n), `kinds` how many there are."""
        chance = np.random.default_rng(7)
        wide = first.shape[1]
        self._kinds = kinds
        self._centre: Floats = first.mean(axis=0)
        self._ways: Floats = (chance.normal(size=(wide, limits.LOOK_WAYS)) * (1.5 / np.sqrt(wide))).astype(np.float32)
        self._shift: Floats = chance.uniform(-2, 2, limits.LOOK_WAYS).astype(np.float32)
        self._first = self._sums(first, owners)
        self._later = (np.zeros_like(self._first[0]), np.zeros_like(self._first[1]))
        self._weights = self._solved()
        self._first_weights = self._weights

    def learn(self, seen: Floats, owners: Owners) -> None:
        """Add what is believed of another frame: descriptors (n, d) and whose they are (n)."""
        latest, rate = self._sums(seen, owners), np.float32(limits.LOOK_RATE)
        self._later = (
            self._later[0] + rate * (latest[0] - self._later[0]),
            self._later[1] + rate * (latest[1] - self._later[1]),
        )
        self._weights = self._solved()

    def beliefs(self, seen: Floats) -> tuple[Floats, Floats]:
        """Return whose each pixel looks to be (kinds, H, W), sums 1, from the descriptors (H, W, d) of a frame.

        First by all that was learnt, which tells open pixels apart; then by the first frame alone, which cannot have drifted.
        """
        height, width, wide = seen.shape
        scores = self._expand(seen.reshape(-1, wide)) @ np.concatenate([self._weights, self._first_weights], axis=1)
        clipped = np.clip(np.ascontiguousarray(scores.T), 0.0, 1.0) + np.float32(limits.LOOK_FLOOR)
        shares = clipped.reshape(2, self._kinds, height, width)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares[0], shares[1]

    def _expand(self, seen: Floats) -> Floats:
        ways = limits.LOOK_WAYS
        wide = np.empty((len(seen), ways + seen.shape[1] + 1), dtype=np.float32)
        wide[:, ways:-1] = seen - self._centre
        np.matmul(np.ascontiguousarray(wide[:, ways:-1]), self._ways, out=wide[:, :ways])
        wide[:, :ways] += self._shift
        np.maximum(wide[:, :ways], 0.0, out=wide[:, :ways])
        wide[:, -1] = 1.0
        return wide

    def _sums(self, seen: Floats, owners: Owners) -> tuple[Floats, Floats]:
        """Return the weighted sums that the regression is solved from; a small thing counts more than its pixels."""
        counts = np.maximum(np.bincount(owners, minlength=self._kinds), 1)
        weight = (1 / np.sqrt(counts))[owners]
        weight = (weight * (limits.LOOK_MASS / max(float(weight.sum()), 1e-6))).astype(np.float32)
        wide = self._expand(seen)
        target = np.zeros((len(seen), self._kinds), dtype=np.float32)
        target[np.arange(len(seen)), owners] = weight
        weighed = wide * weight[:, None]
        left: Floats = (weighed.T @ wide).astype(np.float32, copy=False)
        right: Floats = (wide.T @ target).astype(np.float32, copy=False)
        return left, right

    def _solved(self) -> Floats:
        left = (self._first[0] + self._later[0]).astype(np.float64) + np.eye(len(self._first[0]))
        weights: Floats = np.linalg.solve(left, (self._first[1] + self._later[1]).astype(np.float64)).astype(np.float32)
        return weights
