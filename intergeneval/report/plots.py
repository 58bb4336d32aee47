"""Numbers to coordinates: axes with five ticks, intervals, dot plots and difference bars, as SVG path data.

All pictures are 1000 units wide and are stretched to the page; strokes keep their width, so dots stay round.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 1000
"""Units a picture is wide."""
MOST_BARS = 200
"""Prompts from which on bars are drawn as one area."""
_STEPS = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A horizontal scale with five ticks at quarters of its width."""

    low: float
    """Value at the left edge."""
    high: float
    """Value at the right edge."""

    @property
    def ticks(self) -> tuple[float, ...]:
        """The five tick values."""
        return tuple(self.low + (self.high - self.low) * quarter / 4 for quarter in range(5))

    def x(self, value: float) -> float:
        """Return the place of a value, 0 to 1000; what lies outside sits on the edge."""
        share = (value - self.low) / (self.high - self.low)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)


def axis_over(values: Iterable[float], *, narrow: bool = False) -> Axis:
    """Return an axis whose ticks are round numbers and that holds all values.

    Wide axes hold 0 and 1 as well, so that scores are seen on their whole scale; narrow ones zoom in.
    """
    known = [value for value in values if math.isfinite(value)]
    if not narrow or not known:
        known += [0.0, 1.0]
    low, high = min(known), max(known)
    for step in _STEPS:
        start = math.floor(round(low / step, 9)) * step
        if start + 4 * step >= high - 1e-9:
            return Axis(low=round(start, 9), high=round(start + 4 * step, 9))
    return Axis(low=low, high=high if high > low else low + 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dots:
    """A dot plot, one dot a prompt."""

    path: str
    """Zero-length strokes, one a dot."""
    height: int
    """Units the picture is high."""


def dots(values: Sequence[float], axis: Axis, *, bins: int = 125, pitch: float = 5.0, tallest: int = 15) -> Dots:
    """Return a symmetric dot plot of values: equal values stack around the middle line.

    Stacks of more than `tallest` dots are packed tighter rather than drawn higher.
    """
    places = [round(axis.x(value) / WIDTH * bins) for value in values]
    stacks = Counter(places)
    height = min(max(stacks.values(), default=1), tallest) * pitch + 6
    middle = height / 2
    drawn = []
    for place, count in sorted(stacks.items()):
        step = pitch if count <= tallest else pitch * (tallest - 1) / (count - 1)
        x = place * WIDTH // bins
        drawn += [f"M{x} {_short(middle + (rank - (count - 1) / 2) * step)}h0" for rank in range(count)]
    return Dots(path="".join(drawn), height=math.ceil(height))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Sorted differences as bars up and down from a middle line; 1000 x 100 units."""

    up: str
    """Path of the bars above the line."""
    down: str
    """Path of the bars below it."""
    level: str
    """Path of ticks on the line, where nothing changed."""
    limit: float
    """Difference that a full-height bar stands for."""
    count: int
    """Prompts."""
    area: bool
    """Whether the bars are drawn as their outline, to be filled."""


def bars(differences: Sequence[float]) -> Bars:
    """Return one bar a prompt, by falling difference; of many the outline of their bars, which is far shorter to write."""
    ordered = sorted(differences, reverse=True)
    limit = max((abs(value) for value in ordered), default=0.0) or 1.0
    if len(ordered) > MOST_BARS:
        gains = [value for value in ordered if value > 0]
        losses = [value for value in ordered if value < 0]
        return Bars(
            up=_outline(gains, 0, len(ordered), limit),
            down=_outline(losses, len(ordered) - len(losses), len(ordered), limit),
            level="",
            limit=limit,
            count=len(ordered),
            area=True,
        )
    up: list[str] = []
    down: list[str] = []
    level: list[str] = []
    for rank, value in enumerate(ordered):
        x = _short((rank + 0.5) * WIDTH / len(ordered))
        reach = _short(-value / limit * 48)
        (up if value > 0 else down if value < 0 else level).append(f"M{x} 50v{reach}" if value else f"M{x} 50h0")
    return Bars(up="".join(up), down="".join(down), level="".join(level), limit=limit, count=len(ordered), area=False)


def _outline(values: Sequence[float], start: int, count: int, limit: float) -> str:
    """Return the area between the middle line and the ends of adjoining bars, the first of which is bar `start` of `count`."""
    if not values:
        return ""
    drawn = [f"M{_short(start * WIDTH / count)} 50"]
    for place, end in enumerate([_short(50 - value / limit * 48) for value in values]):
        right = _short((start + place + 1) * WIDTH / count)
        if drawn[-1].startswith(f"V{end}H"):
            drawn[-1] = f"V{end}H{right}"
        else:
            drawn.append(f"V{end}H{right}")
    return "".join(drawn) + "V50z"


def _short(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
