"""Which frames of a video a judge sees (protocol, section 1)."""

from __future__ import annotations

from intergeneval.errors import ConfigError

EQUAL_TIME = "equal-time"
"""Equal shares of time: about eleven frames at any length; the default."""
PAPER = "paper"
"""Every fifth frame and the last."""

_PAPER_STRIDE = 5
_PAPER_INTERVALS = 48  # between the 49 frames of the published runs


def sample_frames(count: int, sampling: str = EQUAL_TIME) -> tuple[int, ...]:
    """Return the rising indices, from 0 to `count` - 1 (both included), of the frames a judge sees.

    `sampling` is ``equal-time`` (stride max(1, round(5 (n - 1) / 48)), halves to even), ``paper`` (stride 5) or ``stride:N``.
    Raises ConfigError for any other text, ValueError for a count below 1.
    """
    stride = _stride(count, sampling)
    if count < 1:
        raise ValueError(f"a video of {count} frames has nothing to sample")
    picked = list(range(0, count, stride))
    if picked[-1] != count - 1:
        picked.append(count - 1)
    return tuple(picked)


def _stride(count: int, sampling: str) -> int:
    if sampling == EQUAL_TIME:
        return max(1, round(_PAPER_STRIDE * (count - 1) / _PAPER_INTERVALS))
    if sampling == PAPER:
        return _PAPER_STRIDE
    name, _, number = sampling.partition(":")
    if name == "stride" and number.isascii() and number.isdigit() and 0 < len(number) < 10 and int(number) > 0:
        return int(number)
    raise ConfigError(f"sampling {sampling!r} is not known; use {EQUAL_TIME!r}, {PAPER!r} or 'stride:N' with N of 1 or more")
