"""Colour models: how an instance looks, as a smoothed histogram, and what a pixel's colour says about whose it is."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Floats = npt.NDArray[np.float32]
Bins = npt.NDArray[np.int32]

SIDE = 16
"""Histogram bins along each of lightness, a and b."""
CHROMA_SPAN = 128
"""Range of a and b that the bins share, centred on grey; stronger colours fall into the outer bins."""
SMOOTHING = 0.8
"""Standard deviation, in bins, of the blur over a histogram: noise and light move a colour by about a bin."""
FLOOR = 1e-4
"""Probability mass every bin has: a colour never seen says little, not everything."""


def colour_bins(frame: npt.NDArray[np.uint8]) -> Bins:
    """Return each pixel's histogram bin (H, W) of an RGB frame (H, W, 3)."""
    lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.int32)
    light = lab[..., 0] * SIDE // 256
    low = 128 - CHROMA_SPAN // 2
    chroma = np.clip((lab[..., 1:] - low) * SIDE // CHROMA_SPAN, 0, SIDE - 1)
    binned: Bins = (light * SIDE + chroma[..., 0]) * SIDE + chroma[..., 1]
    return binned


def histogram(bins: Bins, weight: npt.NDArray[np.bool_] | None = None) -> Floats:
    """Return the smoothed colour distribution (SIDE**3 entries, sum 1) of the pixels where `weight` holds (all of them: None)."""
    chosen = bins.ravel() if weight is None else bins[weight]
    counts = np.bincount(chosen, minlength=SIDE**3).astype(np.float32).reshape(SIDE, SIDE, SIDE)
    smooth = gaussian_filter(counts, SMOOTHING, mode="nearest").ravel() + np.float32(1e-6)
    normal: Floats = (smooth / smooth.sum()).astype(np.float32)
    return normal


def log_ratio(foreground: Floats, background: Floats) -> Floats:
    """Return ln p(colour | foreground) / p(colour | background) per bin; 0 where neither has seen the colour."""
    ratio: Floats = np.log((foreground + FLOOR) / (background + FLOOR)).astype(np.float32)
    return ratio


def agreement(first: Floats, second: Floats) -> float:
    """Return the Bhattacharyya coefficient of two distributions, 0 (no colour in common) to 1 (equal)."""
    return float(np.sqrt(first * second).sum())
