"""Twins: what two videos say of their own interaction and of each other's, and how far missing answers may move that. Pure.

    s(V, T)     = share of yes of video V about interaction T, over the questions that can be asked about both of V's
    contrast    = [s(A, a) > s(A, b)] * [s(B, b) > s(B, a)], a tie counts half in its bracket; .25 by chance
    sensitivity = (s(A, a) - s(A, b) + s(B, b) - s(B, a)) / 2; 0 by chance

Both grow with s(A, a) - s(A, b) and with s(B, b) - s(B, a), so their bounds are those of the two differences.
"""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass

from intergeneval.records.codec import Record
from intergeneval.records.score import Profile

FEWEST = 4
"""Fewest of the questions `TWIN_IDS` that must be answered about both interactions of a video that is to have a value."""
CONTRAST, SENSITIVITY = "contrast", "sensitivity"
TWIN_METRICS = (CONTRAST, SENSITIVITY)
"""What is told of twins, the first of them first."""
YES, NO, DECLINED, UNANSWERABLE, UNANSWERED = "y", "n", "-", "?", "!"
"""Letters of an answer: yes; no; declared unanswerable before any video was seen; unanswerable for this video; failed, refused,
unreadable or not there, which a resume asks again."""
_RANGES = {CONTRAST: (0.0, 1.0), SENSITIVITY: (-1.0, 1.0)}
_GAP = (-1.0, 1.0)

Span = tuple[float, float]
"""Lowest and highest value."""


class TwinState(enum.StrEnum):
    """Whether a video of a pair was asked about."""

    SEEN = "seen"
    MISSING = "missing"
    """There is none, or it cannot be decoded."""
    UNSEEN = "unseen"
    """It begins with another picture than the benchmark's, or nobody was asked about it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinVideo(Record):
    """One video of a pair: its answers about its own interaction and about its twin's."""

    sample_id: str
    """The sample."""
    state: TwinState
    """Whether it was asked about."""
    own: str = ""
    """One letter a question of `TWIN_IDS`, about its own interaction; empty unless seen."""
    other: str = ""
    """The same about its twin's interaction."""
    video: str = ""
    """sha256 of the file; empty where it is not known."""
    reason: str = ""
    """Why it has no value, in one sentence; empty where it has one."""

    @property
    def asked(self) -> tuple[tuple[str, str], ...]:
        """The answers (own, other) to the questions that can be asked about both interactions."""
        return tuple(pair for pair in zip(self.own, self.other, strict=True) if DECLINED not in pair)

    @property
    def answered(self) -> tuple[tuple[str, str], ...]:
        """The answers (own, other) to the questions that were answered about both interactions."""
        return tuple(pair for pair in self.asked if set(pair) <= {YES, NO})

    def shares(self) -> tuple[float, float] | None:
        """Return s of its own interaction and of its twin's, over the questions answered about both; None without a value."""
        both = self.answered
        if self.state is not TwinState.SEEN or len(both) < FEWEST or any(UNANSWERED in pair for pair in self.asked):
            return None
        own, other = (sum(letter == YES for letter in letters) / len(both) for letters in zip(*both, strict=True))
        return own, other

    def difference(self, profile: Profile) -> float | None:
        """Return s(own) - s(other) over the questions answered about both; of a missing video the lowest, but under ``paper``."""
        if self.state is TwinState.MISSING and profile != Profile.PAPER:
            return _GAP[0]
        both = self.shares()
        return None if both is None else both[0] - both[1]

    def gap(self, profile: Profile, shared: tuple[int, int, int] = (0, 0, 0)) -> Span:
        """Return the lowest and highest s(own) - s(other): unanswered about the own as no and yes, about the other the reverse.

        A missing video shows nothing: it has the lowest value, but under ``paper``, where it has none. `shared` is what is
        settled: how many of the open questions about either interaction, and yes about the own less yes about the other in them.
        """
        if self.state is TwinState.MISSING and profile != Profile.PAPER:
            return _GAP[0], _GAP[0]
        if self.state is not TwinState.SEEN or not self.asked:
            return _GAP
        count, (own, other) = len(self.asked), self.open
        net = sum((mine == YES) - (theirs == YES) for mine, theirs in self.asked) + shared[2]
        return (net - (other - shared[1])) / count, (net + (own - shared[0])) / count

    @property
    def open(self) -> tuple[int, int]:
        """How many askable questions about its own interaction have no answer, and about its twin's."""
        own, other = (sum(pair[place] not in (YES, NO) for pair in self.asked) for place in (0, 1))
        return own, other


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinScore(Record):
    """A pair of twins in one run, one seed."""

    pair: str
    """Name of the pair, the same in every run."""
    cluster: str
    """What pairs share whose values are not independent: the scene, or the two samples."""
    seed: int
    """The seed of both videos."""
    first: TwinVideo
    """Video A."""
    second: TwinVideo
    """Video B."""

    def value(self, metric: str, profile: Profile) -> float | None:
        """Return contrast or sensitivity over what was answered, a missing video having the lowest; None where one has none."""
        mine, theirs = self.first.difference(profile), self.second.difference(profile)
        if mine is not None and theirs is not None:
            return _joined(metric, mine, theirs)
        low, high = self.bounds(metric, profile)
        # A missing video makes the pair wrong, whatever the other one shows.
        return low if low == high and TwinState.MISSING in (self.first.state, self.second.state) else None

    def bounds(self, metric: str, profile: Profile) -> Span:
        """Return the lowest and the highest value, were everything without an answer known; of a missing video the lowest."""
        return _span(metric, self.first.gap(profile), self.second.gap(profile))

    @property
    def reason(self) -> str:
        """Why it has no value, in one sentence; empty where it has one."""
        return self.first.reason or self.second.reason


def twin_range(metric: str) -> Span:
    """Return the range of contrast or sensitivity."""
    return _RANGES[metric]


def twin_difference(before: TwinScore, after: TwinScore, metric: str, profile: Profile, *, same: bool = False) -> Span:
    """Return the lowest and the highest value of after minus before.

    What is open in both about byte-equal videos takes the same value on both sides, so that a run compared with itself differs by
    exactly 0; `same` says that both are of one run.
    """
    choices = [
        _shared(mine, theirs, profile, same=same) for mine, theirs in ((before.first, after.first), (before.second, after.second))
    ]
    lows, highs = [], []
    for (first_before, first_after), (second_before, second_after) in itertools.product(*choices):
        old, new = _span(metric, first_before, second_before), _span(metric, first_after, second_after)
        lows.append(new[0] - old[1])
        highs.append(new[1] - old[0])
    return min(lows), max(highs)


def _shared(before: TwinVideo, after: TwinVideo, profile: Profile, *, same: bool) -> list[tuple[Span, Span]]:
    """Return the gaps of both for everything that may be true of what both leave open."""
    one = same or (before.video != "" and before.video == after.video)
    if one and before.state == after.state and not (before.asked or after.asked):
        # Nothing of it is known, and it is one number; what is joined from it changes with its ends alone.
        return [((end, end), (end, end)) for end in before.gap(profile)]
    if not one or before.state != after.state or _askable(before) != _askable(after):
        return [(before.gap(profile), after.gap(profile))]
    own, other = (
        sum(not {*mine, *theirs} & {YES, NO} for mine, theirs in zip(*letters, strict=True))
        for letters in zip(zip(*before.asked, strict=True), zip(*after.asked, strict=True), strict=True)
    )
    nets = range(-other, own + 1)
    return [(before.gap(profile, (own, other, net)), after.gap(profile, (own, other, net))) for net in nets]


def _askable(video: TwinVideo) -> tuple[bool, ...]:
    return tuple(DECLINED not in pair for pair in zip(video.own, video.other, strict=True))


def _span(metric: str, first: Span, second: Span) -> Span:
    low, high = (_joined(metric, *gaps) for gaps in zip(first, second, strict=True))
    return low, high


def _joined(metric: str, first: float, second: float) -> float:
    """Return the metric of the two differences own minus other."""
    if metric == SENSITIVITY:
        return (first + second) / 2
    if metric != CONTRAST:
        raise ValueError(f"{metric!r} is not one of {', '.join(TWIN_METRICS)}")
    return _ahead(first) * _ahead(second)


def _ahead(gap: float) -> float:
    return 0.5 if gap == 0 else float(gap > 0)
