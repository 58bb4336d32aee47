"""Scripts between living beings: shakes hands with, hugs, high-fives, dances with; points at, waves to, bows to, chases."""

from __future__ import annotations

import math

from intergeneval.records import Category, Direction
from intergeneval.staged.motion import Point, Target, mix, shifted
from intergeneval.staged.people import Person
from intergeneval.staged.play import ADULTS, DONE, FREE, PEOPLE, START, TOUCH, Events, Play, script
from intergeneval.staged.rig import Actor

_LIVING = (*PEOPLE, "dog", "cat", "horse")
_BOTH = Direction.BIDIRECTIONAL


def _meet(play: Play, gap: float) -> None:
    """Walk the subject up to its partner, who turns round and steps towards it."""
    o, to = play.partner, play.direction
    o.facing.set(-to, START - 0.02)
    o.place.by(-to * 4.0, 0.0, START + 0.04, TOUCH - 0.08)
    play.come(gap * (play.person.height + o.height) / 112.0, x=o.x(TOUCH))
    play.person.smile.go(1.0, TOUCH, 0.5)
    o.smile.go(1.0, TOUCH, 0.5)


def _between(play: Play, level: float) -> Target:
    """Return the point between the two that both can reach, at a share of the smaller one's height."""
    a, o = play.person, play.partner
    tall, part = min(a.height, o.height), a.height / (a.height + o.height)
    return lambda time: (mix(a.place.at(time), o.place.at(time), part)[0], a.place.at(time)[1] - level * tall)


@script("shakes hands with", Category.SOCIAL, ADULTS, ADULTS, direction=_BOTH, outcome="history", undoable=False, gap=10.0)
def shakes_hands(play: Play) -> None:
    """Meet, clasp hands, and shake them."""
    a, o = play.person, play.partner
    _meet(play, 21.0)
    middle = _between(play, 0.52)

    def shaken(time: float) -> Point:
        x, y = middle(time)
        return x, y + (2.4 * math.sin((time - TOUCH) * 2.0 * math.pi * 9.0) if TOUCH + 0.03 < time < FREE - 0.06 else 0.0)

    a.touch(shaken, START + 0.12, TOUCH)
    o.near.go(shaken, START + 0.12, TOUCH)
    a.release(FREE, 0.97)
    o.release(FREE, 0.97)


@script("hugs", Category.SOCIAL, PEOPLE, PEOPLE, direction=_BOTH, outcome="history", undoable=False, wide=True, gap=27.0)
def hugs(play: Play) -> None:
    """Meet, put the arms around each other, and part again."""
    a, o, to = play.person, play.partner, play.direction
    _meet(play, 12.0)
    for one, other, side in ((a, o, to), (o, a, -to)):
        level = min(0.68, 0.66 * one.height / other.height)
        one.near.go(other.handle(side * 0.45, level), START + 0.12, TOUCH)
        one.far.go(other.handle(side * 0.35, level - 0.10), START + 0.12, TOUCH)
        one.lean.go(0.14, 0.28, TOUCH + 0.02)
        one.lean.go(0.0, FREE, 0.95)
        one.release(FREE, 0.96)
    a.place.by(-to * 9.0, 0.0, FREE + 0.02, 0.99)


@script("high-fives", Category.SOCIAL, PEOPLE, PEOPLE, direction=_BOTH, outcome="history", undoable=False, gap=10.0)
def high_fives(play: Play) -> Events:
    """Meet, raise a hand each, and slap them together overhead."""
    a, o, to = play.person, play.partner, play.direction
    _meet(play, 20.0)
    middle = _between(play, 0.84 if "child" in {a.kind, o.kind} else 0.95)
    for one, side in ((a, -to), (o, to)):
        one.near.go(shifted(middle, side * 5.0, 1.0), START + 0.08, 0.32)
        one.near.go(shifted(middle, side * 0.9, 0.0), 0.32, TOUCH)
        one.near.go(shifted(middle, side * 5.0, 2.0), 0.62, 0.72)
        one.release(0.74, 0.90)
    return Events(
        contact=(TOUCH, 0.62),
        keep=(TOUCH + 0.05, 0.62),
        advance=(TOUCH, 0.62),
        outcome=(0.66, 1.0),
        acting=(START + 0.06, 0.70),
        deed=(TOUCH, 0.62),
    )


@script("dances with", Category.SOCIAL, ADULTS, ADULTS, direction=_BOTH, outcome="history", undoable=False, wide=True, gap=16.0)
def dances_with(play: Play) -> Events:
    """Take each other by both hands and sway from side to side."""
    a, o = play.person, play.partner
    _meet(play, 19.0)
    high, low = _between(play, 0.80), _between(play, 0.50)

    def sway(target: Target, across: float, phase: float) -> Target:
        def at(time: float) -> Point:
            x, y = target(time)
            beat = math.sin((time - TOUCH) * 2.0 * math.pi * 4.0 + phase) if TOUCH < time < FREE else 0.0
            return x + across * beat, y - 3.0 * beat

        return at

    for one in (a, o):
        one.near.go(sway(high, 3.0, 0.0), START + 0.12, TOUCH)
        one.far.go(sway(low, 3.0, math.pi), START + 0.12, TOUCH)
        base = one.place.at(TOUCH + 0.03)

        def steps(time: float, base: Point = base) -> Point:
            beat = math.sin((time - TOUCH - 0.03) * 2.0 * math.pi * 4.0) if TOUCH + 0.03 < time < FREE else 0.0
            return base[0] + 3.6 * beat, base[1] - 1.6 * abs(beat)

        one.place.go(steps, TOUCH + 0.03, TOUCH + 0.03)
    a.lean.wave(0.16, 4.0, TOUCH + 0.03, FREE)
    o.lean.wave(-0.16, 4.0, TOUCH + 0.03, FREE)
    a.release(FREE, 0.97)
    o.release(FREE, 0.97)
    return Events(advance=(TOUCH + 0.06, FREE), acting=(START + 0.06, FREE), deed=(TOUCH + 0.06, FREE))


_GESTURE = {"contact": False, "outcome": "history", "undoable": False, "aimless_start": True, "short": 0.218}
_SHOWN = Events(
    engaged=0.34,
    start=(START + 0.04, 0.34),
    contact=(0.33, FREE),
    keep=(0.40, FREE),
    advance=(0.40, FREE),
    outcome=(DONE, 1.0),
    acting=(START + 0.04, FREE),
    deed=(0.36, FREE),
)


def _aim(play: Play, turn: bool = True) -> None:
    if turn:
        play.subject.look_to(play.object.x(0.0), START - 0.02)


@script("points at", Category.SOCIAL, PEOPLE, (*PEOPLE, "dog", "cat", "bag", "plant", "lamp", "chair"), **_GESTURE)
def points_at(play: Play) -> Events:
    """Turn to it and stretch out an arm with the finger on it."""
    a, o = play.person, play.object
    _aim(play)

    def aim(time: float) -> Point:
        x, y = a.shoulder(time)
        goal = o.handle(0.0, 0.65)(time)
        length = math.dist((x, y), goal)
        return mix((x, y), goal, 0.315 * a.height / length)

    a.near.go(aim, START, 0.34)
    a.finger.go(1.0, START, 0.30)
    a.lean.go(0.10, START, 0.34)
    a.release(FREE, 0.98)
    a.finger.go(0.0, FREE, 0.95)
    a.lean.go(0.0, FREE, 0.98)
    return _SHOWN


@script("waves to", Category.SOCIAL, PEOPLE, _LIVING, **_GESTURE)
def waves_to(play: Play) -> Events:
    """Turn to them, raise a hand, and wave it to and fro."""
    a, to = play.person, play.direction
    _aim(play)
    raised = shifted(a.shoulder, to * 0.20 * a.height, -0.20 * a.height)

    def waved(time: float) -> Point:
        x, y = raised(time)
        beat = math.sin((time - 0.33) * 2.0 * math.pi * 7.0) if 0.33 < time < FREE else 0.0
        return x + 0.065 * a.height * beat, y + 0.02 * a.height * abs(beat)

    a.near.go(waved, START, 0.33)
    a.palm.go(1.0, START, 0.3)
    a.smile.go(1.0, START, 0.3)
    a.release(FREE, 0.98)
    a.palm.go(0.0, FREE, 0.95)
    return _SHOWN


@script("bows to", Category.SOCIAL, PEOPLE, PEOPLE, **_GESTURE)
def bows_to(play: Play) -> Events:
    """Turn to them and bend the upper body deep down."""
    a, to = play.person, play.direction
    _aim(play)
    near = 42.0 - abs(play.object.x(0.0) - a.x(0.0))
    if near > 0:
        a.place.by(-to * near, 0.0, START, 0.34)
    a.lean.go(1.0, START, 0.37)
    a.nod.go(0.35, START, 0.37)
    a.near.go(lambda time: (a.x(time) + to * 2.0, a.place.at(time)[1] - 0.46 * a.height), START, 0.36)
    a.lean.go(0.0, FREE - 0.04, 0.99)
    a.nod.go(0.0, FREE - 0.04, 0.99)
    a.release(FREE, 0.99)
    return _SHOWN


@script(
    "chases",
    Category.SOCIAL,
    ("dog", "cat", "child"),
    ("cat", "dog", "child"),
    contact=False,
    outcome="history",
    undoable=False,
    afar=True,
    roomy=True,
    short=0.30,
    place="outdoors",
)
def chases(play: Play) -> Events:
    """Run after the one who runs away."""
    a, o, to = play.subject, play.object, play.direction
    if not isinstance(o, Actor):
        raise TypeError(f"a {o.kind} cannot run away")
    for runner in (a, o):
        if isinstance(runner, Person):
            runner.lean.go(0.22, START, 0.3)
            runner.lean.go(0.0, 0.74, 0.88)
    o.walk(o.x(0.0) + to * play.room, START + 0.04, 0.84)
    a.walk(o.x(1.0) - to * (o.width / 2 + a.width / 2 + 12.0), START, 0.86)
    return Events(
        engaged=0.40,
        start=(0.20, 0.39),
        contact=(0.38, 0.80),
        keep=(0.40, 0.80),
        advance=(0.40, 0.80),
        outcome=(DONE, 1.0),
        acting=(START + 0.05, 0.80),
        deed=(0.36, 0.80),
    )
