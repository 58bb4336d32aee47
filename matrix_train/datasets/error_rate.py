"""How many clips of a dataset are wrong, by a random sample that a person has reviewed. Pure.

A sample without replacement out of a finite set has a hypergeometric number of errors, and the interval holds every number of
wrong clips in the whole set that neither tail test of size (1 - level) / 2 rejects (Clopper and Pearson's construction), so that
it covers the truth at least as often as it says, for every size and rate. What nobody has decided may be right or wrong: the
lower end takes it for right, the upper one for wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.stats import hypergeom

from intergeneval.records import Record

LEVEL = 0.95
"""Level of the intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRate(Record):
    """The share of wrong clips in a set, estimated by a sample of it."""

    clips: int
    """Clips of the set."""
    sampled: int
    """Clips that were drawn to be reviewed."""
    decided: int
    """Clips of these that were decided about."""
    wrong: int
    """Clips of these that are to be fixed or dropped."""
    rate: float | None
    """Share of wrong clips among those decided, 0 to 1; None where none is decided."""
    low: float
    """Lower end of the interval of the share in the whole set."""
    high: float
    """Upper end."""

    @property
    def text(self) -> str:
        """The estimate in words."""
        if self.rate is None:
            return f"nothing decided of {self.sampled} sampled ones ({self.clips} clips)"
        open_ = f", {self.sampled - self.decided} of the sample undecided" if self.decided < self.sampled else ""
        return (
            f"{self.rate:.1%} wrong [{self.low:.1%}, {self.high:.1%}] ({self.wrong} of {self.decided} decided; "
            f"{self.clips} clips{open_})"
        )


def error_rate(*, clips: int, sampled: int, decided: int, wrong: int, level: float = LEVEL) -> ErrorRate:
    """Return the estimate for a set of `clips`: `sampled` were drawn at random, `decided` were looked at, `wrong` are wrong.

    Raises ValueError unless 0 <= wrong <= decided <= sampled <= clips and sampled > 0.
    """
    if not (0 <= wrong <= decided <= sampled <= clips and sampled):
        raise ValueError(f"{wrong} wrong of {decided} decided of {sampled} sampled of {clips} clips cannot be")
    lowest, highest = fewest(clips, sampled, wrong, level), most(clips, sampled, wrong + sampled - decided, level)
    return ErrorRate(
        clips=clips,
        sampled=sampled,
        decided=decided,
        wrong=wrong,
        rate=wrong / decided if decided else None,
        low=lowest / clips,
        high=highest / clips,
    )


def fewest(clips: int, sampled: int, wrong: int, level: float = LEVEL) -> int:
    """Return the smallest number of wrong clips in the set of which so many in the sample are no surprise."""
    half = (1 - level) / 2
    return _first(wrong, clips - (sampled - wrong), lambda bad: bool(hypergeom.sf(wrong - 1, clips, bad, sampled) > half))


def most(clips: int, sampled: int, wrong: int, level: float = LEVEL) -> int:
    """Return the largest number of wrong clips in the set of which so few in the sample are no surprise."""
    half = (1 - level) / 2
    last = clips - (sampled - wrong)
    return _first(wrong, last + 1, lambda bad: bad > last or bool(hypergeom.cdf(wrong, clips, bad, sampled) <= half)) - 1


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from `low` on for which something holds that holds for all that follow, up to `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
