"""Two runs held against each other video by video, as arrays: a report of ten models compares 45 pairs by six metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from intergeneval.records import Profile, Score, ScoreStatus, difference_of
from intergeneval.stats.clustered import Floats
from intergeneval.stats.prompts import Key, ScoreTable

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The mean of each prompt, or pair of twins, in two runs; every array has an entry for each of `ids`."""

    ids: tuple[str, ...]
    """Prompts or pairs, rising."""
    before: Floats
    """In the first run."""
    after: Floats
    """In the second."""

    @property
    def differences(self) -> Floats:
        """The second less the first."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """How far each prompt, or pair of twins, may differ, whatever the missing answers are; means over its seeds."""

    ids: tuple[str, ...]
    """Prompts or pairs, rising."""
    lows: Floats
    """The lowest difference of each."""
    highs: Floats
    """The highest difference of each."""
    unanswered: int
    """Videos, or seeds of a pair, of which something has no answer."""


class Pairing:
    """The videos that two runs both hold; what all metrics need of them is found once."""

    def __init__(self, baseline: ScoreTable, candidate: ScoreTable) -> None:
        self.tables = baseline, candidate
        first, second = baseline.by_key, candidate.by_key
        self.both: list[Key] = sorted(first.keys() & second.keys())
        pairs = [(first[key], second[key]) for key in self.both]
        self._alike: Mask = np.array([_alike(*pair) for pair in pairs], dtype=np.bool_)
        self._one_video: Mask = np.array([bool(one.video) and one.video == other.video for one, other in pairs], dtype=np.bool_)
        self._places = tuple(table.places(self.both) for table in self.tables)

    def _scored(self, metric: str) -> tuple[Floats, Floats, Mask]:
        """Return the values in both runs, NaN for none, and which videos both have one of, with the same parts assessed."""
        before, after = (table.values(metric)[at] for table, at in zip(self.tables, self._places, strict=True))
        return before, after, self._alike & ~np.isnan(before) & ~np.isnan(after)

    def changes(self, metric: str) -> tuple[Changes, list[tuple[int, ...]]]:
        """Return each prompt's means over the seeds that both runs scored, and these seeds."""
        before, after, kept = self._scored(metric)
        ids, starts = self._prompts(kept)
        seeds = [self.both[place][1] for place in np.flatnonzero(kept)]
        changes = Changes(ids=ids, before=means(before[kept], starts), after=means(after[kept], starts))
        return changes, [tuple(seeds[low:high]) for low, high in zip(starts, [*starts, len(seeds)][1:], strict=True)]

    def spans(self, metric: str, profile: Profile, *, same: bool) -> Spans:
        """Return each prompt's lowest and highest difference; videos with different parts assessed are in none."""
        lows, highs = self.ends(metric, profile, same=same)
        ids, starts = self._prompts(self._alike)
        return Spans(ids=ids, lows=means(lows, starts), highs=means(highs, starts), unanswered=int((lows < highs).sum()))

    def ends(self, metric: str, profile: Profile, *, same: bool) -> tuple[Floats, Floats]:
        """Return the lowest and the highest difference of every pair of videos with the same parts assessed."""
        before, after = (table.bounds(metric, profile)[at] for table, at in zip(self.tables, self._places, strict=True))
        # Of two videos that share nothing the ends are those of each alone.
        lows, highs = after[:, 0] - before[:, 1], after[:, 1] - before[:, 0]
        first, second = (table.by_key for table in self.tables)
        for place in np.flatnonzero(self._alike if same else self._alike & self._one_video):
            key = self.both[place]
            lows[place], highs[place] = difference_of(first[key], second[key], metric, profile, same=same)
        return lows[self._alike], highs[self._alike]

    @property
    def alike(self) -> list[Key]:
        """The videos with the same parts assessed, rising."""
        return [self.both[place] for place in np.flatnonzero(self._alike)]

    def left_out(self, metric: str) -> dict[str, int]:
        """Return how many videos are compared, and how many are not and why."""
        before, after, kept = self._scored(metric)
        bare = np.isnan(before) | np.isnan(after)
        return {
            "videos": int(kept.sum()),
            "only_baseline": len(self.tables[0].by_key) - len(self.both),
            "only_candidate": len(self.tables[1].by_key) - len(self.both),
            "unscored_baseline": int(np.isnan(before).sum()),
            "unscored_candidate": int(np.isnan(after).sum()),
            "mismatched": len(self.both) - int(bare.sum()) - int(kept.sum()),
        }

    def _prompts(self, kept: Mask) -> tuple[tuple[str, ...], list[int]]:
        """Return the prompts of the kept videos, rising, and where among these each begins."""
        if kept.all():
            return self._whole
        return _grouped([self.both[place][0] for place in np.flatnonzero(kept)])

    @cached_property
    def _whole(self) -> tuple[tuple[str, ...], list[int]]:
        return _grouped([sample_id for sample_id, _ in self.both])


def _grouped(names: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    starts = [place for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
    return tuple(names[place] for place in starts), starts


def means(values: Floats, starts: Sequence[int]) -> Floats:
    """Return the mean of each stretch of values; the order they come in does not change a bit of it."""
    if len(starts) == len(values):
        return values
    ends = [*starts, len(values)][1:]
    listed = values.tolist()
    return np.array(
        [math.fsum(listed[low:high]) / (high - low) for low, high in zip(starts, ends, strict=True)], dtype=np.float64
    )


def _alike(first: Score, second: Score) -> bool:
    """Whether the same parts were assessed; the 0 of a missing video goes with anything."""
    looked_at = first.status is ScoreStatus.OK and second.status is ScoreStatus.OK
    return first.partial == second.partial or not looked_at
