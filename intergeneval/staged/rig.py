"""What every body on the stage has: a place, a facing, handles to touch, and a way to draw itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from intergeneval.staged.canvas import Sketch
from intergeneval.staged.looks import Look
from intergeneval.staged.motion import Curve, Path, Point, Steps, Target

GROUND = 88.0
"""Height of the line on which bodies stand, in stage units from the top."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant of a performance."""

    clock: float
    """Share of the video that has passed, 0 to 1; idle motion follows it."""
    time: float
    """Script time, 0 to 1; faults may hold it or turn it back."""
    before: float
    """Script time a hundredth of the video earlier."""
    after: float
    """Script time a hundredth of the video later."""


class Rig:
    """A body on the stage. Scripts move its paths and curves; `draw` puts it on a sketch.

    Subclasses set `width`, `height` (stage units) and draw.
    """

    kind: ClassVar[str] = "thing"
    """Class noun."""
    width: float = 10.0
    """Width at rest, in stage units."""
    height: float = 10.0
    """Height at rest, in stage units."""

    def __init__(self, x: float, *, y: float = GROUND, facing: float = 1.0, size: float = 1.0) -> None:
        self.size = size
        self.width = type(self).width * size
        self.height = type(self).height * size
        self.place = Path((x, y))
        self.facing = Steps(facing)
        self.turn = Curve()
        """Turn of the whole body around its foot, in radians; positive is clockwise."""
        self.depth = Curve()
        """Added to the depth of the place; larger is nearer to the viewer."""
        self.state = Curve()
        """How far its own mechanism has gone, 0 to 1: a door's opening, a lamp's light."""

    def x(self, time: float) -> float:
        """Return the horizontal place at a time."""
        return self.place.at(time)[0]

    def handle(self, across: float = 0.0, up: float = 0.5) -> Target:
        """Return a point of the body: `across` from -1 (left) to 1 (right), `up` from 0 (foot) to 1 (top)."""

        def at(time: float) -> Point:
            x, y = self.place.at(time)
            dx, dy = across * self.width / 2.0, -up * self.height
            turn = self.turn.at(time)
            if turn:
                dx, dy = dx * math.cos(turn) - dy * math.sin(turn), dx * math.sin(turn) + dy * math.cos(turn)
            return x + dx, y + dy

        return at

    def speed(self, moment: Moment) -> float:
        """Return the horizontal speed at a moment, stage units per video length."""
        return (self.x(moment.after) - self.x(moment.before)) * 50.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw the body as it is at a moment."""
        raise NotImplementedError


class Actor(Rig):
    """A body that acts: it walks, and it touches things with its tool (a hand, a muzzle, a gripper)."""

    reach: float = 14.0
    """Distance from its place at which its tool meets a thing comfortably, in stage units."""

    def walk(self, x: float, start: float, end: float) -> None:
        """Go to a place on the same line between two times, looking where it goes."""
        here = self.x(start)
        if abs(x - here) > 0.5:
            self.facing.set(1.0 if x > here else -1.0, start)
        self.place.go((x, self.place.at(start)[1]), start, end)

    def look_to(self, x: float, time: float) -> None:
        """Turn towards a place at a time."""
        self.facing.set(1.0 if x > self.x(time) else -1.0, time)

    def tool(self) -> Target:
        """Return where its hand, muzzle or gripper is."""
        raise NotImplementedError

    def touch(self, target: Target | Point, start: float, end: float, *, both: bool = False) -> None:
        """Bring the tool to a target between two times and keep it there; `both` uses two hands where there are two."""
        raise NotImplementedError

    def release(self, start: float, end: float) -> None:
        """Bring the tool back to rest."""
        raise NotImplementedError
