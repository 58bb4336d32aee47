"""Pictures of a build: first frames and masks of the benchmark, and what the review page shows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval import videos
from intergeneval.errors import StoreError
from intergeneval.grounding.crops import crop
from intergeneval.ids import short
from intergeneval.masks import Mask
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Box, Detection
from intergeneval.records.disk import read_bytes, write_atomically

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""
SHOWN = "pictures"
"""Folder of what the page shows, inside the build folder."""
FRAMES_A_CLIP = 10
"""Frames of a video that a person looks at (protocol, section 2)."""
WIDTH = 640
"""Width of a picture on the page, in pixels; frames of videos are half as wide."""
CROP = 128
"""Longer side of a candidate's crop on the page, in pixels."""
QUALITY = 75
SHOWN_SIDE = 1024
"""Longer side of a first frame that a model is shown, in pixels: contact is a matter of few of them."""
SHOWN_QUALITY = 92
"""JPEG quality of such a frame."""


def write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write a picture, RGB (H, W, 3) or one channel (H, W), unless the same bytes lie there. Raises StoreError."""
    content = encode_picture(picture)
    try:
        if path.is_file() and read_bytes(path) == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None


def mask_picture(mask: Mask) -> npt.NDArray[np.uint8]:
    """Return a mask as it is stored: 255 on the instance."""
    return np.asarray(mask.astype(np.uint8) * 255)


def write_crops(root: Path, sample_id: str, state: str, frame: Frame, candidates: Sequence[Detection]) -> None:
    """Write a small crop of each candidate for the page; those of an earlier state go. Raises StoreError."""
    place = _fresh(root / SHOWN / sample_id / "crops", state)
    for index, candidate in enumerate(candidates):
        _write_jpeg(place / f"{index}.jpg", _within(crop(frame, candidate.box), CROP))
    _write_jpeg(_fresh(root / SHOWN / sample_id / "anchor", state) / "0.jpg", _within(frame, WIDTH))


def write_frames(root: Path, sample_id: str, state: str, frames: Mapping[int, Frame]) -> None:
    """Write the frames that the page shows, drawn on already; those of an earlier state go. Raises StoreError."""
    place = _fresh(root / SHOWN / sample_id / "frames", state)
    width = WIDTH if len(frames) == 1 else WIDTH // 2
    for index, frame in frames.items():
        scale = min(1.0, width / frame.shape[1])
        _write_jpeg(place / f"{index:06d}.jpg", _within(frame, max(frame.shape[:2]) * scale))


def boxed_jpeg(frame: Frame, boxes: Mapping[str, Box | None], colours: Mapping[str, str]) -> bytes:
    """Return a frame with boxes drawn as a JPEG file, at the size at which a model is shown it."""
    return videos.encode_jpeg(np.ascontiguousarray(_within(videos.annotate(frame, boxes, colours), SHOWN_SIDE)), SHOWN_QUALITY)


def shown_crops(root: Path, sample_id: str, state: str) -> dict[int, Path]:
    """Return the crops of a state by the candidate's index."""
    return _listed(root / SHOWN / sample_id / "crops" / short(state))


def shown_anchor(root: Path, sample_id: str, state: str) -> Path | None:
    """Return the plain frame in which boxes were looked for, of a state, or None."""
    return _listed(root / SHOWN / sample_id / "anchor" / short(state)).get(0)


def shown_frames(root: Path, sample_id: str, state: str) -> dict[int, Path]:
    """Return the frames of a state by their index."""
    return _listed(root / SHOWN / sample_id / "frames" / short(state))


def _listed(place: Path) -> dict[int, Path]:
    return {int(path.stem): path for path in sorted(place.glob("*.jpg"))} if place.is_dir() else {}


def _fresh(folder: Path, state: str) -> Path:
    place = folder / short(state)
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
        place.mkdir(parents=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})") from None
    return place


def _within(frame: Frame, side: float) -> Frame:
    scale = min(1.0, side / max(frame.shape[:2]))
    if scale == 1.0:
        return frame
    size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _write_jpeg(path: Path, frame: Frame) -> None:
    try:
        write_atomically(path, videos.encode_jpeg(np.ascontiguousarray(frame), QUALITY))
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None
