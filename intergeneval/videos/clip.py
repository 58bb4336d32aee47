"""Open a video file or a folder of frames and give its pictures once, in order.

Files are untrusted. Only plain video containers are opened (never playlists or lists that name other files), a frame may have at
most MAX_PIXELS pixels, a video at most MAX_FRAMES frames.

When a damaged file is still a video: never when a picture is missing or damaged *before* one that can be decoded; a damaged or
missing *tail* of at most TAIL_SHARE of the frames is dropped and noted; a longer one makes the file undecodable. A GIF, which
does not say how long it should be, must be whole, and so must every image of a folder. Damage that leaves a valid stream (a
flipped bit inside a codec without checksums) cannot be told from a bad video and is judged as one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import av
import av.error

from intergeneval.errors import MediaError
from intergeneval.videos.gif import gif_damage
from intergeneval.videos.packets import Listing, list_packets
from intergeneval.videos.pixels import UPRIGHT, Converter, Frame, Notes, turn_by_angle, turn_by_matrix

MAX_PIXELS = 64 * 1024 * 1024
"""Largest frame that is decoded, in pixels (64 MiP: 8K video is half of it)."""
MAX_VOLUME = 100_000_000_000
"""Most pixels of all frames of a video together: 12,000 frames of 4K. A small file can unfold into hours of decoding."""
MAX_IMAGE_BYTES = 256 * 1024 * 1024
"""Largest image file of a folder of frames, in bytes."""
TAIL_SHARE = 0.05
"""Largest share of the frames that may be damaged or missing at the end of a file that is still accepted."""
VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".gif", ".mkv", ".m4v", ".avi")
"""File names that hold a video, lower case."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
"""File names that count as frames in a folder, lower case."""
ASSUMED_RATE = 8.0
"""Frame rate taken, and noted, where a folder of frames or a file without times has none, frames per second."""

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif,avi"
_IMAGES = "png_pipe,jpeg_pipe"
FAULTS = (av.error.FFmpegError, OSError, ValueError, MemoryError)
"""What PyAV raises for a file it cannot read."""


class Clip(Protocol):
    """A video whose pictures can be walked, each time anew from its start."""

    announced: int
    """Number of frames the file claims."""
    fps: float
    """Mean frame rate, frames per second."""

    def pictures(self) -> Iterator[Frame]:
        """Yield every picture, upright RGB (H, W, 3). Raises MediaError."""


def open_clip(path: Path, notes: Notes) -> Clip:
    """Return the clip at `path`: a video file or a folder of frames. Raises MediaError for anything else."""
    try:
        folder, there, plain = path.is_dir(), path.exists(), path.is_file()
    except OSError as error:
        raise MediaError(f"{path}: cannot be looked at: {cause(error)}") from error
    if folder:
        return FrameFolder(path, notes)
    if not there:
        raise MediaError(f"{path}: there is no such video file or folder of frames")
    if not plain:
        raise MediaError(f"{path}: is neither a plain file nor a folder of frames")
    return VideoFile(path, notes)


def cause(error: BaseException) -> str:
    """Return what a library said went wrong, on one line, without the file name it repeats."""
    if isinstance(error, UnicodeDecodeError):
        return "its text fields are damaged"
    if isinstance(error, EOFError):
        return "the file ends too early"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())


def _check_volume(path: Path, frames: int, size: tuple[int, ...]) -> None:
    if frames * size[0] * size[1] > MAX_VOLUME:
        raise MediaError(
            f"{path}: {frames} frames of {size[1]}x{size[0]} are more than the {MAX_VOLUME:.0e} pixels a video may have; "
            "shorten it or scale it down"
        )


class VideoFile:
    """A video in a container file."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self._path = path
        self._notes = notes
        self._listing = self._list()
        self.announced = self._listing.frames
        self.fps = self._listing.fps or ASSUMED_RATE
        self._check_tail(self._listing.missing, self._listing.trouble)
        if not self._listing.fps:
            notes.add(f"frame rate taken as {ASSUMED_RATE:g}: the file gives no times")
        if self._listing.variable:
            notes.add("variable frame rate")

    def _list(self) -> Listing:
        try:
            with self._open() as container:
                if container.format.name == "gif" and (damage := gif_damage(self._path)):
                    raise MediaError(f"{self._path}: is a damaged GIF: {damage}")
                stream = self._stream(container)
                shape = stream.sample_aspect_ratio
                if shape and shape != 1:
                    self._notes.add(f"pixels of {shape.numerator}:{shape.denominator} taken as square")
                return list_packets(container, stream)
        except FAULTS as error:
            raise MediaError(f"{self._path}: cannot be read as a video: {cause(error)}") from error

    def _open(self) -> Any:
        if self._path.stat().st_size == 0:
            raise MediaError(f"{self._path}: the file is empty")
        # An absolute path cannot be taken for a URL; both lists keep a file from making the library open others.
        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
        return av.open(str(self._path.resolve()), mode="r", options=options)

    def _stream(self, container: Any) -> Any:
        for stream in container.streams.video:
            if not stream.disposition & stream.disposition.attached_pic:
                if stream.codec_context is None:
                    raise MediaError(f"{self._path}: its codec is not known")
                return stream
        raise MediaError(f"{self._path}: holds no video stream")

    def pictures(self) -> Iterator[Frame]:
        """Yield every picture in order, decoded once. Raises MediaError by the rule in this module's text."""
        try:
            container = self._open()
        except FAULTS as error:
            raise MediaError(f"{self._path}: cannot be read as a video: {cause(error)}") from error
        with container:
            yield from self._walk(container)

    def _walk(self, container: Any) -> Iterator[Frame]:
        size: tuple[int, int] | None = None
        turn, converter = UPRIGHT, Converter(self._notes)
        seen, trouble = 0, ""
        for picture, problem in _decoded(container, self._stream(container)):
            trouble = trouble or problem
            if picture is None:
                continue
            if trouble:
                raise MediaError(f"{self._path}: frame {seen} of {self.announced} cannot be decoded: {trouble}")
            if size is None:
                size, turn = (picture.height, picture.width), turn_by_matrix(picture)
                _check_volume(self._path, self.announced, size)
            if (picture.height, picture.width) != size:
                raise MediaError(
                    f"{self._path}: frame {seen} is {picture.width}x{picture.height}, the first is {size[1]}x{size[0]}"
                )
            try:
                frame = converter.rgb(picture, turn)
            except FAULTS as error:
                raise MediaError(f"{self._path}: frame {seen} cannot be turned into RGB: {cause(error)}") from error
            seen += 1
            yield frame
        if trouble or not seen:
            self._check_tail(max(1, self.announced - seen), trouble or "no frame can be decoded")

    def _check_tail(self, missing: int, trouble: str) -> None:
        """Accept a short damaged tail with a note, refuse a long one; nothing is missing where `trouble` is empty."""
        if not trouble:
            return
        whole = self.announced + self._listing.missing
        if missing > TAIL_SHARE * whole:
            raise MediaError(f"{self._path}: about {missing} of {whole} frames at the end cannot be decoded: {trouble}")
        self._notes.add(f"damaged end: the last {missing} of {whole} frames dropped")


def _decoded(container: Any, stream: Any, options: Mapping[str, str] | None = None) -> Iterator[tuple[Any, str]]:
    """Yield (picture, "") or (None, what went wrong) in stream order; a damaged picture comes as None."""
    decoder = _decoder(stream)
    decoder.options = {"max_pixels": str(MAX_PIXELS), **(options or {})}
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FAULTS as error:
            yield None, cause(error)
            packet = None
        try:
            pictures = decoder.decode(packet) if packet is None or packet.size else []
        except EOFError:
            return
        except FAULTS as error:
            yield None, cause(error)
            pictures = []
        for picture in pictures:
            yield (None, "the picture is damaged") if picture.is_corrupt else (picture, "")
        if packet is None:
            return


def _decoder(stream: Any) -> Any:
    """Return the decoder of a stream; one that knows alpha for webm, whose usual decoder drops it."""
    decoder = stream.codec_context
    alpha = {"vp9": "libvpx-vp9", "vp8": "libvpx"}.get(decoder.name)
    if alpha and stream.metadata.get("alpha_mode") == "1":
        decoder = av.CodecContext.create(alpha, "r")
    decoder.thread_type = "AUTO"
    decoder.thread_count = 2
    return decoder


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
        notes.add(f"frame rate taken as {ASSUMED_RATE:g}: a folder of frames has none")

    def pictures(self) -> Iterator[Frame]:
        """Yield every image in order. Raises MediaError for one that cannot be decoded or differs in size."""
        shape: tuple[int, ...] | None = None
        converter = Converter(self._notes)
        for file in self._files:
            frame = read_image(file, converter)
            if shape is None:
                shape = frame.shape
                _check_volume(self._path, self.announced, frame.shape[:2])
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
        data = path.read_bytes()
        # Inside a scan 0xFF is escaped, so a whole JPEG has an end marker after its last start of scan.
        if data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
            raise MediaError(f"{path}: the JPEG image is cut short")
        with av.open(io.BytesIO(data), mode="r", options={"format_whitelist": _IMAGES}) as container:
            for picture, problem in _decoded(container, container.streams.video[0], {"err_detect": "crccheck+explode"}):
                if picture is None:
                    raise MediaError(f"{path}: cannot be decoded as an image: {problem}")
                return converter.rgb(picture, turn_by_angle(picture))
    except (*FAULTS, IndexError) as error:
        raise MediaError(f"{path}: cannot be read as an image: {cause(error)}") from error
    raise MediaError(f"{path}: holds no picture")
