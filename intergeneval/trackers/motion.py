"""Dense motion between two frames, both ways, and masks carried along it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask
from intergeneval.trackers import limits
from intergeneval.trackers.appearance import Floats

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Motion:
    """Where each pixel of the current frame was in the previous one."""

    source_x: Floats
    """Column in the previous frame (H, W), in pixels."""
    source_y: Floats
    """Row in the previous frame (H, W), in pixels."""
    step: Floats
    """The way from each pixel to its source (H, W, 2): columns, rows."""
    believed: Mask
    """Whether the way back leads to the same pixel (H, W)."""
    textured: Mask
    """Whether there is enough texture around a pixel to see its motion (H, W)."""

    def carry(self, mask: Mask) -> Mask:
        """Return the previous frame's mask (H, W) as it lies in the current one; what enters is what lay at that border."""
        moved = cv2.remap(
            mask.astype(np.float32), self.source_x, self.source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        carried: Mask = moved > 0.5
        return carried

    def fit(self, mask: Mask) -> Floats | None:
        """Return the affine motion of a mask's believed pixels as steps (H, W, 2) over the frame; None with too few of them.

        Least squares, repeated on the pixels that the first fit explains: a limb or a leak does not bend the body's motion.
        """
        height, width = mask.shape
        chosen = np.zeros_like(mask)
        grain = max(1, int(np.sqrt(np.count_nonzero(mask)) / limits.FIT_SIDE))
        chosen[::grain, ::grain] = (mask & self.believed)[::grain, ::grain]
        rows, columns = np.nonzero(chosen)
        steps = self.step[rows, columns].astype(np.float64)
        places = np.stack([columns / width, rows / height, np.ones(len(rows))], axis=1)
        solution = np.zeros((3, 2))
        for _ in range(limits.FIT_ROUNDS):
            if len(steps) < limits.FIT_MIN:
                return None
            solution = np.linalg.lstsq(places, steps, rcond=None)[0]
            error = np.hypot(*(places @ solution - steps).T)
            keep = error <= max(limits.MOTION_PX, float(np.median(error)))
            steps, places = steps[keep], places[keep]
        across = np.arange(width)[None, :, None] / width * solution[0]
        down = np.arange(height)[:, None, None] / height * solution[1]
        fitted: Floats = (across + down + solution[2]).astype(np.float32)
        return fitted

    def odds(self, own: Floats | None, ground: Floats | None) -> Floats:
        """Return log odds (H, W), 0 or less, against pixels that move with the ground rather than with an instance.

        Only against: the flow drags a rim of the ground along with an instance, so moving with it proves little.
        """
        if own is None or ground is None:
            return np.zeros(self.believed.shape, dtype=np.float32)
        from_own = np.hypot(*np.moveaxis(self.step - own, -1, 0))
        from_ground = np.hypot(*np.moveaxis(self.step - ground, -1, 0))
        doubt = np.clip((from_ground - from_own) / limits.MOTION_PX, -1.0, 0.0) * limits.MOTION_ODDS
        against: Floats = np.where(self.believed & self.textured, doubt, 0.0).astype(np.float32)
        return against


class DenseMotion:
    """Dense inverse search flow (Kroeger et al., ECCV 2016, as OpenCV has it) between successive frames."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._x: Floats | None = None
        self._y: Floats | None = None

    def between(self, previous: Grey, current: Grey) -> Motion:
        """Return the motion from a grey frame (H, W) to the next."""
        height, width = current.shape
        if self._x is None or self._y is None:
            rows, columns = np.mgrid[:height, :width]
            self._x, self._y = columns.astype(np.float32), rows.astype(np.float32)
        still = (height, width, 2)
        back = self._flow.calc(current, previous, np.zeros(still, np.float32)).astype(np.float32, copy=False)
        forth = self._flow.calc(previous, current, np.zeros(still, np.float32))
        source_x, source_y = self._x + back[..., 0], self._y + back[..., 1]
        returned = cv2.remap(forth, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = np.hypot(returned[..., 0] + back[..., 0], returned[..., 1] + back[..., 1])
        allowed = limits.CONSISTENT_PX + limits.CONSISTENT_SHARE * np.hypot(back[..., 0], back[..., 1])
        return Motion(source_x, source_y, back, error <= allowed, _textured(current))


def _textured(grey: Grey) -> Mask:
    """Return where the mean gradient over a window as wide as the flow's patches is high enough (H, W)."""
    slope = np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    enough: Mask = cv2.blur(slope, (9, 9)) / 4 > limits.TEXTURE
    return enough
