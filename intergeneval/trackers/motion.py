"""Dense motion between two frames, both ways, where it is believed, and fields carried along it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask
from intergeneval.trackers import limits
from intergeneval.trackers.appearance import Floats

Grey = npt.NDArray[np.uint8]
Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Motion:
    """Where each pixel of the current frame was in the previous one, and how far that is believed."""

    source_x: Floats
    """Column in the previous frame (H, W), in pixels."""
    source_y: Floats
    """Row in the previous frame (H, W), in pixels."""
    moved: Mask
    """Whether a pixel came from elsewhere (H, W)."""
    broken: Mask
    """Whether what the motion says of a pixel is not believed (H, W): the way back leads elsewhere, the picture there was
    another, or it lay outside the frame."""
    torn: Mask
    """Whether neighbours move otherwise (H, W): somewhere near one thing slides along another."""

    def carry(self, field: Floats) -> Floats:
        """Return the previous frame's field (H, W) as it lies in the current one; what enters is what lay at that border."""
        carried = cv2.remap(field, self.source_x, self.source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return carried.astype(np.float32, copy=False)

    @property
    def cut(self) -> bool:
        """Whether so little of the picture is explained by motion that it is another picture."""
        return float(self.broken.mean()) > limits.CUT_SHARE


class DenseMotion:
    """Dense inverse search flow (Kroeger et al., ECCV 2016, as OpenCV has it) between successive frames."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._x: Floats | None = None
        self._y: Floats | None = None

    def between(self, previous: tuple[Rgb, Grey], current: tuple[Rgb, Grey]) -> Motion:
        """Return the motion from a frame, as colours (H, W, 3) and grey (H, W), to the next."""
        height, width = current[1].shape
        if self._x is None or self._y is None:
            rows, columns = np.mgrid[:height, :width]
            self._x, self._y = columns.astype(np.float32), rows.astype(np.float32)
        start = (height, width, 2)
        back = self._flow.calc(current[1], previous[1], np.zeros(start, np.float32)).astype(np.float32, copy=False)
        forth = self._flow.calc(previous[1], current[1], np.zeros(start, np.float32))
        # Where the picture stands still nothing flows, whatever the flow's smoothness carries in from its surroundings.
        change = cv2.absdiff(current[0], previous[0]).max(axis=2)
        still = cv2.blur(change.astype(np.float32), (5, 5)) < limits.STILL_CHANGE
        back[still] = 0.0
        source_x, source_y = self._x + back[..., 0], self._y + back[..., 1]
        returned = cv2.remap(forth, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = cv2.magnitude(returned[..., 0] + back[..., 0], returned[..., 1] + back[..., 1])
        speed = cv2.magnitude(back[..., 0], back[..., 1])
        shown = cv2.remap(previous[0], source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        rest = cv2.blur(cv2.absdiff(shown, current[0]).max(axis=2).astype(np.float32), (3, 3))
        outside = (source_x < -0.5) | (source_y < -0.5) | (source_x > width - 0.5) | (source_y > height - 0.5)
        broken = (error > limits.CONSISTENT_PX + limits.CONSISTENT_SHARE * speed) | outside
        broken = (broken & ~still) | (rest > limits.RESIDUE + limits.RESIDUE_MEDIANS * float(np.median(rest)))
        window = np.ones((7, 7), np.uint8)
        spread = [cv2.dilate(part, window) - cv2.erode(part, window) for part in cv2.split(back)]
        torn = np.maximum(spread[0], spread[1]) > limits.TORN_PX
        return Motion(source_x, source_y, speed > limits.MOVED_PX, broken, torn)
