"""Frames as JPEG files, for callers that hand over pixels."""

from __future__ import annotations

import cv2

from intergeneval.errors import BackendError
from intergeneval.judges import Frame, JudgeRequest
from intergeneval.masks.writing import encode_picture

_QUALITY = 90


def encoded(request: JudgeRequest) -> dict[int, bytes]:
    """Return the drawn frames of a request as JPEG files. Raises BackendError where there are none."""
    if request.frames is None:
        raise BackendError(f"{request.sample.id}: no frames were handed over")
    return {index: encode_jpeg(frame) for index, frame in request.frames().items()}


def encode_jpeg(frame: Frame) -> bytes:
    """Return a frame as a JPEG file. Raises BackendError."""
    try:
        return encode_picture(frame, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    except ValueError as error:
        raise BackendError(f"a frame cannot be written as JPEG: {error}") from None
