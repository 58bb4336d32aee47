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
    believed: Mask
    """Whether the way back leads to the same pixel (H, W)."""

    def carry(self, mask: Mask) -> Mask:
        """Return the previous frame's mask (H, W) as it lies in the current frame; what enters belongs to what was at that border."""
        moved = cv2.remap(mask.astype(np.float32), self.source_x, self.source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        carried: Mask = moved > 0.5
        return carried


class DenseMotion:
    """Dense inverse search flow (Kroeger et al., ECCV 2016, as OpenCV has it) between successive frames."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._x: Floats | None = None
        self._y: Floats | None = None

    def between(self, previous: Grey, current: Grey) -> Motion:
        """Return the motion from a grey frame (H, W) to the next."""
        height, width = current.shape
        if self._x is None or self._y is None:
            rows, columns = np.mgrid[:height, :width]
            self._x, self._y = columns.astype(np.float32), rows.astype(np.float32)
        back = self._flow.calc(current, previous, None)
        forth = self._flow.calc(previous, current, None)
        source_x, source_y = self._x + back[..., 0], self._y + back[..., 1]
        returned = cv2.remap(forth, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = np.hypot(returned[..., 0] + back[..., 0], returned[..., 1] + back[..., 1])
        allowed = limits.CONSISTENT_PX + limits.CONSISTENT_SHARE * np.hypot(back[..., 0], back[..., 1])
        return Motion(source_x, source_y, error <= allowed)
