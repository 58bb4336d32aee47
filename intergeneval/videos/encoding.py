"""Write frames: JPEG images for a judge, H.264 videos for people and browsers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from intergeneval.errors import MediaError
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Tracks
from intergeneval.records.disk import growing
from intergeneval.videos.drawing import overlay_frames
from intergeneval.videos.pixels import Frame

_BT709 = 1
_LIMITED = 1
_TICK = Fraction(1, 90_000)
"""Unit of the times of frames that do not come in even steps, in seconds."""
_X264 = {"crf": "18", "preset": "veryfast", "mbtree": "0"}
"""No macroblock tree (``mbtree``): x264 (core 165) reads memory there that nobody wrote, and equal frames give different bytes in
each process. Without it files are 1.2 to 2.2 times as large for staged videos, more for still ones, at the same quality."""


def encode_jpeg(frame: Frame, quality: int = 90) -> bytes:
    """Return `frame` (H, W, 3) as a JPEG file of `quality` 1 to 100. Raises ValueError for a frame that is no picture."""
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
        raise ValueError(f"a frame is RGB uint8 (H, W, 3), not {frame.dtype} {frame.shape}")
    return encode_picture(frame, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, quality))


def write_video(path: Path, frames: Iterable[Frame], fps: float, times: Sequence[float] = ()) -> int:
    """Write frames of one size as an H.264 (yuv420p, BT.709) mp4 that browsers play, and return their number.

    H.264 wants even sides: an odd side is lengthened by one pixel that repeats the last row or column. The file appears under
    its name only when it is whole; equal frames give equal bytes with the same libraries. Raises MediaError when nothing can
    be written, ValueError for no frames, frames of different sizes, or an fps that is not above 0; what `frames` raises passes.
    `times` are the seconds from the first frame to each where they do not come in even steps; then `fps` is their mean rate.
    """
    if not 0 < fps <= 1000:
        raise ValueError(f"{path}: {fps} frames per second is not above 0 and at most 1000")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with growing(path) as partial:
            return _write(partial, frames, fps, times)
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path}: cannot be written: {error.strerror or error}") from error


def video_bytes(frames: Iterable[Frame], fps: float, times: Sequence[float] = ()) -> bytes:
    """Return frames as the bytes of such a file. Errors as in `write_video`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_video(path, frames, fps, times)
        return path.read_bytes()


def write_overlay(
    path: Path, frames: Iterable[Frame], tracks: Tracks, colours: Mapping[str, str], fps: float, times: Sequence[float] = ()
) -> int:
    """Write a video with masks, boxes and each instance's state in every frame, and return the number of frames.

    `frames` are all frames of the video at the tracks' size, `colours` maps instance ids to colour names. Errors as in
    `write_video`, and MediaError for tracks that do not fit the frames.
    """
    return write_video(path, overlay_frames(frames, tracks, colours), fps, times)


def _write(path: Path, frames: Iterable[Frame], fps: float, times: Sequence[float]) -> int:
    walk: Iterator[Frame] = iter(frames)
    first = next(walk, None)
    if first is None:
        raise ValueError("a video needs at least one frame")
    with av.open(
        str(path.resolve()), mode="w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
    ) as container:
        stream = _stream(container, first, fps)
        if times:
            stream.codec_context.time_base = _TICK
        count = 0
        frame: Frame | None = first
        while frame is not None:
            if frame.shape != first.shape:
                raise ValueError(f"frame {count} has shape {frame.shape}, the first has {first.shape}")
            if times and count >= len(times):
                raise ValueError(f"{len(times)} times were given of more frames")
            picture = _picture(frame, round(times[count] / _TICK) if times else count)
            if times:
                picture.time_base = _TICK
            container.mux(stream.encode(picture))
            count += 1
            frame = next(walk, None)
        container.mux(stream.encode(None))
    return count


def _stream(container: Any, first: Frame, fps: float) -> Any:
    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=_X264)
    stream.height, stream.width = (side + side % 2 for side in first.shape[:2])
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED
    # The number of threads decides how x264 cuts its work, and with it the bytes.
    context.thread_count = 2
    return stream


def _picture(frame: Frame, stamp: int) -> Any:
    odd = [(0, side % 2) for side in frame.shape[:2]]
    even = np.pad(frame, (*odd, (0, 0)), mode="edge") if any(extra for _, extra in odd) else frame
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    picture.pts = stamp
    return picture
