"""What a video's score can be at worst and at best, alone and against another's: bounds over everything without an answer. Pure.

IF = (KISA_raw + SGI_raw) / 2 x SPI x plausibility, each of them a span (low, high). What is open in a score stands in its `open`:
the name of a question or frame with its weight in its share or ratio. Of two scores of byte-equal videos, what is open in both
takes the same value on both sides, so that a run compared with itself differs by exactly 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from intergeneval.records.answers import KISA_IDS
from intergeneval.records.score import Profile, Score

LAMBDA = 5.0
"""Weight of the emergence and disappearance ratios in SPI."""
WHOLE = "video"
"""Name of what is open where nothing of a video is known."""
EMERGENCE, DISAPPEARANCE, PLAUSIBILITY = "emergence", "disappearance", "plausibility"
"""What a frame can be open for; the name of an open frame is one of these, a colon and the frame's index."""
SHARE = (0.0, 1.0)
"""Range of a share."""

Span = tuple[float, float]
"""Lowest and highest value."""


def metric_range(metric: str, profile: Profile) -> Span:
    """Return the range of a metric: [0, 1], but [-4, 1] under ``paper`` of what contains SPI."""
    return (1 - LAMBDA, 1.0) if profile == Profile.PAPER and not metric.endswith("_raw") else SHARE


def spi_of(emergence: float, disappearance: float, profile: Profile) -> float:
    """Return SPI of two ratios in [0, 1]: 1/2 [(1 - 5 emergence) + (1 - 5 disappearance)], [0, 1] but under ``paper``."""
    plain = ((1 - LAMBDA * emergence) + (1 - LAMBDA * disappearance)) / 2
    return plain if profile == Profile.PAPER else min(max(plain, 0.0), 1.0)


def spi_span(emergence: Span, disappearance: Span, profile: Profile) -> Span:
    """Return the worst and the best SPI of two ratios that are known within spans."""
    return spi_of(emergence[1], disappearance[1], profile), spi_of(emergence[0], disappearance[0], profile)


def product(*spans: Span) -> Span:
    """Return the span of a product; under ``paper`` SPI may be below 0, so that more yes can mean less."""
    if len(spans) == 2:
        (low, high), (bottom, top) = spans
        if low == high and bottom == top:
            # Mostly nothing is open, and then every corner is the same.
            value = low * bottom
            return value, value
    ends = [math.prod(corner) for corner in itertools.product(*spans)]
    return min(ends), max(ends)


def bounds_of(score: Score, metric: str, profile: Profile) -> Span:
    """Return the lowest and the highest value that a video may have, were everything without an answer known.

    A score written before there were bounds is its value alone, or anything where it has none.
    """
    if score.if_bounds is None:
        value: float | None = getattr(score, "if_" if metric == "if" else metric)
        return metric_range(metric, profile) if value is None else (value, value)
    if metric == "if":
        return score.if_bounds
    spi, raw = score.spi_bounds or metric_range("spi", profile), _raw(score, metric)
    return {"spi": spi, "kisa": product(raw, spi), "sgi": product(raw, spi)}.get(metric, raw)


def is_open(score: Score, metric: str, profile: Profile) -> bool:
    """Whether anything of a video's value is not known."""
    low, high = bounds_of(score, metric, profile)
    return low < high


def difference_of(first: Score, second: Score, metric: str, profile: Profile, *, same: bool = False) -> Span:
    """Return the lowest and the highest value of second minus first.

    `same` says that both are of one run: then what is open in both is one thing even where no video was seen.
    """
    shared = _shared(first, second) if same or (first.video and first.video == second.video) else {}
    if not shared:
        before, after = bounds_of(first, metric, profile), bounds_of(second, metric, profile)
        return after[0] - before[1], after[1] - before[0]
    if WHOLE in shared:
        return 0.0, 0.0
    ours, theirs = _Parts.of(first, metric, shared), _Parts.of(second, metric, shared)
    frames = shared[EMERGENCE] + shared[DISAPPEARANCE]
    # Between these places the difference is linear in each of the three shared unknowns, so its ends lie on them.
    places = {0.0, frames} | {min(place, frames) for parts in (ours, theirs) for place in parts.bends}
    yes, marked = {0.0, _of_metric(metric, shared[_KISA], shared[_SGI])}, {0.0, shared[PLAUSIBILITY]}
    lows, highs = [], []
    for known in itertools.product(yes, places, marked):
        before, after = ours.value(metric, profile, known), theirs.value(metric, profile, known)
        lows.append(after[0] - before[1])
        highs.append(after[1] - before[0])
    return min(lows), max(highs)


_KISA, _SGI = "kisa", "sgi"


def _raw(score: Score, metric: str) -> Span:
    found = score.kisa_bounds if metric.startswith("kisa") else score.sgi_bounds
    return found or SHARE


def _kind(name: str) -> str:
    """Return what an open item weighs in: one of the two shares, or one of the three ratios."""
    head, _, tail = name.partition(":")
    if not head.isdecimal():
        return head
    return _KISA if tail == _KISA or (tail.isdecimal() and int(tail) in KISA_IDS) else _SGI


def _weights(items: Iterable[tuple[str, float]]) -> dict[str, float]:
    found = dict.fromkeys((_KISA, _SGI, EMERGENCE, DISAPPEARANCE, PLAUSIBILITY), 0.0)
    for name, weight in items:
        found[_kind(name)] = found.get(_kind(name), 0.0) + weight
    return found


def _shared(first: Score, second: Score) -> Mapping[str, float]:
    """Return the weights, by kind, of what is open in both; empty where nothing is and where the two were asked otherwise."""
    theirs = dict(second.open)
    both = [(name, weight) for name, weight in first.open if theirs.get(name) == weight]
    return _weights(both) if both else {}


def _of_metric(metric: str, kisa: float, sgi: float) -> float:
    """Return what two shares come to in the share that a metric contains."""
    if metric == "spi":
        return 0.0
    return (kisa + sgi) / 2 if metric == "if" else kisa if metric.startswith("kisa") else sgi


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """One side of a difference: what is known, and how far what it alone leaves open may move it."""

    yes: Span
    """The share that the metric contains, with all that is shared taken as no."""
    frames: Span
    """Emergence and disappearance ratio added up, with all that is shared taken as none."""
    marked: Span
    """Plausibility, with all that is shared taken as marked."""

    @classmethod
    def of(cls, score: Score, metric: str, shared: Mapping[str, float]) -> _Parts:
        names = _weights(score.open)
        own = {kind: max(weight - shared.get(kind, 0.0), 0.0) for kind, weight in names.items()}
        kisa, sgi = (score.kisa_bounds or SHARE)[0], (score.sgi_bounds or SHARE)[0]
        low = _of_metric(metric, kisa, sgi)
        ratio = (score.emergence_bounds or (0.0, 0.0))[0] + (score.disappearance_bounds or (0.0, 0.0))[0]
        plausible = 1.0 if score.plausibility_bounds is None else score.plausibility_bounds[0]
        return cls(
            yes=(low, low + _of_metric(metric, own[_KISA], own[_SGI])),
            frames=(ratio, ratio + own[EMERGENCE] + own[DISAPPEARANCE]),
            marked=(plausible, plausible + own[PLAUSIBILITY]),
        )

    @property
    def bends(self) -> tuple[float, ...]:
        """How much of the shared frames brings SPI to 0, where ``bounded`` clips it."""
        return tuple(max(2 / LAMBDA - end, 0.0) for end in self.frames)

    def value(self, metric: str, profile: Profile, known: tuple[float, float, float]) -> Span:
        """Return the span of the metric once the shared unknowns are known: yes, frames and frames not marked."""
        yes, frames, marked = known
        raw = (self.yes[0] + yes, self.yes[1] + yes)
        if metric.endswith("_raw"):
            return raw
        spi = spi_span((self.frames[0] + frames, self.frames[1] + frames), (0.0, 0.0), profile)
        if metric == "spi":
            return spi
        spans = (raw, spi, (self.marked[0] + marked, self.marked[1] + marked)) if metric == "if" else (raw, spi)
        return product(*spans)
