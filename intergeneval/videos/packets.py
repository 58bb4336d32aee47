"""Count a container's frames and measure its times without decoding: the cheap look before the one pass.

What a container announces is compared with what it holds: a file that was cut between two frames reads without an error.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av.error

from intergeneval.videos.clock import Clock, Stamp, clock_of
from intergeneval.videos.structure import Structure

MAX_FRAMES = 100_000
"""Longest video that is read, in frames: about an hour at 24 frames per second; more is refused, not walked for ever."""

_HIDING = {"vp8": "vp8", "libvpx": "vp8", "vp9": "vp9", "libvpx-vp9": "vp9"}
"""Decoders of codecs whose packets may hold a frame that is never shown, and the codec."""
_REORDERED = 16
"""Most frames that a codec holds back to show them in another order than it decodes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a container says of its video stream."""

    frames: int
    """Packets that carry a picture to show."""
    stamps: tuple[Stamp, ...]
    """When those pictures are shown, in the order of the file; empty where not every packet has a time."""
    clock: Clock
    """The same as rate and times."""
    unit: Fraction
    """Length of a tick, in seconds."""
    rate: float
    """The rate the file states, for one whose packets carry no times, frames per second; 0.0 where it states none."""
    missing: int
    """Frames the container announces beyond those it holds, about; 0 where it holds all or does not say."""
    trouble: str
    """Why frames are missing; empty where none are."""


@dataclass(slots=True)
class _Walk:
    """What was met on the way through the packets."""

    held: int = 0
    """Packets of whatever kind, hidden and dropped ones too."""
    frames: int = 0
    shown: list[Stamp] = field(default_factory=list)
    ticks: int = 0
    """From the start of the stream to after its last packet, in order of decoding."""
    last_byte: int = 0
    trouble: str = ""


def list_packets(container: Any, stream: Any, structure: Structure, again: Callable[[Mapping[str, str]], Any]) -> Listing:
    """Walk the packets of `stream`; `again` opens the same file once more, with more options for its demuxer.

    Raises ValueError for more than MAX_FRAMES and for a file that is damaged before one of its frames or says nothing of what it
    lacks, and what PyAV raises before the first packet.
    """
    walk = _walk(container, stream)
    trouble = walk.trouble or structure.trouble
    if not walk.frames:
        raise ValueError(trouble or "it holds no frames")
    if structure.trouble and walk.last_byte > structure.at:
        raise ValueError(f"it is damaged before its last frame: {structure.trouble}")
    unit = Fraction(stream.time_base or 0)
    clock = _clock(walk.shown, container, unit)
    said = int(stream.frames) if structure.counted else 0
    missing = _lacking(container, stream, said, structure, walk, again)
    if "matroska" in container.format.name and not structure.proven:
        announced = _announced_seconds(container, stream, damaged=bool(trouble))
        timed = len(walk.shown)  # the first packets of a stream that begins before 0 have no times
        late = round((announced - max(clock.seconds, clock.end)) * timed / clock.seconds) if clock.seconds else 0
        late += _left_out(walk.shown) if trouble and late > 0 else 0
        # A last frame without a duration of its own and rounded times stay below the two frames it takes to count.
        missing = max(missing, late if trouble or late >= 2 else 0)
        counted = announced > 0 and clock.seconds > 0
    else:
        counted = said > 0
    if trouble and not counted:
        raise ValueError(f"{trouble}, and nothing says how many frames are missing")
    missing = max(missing, 1) if walk.trouble else missing
    return Listing(
        frames=walk.frames,
        stamps=tuple(walk.shown) if len(walk.shown) == walk.frames else (),
        clock=clock,
        unit=unit,
        rate=float(stream.average_rate or 0),
        missing=missing,
        trouble=(trouble or "the file holds fewer than it announces") if missing else "",
    )


def _clock(shown: Sequence[Stamp], container: Any, unit: Fraction) -> Clock:
    """Return the clock of packets in the order of their file.

    Durations in an mp4 are the steps between packets in order of decoding: where frames are reordered, one says nothing of how
    long its own frame is shown, but for the last packet. Of a constant rate that makes no difference.
    """
    raw = clock_of(shown, unit)
    rising = all(later.shown >= earlier.shown for earlier, later in pairwise(shown))
    if rising or not raw.times or "mov" not in container.format.name:
        return raw
    return clock_of([*(Stamp(shown=item.shown) for item in shown[:-1]), shown[-1]], unit)


def _left_out(shown: Sequence[Stamp]) -> int:
    """Return how many frames a cut took from between the last ones that are left, about: those that are decoded after them."""
    if all(later.shown >= earlier.shown for earlier, later in pairwise(shown)):
        return 0
    places = sorted(item.shown for item in shown)
    steps = [later - earlier for earlier, later in pairwise(places)]
    usual = max(1, statistics.median_low(steps))
    return sum(max(0, round(step / usual) - 1) for step in steps[-_REORDERED:])


def _walk(container: Any, stream: Any) -> _Walk:
    walk = _Walk()
    codec = stream.codec_context.name
    by_decoding: list[Stamp] = []
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                walk.trouble = walk.trouble or "a packet is cut short"
                continue
            walk.held += packet.dts is not None or packet.pts is not None
            walk.ticks = max(walk.ticks, (packet.dts or 0) + 1)
            if not packet.size or packet.is_discard or _is_hidden(packet, codec):
                continue
            walk.frames += 1
            walk.last_byte = max(walk.last_byte, packet.pos or 0)
            if walk.frames > MAX_FRAMES:
                raise ValueError(f"it has more than {MAX_FRAMES} frames")
            if packet.pts is not None:
                walk.shown.append(Stamp(shown=packet.pts, lasts=packet.duration or 0))
            if packet.dts is not None:
                by_decoding.append(Stamp(shown=packet.dts, lasts=packet.duration or 0))
    except av.error.FFmpegError as error:
        ended = isinstance(error, EOFError) or not error.strerror
        walk.trouble = walk.trouble or ("the file ends too early" if ended else str(error.strerror))
    if len(walk.shown) < walk.frames == len(by_decoding):
        # Frames are decoded at the same rate as they are shown, only in another order.
        walk.shown = by_decoding
    return walk


def _is_hidden(packet: Any, codec: str) -> bool:
    """Whether a packet holds a picture that only others are made from: an alternate reference frame, which is never shown.

    VP8: RFC 6386, section 9.1. VP9 (bitstream specification, section 6.2) packs it with a shown one in all but odd files; an AV1
    packet shows one frame by definition.
    """
    if codec not in _HIDING:
        return False
    data = memoryview(packet)
    first = data[0]
    if _HIDING[codec] == "vp8":
        return not first & 0x10
    if first >> 6 != 0b10 or data[-1] >> 5 == 0b110:  # no frame header, or several frames in one packet
        return False
    # Behind the marker of two bits and the profile of two, profile 3 has a reserved bit more.
    shift = 3 if first & 0x30 != 0x30 else 2
    shows_existing, shown = first >> shift & 1, first >> (shift - 2) & 1
    return not shows_existing and not shown


def _lacking(
    container: Any, stream: Any, said: int, structure: Structure, walk: _Walk, again: Callable[[Mapping[str, str]], Any]
) -> int:
    """Return how many packets fewer than the `said` number of its index or header a file holds; 0 where neither says."""
    name = container.format.name
    if name == "avi":
        # Its header counts ticks; one without a frame of its own goes on showing the one before, also at the end.
        return 0 if structure.proven else max(0, said - walk.ticks)
    lacking = said - walk.held
    if lacking <= 0 or "mov" not in name:
        return 0
    # The edit list of an mp4 may leave out samples that are there.
    held = 0
    try:
        with again({"ignore_editlist": "1"}) as whole:
            for packet in whole.demux(whole.streams[stream.index]):
                held += bool(packet.size) and not packet.is_corrupt
    except av.error.FFmpegError:  # the cut that the first walk met too
        pass
    return max(0, said - held)


def _announced_seconds(container: Any, stream: Any, *, damaged: bool) -> float:
    """Return when a Matroska file says that its video ends, in seconds; 0.0 where it does not.

    Its header speaks of all streams together: that is about the video's only where there is no other, or where the file is known
    to be damaged and nothing better is left.
    """
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        if len(parts) == 3:
            return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2])
    except ValueError:
        return 0.0
    return container.duration / 1e6 if container.duration and (damaged or len(container.streams) == 1) else 0.0
