"""A deed played and painted at any size and number of frames, with everybody's true share of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from matrix_train.binding.scene import HUES, RADIUS, SIDE, Deed, Points, Scene, ends

SECONDS = 2.0
"""How long a video lasts, whatever its number of frames."""
ARRIVES, STOPS = 0.6, 0.85
"""Shares of the video at which the subject is where it goes to, and at which a push ends."""
_LEAVES = 0.05
_OVERSAMPLING = 4
_SHIFT = 4

Frames = npt.NDArray[np.uint8]
"""RGB frames, shape (F, H, W, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A deed as one sees it."""

    frames: Frames
    """RGB frames, shape (F, H, W, 3)."""
    shares: npt.NDArray[np.float32]
    """How much of each pixel belongs to each figure, shape (4, F, H, W), 0 to 1."""


def rate(frames: int) -> float:
    """Return the frames per second of a video of so many frames."""
    return (frames - 1) / SECONDS


def play(found: Scene, deed: Deed, *, frames: int, size: tuple[int, int]) -> Played:
    """Play a deed in so many frames of height, width in pixels; the whole world is shown, in the middle of the picture."""
    moments = np.linspace(0.0, 1.0, frames)
    shots = [paint(found, places_at(found, deed, float(moment)), size, top=deed.subject) for moment in moments]
    return Played(frames=np.stack([shot[0] for shot in shots]), shares=np.stack([shot[1] for shot in shots], axis=1))


def places_at(found: Scene, deed: Deed, moment: float) -> Points:
    """Return where everybody is at a share of the video between 0 and 1, shape (4, 2)."""
    places = found.places
    start, object_ = places[deed.subject].copy(), places[deed.object].copy()
    end, moved = (item[deed.subject, deed.object] for item in ends(places, deed.verb))
    pushed = 0.0
    if deed.verb == "pushes":
        pushed = _eased((moment - ARRIVES) / (STOPS - ARRIVES))
        # It goes as far as it can without touching more, and on from there together with whom it pushes.
        end = end - (moved - object_) * (1 - pushed)
    places[deed.subject] = start + (end - start) * _eased((moment - _LEAVES) / (ARRIVES - _LEAVES))
    places[deed.object] = object_ + (moved - object_) * pushed
    return places


def _eased(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def paint(
    found: Scene, places: Points, size: tuple[int, int], *, top: int = 0
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Paint everybody at their places (4, 2), figure `top` in front; return RGB (H, W, 3) and shares (4, H, W)."""
    large = (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING)
    scale = min(large) / SIDE
    middle = np.array((large[1], large[0])) / 2
    ids = np.zeros(large, np.uint8)
    for number in sorted(range(len(found.figures)), key=lambda item: item == top):
        outline = (_outline(found.figures[number].shape) + places[number] - SIDE / 2) * scale + middle
        cv2.fillPoly(ids, [np.round(outline * (1 << _SHIFT)).astype(np.int32)], number + 1, shift=_SHIFT)
    seen = [(ids == number + 1).astype(np.float32) for number in range(len(found.figures))]
    shares = np.stack([cv2.resize(item, (size[1], size[0]), interpolation=cv2.INTER_AREA) for item in seen])
    colours = np.array([HUES[item.hue] for item in found.figures], np.float32)
    frame = np.tensordot(shares, colours - found.backdrop, axes=(0, 0)) + found.backdrop
    return np.round(frame).astype(np.uint8), shares.astype(np.float32)


def _outline(shape: str) -> Points:
    """Return the corners of a shape around its centre, in units."""
    if shape == "diamond":
        return np.array(((0, -1), (1, 0), (0, 1), (-1, 0))) * RADIUS * 1.1
    if shape == "triangle":
        return np.array(((0.0, -1.15), (1.15, 0.85), (-1.15, 0.85))) * RADIUS
    if shape == "cross":
        arm = 0.45
        corner = (
            (-arm, -1),
            (arm, -1),
            (arm, -arm),
            (1, -arm),
            (1, arm),
            (arm, arm),
            (arm, 1),
            (-arm, 1),
            (-arm, arm),
            (-1, arm),
        )
        return np.array((*corner, (-1, -arm), (-arm, -arm))) * RADIUS
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([np.cos(turns), np.sin(turns)], axis=-1) * RADIUS
