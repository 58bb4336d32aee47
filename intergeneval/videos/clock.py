"""When frames are shown: the rate of a video, and its frames' times where the rate varies."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_STEADY = 0.5
"""Largest distance, in mean steps, of a frame from its place in even steps at which a rate still counts as constant. Rounding to
a container's ticks (hundredths of a second in GIF) and pulldown stay below it; a frame held for two more steps does not."""
_LONG_END = 2.0
"""How many times the longest other step the last frame is shown for a rate to count as varying for its sake alone."""

_ROUNDED = 0.75
"""Least share of a step that a duration keeps when both are rounded to ticks; one less is another rate's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When one frame is shown, in a stream's ticks."""

    shown: int
    """Its presentation time."""
    lasts: int = 0
    """How long it is shown; 0 where the file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What a video's frames say of time."""

    fps: float
    """Frames over duration, frames per second; 0.0 where there are no times."""
    noted: bool
    """Whether steps between frames differ by more than half."""
    times: tuple[float, ...]
    """Seconds from the first frame to each, where the rate varies; empty where frames are shown in even steps."""
    seconds: float
    """From the first frame to the end of the last; 0.0 where there are no times."""
    end: float
    """The end of the last frame on the stream's own clock, which need not start at 0, in seconds."""


NO_CLOCK = Clock(fps=0.0, noted=False, times=(), seconds=0.0, end=0.0)
"""The clock of a video without times."""


def clock_of(stamps: Sequence[Stamp], unit: Fraction) -> Clock:
    """Return the clock of frames that are given in any order; `unit` is the length of a tick in seconds."""
    ordered = sorted(stamps, key=lambda item: (item.shown, item.lasts))
    if len(ordered) < 2 or ordered[-1].shown <= ordered[0].shown or unit <= 0:
        return NO_CLOCK
    first, span = ordered[0].shown, ordered[-1].shown - ordered[0].shown
    steps = [later.shown - earlier.shown for earlier, later in pairwise(ordered)]
    even = _even([item.shown - first for item in ordered])
    told = _last_of_even(ordered, steps) if even else ordered[-1].lasts
    varies = not even or told > _LONG_END * max(steps) + 1
    usual = statistics.median_low([step for step in steps if step]) if varies else span / len(steps)
    seconds = (span + (told or usual)) * float(unit)
    return Clock(
        fps=len(ordered) / seconds,
        noted=varies or max(steps) > 1.5 * max(1, min(steps)),
        times=tuple(round(float((item.shown - first) * unit), 6) for item in ordered) if varies else (),
        seconds=seconds,
        end=float(first * unit) + seconds,
    )


def on_screen(times: Sequence[float], when: float) -> int:
    """Return the index of the frame that is shown `when` seconds after the first; `times` rise from 0."""
    return max(0, bisect_right(times, when + 1e-6) - 1)  # times are kept to the microsecond


def _last_of_even(ordered: Sequence[Stamp], steps: Sequence[int]) -> int:
    """Return how long the last of evenly shown frames stays by its file; 0 where that is no time of its own.

    Encoders that are told a rate and given other times write the rate's duration to the last frame, or to every frame. So one
    that is shorter than every step says nothing, unless rounding to ticks makes it so, and of longer ones, which are how a
    file holds its end, one that all frames share.
    """
    told, span = ordered[-1].lasts, sum(steps)
    if told > max(steps) + 1:
        return 0 if all(item.lasts == told for item in ordered) else told
    if told >= min(steps):
        return told
    # Both ends of the span are rounded, so a true step may be a tick in all shorter than it seems, and its duration is cut down.
    return told if told >= (span - 1) // len(steps) and told >= _ROUNDED * min(steps) else 0


def _even(places: Sequence[int]) -> bool:
    """Whether frames stand where even steps from the first to the last would put them, or less than half a step off."""
    steps, span = len(places) - 1, places[-1]
    return all(abs(place * steps - index * span) <= _STEADY * span for index, place in enumerate(places))
