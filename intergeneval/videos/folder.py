"""A folder of images as a video."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import av

from intergeneval.errors import MediaError
from intergeneval.records.disk import read_bytes
from intergeneval.videos.decoding import ASSUMED_RATE, FAULTS, cause, check_volume, decoded
from intergeneval.videos.pixels import Converter, Frame, Notes, turn_by_angle

MAX_IMAGE_BYTES = 256 * 1024 * 1024
"""Largest image file of a folder of frames, in bytes."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
"""File names that count as frames in a folder, lower case."""
_IMAGES = "png_pipe,jpeg_pipe"


class FrameFolder:
    """A folder whose images, in natural order of their names, are the frames; every image must be whole."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self._path = path
        self._notes = notes
        self._files = frame_files(path)
        if not self._files:
            raise MediaError(f"{path}: the folder holds no frames ({', '.join(IMAGE_SUFFIXES)})")
        self.announced = len(self._files)
        self.fps = ASSUMED_RATE
        self.times: tuple[float, ...] = ()
        notes.add(f"frame rate taken as {ASSUMED_RATE:g}: a folder of frames has none")

    def pictures(self) -> Iterator[Frame]:
        """Yield every image in order. Raises MediaError for one that cannot be decoded or differs in size."""
        shape: tuple[int, ...] | None = None
        converter = Converter(self._notes)
        for file in self._files:
            frame = read_image(file, converter)
            if shape is None:
                shape = frame.shape
                check_volume(self._path, self.announced, frame.shape[:2])
            if frame.shape != shape:
                raise MediaError(f"{file}: is {frame.shape[1]}x{frame.shape[0]}, the first frame is {shape[1]}x{shape[0]}")
            yield frame


def frame_files(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order (``2.png`` before ``10.png``); hidden files are no frames."""
    try:
        files = [item for item in folder.iterdir() if item.suffix.lower() in IMAGE_SUFFIXES and not item.name.startswith(".")]
    except OSError as error:
        raise MediaError(f"{folder}: cannot be listed: {cause(error)}") from error
    return sorted((item for item in files if item.is_file()), key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    pieces = re.split(r"([0-9]+)", path.name)
    return [(0, int(piece), "") if piece[:1] in "0123456789" and piece else (1, 0, piece) for piece in pieces], path.name


def read_image(path: Path, converter: Converter) -> Frame:
    """Return one PNG or JPEG image as upright RGB uint8 (H, W, 3). Raises MediaError."""
    try:
        size = path.stat().st_size
        if size > MAX_IMAGE_BYTES:
            raise MediaError(f"{path}: {size} bytes are more than the {MAX_IMAGE_BYTES} an image may have")
        data = read_bytes(path)
        # Inside a scan 0xFF is escaped, so a whole JPEG has an end marker after its last start of scan.
        if data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
            raise MediaError(f"{path}: the JPEG image is cut short")
        with av.open(io.BytesIO(data), mode="r", options={"format_whitelist": _IMAGES}) as container:
            for picture, problem in decoded(container, container.streams.video[0], {"err_detect": "crccheck+explode"}):
                if picture is None:
                    raise MediaError(f"{path}: cannot be decoded as an image: {problem}")
                try:
                    return converter.rgb(picture, turn_by_angle(picture))
                except MediaError as error:
                    raise MediaError(f"{path}: {error}") from None
    except (*FAULTS, IndexError) as error:
        raise MediaError(f"{path}: cannot be read as an image: {cause(error)}") from error
    raise MediaError(f"{path}: holds no picture")


def read_picture(path: Path) -> Frame:
    """Return a picture, PNG or JPEG, upright, transparency over grey, as RGB uint8 (H, W, 3). Raises MediaError."""
    return read_image(path, Converter(Notes()))
