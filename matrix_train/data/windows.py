"""Which frames of a clip are trained on: by time where its rate is known, and in one window or several.

Everything is a pure function of the clip's number of frames, its times and its id, so that masks, first frame and pixels are
taken at the same moments, today and in a cache of last week.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

from intergeneval.ids import sha256_json
from matrix_train.backbones.files import resolve
from matrix_train.backbones.loading import rate_of
from matrix_train.config import Config

Picks = tuple[int, ...]
"""Indices of a clip's frames, one a training frame; a frame may stand in it twice."""
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What is taken of a clip."""

    frames: int
    """Frames of a window."""
    fps: float = 0.0
    """Frames per second at which clips are seen; 0: their frames are taken one by one."""
    stride: int = 1
    """Every n-th frame at that rate."""
    window: str = "start"
    """``start`` or ``random``."""
    windows: int = 1
    """Windows at most."""

    @property
    def text(self) -> str:
        """What is noted of it in a cache."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def plain(self) -> Picks:
        """The first frames, one by one, as they were always taken before clips had a rate."""
        return tuple(range(self.frames))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTime:
    """What is known of a clip's frames in time."""

    count: int
    """Number of frames."""
    rate: float | None
    """Mean frames per second; None where nothing tells."""
    times: tuple[float, ...] = ()
    """Seconds from the first frame to each where the rate varies; else empty."""

    def at(self, index: int) -> float:
        """Return the moment of a frame, in seconds; frames of an unknown rate count as seconds."""
        if self.rate is None:
            return float(index)
        return self.times[index] if len(self.times) == self.count else index / self.rate

    def nearest(self, moment: float) -> int:
        """Return the frame whose moment is nearest, the later of two that are equally near."""
        if self.rate is None:
            return math.floor(moment + 0.5 + _NOTHING)
        if len(self.times) != self.count:
            return min(self.count - 1, math.floor(moment * self.rate + 0.5 + _NOTHING))
        after = min(bisect_left(self.times, moment), self.count - 1)
        before = max(0, after - 1)
        return before if moment - self.times[before] < self.times[after] - moment else after


def timing_of(config: Config) -> Timing:
    """Return what a config takes of a clip. Raises ConfigError where the base model's rate is wanted and not known."""
    data = config.data
    fps = 0.0 if not data.resample else data.fps or rate_of(resolve(config.model.path))
    return Timing(frames=data.frames, fps=fps, stride=data.stride, window=data.window, windows=data.windows)


def by_time(timing: Timing, clip: ClipTime) -> bool:
    """Whether frames are taken by time; else one by one."""
    return timing.fps > 0 and clip.rate is not None


def too_short(timing: Timing, clip: ClipTime) -> str:
    """Return why a clip has not the frames of one window, in one sentence that names the way out; empty where it has."""
    clip = _counted(timing, clip)
    step, last = _step(timing, clip), clip.at(clip.count - 1)
    if (timing.frames - 1) * step <= last + _slack(clip):
        return ""
    if clip.rate is None:
        wanted = (timing.frames - 1) * timing.stride + 1
        asked = f"data.frames asks for {timing.frames}"
        return f"{clip.count} frames; {asked}" + (
            f" at a stride of {timing.stride}, {wanted} in all" if timing.stride > 1 else ""
        )
    seconds = (timing.frames - 1) * step
    return (
        f"{clip.count} frames in {last:.3g} seconds; {timing.frames} frames at {timing.fps / timing.stride:g} a second "
        f"(data.frames, data.fps) take {seconds:.3g}: "
        "set a higher data.fps, or data.resample = false to take its frames one by one"
    )


def windows_of(timing: Timing, clip: ClipTime, clip_id: str) -> tuple[Picks, ...]:
    """Return the windows of a clip that is long enough, none twice; the first is the only one where one is asked for."""
    clip = _counted(timing, clip)
    step = _step(timing, clip)
    room = max(0.0, clip.at(clip.count - 1) - (timing.frames - 1) * step)
    if timing.window == "random":
        starts = [room * (int(sha256_json(["window", clip_id, place])[:12], 16) / 16**12) for place in range(timing.windows)]
        starts = [clip.at(clip.nearest(start)) for start in starts]
    else:
        starts = [room * place / max(1, timing.windows - 1) for place in range(timing.windows)]
    found = [tuple(clip.nearest(start + place * step) for place in range(timing.frames)) for start in starts]
    return tuple(dict.fromkeys(tuple(min(pick, clip.count - 1) for pick in picks) for picks in found))


def is_resampled(timing: Timing, clip: ClipTime, windows: Sequence[Picks]) -> bool:
    """Whether other frames are taken than by counting them off, since the clip has another rate."""
    if not by_time(timing, clip):
        return False
    return any(later - before != timing.stride for picks in windows for before, later in pairwise(picks))


def of_masks(picks: Picks, clip: ClipTime, count: int, rate: float | None) -> Picks | None:
    """Return the masks that belong to frames of a clip: the same ones, or by time where there are as many as last as long.

    `count` masks at `rate` frames per second, None where that is not told. None: nothing tells which mask belongs to which frame.
    """
    if count == clip.count:
        return picks
    if rate is None or clip.rate is None or count < 1:
        return None
    masks = ClipTime(count=count, rate=rate)
    longest = max(1 / rate, 1 / clip.rate)
    if abs(masks.at(count - 1) - clip.at(clip.count - 1)) > longest + _NOTHING:
        return None
    return tuple(masks.nearest(clip.at(pick)) for pick in picks)


def _counted(timing: Timing, clip: ClipTime) -> ClipTime:
    """Return the clip as it is counted: without a rate where its frames are taken one by one."""
    return clip if by_time(timing, clip) else replace(clip, rate=None, times=())


def _step(timing: Timing, clip: ClipTime) -> float:
    """Return the time between two frames of a window, in what `ClipTime.at` counts."""
    return float(timing.stride) if clip.rate is None else timing.stride / timing.fps


def _slack(clip: ClipTime) -> float:
    """Return by how much the last moment may lie behind the last frame: half of the clip's step, where rates differ little."""
    return _NOTHING if clip.rate is None else 0.5 / clip.rate - _NOTHING
