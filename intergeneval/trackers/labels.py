"""Whose is each pixel: carried masks and colours of all instances weighed against each other and the background."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from intergeneval.masks import Mask
from intergeneval.trackers import limits
from intergeneval.trackers.appearance import Floats
from intergeneval.trackers.motion import Grey
from intergeneval.trackers.search import ring


def prior_odds(carried: Mask, believed: Mask | None) -> Floats:
    """Return the log odds (H, W) of the carried mask: the signed distance from its border, weak where motion is doubtful."""
    inside = cv2.distanceTransform(carried.astype(np.uint8), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform((~carried).astype(np.uint8), cv2.DIST_L2, 3)
    size = float(np.sqrt(np.count_nonzero(carried)))
    width = min(max(limits.PRIOR_WIDTH_MIN, limits.PRIOR_WIDTH * size), limits.PRIOR_WIDTH_MAX)
    odds = np.clip((inside - outside) * (limits.PRIOR_SLOPE / width), -limits.PRIOR_CLIP, limits.PRIOR_CLIP)
    if believed is not None:
        # Doubt weakens what says yes; far away from the mask it stays a no.
        odds = np.where((odds > 0) & ~believed, odds * limits.PRIOR_DOUBT, odds)
    weighed: Floats = odds.astype(np.float32)
    return weighed


def revealed(carried: Mask, others: Sequence[tuple[Mask, Mask]]) -> Mask:
    """Return the ground (H, W) that others have just uncovered and that may show the carried instance, which stood behind them.

    `others` are their masks in the previous frame and as carried into this one.
    """
    found = np.zeros_like(carried)
    if not carried.any():
        return found
    for before, now in others:
        bare = before & ~now & ~carried
        if not bare.any():
            continue
        around = ring(bare) & ~now
        if np.count_nonzero(around & carried) >= limits.REVEALED_TOUCH * np.count_nonzero(around):
            found |= bare
    return found


def colour_odds(ratio: Floats) -> Floats:
    """Return the log ratios of colours with the undecided ones set to nothing."""
    beyond = np.maximum(np.abs(ratio) - limits.COLOUR_DEAD, 0.0)
    decided: Floats = (np.sign(ratio) * beyond).astype(np.float32)
    return decided


def smooth(odds: Floats, grey: Grey) -> Floats:
    """Smooth log odds (H, W) along the edges of the grey frame (guided filter: He, Sun, Tang, TPAMI 2013)."""
    side = 2 * limits.SMOOTH_RADIUS + 1
    guide = grey.astype(np.float32) / 255.0
    mean_guide = cv2.blur(guide, (side, side))
    mean_odds = cv2.blur(odds, (side, side))
    covariance = cv2.blur(guide * odds, (side, side)) - mean_guide * mean_odds
    variance = cv2.blur(guide * guide, (side, side)) - mean_guide * mean_guide
    slope = covariance / (variance + limits.SMOOTH_EPSILON)
    offset = mean_odds - slope * mean_guide
    smoothed: Floats = (cv2.blur(slope, (side, side)) * guide + cv2.blur(offset, (side, side))).astype(np.float32)
    return smoothed


def share_out(odds: Sequence[Floats]) -> list[Mask]:
    """Give each pixel to the instance of the highest log odds above 0; return a mask (H, W) each, small pieces dropped."""
    stacked = np.stack([np.zeros_like(odds[0]), *odds])
    owner = stacked.argmax(axis=0)
    return [largest_pieces(owner == index + 1) for index in range(len(odds))]


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
