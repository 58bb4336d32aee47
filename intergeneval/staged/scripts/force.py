"""Scripts of force: pushes, pulls, kicks, knocks over, throws."""

from __future__ import annotations

import math

from intergeneval.records import Category
from intergeneval.staged.motion import shifted
from intergeneval.staged.people import Person
from intergeneval.staged.play import ACT, DONE, FREE, PEOPLE, START, TOUCH, Events, Play, script

_HEAVY = ("box", "cart", "suitcase")


@script("pushes", Category.FORCE, (*PEOPLE, "robot arm"), _HEAVY, gap=10.0)
def pushes(play: Play) -> None:
    """Walk up, lay hands on it, and walk on with it in front."""
    a, o, to = play.subject, play.object, play.direction
    play.come(o.width / 2 + a.reach * 0.82)
    a.touch(o.handle(-to * 0.92, min(0.72, 17.0 / o.height)), START + 0.10, TOUCH, both=True)
    o.place.by(to * min(26.0, play.room), 0.0, ACT, DONE)
    a.place.ride(o.place, ACT, DONE)
    if isinstance(a, Person):
        a.lean.go(0.32, TOUCH - 0.06, ACT + 0.02)
        a.lean.go(0.0, FREE, 0.95)
    a.release(FREE, 0.95)
    a.place.by(-to * 5.0, 0.0, FREE, 0.97)


@script("pulls", Category.FORCE, (*PEOPLE, "robot arm"), ("cart", "suitcase", "box"), gap=10.0, fronted=True)
def pulls(play: Play) -> None:
    """Walk up, take hold, and walk backwards with it."""
    a, o, to = play.subject, play.object, play.direction
    play.come(o.width / 2 + a.reach * 0.86)
    grip = o.handle(-to * (1.0 if o.kind == "cart" else 0.9), {"cart": 0.9, "suitcase": 0.85}.get(o.kind, 0.75))
    a.touch(grip, START + 0.10, TOUCH, both=True)
    o.place.by(-to * min(24.0, play.back - a.reach - a.width - 3.0), 0.0, ACT, DONE)
    a.place.ride(o.place, ACT, DONE)
    if isinstance(a, Person):
        a.lean.go(-0.30, TOUCH, ACT + 0.03)
        a.lean.go(0.0, FREE, 0.95)
    a.release(FREE, 0.95)
    a.place.by(-to * 4.0, 0.0, FREE, 0.97)


@script("kicks", Category.FORCE, PEOPLE, ("ball", "box"), gap=9.0, place="outdoors")
def kicks(play: Play) -> Events:
    """Step up, swing the leg, and send it off."""
    a, o, to = play.person, play.object, play.direction
    far = 0.20 * a.height
    play.come(o.width / 2 + far + 1.0, until=0.30)
    a.foot.go((-7.0, -3.0), 0.24, 0.32)
    a.foot.go((far - 1.0, -2.0), 0.32, TOUCH)
    a.lean.go(-0.18, 0.30, TOUCH)
    a.near.go(shifted(a.shoulder, to * 9.0, 8.0), 0.26, 0.36)
    a.far.go(shifted(a.shoulder, -to * 9.0, 7.0), 0.26, 0.36)
    o.place.by(to * 4.0, 0.0, TOUCH + 0.01, 0.50)
    a.foot.go((far + 5.0, -5.0), TOUCH + 0.01, 0.50)
    o.place.by(to * min(30.0, play.room), 0.0, 0.49, 0.80, arc=9.0 if o.kind == "ball" else 2.0)
    a.foot.go((0.0, 0.0), 0.56, 0.70)
    a.lean.go(0.0, 0.56, 0.72)
    a.release(0.56, 0.72)
    return Events(
        contact=(TOUCH, 0.50),
        keep=(0.40, 0.54),
        advance=(0.50, 0.80),
        outcome=(0.78, 1.0),
        acting=(START + 0.06, 0.60),
        deed=(TOUCH, 0.60),
    )


@script(
    "knocks over",
    Category.FORCE,
    ("cat", "woman", "child", "robot arm"),
    ("vase", "bottle", "lamp"),
    gap=8.0,
    raised=("vase", "bottle"),
    place="indoors",
)
def knocks_over(play: Play) -> Events:
    """Reach out and tip it, so that it falls."""
    a, o, to = play.subject, play.object, play.direction
    play.come(o.width / 2 + a.reach * 0.9)
    a.touch(o.handle(-to * 0.4, 0.6), START + 0.12, TOUCH)
    o.turn.go(to * 0.20, TOUCH, 0.50)
    o.turn.go(to * math.pi / 2, 0.50, 0.66)
    x, y = o.place.at(0.0)
    lying = y - o.width * 0.36
    if y < 80.0:
        o.place.go((x + to * 4.0, y), 0.46, 0.53)
        o.place.go((x + to * 15.0, 88.0 - o.width * 0.36), 0.53, 0.70, arc=3.0)
    else:
        o.place.go((x + to * min(9.0, play.room), lying), 0.46, 0.66)
    a.release(0.56, 0.70)
    a.place.by(-to * 3.0, 0.0, 0.60, 0.75)
    return Events(
        contact=(TOUCH, 0.52),
        keep=(TOUCH + 0.01, 0.54),
        advance=(0.50, 0.70),
        outcome=(0.70, 1.0),
        acting=(START + 0.06, 0.60),
        deed=(TOUCH, 0.64),
    )


@script("throws", Category.FORCE, PEOPLE, ("ball", "book"), gap=12.0)
def throws(play: Play) -> Events:
    """Pick it up, swing it back over the shoulder, and throw it."""
    a, o, to = play.person, play.object, play.direction
    grasp, free = 0.32, 0.60
    play.come(o.width / 2 + 4.0, until=0.27)
    a.drop.go(0.17, 0.20, 0.31)
    a.lean.go(0.75, 0.20, 0.31)
    a.touch(o.handle(-to * 0.3, 0.8), 0.20, grasp)
    o.place.ride(a.tool(), grasp)
    a.drop.go(0.0, 0.34, 0.45)
    a.lean.go(-0.2, 0.34, 0.46)
    a.near.go(shifted(a.shoulder, -to * 4.5, -11.0), 0.35, 0.48)
    a.lean.go(0.28, 0.53, 0.63)
    a.near.go(shifted(a.shoulder, to * 13.0, -6.0), 0.52, 0.62)
    x, _ = o.place.at(free)
    o.place.go((x + to * (min(26.0, play.room) + 4.0), 88.0), free, 0.82, arc=10.0)
    a.release(0.68, 0.82)
    a.lean.go(0.0, 0.68, 0.82)
    return Events(
        engaged=0.64,
        start=(grasp, free),
        contact=(0.37, free),
        keep=(free + 0.02, 0.80),
        advance=(free + 0.02, 0.84),
        outcome=(0.80, 1.0),
        acting=(START + 0.06, 0.68),
        deed=(grasp, 0.80),
    )
