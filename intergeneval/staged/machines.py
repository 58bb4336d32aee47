"""A robot arm on a wheeled base."""

from __future__ import annotations

import math
from typing import ClassVar

from intergeneval.staged.canvas import Sketch, shade
from intergeneval.staged.looks import Look
from intergeneval.staged.motion import Curve, Path, Point, Target, joint
from intergeneval.staged.rig import GROUND, Actor, Moment


class RobotArm(Actor):
    """An industrial arm with two links and a gripper; its base rolls."""

    kind: ClassVar[str] = "robot arm"
    width, height = 16.0, 44.0
    links = (21.0, 19.0)
    """Length of upper and lower link."""

    def __init__(self, x: float, *, y: float = GROUND, facing: float = 1.0, size: float = 1.0) -> None:
        super().__init__(x, y=y, facing=facing, size=size)
        self.gripper = Path(self._resting)
        self.grip = Curve()
        """How far the fingers are closed, 0 to 1."""
        self.extra_arms = Curve()
        """Number of arms too many."""
        self.reach = 20.0 * size

    def tool(self) -> Target:
        """Return where the fingertips are."""
        return lambda time: self._arm(self.gripper.at(time), time)[1]

    def touch(self, target: Target | Point, start: float, end: float, *, both: bool = False) -> None:  # noqa: ARG002  # one gripper
        """Bring the fingertips to a target and close them."""
        self.gripper.go(target, start, end)
        self.grip.go(1.0, end - 0.03, end + 0.02)

    def release(self, start: float, end: float) -> None:
        """Open the fingers and raise the arm."""
        self.grip.go(0.0, start, start + 0.04)
        self.gripper.go(self._resting, start, end)

    def _shoulder(self, time: float) -> Point:
        x, y = self.place.at(time)
        return x, y - 14.0 * self.size

    def _resting(self, time: float) -> Point:
        x, y = self._shoulder(time)
        return x + self.facing.at(time) * 13.0 * self.size, y - 14.0 * self.size

    def _arm(self, goal: Point, time: float) -> tuple[Point, Point]:
        upper, lower = self.links[0] * self.size, self.links[1] * self.size
        return joint(self._shoulder(time), goal, upper, lower, -self.facing.at(time))

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw base, links and gripper."""
        time, size = moment.time, self.size
        x, y = self.place.at(time)
        shoulder = self._shoulder(time)
        steel, dark = (176, 182, 192), (84, 88, 98)
        for wheel in (-5.0, 5.0):
            sketch.oval((x + wheel * size, y - 1.8 * size), 1.8 * size, 1.8 * size, dark)
        sketch.hull((((x - 6.0 * size, y - 4.0 * size), 1.5 * size), ((x + 6.0 * size, y - 4.0 * size), 1.5 * size)), dark)
        sketch.poly(
            (
                (x - 5.0 * size, y - 5.0 * size),
                (x + 5.0 * size, y - 5.0 * size),
                (x + 3.4 * size, shoulder[1]),
                (x - 3.4 * size, shoulder[1]),
            ),
            look.main,
            convex=True,
        )
        goals = [self.gripper.at(time)]
        facing = self.facing.at(time)
        goals += [
            (shoulder[0] - facing * (16.0 - 5.0 * extra) * size, shoulder[1] - (12.0 + 8.0 * extra) * size)
            for extra in range(round(self.extra_arms.at(moment.clock)))
        ]
        for goal in goals:
            elbow, hand = self._arm(goal, time)
            sketch.limb((shoulder, elbow), (3.0 * size, 2.4 * size), look.main)
            angle = math.atan2(hand[1] - elbow[1], hand[0] - elbow[0])
            wrist = hand[0] - math.cos(angle) * 4.6 * size, hand[1] - math.sin(angle) * 4.6 * size
            sketch.limb((elbow, wrist), (2.1 * size, 1.5 * size), shade(look.main, 1.2))
            spread = 2.0 - 1.1 * self.grip.at(time)
            for side in (-1.0, 1.0):
                px, py = -math.sin(angle) * side * spread * size, math.cos(angle) * side * spread * size
                knuckle = wrist[0] + px * 1.3, wrist[1] + py * 1.3
                sketch.limb((wrist, knuckle, (hand[0] + px, hand[1] + py)), (0.9 * size, 0.8 * size, 0.55 * size), dark)
            for centre, radius in ((shoulder, 2.6), (elbow, 2.0), (wrist, 1.4)):
                sketch.oval(centre, radius * size, radius * size, steel)
                sketch.oval(centre, radius * 0.4 * size, radius * 0.4 * size, dark, edge=False, solid=False)
