"""Count a container's frames and measure its times without decoding: the cheap look before the one pass."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import av.error

MAX_FRAMES = 100_000
"""Longest video that is read, in frames: about an hour at 24 frames per second; more is refused, not walked for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a container says of its video stream."""

    frames: int
    """Packets that carry a picture to show."""
    fps: float
    """Frames over duration, frames per second; 0.0 where the packets carry no times."""
    variable: bool
    """Whether the longest step between frames is over 1.5 times the shortest."""
    missing: int
    """Frames the container announces beyond those it holds, about; 0 where it holds all or does not say."""
    trouble: str
    """Why frames are missing; empty where none are."""


def list_packets(container: Any, stream: Any) -> Listing:
    """Walk the packets of `stream`. Raises ValueError for more than MAX_FRAMES, and what PyAV raises before the first packet."""
    stamps: list[tuple[int, int]] = []
    frames, trouble = 0, ""
    try:
        for packet in container.demux(stream):
            if not packet.size or packet.is_discard:
                continue
            if packet.is_corrupt:
                trouble = trouble or "a packet is cut short"
                continue
            frames += 1
            if frames > MAX_FRAMES:
                raise ValueError(f"it has more than {MAX_FRAMES} frames")
            if packet.pts is not None:
                stamps.append((packet.pts, packet.duration or 0))
    except av.error.FFmpegError as error:
        ended = isinstance(error, EOFError) or not error.strerror
        trouble = trouble or ("the file ends too early" if ended else str(error.strerror))
    if not frames:
        raise ValueError(trouble or "it holds no frames")
    seconds, variable = _times(stamps, float(stream.time_base or 0))
    fps = len(stamps) / seconds if seconds else float(stream.average_rate or 0)
    missing = max(1, stream.frames - frames) if trouble else _missing(container, stream, seconds, frames)
    return Listing(
        frames=frames,
        fps=fps,
        variable=variable,
        missing=missing,
        trouble=trouble or ("the file ends before its announced duration" if missing else ""),
    )


def _times(stamps: list[tuple[int, int]], unit: float) -> tuple[float, bool]:
    """Return the duration in seconds (0.0: unknown) and whether the steps differ; packets may come in decoding order."""
    stamps = sorted(stamps)
    if len(stamps) < 2 or stamps[-1][0] <= stamps[0][0] or unit <= 0:
        return 0.0, False
    span = stamps[-1][0] - stamps[0][0]
    steps = [later[0] - earlier[0] for earlier, later in pairwise(stamps)]
    last = stamps[-1][1] or span / (len(stamps) - 1)
    return (span + last) * unit, max(steps) > 1.5 * max(1, min(steps))


def _missing(container: Any, stream: Any, seconds: float, frames: int) -> int:
    """Return about how many frames a streamable container (webm) lacks against the duration in its header.

    A last frame without a duration of its own and rounded times stay below the two frames it takes to count.
    """
    announced = _announced_seconds(container, stream)
    if not seconds or not announced:
        return 0
    missing = round((announced - seconds) * frames / seconds)
    return missing if missing >= 2 else 0


def _announced_seconds(container: Any, stream: Any) -> float:
    if "matroska" not in container.format.name:
        return 0.0  # others are indexed, and reading past their end is an error of its own
    text = stream.metadata.get("DURATION", "")
    parts = text.split(":")
    try:
        if len(parts) == 3:
            return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2])
    except ValueError:
        return 0.0
    return container.duration / 1e6 if container.duration and len(container.streams) == 1 else 0.0
