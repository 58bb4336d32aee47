"""Which frames of a video a judge sees (protocol, section 1)."""

from __future__ import annotations

from collections.abc import Sequence

from intergeneval.errors import ConfigError
from intergeneval.videos.clock import on_screen

EQUAL_TIME = "equal-time"
"""Equal shares of time: about eleven frames at any length; the default."""
PAPER = "paper"
"""Every fifth frame and the last."""

_PAPER_STRIDE = 5
_PAPER_INTERVALS = 48  # between the 49 frames of the published runs


def sample_frames(count: int, sampling: str = EQUAL_TIME, times: Sequence[float] = ()) -> tuple[int, ...]:
    """Return the rising indices, from 0 to `count` - 1 (both included), of the frames a judge sees.

    `sampling` is ``equal-time`` (stride max(1, round(5 (n - 1) / 48)), halves to even), ``paper`` (stride 5) or ``stride:N``.
    `times` are the seconds from the first frame to each where the rate varies: equal shares are then of time, not of frames.
    Every 5/48 of the time to the last frame, the one on screen is taken, once however long it stays; of a video so short that its
    stride is 1, every frame. Raises ConfigError for any other text, ValueError for a count below 1 or times of another number.
    """
    stride = _stride(count, sampling)
    if count < 1:
        raise ValueError(f"a video of {count} frames has nothing to sample")
    if times and len(times) != count:
        raise ValueError(f"{len(times)} times were given of {count} frames")
    by_time = bool(times) and sampling == EQUAL_TIME and stride > 1
    picked = _by_time(times) if by_time else list(range(0, count, stride))
    if picked[-1] != count - 1:
        picked.append(count - 1)
    return tuple(picked)


def _by_time(times: Sequence[float]) -> list[int]:
    shares = range(-(-_PAPER_INTERVALS // _PAPER_STRIDE))
    return sorted({on_screen(times, times[-1] * share * _PAPER_STRIDE / _PAPER_INTERVALS) for share in shares})


def _stride(count: int, sampling: str) -> int:
    if sampling == EQUAL_TIME:
        return max(1, round(_PAPER_STRIDE * (count - 1) / _PAPER_INTERVALS))
    if sampling == PAPER:
        return _PAPER_STRIDE
    name, _, number = sampling.partition(":")
    if name == "stride" and number.isascii() and number.isdigit() and 0 < len(number) < 10 and int(number) > 0:
        return int(number)
    raise ConfigError(f"sampling {sampling!r} is not known; use {EQUAL_TIME!r}, {PAPER!r} or 'stride:N' with N of 1 or more")
