"""Scripts of force: pushes, pulls, kicks, knocks over, throws."""

from __future__ import annotations

import math

from intergeneval.records import Category
from intergeneval.staged.motion import shifted
from intergeneval.staged.people import Person
from intergeneval.staged.play import ACT, DONE, FREE, PEOPLE, START, TOUCH, Events, Play, script

_HEAVY = ("box", "cart", "suitcase")


@script("pushes", Category.FORCE, (*PEOPLE, "robot arm"), _HEAVY, gap=12.0)
def pushes(play: Play) -> None:
    """Walk up, lay hands on it, and walk on with it in front."""
    a, o, to = play.subject, play.object, play.direction
    play.grasp(o.handle(-to * 0.92, {"cart": 0.68}.get(o.kind, 0.85)), both=True)
    o.place.by(to * min(26.0, play.room), 0.0, ACT, DONE)
    a.place.ride(o.place, ACT, DONE)
    a.release(FREE, 0.95)
    play.rise(FREE, 0.96)
    a.place.by(-to * 5.0, 0.0, FREE, 0.97)


@script("pulls", Category.FORCE, (*PEOPLE, "robot arm"), ("cart", "suitcase", "box"), gap=12.0, fronted=True, roomy=True)
def pulls(play: Play) -> None:
    """Walk up, take hold, and walk backwards with it."""
    a, o, to = play.subject, play.object, play.direction
    play.grasp(o.handle(-to * 0.92, {"cart": 0.68}.get(o.kind, 0.85)), both=True)
    away = min(26.0, play.back - abs(o.x(TOUCH) - a.x(TOUCH)) - a.width / 2 - 7.0)
    o.place.by(-to * away, 0.0, ACT, DONE)
    a.place.ride(o.place, ACT, DONE)
    if isinstance(a, Person):
        a.lean.go(a.lean.at(TOUCH) - 0.25, TOUCH, ACT + 0.03)
    a.release(FREE, 0.95)
    play.rise(FREE, 0.96)
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
    o.place.by(to * (min(32.0, play.room) - 4.0), 0.0, 0.49, 0.80, arc=9.0 if o.kind == "ball" else 2.0)
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
    ("vase", "bottle", "cup"),
    wide=True,
    gap=11.0,
    raised=("vase", "bottle", "cup"),
    place="indoors",
)
def knocks_over(play: Play) -> Events:
    """Reach out and tip it, so that it falls."""
    a, o, to = play.subject, play.object, play.direction
    play.grasp(o.handle(-to * 0.4, 0.6))
    o.turn.go(to * 0.20, TOUCH, 0.50)
    o.turn.go(to * math.pi / 2, 0.50, 0.66)
    x, y = o.place.at(0.0)
    lying = y - o.width * 0.36
    if y < 80.0:
        o.place.go((x + to * 4.0, y), 0.46, 0.53)
        o.place.go((x + to * 15.0, 88.0 - o.width * 0.36), 0.53, 0.70, arc=3.0)
    else:
        o.place.go((x + to * max(0.0, min(9.0, play.room - o.height)), lying), 0.46, 0.66)
    a.touch(o.handle(-to * 0.4, 0.6)(0.52), 0.50, 0.53)
    a.release(0.56, 0.70)
    play.rise(0.56, 0.70)
    a.place.by(-to * 3.0, 0.0, 0.60, 0.75)
    return Events(
        contact=(TOUCH, 0.52),
        keep=(TOUCH + 0.01, 0.54),
        advance=(0.50, 0.70),
        outcome=(0.70, 1.0),
        acting=(START + 0.06, 0.60),
        deed=(TOUCH, 0.64),
    )


@script("throws", Category.FORCE, PEOPLE, ("ball", "book"), starts_held=True, gap=15.0, roomy=True)
def throws(play: Play) -> Events:
    """Pick it up, swing it back over the shoulder, and throw it."""
    a, o, to = play.person, play.object, play.direction
    grasp, free = 0.32, 0.60
    start = o.x(0.0)
    spot = o.handle(-to * 0.5, 0.6)(0.0)
    bend, forward = a.stoop_for(a.place.at(0.0)[1] - spot[1])
    play.come(forward + 0.16 * a.height, until=0.27, x=spot[0])
    a.stoop(bend, 0.20, 0.31)
    a.touch(spot, 0.20, grasp)
    o.place.ride(a.tool(), grasp)
    a.stoop(0.0, 0.34, 0.45)
    a.near.go(shifted(a.shoulder, to * 3.0, -0.29 * a.height), 0.35, 0.48)
    a.lean.go(-0.22, 0.42, 0.50)
    a.lean.go(0.30, 0.53, 0.63)
    a.near.go(shifted(a.shoulder, to * 0.26 * a.height, -0.14 * a.height), 0.52, 0.62)
    o.place.go((max(to * start + min(28.0, play.room), to * o.x(free) + 9.0) * to, o.place.at(0.0)[1]), free, 0.82, arc=10.0)
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
