"""Tracks against true masks: region overlap J and boundary F, the two measures of video segmentation (DAVIS, 2016); pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from intergeneval.masks import Mask, decode, iou
from intergeneval.records import Tracks, TrackState

TOLERANCE = 0.008
"""Distance up to which two boundaries agree, in diagonals of the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How well the tracks of one video fit: means over instances of means over frames."""

    region: float | None
    """Mean IoU, 0 to 1, over the frames in which truth or track shows the instance; None where none does."""
    boundary: float | None
    """Mean F of boundary precision and recall over the same frames, 0 to 1."""
    lost: float
    """Share of instances x frames in which the tracker made no statement (counted as an empty mask above)."""


def overlap(tracks: Tracks, truth: Tracks, frames: Sequence[int]) -> Overlap:
    """Compare tracks with true ones of the same size at some frames."""
    regions, boundaries, lost, looked = [], [], 0, 0
    for true in truth.tracks:
        track = tracks.track(true.instance_id)
        fits: list[tuple[float, float]] = []
        for frame in frames:
            looked += 1
            if track is None or track.states[frame] is TrackState.LOST:
                lost += 1
            if track is not None and track.masks[frame] == true.masks[frame]:
                # Equal counts are equal masks; two empty ones say nothing about following.
                fits += [(1.0, 1.0)] if true.areas[frame] else []
                continue
            wanted = decode(true.masks[frame], truth.size)
            found = decode(track.masks[frame], tracks.size) if track is not None else np.zeros_like(wanted)
            fits.append((iou(found, wanted), boundary(found, wanted)))
        if fits:
            regions.append(math.fsum(fit[0] for fit in fits) / len(fits))
            boundaries.append(math.fsum(fit[1] for fit in fits) / len(fits))
    return Overlap(
        region=math.fsum(regions) / len(regions) if regions else None,
        boundary=math.fsum(boundaries) / len(boundaries) if boundaries else None,
        lost=lost / looked if looked else 0.0,
    )


def boundary(found: Mask, wanted: Mask) -> float:
    """Return F of the boundaries of two masks (H, W): 2 P R / (P + R); a pixel counts within `TOLERANCE` of the other's."""
    first, second = _edge(found), _edge(wanted)
    if not first.any() or not second.any():
        return float(not first.any() and not second.any())
    reach = max(1, round(TOLERANCE * math.hypot(*wanted.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    precision = float(cv2.dilate(second, disc)[first > 0].mean())
    recall = float(cv2.dilate(first, disc)[second > 0].mean())
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def _edge(mask: Mask) -> cv2.typing.MatLike:
    """Return the pixels of a mask that touch its outside, as 0 and 1."""
    whole = mask.astype(np.uint8)
    return whole - cv2.erode(whole, np.ones((3, 3), np.uint8), borderValue=0)
