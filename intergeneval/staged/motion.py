"""Eased motion: paths of points and curves of numbers over a script's time, from 0 (first frame) to 1 (last).

A path is a list of moves; each blends from wherever the path was to a target that may itself move, so a hand can take hold of a
thing, and a thing can ride on a hand, without anybody adding up offsets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Point = tuple[float, float]
"""x to the right, y down, in stage units (the stage is 150 wide and 100 high)."""
Target = Callable[[float], Point]
"""Where something is at a time of the script."""


def ease(share: float) -> float:
    """Return a smooth ramp from 0 to 1 with slopes of 0 at both ends; outside 0..1 it stays at its ends."""
    x = min(max(share, 0.0), 1.0)
    return x * x * x * (x * (6.0 * x - 15.0) + 10.0)


def share(time: float, start: float, end: float) -> float:
    """Return how much of start..end has gone by at `time`, 0 to 1."""
    return 1.0 if time >= end else max(0.0, (time - start) / (end - start))


def mix(first: Point, second: Point, amount: float) -> Point:
    """Return the point `amount` (0 to 1) of the way from one point to another."""
    return first[0] + (second[0] - first[0]) * amount, first[1] + (second[1] - first[1]) * amount


def shifted(target: Target, dx: float, dy: float) -> Target:
    """Return a target that keeps a fixed distance from another."""

    def moved(time: float) -> Point:
        x, y = target(time)
        return x + dx, y + dy

    return moved


def joint(root: Point, goal: Point, upper: float, lower: float, bend: float) -> tuple[Point, Point]:
    """Return elbow and hand of a two-bone limb of the given lengths from `root` towards `goal`.

    `bend` is +1 or -1, the side to which the elbow goes. A goal out of reach is approached in a straight line.
    """
    dx, dy = goal[0] - root[0], goal[1] - root[1]
    distance = math.hypot(dx, dy) or 1e-6
    reach = min(max(distance, abs(upper - lower) + 1e-3), upper + lower - 1e-3)
    cosine = (upper * upper + reach * reach - lower * lower) / (2.0 * upper * reach)
    turn = math.acos(min(max(cosine, -1.0), 1.0)) * bend
    angle = math.atan2(dy, dx)
    elbow = root[0] + upper * math.cos(angle + turn), root[1] + upper * math.sin(angle + turn)
    hand = root[0] + dx / distance * reach, root[1] + dy / distance * reach
    return elbow, hand


@dataclass(frozen=True, slots=True)
class _Move:
    target: Target
    start: float
    end: float
    arc: float


class Path:
    """Where something is over time: a start, then moves in rising order of time."""

    def __init__(self, start: Target | Point) -> None:
        self._first: Target = start if callable(start) else _fixed(start)
        self._moves: list[_Move] = []

    def go(self, target: Target | Point, start: float, end: float, *, arc: float = 0.0) -> None:
        """Blend to `target` between two times and stay with it; `arc` lifts the way there, in stage units."""
        goal: Target = target if callable(target) else _fixed(target)
        self._moves.append(_Move(goal, start, max(end, start + 1e-6), arc))

    def by(self, dx: float, dy: float, start: float, end: float, *, arc: float = 0.0) -> None:
        """Move by a distance from where the path is at `start`."""
        x, y = self.at(start)
        self.go((x + dx, y + dy), start, end, arc=arc)

    def ride(self, carrier: Target, start: float, end: float = 1.0) -> None:
        """Stay at the present distance from `carrier` from `start` on; `end` is where the script lets go, at that place."""
        here, there = self.at(start), carrier(start)
        self.go(shifted(carrier, here[0] - there[0], here[1] - there[1]), start, start)
        if end < 1.0:
            self.go(self.at(end), end, end)

    def at(self, time: float) -> Point:
        """Return the point at a time of the script."""
        begin = 0
        for index in range(len(self._moves) - 1, -1, -1):
            if time >= self._moves[index].end:
                begin = index
                break
        else:
            begin = -1
        place = self._first(time) if begin < 0 else self._moves[begin].target(time)
        for move in self._moves[begin + 1 :]:
            if time <= move.start:
                break
            amount = ease(share(time, move.start, move.end))
            place = mix(place, move.target(time), amount)
            if move.arc:
                place = place[0], place[1] - 4.0 * move.arc * amount * (1.0 - amount)
        return place

    __call__ = at


class Curve:
    """A number over time: a start value, eased changes, and waves on top."""

    def __init__(self, start: float = 0.0) -> None:
        self._path = Path((start, 0.0))
        self._waves: list[tuple[float, float, float, float]] = []

    def go(self, value: float, start: float, end: float) -> None:
        """Change to `value` between two times."""
        self._path.go((value, 0.0), start, end)

    def wave(self, amplitude: float, cycles: float, start: float, end: float) -> None:
        """Swing by `amplitude` around the curve, `cycles` times between two times, fading in and out."""
        self._waves.append((amplitude, cycles, start, end))

    def at(self, time: float) -> float:
        """Return the value at a time of the script."""
        value = self._path.at(time)[0]
        for amplitude, cycles, start, end in self._waves:
            if start < time < end:
                amount = share(time, start, end)
                fade = min(1.0, 6.0 * amount, 6.0 * (1.0 - amount))
                value += amplitude * fade * math.sin(2.0 * math.pi * cycles * amount)
        return value

    __call__ = at


class Steps:
    """A value that changes at once, or between two times: which way somebody faces, whether a lamp is on."""

    def __init__(self, start: float) -> None:
        self._changes: list[tuple[float, float, float]] = [(-1.0, -1.0, start)]

    def set(self, value: float, time: float) -> None:
        """Change to `value` at a time later than all changes before."""
        self._changes.append((time, time, value))

    def go(self, value: float, start: float, end: float) -> None:
        """Change to `value` between two times later than all changes before: what is held at arm's length needs time to turn."""
        self._changes.append((start, end, value))

    def at(self, time: float) -> float:
        """Return the value at a time of the script."""
        last = next(index for index in range(len(self._changes) - 1, -1, -1) if time >= self._changes[index][0] or index == 0)
        start, end, value = self._changes[last]
        if time >= end or last == 0:
            return value
        before = self._changes[last - 1][2]
        return before + (value - before) * ease(share(time, start, end))

    __call__ = at


def _fixed(point: Point) -> Target:
    return lambda _time: point
