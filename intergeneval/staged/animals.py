"""Dogs, cats and horses: one four-legged body with different lengths."""

from __future__ import annotations

import math
from typing import ClassVar

from intergeneval.staged.canvas import Sketch, shade
from intergeneval.staged.looks import Look
from intergeneval.staged.motion import Curve, Path, Point, Target, joint, mix
from intergeneval.staged.rig import GROUND, Actor, Moment


class Quadruped(Actor):
    """A four-legged animal; lengths are in stage units at size 1."""

    leg: float = 8.0
    """Height of shoulder and hip joints."""
    trunk: float = 15.0
    """Distance from hip to shoulder."""
    girth: float = 3.6
    """Radius of the trunk."""
    neck: Point = (3.6, 5.6)
    """From the shoulder to the middle of the head, forward and up."""
    skull: float = 3.4
    """Radius of the head."""
    snout: float = 3.6
    """Length of the muzzle."""
    bones: float = 0.52
    """Length of an upper leg, as a share of `leg`."""
    step: float = 14.0
    """Length of a walking cycle."""

    def __init__(self, x: float, *, y: float = GROUND, facing: float = 1.0, size: float = 1.0) -> None:
        super().__init__(x, y=y, facing=facing, size=size)
        self.muzzle = Path(self._resting)
        self.rear = Curve()
        """How far it has sat down behind, 0 to 1."""
        self.paw = Path((0.0, 0.0))
        """Offset of the near front paw, forward and down, in stage units."""
        self.wag = Curve(1.0)
        """How much the tail wags."""
        self.extra_arms = Curve()
        """Number of legs too many."""
        self.reach = (self.trunk / 2.0 + self.neck[0] + self.skull + self.snout * 0.6) * size

    def tool(self) -> Target:
        """Return where its muzzle is."""
        return self.muzzle

    def touch(self, target: Target | Point, start: float, end: float, *, both: bool = False) -> None:  # noqa: ARG002  # one mouth
        """Bring the muzzle to a target and keep it there."""
        self.muzzle.go(target, start, end)

    def release(self, start: float, end: float) -> None:
        """Raise the head again."""
        self.muzzle.go(self._resting, start, end)

    def crown(self) -> Target:
        """Return the top of the head as it is held at rest."""

        def at(time: float) -> Point:
            x, y = self.place.at(time)
            facing, size = self.facing.at(time), self.size
            return (
                x + facing * (self.trunk / 2.0 + self.neck[0]) * size,
                y - (self.leg + self.neck[1] + self.skull * 0.9) * size,
            )

        return at

    def reach_paw(self, dx: float, dy: float, start: float, end: float) -> None:
        """Move the near front paw by an offset (forward, down)."""
        self.paw.go((dx, dy), start, end)

    def paw_at(self) -> Target:
        """Return where the near front paw is."""

        def at(time: float) -> Point:
            facing, size = self.facing.at(time), self.size
            x, y = self.place.at(time)
            dx, dy = self.paw.at(time)
            return x + facing * (self.trunk * size / 2.0 + dx), y + dy

        return at

    def _resting(self, time: float) -> Point:
        x, y = self.place.at(time)
        facing, size = self.facing.at(time), self.size
        return (
            x + facing * (self.trunk / 2.0 + self.neck[0] + self.skull * 0.6 + self.snout) * size,
            y - (self.leg + self.girth * 0.4 + self.neck[1] - self.skull * 0.3) * size,
        )

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw far legs, tail, trunk, head and near legs, back to front."""
        time, facing, size = moment.time, self.facing.at(moment.time), self.size
        x, y = self.place.at(time)
        base = sketch.depth
        going = min(1.0, abs(self.speed(moment)) / 40.0)
        phase = x / (self.step * size) * 2.0 * math.pi * facing
        sink = self.rear.at(time) * self.leg * 0.55 * size
        bob = going * 0.5 * size * math.sin(2.0 * phase)
        front = x + facing * self.trunk * size / 2.0, y - self.leg * size + bob
        back = x - facing * self.trunk * size / 2.0, y - self.leg * size + sink - bob
        sketch.depth = base - 0.3
        self._legs(sketch, look, (front, back), (x, y), facing, (phase + math.pi, going), 0.8, (0.0, 0.0))
        sketch.depth = base
        self._tail(sketch, moment, look, back, facing)
        sketch.hull(((front, self.girth * size * 1.05), (back, self.girth * size * 0.95)), look.main)
        if look.pattern == "spotted":
            for along, up, radius in ((0.15, -0.3, 0.5), (0.45, 0.25, 0.6), (0.75, -0.2, 0.55)):
                spot = mix(back, front, along)
                centre = spot[0], spot[1] + up * self.girth * size
                sketch.oval(
                    centre, self.girth * radius * 1.2 * size, self.girth * radius * size, look.accent, edge=False, solid=False
                )
        self._legs(sketch, look, (front, back), (x, y), facing, (phase, going), 1.0, self.paw.at(time))
        for extra in range(round(self.extra_arms.at(moment.clock))):
            spot = mix(back, front, 0.35 + 0.3 * extra)
            sketch.limb((spot, (spot[0], y - 1.0)), (self.girth * 0.4 * size, self.girth * 0.3 * size), look.main)
        self._head(sketch, moment, look, front, facing)
        sketch.depth = base

    def _legs(  # noqa: PLR0913, PLR0917  # joints, walk and light of one pair of legs; the caller has them at hand
        self,
        sketch: Sketch,
        look: Look,
        joints: tuple[Point, Point],
        root: Point,
        facing: float,
        walk: tuple[float, float],
        tone: float,
        paw: Point,
    ) -> None:
        size = self.size
        phase, going = walk
        for index, hip in enumerate(joints):
            turn = phase + (math.pi * 0.5 if index else 0.0)
            side = 0.7 * size if tone == 1.0 else -0.9 * size
            base_x = root[0] + facing * self.trunk * size * (0.5 if index == 0 else -0.5) + side
            foot = (
                base_x + facing * going * math.sin(turn) * self.leg * 0.42 * size + (facing * paw[0] if index == 0 else 0.0),
                root[1] - max(0.0, math.cos(turn)) * going * self.leg * 0.2 * size + (paw[1] if index == 0 else 0.0) - 0.8 * size,
            )
            bend = -facing if index else facing
            knee, ankle = joint(
                (hip[0] + side, hip[1]), foot, self.leg * self.bones * size, self.leg * (self.bones - 0.02) * size, bend
            )
            radius = self.girth * size
            sketch.limb(
                ((hip[0] + side, hip[1]), knee, ankle), (radius * 0.62, radius * 0.40, radius * 0.30), shade(look.main, tone)
            )
            toe = ankle[0] + facing * radius * 0.28, ankle[1] + 0.1
            sketch.hull(((ankle, radius * 0.32), (toe, radius * 0.26)), self._hoof(look, tone))

    def _hoof(self, look: Look, tone: float) -> tuple[int, int, int]:
        return shade(look.main, tone * 0.9)

    def _tail(self, sketch: Sketch, moment: Moment, look: Look, back: Point, facing: float) -> None:
        size = self.size
        wag = self.wag.at(moment.time) * math.sin(moment.clock * 2.0 * math.pi * 7.0) * 0.25
        start = back[0] - facing * self.girth * 0.7 * size, back[1] - self.girth * 0.5 * size
        bend = start[0] - facing * self.girth * 1.2 * size, start[1] - self.girth * (0.8 + wag) * size
        tip = bend[0] - facing * self.girth * (0.3 + wag) * size, bend[1] - self.girth * 1.1 * size
        sketch.limb((start, bend, tip), (self.girth * 0.34 * size, self.girth * 0.28 * size, self.girth * 0.18 * size), look.main)

    def _head(self, sketch: Sketch, moment: Moment, look: Look, front: Point, facing: float) -> None:
        raise NotImplementedError

    def _skull(self, moment: Moment, front: Point, facing: float) -> tuple[Point, Point, float]:
        """Return the middle of the head, the tip of the muzzle and the angle between them."""
        size = self.size
        tip = self.muzzle.at(moment.time)
        rest = front[0] + facing * self.neck[0] * size, front[1] - self.neck[1] * size
        dx, dy = tip[0] - rest[0], tip[1] - rest[1]
        length = math.hypot(dx, dy) or 1.0
        want = (self.skull * 0.6 + self.snout) * size
        pull = min(1.0, max(0.0, length - want) / length)
        head = rest[0] + dx * pull, rest[1] + dy * pull
        angle = math.atan2(tip[1] - head[1], (tip[0] - head[0]) * facing)
        angle = min(max(angle, -0.7), 1.25)
        return head, tip, angle


class Dog(Quadruped):
    """A dog with hanging ears and a collar."""

    kind: ClassVar[str] = "dog"
    width, height = 30.0, 19.0

    def __init__(self, x: float, *, y: float = GROUND, facing: float = 1.0, size: float = 1.0) -> None:
        super().__init__(x, y=y, facing=facing, size=size)
        self.tongue = Curve()
        """How far the tongue is out, 0 to 1."""

    def _head(self, sketch: Sketch, moment: Moment, look: Look, front: Point, facing: float) -> None:
        size = self.size
        head, _, angle = self._skull(moment, front, facing)
        neck_base = front[0] + facing * 0.5 * size, front[1] - 1.0 * size
        sketch.hull(((neck_base, self.girth * 0.8 * size), (head, self.skull * 0.75 * size)), look.main)
        collar = mix(neck_base, head, 0.55)
        sketch.oval(collar, 0.8 * size, 2.6 * size, (206, 60, 60), turn=facing * 0.75, solid=False)
        c, s = math.cos(angle), math.sin(angle)

        def spot(dx: float, dy: float) -> Point:
            return head[0] + facing * (dx * c - dy * s) * size, head[1] + (dx * s + dy * c) * size

        light = shade(look.main, 1.25)
        sketch.hull(((spot(0, 0), self.skull * size), (spot(0.6, 0.2), self.skull * 0.85 * size)), look.main)
        sketch.hull(((spot(2.4, 0.9), 1.75 * size), (spot(self.skull * 0.6 + self.snout - 1.2, 1.0), 1.25 * size)), light)
        nose = spot(self.skull * 0.6 + self.snout - 0.5, 0.35)
        sketch.oval(nose, 0.85 * size, 0.7 * size, (38, 34, 36), edge=False)
        sketch.stroke((spot(2.6, 2.0), spot(4.6, 1.9)), (90, 60, 60), 0.35 * size)
        out = self.tongue.at(moment.time)
        if out > 0.05:
            lap = math.sin(moment.clock * 2.0 * math.pi * 8.0)
            root = spot(self.skull * 0.6 + self.snout - 1.6, 1.9)
            tip = spot(self.skull * 0.6 + self.snout + 1.4 * out, 2.0 + lap * 0.9)
            sketch.hull(((root, 0.7 * size), (tip, 0.85 * size)), (236, 112, 128))
        sketch.oval(spot(1.3, -0.9), 0.5 * size, 0.6 * size, (34, 30, 34), edge=False, solid=False)
        sketch.hull(((spot(-1.6, -1.9), 1.1 * size), (spot(-2.4, 1.8), 1.5 * size)), shade(look.main, 0.72))


class Cat(Quadruped):
    """A cat with pointed ears and whiskers."""

    kind: ClassVar[str] = "cat"
    width, height = 22.0, 15.0
    leg, trunk, girth, skull, snout, step = 5.8, 10.5, 2.8, 3.1, 0.9, 10.0
    neck: Point = (2.8, 4.2)

    def _tail(self, sketch: Sketch, moment: Moment, look: Look, back: Point, facing: float) -> None:
        size = self.size
        sway = math.sin(moment.clock * 2.0 * math.pi * 2.0) * 0.8
        start = back[0] - facing * 2.2 * size, back[1] - 1.0 * size
        points = (
            start,
            (start[0] - facing * 3.0 * size, start[1] - 2.0 * size),
            (start[0] - facing * (3.4 + sway) * size, start[1] - 6.0 * size),
            (start[0] - facing * (2.0 + sway) * size, start[1] - 8.0 * size),
        )
        sketch.limb(points, tuple(value * size for value in (0.9, 0.85, 0.8, 0.7)), look.main)

    def _head(self, sketch: Sketch, moment: Moment, look: Look, front: Point, facing: float) -> None:
        size = self.size
        head, _, angle = self._skull(moment, front, facing)
        neck_base = front[0], front[1] - 0.6 * size
        sketch.hull(((neck_base, self.girth * 0.85 * size), (head, self.skull * 0.6 * size)), look.main)
        c, s = math.cos(angle * 0.6), math.sin(angle * 0.6)

        def spot(dx: float, dy: float) -> Point:
            return head[0] + facing * (dx * c - dy * s) * size, head[1] + (dx * s + dy * c) * size

        for ear in (-1.5, 1.5):
            sketch.poly((spot(ear - 1.2, -1.8), spot(ear + 1.2, -1.9), spot(ear * 1.25, -4.9)), look.main)
            sketch.poly(
                (spot(ear - 0.5, -2.2), spot(ear + 0.6, -2.3), spot(ear * 1.2, -4.0)), (232, 160, 160), edge=False, solid=False
            )
        sketch.oval(head, self.skull * 1.12 * size, self.skull * size, look.main)
        sketch.oval(spot(1.1, 1.2), 1.5 * size, 1.0 * size, shade(look.main, 1.45), edge=False, solid=False)
        for dx in (-0.5, 1.9):
            sketch.oval(spot(dx, -0.5), 0.55 * size, 0.75 * size, (70, 130, 70), edge=False, solid=False)
            sketch.oval(spot(dx + 0.1, -0.5), 0.25 * size, 0.65 * size, (20, 20, 20), edge=False, solid=False)
        sketch.oval(spot(1.4, 0.75), 0.4 * size, 0.3 * size, (206, 110, 120), edge=False, solid=False)
        for dy in (1.1, 1.7):
            sketch.stroke((spot(1.9, dy), spot(4.6, dy + 0.3)), shade(look.main, 0.55), 0.16 * size)


class Horse(Quadruped):
    """A horse with a mane and hooves."""

    kind: ClassVar[str] = "horse"
    width, height = 44.0, 42.0
    leg, trunk, girth, skull, snout, step = 19.0, 20.0, 6.0, 3.8, 6.4, 30.0
    neck: Point = (8.0, 14.0)
    bones = 0.498

    def _hoof(self, look: Look, tone: float) -> tuple[int, int, int]:  # noqa: ARG002  # hooves are dark on every horse
        return shade((72, 60, 54), tone)

    def _tail(self, sketch: Sketch, moment: Moment, look: Look, back: Point, facing: float) -> None:
        size = self.size
        sway = math.sin(moment.clock * 2.0 * math.pi * 2.0) * 0.8
        start = back[0] - facing * 5.4 * size, back[1] - 2.5 * size
        dark = shade(look.main, 0.5)
        sketch.limb(
            (
                start,
                (start[0] - facing * (3.0 + sway) * size, start[1] + 5.0 * size),
                (start[0] - facing * (2.4 + sway) * size, start[1] + 13.0 * size),
            ),
            (1.3 * size, 1.6 * size, 0.7 * size),
            dark,
        )

    def _head(self, sketch: Sketch, moment: Moment, look: Look, front: Point, facing: float) -> None:
        size = self.size
        head, _, angle = self._skull(moment, front, facing)
        base = front[0] + facing * 0.8 * size, front[1] - 1.5 * size
        dark = shade(look.main, 0.5)
        back = base[0] - facing * 2.5 * size, base[1] - 2.0 * size
        crest = head[0] - facing * 2.4 * size, head[1] - 2.0 * size
        sketch.hull(((back, 1.8 * size), (crest, 1.7 * size)), dark)
        sketch.hull(((base, self.girth * 0.72 * size), (head, self.skull * 0.8 * size)), look.main)
        c, s = math.cos(angle), math.sin(angle)

        def spot(dx: float, dy: float) -> Point:
            return head[0] + facing * (dx * c - dy * s) * size, head[1] + (dx * s + dy * c) * size

        sketch.poly((spot(-2.2, -2.6), spot(0.0, -3.0), spot(-1.0, -6.6)), look.main)
        sketch.hull(((spot(0, 0), self.skull * size), (spot(self.skull * 0.6 + self.snout - 2.2, 1.6), 2.2 * size)), look.main)
        sketch.oval(
            spot(self.skull * 0.6 + self.snout - 1.8, 1.8), 2.2 * size, 1.9 * size, shade(look.main, 1.3), solid=False, edge=False
        )
        sketch.oval(spot(self.skull * 0.6 + self.snout - 0.8, 1.2), 0.5 * size, 0.4 * size, (40, 30, 30), edge=False, solid=False)
        sketch.oval(spot(0.9, -1.2), 0.7 * size, 0.8 * size, (34, 28, 30), edge=False, solid=False)
        sketch.hull(((spot(-2.6, -3.0), 1.2 * size), (spot(0.6, -3.2), 0.9 * size)), dark)
