"""Men, women and children: two-bone arms and legs, clothes, hair and a face."""

from __future__ import annotations

import math
from typing import ClassVar

from intergeneval.staged.canvas import Colour, Sketch, pattern, shade
from intergeneval.staged.looks import Look
from intergeneval.staged.motion import Curve, Path, Point, Target, joint, mix, share
from intergeneval.staged.rig import GROUND, Actor, Moment

_STEP = 17.0
"""Length of a full walking cycle, in stage units at size 1."""


class Person(Actor):
    """A standing person; lengths are shares of the body height."""

    kind: ClassVar[str] = "man"
    width = 14.0
    height = 56.0
    hip, neck, head = 0.46, 0.765, 0.105
    """Height of the hip joint and the neck, radius of the head."""
    upper, lower = 0.165, 0.155
    """Length of upper arm and forearm."""

    def __init__(self, x: float, *, y: float = GROUND, facing: float = 1.0, size: float = 1.0) -> None:
        super().__init__(x, y=y, facing=facing, size=size)
        self.lean = Curve()
        """Forward lean of the torso, in radians."""
        self.drop = Curve()
        """How far the hip is lowered, as a share of the height."""
        self.nod = Curve()
        """Forward tilt of the head, in radians."""
        self.stride = Curve()
        """Forward offset of both feet (a seat), in stage units."""
        self.smile = Curve(0.5)
        """0 is a straight mouth, 1 a broad smile."""
        self.near = Path(self._resting(0.05))
        self.far = Path(self._resting(0.01))
        self.foot = Path((0.0, 0.0))
        """Offset of the near foot from where it stands, forward and down, in stage units."""
        self.finger = Curve()
        """How far the forefinger is stretched out, 0 to 1."""
        self.palm = Curve()
        """How far the near hand is spread, 0 to 1."""
        self.holds = ""
        """What the hands hold all the time: nothing, a ``brush`` or a ``stick`` each."""
        self.extra_arms = Curve()
        """Number of arms too many."""
        self.reach = 0.27 * self.height

    def stoop_for(self, height: float) -> tuple[float, float]:
        """Return how far to bend (0 to 1) to reach a height above the ground, and how far that brings the shoulder forward."""
        bend = 0.0
        while True:
            lean, torso = 0.95 * bend, (self.neck - 0.045 - self.hip) * self.height
            shoulder = (self.hip - 0.17 * bend) * self.height + torso * math.cos(lean)
            if bend >= 1.0 or shoulder - height <= 0.25 * self.height:
                return bend, torso * math.sin(lean)
            bend += 0.05

    def stoop(self, bend: float, start: float, end: float) -> None:
        """Bend knees and back by a share between two times; 0 stands up."""
        self.drop.go(0.17 * bend, start, end)
        self.lean.go(0.95 * bend, start, end)

    def shoulder(self, time: float) -> Point:
        """Return the shoulder joint."""
        return self._torso(time, self.neck - 0.045)

    def tool(self) -> Target:
        """Return where the near hand is."""
        return lambda time: self._arm(self.near, time)[1]

    def far_hand(self) -> Target:
        """Return where the far hand is."""
        return lambda time: self._arm(self.far, time)[1]

    def face(self) -> Target:
        """Return the middle of the head."""
        return self._skull

    def touch(self, target: Target | Point, start: float, end: float, *, both: bool = False) -> None:
        """Bring the near hand, or both hands, to a target and keep them there."""
        self.near.go(target, start, end)
        if both:
            self.far.go(target, start, end)

    def release(self, start: float, end: float) -> None:
        """Let both arms hang again."""
        self.near.go(self._resting(0.05), start, end)
        self.far.go(self._resting(0.01), start, end)

    def _resting(self, forward: float) -> Target:
        def at(time: float) -> Point:
            x, y = self.shoulder(time)
            return x + self.facing.at(time) * forward * self.height, y + 0.31 * self.height

        return at

    def _pelvis(self, time: float) -> Point:
        x, y = self.place.at(time)
        return x, y - (self.hip - self.drop.at(time)) * self.height

    def _torso(self, time: float, level: float) -> Point:
        x, y = self._pelvis(time)
        up = (level - self.hip) * self.height
        lean = self.lean.at(time) * self.facing.at(time)
        return x + up * math.sin(lean), y - up * math.cos(lean)

    def _skull(self, time: float) -> Point:
        x, y = self._torso(time, self.neck + 0.02)
        tilt = (self.lean.at(time) * 0.6 + self.nod.at(time)) * self.facing.at(time)
        up = self.head * 0.95 * self.height
        return x + up * math.sin(tilt), y - up * math.cos(tilt)

    def _arm(self, path: Path, time: float) -> tuple[Point, Point]:
        facing = self.facing.at(time)
        return joint(self.shoulder(time), path.at(time), self.upper * self.height, self.lower * self.height, facing)

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw far limbs, body, head and near limbs, back to front."""
        time, height, facing = moment.time, self.height, self.facing.at(moment.time)
        base = sketch.depth
        speed = abs(self.speed(moment))
        going = min(1.0, speed / 40.0)
        phase = self.x(time) / (_STEP * self.size) * 2.0 * math.pi * facing
        swing = going * math.sin(phase)
        sketch.depth = base - 0.3
        self._draw_arm(sketch, moment, look, self.far, -swing)
        self._draw_leg(sketch, time, look, -0.025 * height, -swing, going * math.cos(phase + math.pi), (0.0, 0.0))
        sketch.depth = base
        self._draw_leg(sketch, time, look, 0.025 * height, swing, going * math.cos(phase), self.foot.at(time))
        self._draw_body(sketch, moment, look)
        self._draw_head(sketch, moment, look)
        sketch.depth = base + 0.3
        for extra in range(round(self.extra_arms.at(moment.clock))):
            x, y = self.shoulder(time)
            goal = x + facing * height * (0.27 - 0.10 * extra), y - height * (0.02 + 0.2 * extra)
            self._draw_arm(sketch, moment, look, Path(goal), 0.0)
        self._draw_arm(sketch, moment, look, self.near, swing)
        sketch.depth = base

    def _draw_leg(self, sketch: Sketch, time: float, look: Look, side: float, swing: float, lift: float, offset: Point) -> None:
        facing, height = self.facing.at(time), self.height
        x, y = self.place.at(time)
        hip = self._pelvis(time)
        lean = self.stride.at(time)
        foot = (
            x + facing * (lean + swing * 0.13 * height + offset[0]) + side,
            y - max(0.0, lift) * 0.045 * height + offset[1] - 0.02 * height,
        )
        knee, ankle = joint((hip[0] + side * 0.7, hip[1]), foot, 0.484 * self.hip * height, 0.474 * self.hip * height, -facing)
        colour = self._leg_colour(look)
        near = 1.0 if side > 0 else 0.82
        shoe = ankle[0] + facing * 0.045 * height, ankle[1] + 0.006 * height
        sketch.hull(((ankle, 0.027 * height), (shoe, 0.02 * height)), shade((70, 58, 60), near + 0.1))
        bare = self.kind != "man"
        sketch.limb(
            ((hip[0] + side * 0.7, hip[1]), knee, ankle), (0.052 * height, 0.041 * height, 0.03 * height), shade(colour, near)
        )
        if bare and self.kind == "child":
            sketch.hull(
                (((hip[0] + side * 0.7, hip[1]), 0.056 * height), (mix(hip, knee, 0.75), 0.05 * height)),
                shade(look.trousers, near),
            )

    def _leg_colour(self, look: Look) -> Colour:
        return look.trousers if self.kind == "man" else look.skin

    def _draw_body(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        time, height, facing = moment.time, self.height, self.facing.at(moment.time)
        breath = 0.003 * height * math.sin(moment.clock * 2.0 * math.pi * 3.0 + self.size * 9.0)
        top = self._torso(time, self.neck - 0.055)
        low = self._torso(time, self.hip + 0.0)
        neck = self._torso(time, self.neck + 0.035)
        ux, uy = (top[0] - low[0]), (top[1] - low[1])
        length = math.hypot(ux, uy)
        px, py = -uy / length, ux / length
        shoulder, waist = 0.075 * height + breath, 0.068 * height
        sketch.hull(((top, 0.03 * height), (neck, 0.034 * height)), shade(look.skin, 0.92))
        corners = (
            (top[0] - px * shoulder, top[1] - py * shoulder),
            (top[0] + px * shoulder, top[1] + py * shoulder),
            (low[0] + px * waist, low[1] + py * waist),
            (low[0] - px * waist, low[1] - py * waist),
        )
        if self.kind == "woman":
            self._draw_skirt(sketch, time, look, low)
        else:
            sketch.hull(((mix(low, top, 0.06), waist * 0.9), (mix(low, top, -0.04), waist * 0.84)), look.trousers, edge=False)
        rounding = 0.035 * height
        inner = [mix(corner, mix(top, low, 0.5), 0.16) for corner in corners]
        sketch.hull([(corner, rounding) for corner in inner], look.main)
        pattern(sketch, corners, look.pattern, look.accent)
        sketch.patch(corners, shade(look.main, 0.86), (0.0, 0.16) if facing > 0 else (0.84, 1.0), (0.02, 1.0))

    def _draw_skirt(self, sketch: Sketch, time: float, look: Look, low: Point) -> None:
        height = self.height
        x, y = self.place.at(time)
        fold = min(1.0, self.drop.at(time) / 0.2)
        forward = self.facing.at(time) * fold * 0.12 * height
        hem_y = mix(low, (x, y), 0.56)[1] + fold * 0.02 * height
        corners = (
            (low[0] - 0.06 * height, low[1] - 0.02 * height),
            (low[0] + 0.06 * height, low[1] - 0.02 * height),
            (x + 0.125 * height + max(forward, 0.0), hem_y),
            (x - 0.125 * height + min(forward, 0.0), hem_y),
        )
        sketch.poly(corners, look.main, convex=True)
        pattern(sketch, corners, look.pattern, look.accent)

    def _draw_head(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        time, facing = moment.time, self.facing.at(moment.time)
        radius = self.head * self.height
        cx, cy = self._skull(time)

        def spot(dx: float, dy: float) -> Point:
            return cx + facing * dx * radius, cy + dy * radius

        if self.kind == "woman":
            sketch.hull(((spot(-0.35, -0.2), radius * 0.95), (spot(-0.62, 1.1), radius * 0.45)), look.hair)
        sketch.hull(((spot(0, 0), radius), (spot(0.25, 0.3), radius * 0.78), (spot(0.98, 0.12), radius * 0.10)), look.skin)
        sketch.oval(spot(-0.28, 0.12), radius * 0.17, radius * 0.22, shade(look.skin, 0.92))
        crown = [spot(math.cos(a) * 1.06, math.sin(a) * 1.06) for a in (math.pi * (1.0 + k / 10.0) for k in range(11))]
        crown = [spot(-1.06, 0.25), *crown[:9], spot(0.86, -0.62), spot(0.25, -0.52), spot(-0.35, -0.42), spot(-0.52, 0.28)]
        sketch.poly(crown, look.hair)
        dark = (46, 38, 44)
        blink = share(moment.clock % 0.43, 0.40, 0.43)
        tall = 0.16 if not 0.2 < blink < 0.9 else 0.03
        for dx in (0.30, 0.72):
            sketch.oval(spot(dx, -0.08), radius * 0.09, radius * tall, dark, edge=False, solid=False)
            sketch.stroke((spot(dx - 0.13, -0.36), spot(dx + 0.12, -0.38)), look.hair, radius * 0.09)
        grin = 0.10 + 0.16 * self.smile.at(time)
        smile = [spot(0.26 + 0.12 * k, 0.46 + grin * (1.0 - ((k - 2) / 2.0) ** 2)) for k in range(5)]
        sketch.stroke(smile, (150, 62, 58), radius * 0.11)
        sketch.oval(
            spot(0.16, 0.34),
            radius * 0.14,
            radius * 0.10,
            shade((240, 150, 130), 1.0 if look.skin[0] > 200 else 0.75),
            edge=False,
            solid=False,
        )

    def _draw_arm(self, sketch: Sketch, moment: Moment, look: Look, path: Path, swing: float) -> None:
        height, facing = self.height, self.facing.at(moment.time)
        shoulder = self.shoulder(moment.time)
        x, y = path.at(moment.time)
        goal = x + facing * swing * 0.07 * height, y - abs(swing) * 0.012 * height
        elbow, hand = joint(shoulder, goal, self.upper * height, self.lower * height, facing)
        near = 1.0 if sketch.depth >= 0 and path is not self.far else 0.88
        sleeve = shade(look.main, near * 0.94)
        sketch.limb((shoulder, elbow, hand), (0.034 * height, 0.028 * height, 0.022 * height), shade(look.skin, near))
        cuff = 0.85 if self.kind == "man" else 0.0
        if cuff:
            sketch.limb((shoulder, elbow, mix(elbow, hand, 0.8)), (0.04 * height, 0.033 * height, 0.028 * height), sleeve)
        else:
            sketch.limb((shoulder, mix(shoulder, elbow, 0.7)), (0.04 * height, 0.037 * height), sleeve)
        self._draw_hand(sketch, moment, shade(look.skin, near), elbow, hand, path)

    def _draw_hand(self, sketch: Sketch, moment: Moment, skin: Colour, elbow: Point, hand: Point, path: Path) -> None:
        height = self.height
        angle = math.atan2(hand[1] - elbow[1], hand[0] - elbow[0])

        def ahead(turn: float, far: float) -> Point:
            return hand[0] + math.cos(angle + turn) * far * height, hand[1] + math.sin(angle + turn) * far * height

        if self.holds and (self.holds == "stick" or path is self.near):
            facing = self.facing.at(moment.time)
            raised = self.near.at(moment.time)[1] < self.place.at(moment.time)[1] - 0.36 * height
            tip = hand[0] + facing * (6.0 if raised else 2.0), hand[1] + (1.2 if raised else 4.0)
            sketch.stroke((hand, tip), (150, 108, 66), 1.0, solid=True)
            if self.holds == "brush":
                sketch.hull(((mix(hand, tip, 0.75), 0.8), (tip, 1.0)), (226, 90, 84))
        sketch.oval(hand, 0.03 * height, 0.03 * height, skin)
        if path is not self.near:
            return
        if self.palm.at(moment.time) > 0.3:
            for turn in (-0.75, -0.25, 0.25, 0.75):
                sketch.stroke((hand, ahead(turn, 0.062)), skin, 0.018 * height, solid=True)
        if self.finger.at(moment.time) > 0.3:
            sketch.stroke((hand, ahead(0.0, 0.085)), skin, 0.022 * height, solid=True)


class Man(Person):
    """A man in shirt and trousers."""

    kind = "man"


class Woman(Person):
    """A woman in a dress, with long hair."""

    kind = "woman"
    height = 53.0


class Child(Person):
    """A child in T-shirt and shorts, with a larger head."""

    kind = "child"
    width = 12.0
    height = 40.0
    hip, neck, head = 0.42, 0.69, 0.145
