"""Mask images of one instance: ``000.png``, ``001.png``, ... read strictly, because a damaged mask would become a false state."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from intergeneval.errors import BackendError, MediaError
from intergeneval.masks import Mask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_mask_folder(folder: Path, frames: int, size: tuple[int, int], *, inside: Path) -> Iterator[Mask]:
    """Return the masks (H, W) of a folder in frame order, one image held at a time.

    The names are checked at once: numbers from 0 to `frames` - 1, none missing, none double. `size` is height, width. `inside`
    is the folder that no file may lie outside of, links followed. Raises MediaError naming the file, BackendError for an escape.
    """
    by_index: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".png" or not path.stem.isascii() or not path.stem.isdigit():
            raise MediaError(
                f"{path}: a folder of masks holds one image a frame, named 000.png, 001.png, ...; move this file away"
            )
        index = int(path.stem)
        if index in by_index:
            raise MediaError(f"{path}: frame {index} has a second mask, {by_index[index].name}; keep one of the two")
        by_index[index] = path
    missing = next((index for index in range(frames) if index not in by_index), None)
    if missing is not None:
        raise MediaError(
            f"{folder / f'{missing:03d}.png'}: missing; the video has {frames} frames, the folder {len(by_index)} masks"
        )
    if len(by_index) > frames:
        raise MediaError(f"{by_index[max(by_index)]}: the video has {frames} frames, the folder {len(by_index)} masks")
    return _read_all([by_index[index] for index in range(frames)], size, inside.resolve())


def _read_all(paths: list[Path], size: tuple[int, int], root: Path) -> Iterator[Mask]:
    for path in paths:
        if not path.resolve().is_relative_to(root):
            raise BackendError(f"{path}: leads out of {root}; masks must lie inside their folder")
        yield read_mask(path, size)


def read_mask(path: Path, size: tuple[int, int]) -> Mask:
    """Return one mask image as booleans (H, W); `size` is height, width.

    Any PNG of two values, 0 and one other (1 or the brightest of its depth), is taken. Raises MediaError naming the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror or error})") from None
    width, height = _checked_header(content, path)
    if (height, width) != size:
        raise MediaError(f"{path}: the mask is {width}x{height}, the video {size[1]}x{size[0]} (width x height)")
    pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise MediaError(f"{path}: not a readable PNG image")
    if pixels.ndim == 3:
        colour = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1]
        if not (colour == colour[:, :, :1]).all():
            raise MediaError(f"{path}: a mask is black and white, this image has colours")
        pixels = colour[:, :, 0]
    values = [int(value) for value in np.unique(pixels)]
    top = 65535 if pixels.dtype == np.uint16 else 255
    if not (set(values) <= {0, 1} or set(values) <= {0, top}):
        odd = next(value for value in values if value not in (0, top))
        raise MediaError(f"{path}: a mask holds 0 and {top} (or 0 and 1) only, this one holds {odd}; threshold it first")
    return np.ascontiguousarray(pixels > 0)


def _checked_header(content: bytes, path: Path) -> tuple[int, int]:
    """Return width and height after every chunk's checksum held: image libraries fill the rest of a torn file with black."""
    if not content.startswith(_SIGNATURE):
        raise MediaError(f"{path}: not a PNG image")
    offset, width, height, kind = len(_SIGNATURE), 0, 0, b""
    while offset + 12 <= len(content) and kind != b"IEND":
        (length,) = struct.unpack_from(">I", content, offset)
        kind = content[offset + 4 : offset + 8]
        body = content[offset + 8 : offset + 8 + length]
        checksum = content[offset + 8 + length : offset + 12 + length]
        if len(checksum) < 4 or struct.unpack(">I", checksum)[0] != zlib.crc32(kind + body):
            raise MediaError(f"{path}: damaged PNG (chunk at byte {offset})")
        if kind == b"IHDR" and length == 13:
            width, height = struct.unpack_from(">II", body)
        offset += 12 + length
    if kind != b"IEND" or not width or not height:
        raise MediaError(f"{path}: PNG image ends too early")
    return width, height
