"""Decode untrusted streams picture by picture, within bounds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import av
import av.error

from intergeneval.errors import MediaError

T = TypeVar("T")

MAX_PIXELS = 64 * 1024 * 1024
"""Largest frame that is decoded, in pixels (64 MiP: 8K video is half of it)."""
MAX_VOLUME = 100_000_000_000
"""Most pixels of all frames of a video together: 12,000 frames of 4K. A small file can unfold into hours of decoding."""
MAX_FRAME_BYTES = 256 * 1024 * 1024
"""Largest decoded picture, in bytes: 64 MiP at 8 bits with transparency, 44 MiP at 16 bits. What turns it upright and into sRGB
takes several times as much."""
ASSUMED_RATE = 8.0
"""Frame rate taken, and noted, where a folder of frames or a file without times has none, frames per second."""

MAX_SECONDS = 3600.0
"""Longest that decoding a video may take, in seconds: what is written for it is not counted, and 8K video takes a tenth."""

FAULTS = (av.error.FFmpegError, OSError, ValueError, MemoryError)
"""What PyAV raises for a file it cannot read."""


def cause(error: BaseException) -> str:
    """Return what a library said went wrong, on one line, without the file name it repeats."""
    if isinstance(error, UnicodeDecodeError):
        return "its text fields are damaged"
    if isinstance(error, EOFError):
        return "the file ends too early"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())


def check_volume(path: Path, frames: int, size: tuple[int, ...]) -> None:
    """Raise MediaError for more pixels in all than MAX_VOLUME; `size` is height, width."""
    if frames * size[0] * size[1] > MAX_VOLUME:
        raise MediaError(
            f"{path}: {frames} frames of {size[1]}x{size[0]} are more than the {MAX_VOLUME:.0e} pixels a video may have; "
            "shorten it or scale it down"
        )


def within_time(pictures: Iterator[T], path: Path) -> Iterator[T]:
    """Give pictures as they come. Raises MediaError once decoding them took more than MAX_SECONDS in all."""
    took, count = 0.0, 0
    while True:
        began = time.monotonic()
        try:
            picture = next(pictures)
        except StopIteration:
            return
        took, count = took + time.monotonic() - began, count + 1
        if took > MAX_SECONDS:
            raise MediaError(f"{path}: {count} frames took {took:.0f} seconds to decode, and {MAX_SECONDS:.0f} are the most")
        yield picture


def decoded(container: Any, stream: Any, options: Mapping[str, str] | None = None) -> Iterator[tuple[Any, str]]:
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
