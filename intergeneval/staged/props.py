"""Things: boxes, balls, cups, books, bottles, doors, cabinets, carts, chairs, and what stands around."""

from __future__ import annotations

import math
from typing import ClassVar

from intergeneval.staged.canvas import Sketch, pattern, shade
from intergeneval.staged.looks import Look
from intergeneval.staged.motion import Curve, Point
from intergeneval.staged.rig import GROUND, Moment, Rig


class Prop(Rig):
    """A rigid thing, drawn in its own frame: x to the right and y up from the middle of its foot, in stage units."""

    def __init__(self, x: float, *, y: float = GROUND, facing: float = 1.0, size: float = 1.0) -> None:
        super().__init__(x, y=y, facing=facing, size=size)
        self.light = Curve()
        """How far its lamp is lit, 0 to 1."""

    def frame(self, time: float) -> tuple[Point, float, float, float]:
        """Return foot, cosine, sine of the turn and facing at a time."""
        turn = self.turn.at(time)
        return self.place.at(time), math.cos(turn), math.sin(turn), self.facing.at(time)

    def points(self, time: float, local: tuple[Point, ...]) -> list[Point]:
        """Return stage points of local ones (x right, y up, at size 1)."""
        (x, y), c, s, facing = self.frame(time)
        size = self.size
        return [(x + (px * facing * c + py * s) * size, y + (px * facing * s - py * c) * size) for px, py in local]

    def at(self, time: float, px: float, py: float) -> Point:
        """Return the stage point of one local point."""
        return self.points(time, ((px, py),))[0]


class Box(Prop):
    """A cardboard-like box with tape and a lid line."""

    kind: ClassVar[str] = "box"
    width, height = 20.0, 19.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw front, top edge and tape."""
        t = moment.time
        body = self.points(t, ((-10, 17), (8.5, 17), (8.5, 0), (-10, 0)))
        sketch.poly(body, look.main, convex=True)
        pattern(sketch, body, look.pattern, look.accent)
        sketch.poly(self.points(t, ((-10, 17), (-8, 19), (10, 19), (8.5, 17))), shade(look.main, 1.3))
        sketch.poly(self.points(t, ((8.5, 17), (10, 19), (10, 2), (8.5, 0))), shade(look.main, 0.7))
        tape = self.points(t, ((-2.6, 17), (1.0, 17), (1.0, 11), (-2.6, 11)))
        sketch.poly(tape, (230, 214, 170), edge=False, solid=False, convex=True)


class Ball(Prop):
    """A ball whose stripe shows that it rolls."""

    kind: ClassVar[str] = "ball"
    width, height = 9.0, 9.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw disc, bands and highlight."""
        x, y = self.place.at(moment.time)
        radius = 4.5 * self.size
        turn = self.turn.at(moment.time) + x / radius
        centre = x, y - radius
        sketch.oval(centre, radius, radius, look.main)
        for half in (0.0, math.pi):
            wedge = [centre] + [
                (
                    centre[0] + 0.93 * radius * math.cos(turn + half + a * 0.175),
                    centre[1] + 0.93 * radius * math.sin(turn + half + a * 0.175),
                )
                for a in range(-4, 5)
            ]
            sketch.poly(wedge, look.accent, edge=False, solid=False)
        sketch.oval(centre, radius * 0.28, radius * 0.28, shade(look.main, 0.8), edge=False, solid=False)
        sketch.oval(
            (centre[0] - radius * 0.35, centre[1] - radius * 0.45),
            radius * 0.2,
            radius * 0.13,
            (255, 255, 255),
            edge=False,
            solid=False,
        )


class Cup(Prop):
    """A mug with a handle."""

    kind: ClassVar[str] = "cup"
    width, height = 7.0, 8.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw handle, body and rim."""
        t = moment.time
        handle = self.points(t, tuple((3.2 + 2.4 * math.cos(a * 0.45), 4.2 + 2.4 * math.sin(a * 0.45)) for a in range(-4, 5)))
        sketch.stroke(handle, shade(look.main, 0.6), 1.5 * self.size, solid=True)
        sketch.stroke(handle, look.main, 0.9 * self.size)
        body = self.points(t, ((-3.5, 7.4), (3.5, 7.4), (3.0, 0), (-3.0, 0)))
        sketch.poly(body, look.main, convex=True)
        pattern(sketch, body, look.pattern, look.accent)
        x, y = self.at(t, 0, 7.4)
        sketch.oval((x, y), 3.5 * self.size, 0.9 * self.size, shade(look.main, 1.4), turn=self.turn.at(t))


class Bottle(Prop):
    """A bottle with neck, cap and label."""

    kind: ClassVar[str] = "bottle"
    width, height = 6.0, 15.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw body, label and cap."""
        t = moment.time
        outline = ((-3, 0), (3, 0), (3, 8.2), (1.2, 11), (1.2, 14), (-1.2, 14), (-1.2, 11), (-3, 8.2))
        sketch.poly(self.points(t, outline), look.main)
        sketch.poly(
            self.points(t, ((-3, 6.4), (3, 6.4), (3, 2.4), (-3, 2.4))), (246, 242, 230), edge=False, solid=False, convex=True
        )
        sketch.poly(self.points(t, ((-1.5, 15), (1.5, 15), (1.5, 13.2), (-1.5, 13.2))), look.accent, convex=True)
        sketch.stroke(self.points(t, ((-1.9, 1.2), (-1.9, 7.6))), shade(look.main, 1.5), 0.6 * self.size)


class Vase(Prop):
    """A bellied vase with two flowers."""

    kind: ClassVar[str] = "vase"
    width, height = 9.0, 20.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw flowers, belly and bands."""
        t = moment.time
        for lean, colour in ((-2.4, (236, 108, 128)), (2.2, (250, 206, 84))):
            sketch.stroke(self.points(t, ((0, 9), (lean, 17))), (74, 140, 82), 0.7 * self.size, solid=True)
            x, y = self.at(t, lean, 17.8)
            sketch.oval((x, y), 2.1 * self.size, 2.1 * self.size, colour)
            sketch.oval((x, y), 0.7 * self.size, 0.7 * self.size, (120, 80, 40), edge=False, solid=False)
        outline = ((-2.4, 0), (2.4, 0), (4.4, 4.6), (2.0, 8.6), (2.8, 11), (-2.8, 11), (-2.0, 8.6), (-4.4, 4.6))
        sketch.poly(self.points(t, outline), look.main)
        sketch.poly(
            self.points(t, ((-4.3, 5.2), (4.3, 5.2), (4.0, 3.4), (-4.0, 3.4))), look.accent, edge=False, solid=False, convex=True
        )


class Book(Prop):
    """A closed book standing on its foot."""

    kind: ClassVar[str] = "book"
    width, height = 9.0, 12.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw pages, cover and title."""
        t = moment.time
        sketch.poly(self.points(t, ((-3.6, 11.4), (4.8, 11.4), (4.8, 0.6), (-3.6, 0.6))), (250, 246, 232), convex=True)
        sketch.poly(self.points(t, ((-4.5, 12), (3.9, 12), (3.9, 0), (-4.5, 0))), look.main, convex=True)
        sketch.poly(
            self.points(t, ((-4.5, 12), (-3.2, 12), (-3.2, 0), (-4.5, 0))),
            shade(look.main, 0.7),
            edge=False,
            solid=False,
            convex=True,
        )
        sketch.poly(
            self.points(t, ((-1.8, 9.6), (2.8, 9.6), (2.8, 7.6), (-1.8, 7.6))), look.accent, edge=False, solid=False, convex=True
        )


class Bag(Prop):
    """A shopping bag with two handles."""

    kind: ClassVar[str] = "bag"
    width, height = 12.0, 17.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw handles, body and pattern."""
        t = moment.time
        loop = self.points(t, tuple((2.8 * math.cos(a * math.pi / 8), 12 + 5 * math.sin(a * math.pi / 8)) for a in range(9)))
        sketch.stroke(loop, shade(look.main, 0.55), 1.1 * self.size, solid=True)
        body = self.points(t, ((-5.2, 12.4), (5.2, 12.4), (6.0, 0), (-6.0, 0)))
        sketch.poly(body, look.main, convex=True)
        pattern(sketch, body, look.pattern, look.accent)


class Suitcase(Prop):
    """A suitcase with ribs, wheels and a handle on top."""

    kind: ClassVar[str] = "suitcase"
    width, height = 14.0, 23.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw handle, wheels, body and ribs."""
        t = moment.time
        sketch.stroke(
            self.points(t, ((-3.4, 18), (-3.4, 22.4), (3.4, 22.4), (3.4, 18))), (78, 80, 88), 1.1 * self.size, solid=True
        )
        for wheel in (-4.6, 4.6):
            sketch.oval(self.at(t, wheel, 1.1), 1.2 * self.size, 1.2 * self.size, (56, 56, 62))
        corners = self.points(t, ((-6.0, 17.6), (6.0, 17.6), (6.0, 3.2), (-6.0, 3.2)))
        sketch.hull([(corner, 1.1 * self.size) for corner in corners], look.main)
        pattern(sketch, corners, look.pattern, look.accent)
        for rib in (-3.4, 3.4):
            sketch.stroke(self.points(t, ((rib, 3.2), (rib, 17.6))), shade(look.main, 0.72), 0.7 * self.size)


class Cart(Prop):
    """A hand cart with a push bar, a tub and two spoked wheels that turn."""

    kind: ClassVar[str] = "cart"
    width, height = 27.0, 22.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw bar, tub, load and wheels; the bar is behind (against the facing)."""
        t, size = moment.time, self.size
        sketch.stroke(self.points(t, ((-9.0, 8), (-12.6, 20.5), (-15.0, 20.5))), (92, 96, 108), 1.5 * size, solid=True)
        body = self.points(t, ((-11.0, 15.0), (12.5, 15.0), (9.5, 5.0), (-8.5, 5.0)))
        sketch.poly(body, look.main, convex=True)
        for rib in (0.25, 0.5, 0.75):
            sketch.patch(body, shade(look.main, 0.74), (rib - 0.018, rib + 0.018), (0.0, 1.0))
        sketch.patch(body, shade(look.main, 1.3), (0.0, 1.0), (0.0, 0.16))
        for wheel in (-5.6, 6.0):
            x, y = self.at(t, wheel, 3.6)
            sketch.oval((x, y), 3.6 * size, 3.6 * size, (66, 66, 74))
            sketch.oval((x, y), 2.5 * size, 2.5 * size, (206, 208, 212), edge=False, solid=False)
            turn = self.place.at(t)[0] / (3.6 * size)
            for spoke in (0.0, math.pi / 2):
                dx, dy = 2.5 * size * math.cos(turn + spoke), 2.5 * size * math.sin(turn + spoke)
                sketch.stroke(((x - dx, y - dy), (x + dx, y + dy)), (90, 90, 98), 0.5 * size)


class Chair(Prop):
    """A wooden chair seen from the side; its back is behind (against the facing)."""

    kind: ClassVar[str] = "chair"
    width, height = 17.0, 32.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw back, legs and seat."""
        t, size = moment.time, self.size
        dark = shade(look.main, 0.75)
        for leg in (-6.6, 6.6):
            sketch.hull(((self.at(t, leg * 0.92, 14), 1.0 * size), (self.at(t, leg, 0.9), 0.9 * size)), dark)
        sketch.hull(((self.at(t, -7.0, 14), 1.2 * size), (self.at(t, -8.6, 31), 1.1 * size)), look.main)
        sketch.hull(((self.at(t, -7.2, 15), 1.6 * size), (self.at(t, 7.2, 15), 1.6 * size)), look.main)


class Door(Prop):
    """A door in its frame: `state` 0 shut, 1 wide open; the leaf swings towards the viewer around its left post."""

    kind: ClassVar[str] = "door"
    width, height = 22.0, 62.0

    def knob(self, time: float) -> Point:
        """Return where the knob is."""
        angle = self.state.at(time) * 1.75
        return self.at(time, -9.0 + 15.6 * math.cos(angle), 28.0 - 2.4 * math.sin(angle))

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw frame, the room behind and the leaf."""
        t = moment.time
        opened = self.state.at(t)
        sketch.poly(self.points(t, ((-11, 0), (-11, 62), (11, 62), (11, 0))), (226, 220, 208), convex=True)
        sketch.poly(self.points(t, ((-9, 0), (-9, 60), (9, 60), (9, 0))), (58, 62, 84), convex=True)
        if opened > 0.02:
            sketch.poly(self.points(t, ((-9, 0), (-9, 9), (9, 14), (9, 0))), (120, 108, 98), edge=False, solid=False)
        angle = opened * 1.75
        reach, sag = 18.0 * math.cos(angle), 5.0 * math.sin(angle)
        leaf = self.points(t, ((-9, 60), (-9 + reach, 60 + sag * 0.5), (-9 + reach, -sag), (-9, 0)))
        tone = 1.0 - 0.22 * math.sin(angle)
        sketch.poly(leaf, shade(look.main, tone))
        for v in ((0.08, 0.42), (0.54, 0.92)):
            sketch.patch(leaf, shade(look.main, tone * 0.8), (0.16, 0.84), v)
        sketch.oval(self.knob(t), 1.3 * self.size, 1.3 * self.size, (244, 206, 92))


class Drawer(Prop):
    """A cabinet whose upper drawer slides out to its front by `state`."""

    kind: ClassVar[str] = "drawer"
    width, height = 20.0, 26.0
    travel = 12.0
    """How far the drawer comes out, in stage units."""

    def knob(self, time: float) -> Point:
        """Return where the handle is."""
        return self.at(time, 11.0 + self.travel * self.state.at(time), 19.0)

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw cabinet and drawer from the side; the handle is in front (along the facing)."""
        t = moment.time
        out = self.travel * self.state.at(t)
        tray = self.points(t, ((-4 + out, 22.4), (9.4 + out, 22.4), (9.4 + out, 15.8), (-4 + out, 15.8)))
        sketch.poly(tray, shade(look.main, 1.25), convex=True)
        front = self.points(t, ((8.6 + out, 23.2), (10.0 + out, 23.2), (10.0 + out, 15.0), (8.6 + out, 15.0)))
        sketch.poly(front, shade(look.main, 0.72), convex=True)
        sketch.hull(((self.at(t, 10.0 + out, 19.0), 0.6), (self.at(t, 11.2 + out, 19.0), 0.9)), (244, 206, 92))
        sketch.poly(self.points(t, ((-9.5, 26), (8.6, 26), (8.6, 0), (-9.5, 0))), look.main, convex=True)
        sketch.poly(self.points(t, ((-10.4, 27.4), (9.4, 27.4), (9.4, 25.4), (-10.4, 25.4))), shade(look.main, 0.8), convex=True)
        for low, high in ((2.0, 12.5), (14.5, 23.5)):
            sketch.poly(
                self.points(t, ((-8, high), (7.2, high), (7.2, low), (-8, low))),
                shade(look.main, 0.88),
                edge=False,
                solid=False,
                convex=True,
            )


class Drum(Prop):
    """A drum on three legs."""

    kind: ClassVar[str] = "drum"
    width, height = 17.0, 22.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw legs, shell, cords and skin."""
        t, size = moment.time, self.size
        for leg in (-6.0, 6.0):
            sketch.hull(((self.at(t, leg * 0.8, 9), 0.7 * size), (self.at(t, leg * 1.1, 0.7), 0.7 * size)), (96, 96, 104))
        body = self.points(t, ((-8.2, 20), (8.2, 20), (7.4, 7), (-7.4, 7)))
        sketch.poly(body, look.main, convex=True)
        for step in range(4):
            a, b = -8.2 + 4.1 * step, -8.2 + 4.1 * (step + 1)
            sketch.stroke(self.points(t, ((a, 19), ((a + b) / 2, 8), (b, 19))), (246, 236, 210), 0.5 * size)
        sketch.oval(self.at(t, 0, 20), 8.4 * size, 2.0 * size, (250, 246, 232))


class Easel(Prop):
    """A canvas on an easel; `state` is how much of the picture is painted."""

    kind: ClassVar[str] = "canvas"
    width, height = 24.0, 44.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw legs, canvas and what is painted so far."""
        t, size = moment.time, self.size
        for leg in (-9.0, 9.0):
            sketch.hull(((self.at(t, leg * 0.3, 44), 0.8 * size), (self.at(t, leg, 0.8), 0.8 * size)), (164, 118, 74))
        canvas = self.points(t, ((-11.5, 41), (11.5, 41), (11.5, 15), (-11.5, 15)))
        sketch.poly(canvas, (252, 250, 244), convex=True)
        sketch.hull(((self.at(t, -12, 14.6), 0.8 * size), (self.at(t, 12, 14.6), 0.8 * size)), look.main)
        sketch.hull(((self.at(t, -12, 41.4), 0.8 * size), (self.at(t, 12, 41.4), 0.8 * size)), look.main)
        done = self.state.at(t)
        rows = ((0.18, (84, 150, 214)), (0.40, (248, 196, 80)), (0.62, (226, 104, 96)), (0.82, (96, 170, 104)))
        for index, (level, colour) in enumerate(rows):
            part = min(1.0, max(0.0, done * 4.0 - index))
            if part > 0.03:
                sketch.patch(canvas, colour, (0.12, 0.12 + 0.76 * part), (level - 0.07, level + 0.07))


class Lamp(Prop):
    """A standing lamp."""

    kind: ClassVar[str] = "lamp"
    width, height = 13.0, 42.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw foot, pole and shade."""
        t, size = moment.time, self.size
        sketch.hull(((self.at(t, -4, 0.8), 0.8 * size), (self.at(t, 4, 0.8), 0.8 * size)), (96, 92, 96))
        sketch.hull(((self.at(t, 0, 1), 0.6 * size), (self.at(t, 0, 32), 0.6 * size)), (96, 92, 96))
        sketch.poly(self.points(t, ((-3.4, 42), (3.4, 42), (6.4, 31), (-6.4, 31))), look.main, convex=True)


class Plant(Prop):
    """A potted plant."""

    kind: ClassVar[str] = "plant"
    width, height = 14.0, 22.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw leaves and pot."""
        t, size = moment.time, self.size
        for lean, tall in ((-5.5, 15), (5.5, 15), (-3.0, 20), (3.0, 20), (0.0, 22)):
            tip = self.at(t, lean, tall)
            sketch.hull(
                ((self.at(t, 0, 7), 0.5 * size), (self.at(t, lean * 0.75, tall * 0.8), 1.9 * size), (tip, 0.4 * size)),
                (86, 160, 92),
            )
        sketch.poly(self.points(t, ((-4.6, 8), (4.6, 8), (3.4, 0), (-3.4, 0))), look.main, convex=True)


class Table(Prop):
    """A small side table, furniture that nobody is asked about."""

    kind: ClassVar[str] = "table"
    width, height = 20.0, 19.0

    def draw(self, sketch: Sketch, moment: Moment, look: Look) -> None:
        """Draw legs and top."""
        t, size = moment.time, self.size
        half = self.width / size / 2.0 - 1.5
        for leg in (-half, half):
            sketch.hull(((self.at(t, leg, 17), 1.0 * size), (self.at(t, leg, 1), 0.8 * size)), shade(look.main, 0.75))
        sketch.hull(((self.at(t, -half - 0.5, 18), 1.0 * size), (self.at(t, half + 0.5, 18), 1.0 * size)), look.main)
