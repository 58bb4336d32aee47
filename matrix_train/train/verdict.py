"""Better, equal or worse than the base, by how much, and how sure that is: paired differences over held-out clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from intergeneval.records import Record

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Record):
    """The change of a loss against the base's, as a share of the base's mean over clips; below 0 is better."""

    mean: float
    """Mean over clips."""
    low: float | None
    """Lower end of the paired 95 % interval; None where one clip alone says nothing of its spread."""
    high: float | None
    """Upper end."""

    @property
    def word(self) -> str:
        """Better, worse, or equal where the interval holds 0 or there is none."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "equal to"
        return "better than" if self.high < 0 else "worse than"

    def text(self) -> str:
        """Return it in percent with its interval."""
        if self.low is None or self.high is None:
            return f"{100 * self.mean:+.2f} %"
        return f"{100 * self.mean:+.2f} % [{100 * self.low:+.2f}, {100 * self.high:+.2f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Record):
    """What held-out clips say of an adapter."""

    step: int
    """Optimiser steps it was trained for."""
    clips: int
    """Clips that were looked at."""
    overall: Change
    """The denoising loss, each timestep as a share of the base's there, and the mean over timesteps."""
    times: dict[str, Change]
    """The denoising loss at each timestep."""
    moved: float
    """How far the adapter's prediction lies from the base's, as a share of the base's length; 0 is doing nothing."""

    def line(self) -> str:
        """Return the verdict in one line."""
        what = f"{self.overall.word} the base on {self.clips} held-out clip{'s' if self.clips != 1 else ''}"
        parts = ", ".join(f"t {name} {change.text()}" for name, change in self.times.items())
        wide = ""
        if self.overall.word == "equal to":
            wide = "; one clip has no interval" if self.overall.low is None else "; the interval holds 0"
        # What is lost at one timestep and won at another would be equal on the whole, and unseen.
        apart = {
            word: [name for name, change in self.times.items() if change.word == word] for word in ("worse than", "better than")
        }
        if self.overall.word != "worse than" and apart["worse than"]:
            wide += "".join(f"; {word.split()[0]} at t {', '.join(names)}" for word, names in apart.items() if names)
        return f"{what}: denoising loss {self.overall.text()} ({parts}); predictions moved by {100 * self.moved:.2f} %{wide}"

    def lines(self) -> tuple[str, ...]:
        """Return the verdict for an adapter's card, one sentence a line."""
        whole = "on the whole and at each timestep, in brackets the paired 95 % interval over clips; below 0 is better"
        return f"after {self.step} steps {self.line()}", f"the change is told as a share of the base's loss, {whole}"


def judge(step: int, base: Mapping[float, Sequence[float]], own: Mapping[float, Sequence[float]], moved: float) -> Verdict:
    """Return the verdict of denoising losses by timestep, a value a clip."""
    shares = {time: (np.asarray(own[time], float) - np.asarray(base[time], float)) / np.mean(base[time]) for time in base}
    return Verdict(
        step=step,
        clips=len(next(iter(shares.values()))),
        overall=_of(np.mean(list(shares.values()), axis=0)),
        times={f"{time:g}": _of(share) for time, share in shares.items()},
        moved=moved,
    )


def _of(values_N: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Change:
    mean, count = float(values_N.mean()), len(values_N)
    if count < 2:
        return Change(mean=mean, low=None, high=None)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, count - 1)) * float(values_N.std(ddof=1)) / count**0.5
    return Change(mean=mean, low=mean - half, high=mean + half)
