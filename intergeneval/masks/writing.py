"""Pictures and masks as the bytes of picture files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt


def encode_picture(
    picture: npt.NDArray[np.uint8] | npt.NDArray[np.bool_], suffix: str = ".png", options: Sequence[int] = ()
) -> bytes:
    """Return a picture as a file of the format that `suffix` names: ``.png``, ``.jpg`` or ``.webp``.

    `picture` is RGB or RGBA (H, W, 3 or 4) or grey (H, W) in uint8, or a mask (H, W) of booleans, which is written as 0 and 255.
    `options` are OpenCV's flags and values in turn. Raises ValueError for what is no picture.
    """
    pixels: npt.NDArray[Any] = picture.astype(np.uint8) * 255 if picture.dtype == np.bool_ and picture.ndim == 2 else picture
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or channels not in (1, 3, 4) or not pixels.size:
        raise ValueError(f"a picture is uint8 (H, W) or (H, W, 3 or 4), or a mask (H, W), not {pixels.dtype} {pixels.shape}")
    turned = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    done, content = cv2.imencode(suffix, cv2.cvtColor(pixels, turned[channels]) if channels in turned else pixels, list(options))
    if not done:
        raise ValueError(f"a picture of {pixels.shape} cannot be written as {suffix}")
    return content.tobytes()
