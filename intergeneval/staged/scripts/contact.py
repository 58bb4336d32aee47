"""Scripts of contact: pats, licks, sits on, taps."""

from __future__ import annotations

from intergeneval.records import Category
from intergeneval.staged.animals import Dog, Quadruped
from intergeneval.staged.motion import Curve, Point, Target
from intergeneval.staged.play import ADULTS, DONE, FREE, PEOPLE, START, TOUCH, Events, Play, script


def _beating(target: Target, amplitude: float, cycles: float, start: float, end: float) -> Target:
    """Return a target that bobs up and down around another."""
    wave = Curve()
    wave.wave(amplitude, cycles, start, end)

    def at(time: float) -> Point:
        x, y = target(time)
        return x, y + wave.at(time)

    return at


@script("pats", Category.CONTACT, PEOPLE, ("dog", "horse", "cat"), outcome="history", undoable=False, fronted=True, gap=12.0)
def pats(play: Play) -> None:
    """Walk up and pat the animal on the head."""
    a, o = play.person, play.object
    if not isinstance(o, Quadruped):
        raise TypeError("pats needs an animal")
    crown = o.crown()
    play.come(a.reach * 0.75, x=crown(0.0)[0])
    low = crown(0.0)[1] - (a.place.at(0.0)[1] - 0.72 * a.height)
    stoop = min(1.0, max(0.0, (low - 0.2 * a.height) / (0.35 * a.height)))
    a.drop.go(0.16 * stoop, 0.24, TOUCH)
    a.lean.go(0.15 + 0.75 * stoop, 0.24, TOUCH)
    a.touch(_beating(crown, 1.1, 5.0, TOUCH + 0.02, FREE), START + 0.12, TOUCH)
    o.wag.go(3.0, TOUCH, TOUCH + 0.1)
    a.smile.go(1.0, TOUCH, 0.5)
    a.drop.go(0.0, FREE + 0.01, 0.97)
    a.lean.go(0.0, FREE + 0.01, 0.97)
    a.release(FREE, 0.97)


@script("licks", Category.CONTACT, ("dog",), PEOPLE, outcome="history", undoable=False, wide=True, gap=10.0)
def licks(play: Play) -> None:
    """Run up and lick the hand that is held out."""
    a, o, to = play.animal, play.partner, play.direction
    spot = (o.x(0.0) - to * 8.5, o.place.at(0.0)[1] - 15.5)
    o.look_to(a.x(0.0), START + 0.08)
    o.near.go(spot, START + 0.08, 0.30)
    o.lean.go(0.16, START + 0.08, 0.30)
    play.come(8.5 + a.reach * 0.95)
    a.touch(_beating(lambda _time: (spot[0] + to * 0.3, spot[1] + 0.6), 0.9, 6.0, TOUCH + 0.02, FREE), START + 0.12, TOUCH)
    if isinstance(a, Dog):
        a.tongue.go(1.0, TOUCH - 0.02, TOUCH + 0.02)
        a.tongue.go(0.0, FREE, FREE + 0.04)
    a.wag.go(3.0, START, TOUCH)
    o.smile.go(1.0, TOUCH, 0.5)
    a.release(FREE, 0.95)
    a.place.by(-to * 5.0, 0.0, FREE, 0.97)


@script("sits on", Category.CONTACT, ADULTS, ("chair", "box"), outcome="pair", fronted=True, wide=True, gap=21.0)
def sits_on(play: Play) -> Events:
    """Walk over, turn round, and sit down on it."""
    a, o, to = play.person, play.object, play.direction
    seat = 16.5 if o.kind == "chair" else o.height
    play.come(11.0, until=0.31)
    a.facing.set(-to, 0.315)
    goal = o.x(0.0) - to * (1.0 if o.kind == "chair" else 0.0), a.place.at(0.0)[1]
    a.place.go(goal, 0.31, 0.50)
    a.drop.go(a.hip - (seat + 3.0) / a.height, 0.33, 0.56)
    a.stride.go(9.0, 0.31, 0.52)
    a.lean.go(0.30, 0.32, 0.42)
    a.lean.go(-0.03, 0.48, 0.60)
    knees = 0.17 * a.height
    a.touch(lambda time: (a.x(time) - to * knees, a.place.at(time)[1] - seat - 5.5), 0.44, 0.60, both=True)
    return Events(contact=(TOUCH, 1.0), keep=(0.50, 1.0), advance=(0.46, DONE), outcome=(0.74, 1.0), deed=(TOUCH + 0.06, 1.0))


@script("taps", Category.CONTACT, ADULTS, ADULTS, outcome="history", undoable=False, gap=10.0, turned=True)
def taps(play: Play) -> None:
    """Come from behind and tap on the shoulder."""
    a, o, to = play.person, play.partner, play.direction
    play.come(a.reach * 1.02 + 2.0)
    spot = o.handle(-to * 0.35, 0.73)
    a.touch(_beating(spot, 1.3, 6.0, TOUCH + 0.02, FREE - 0.04), START + 0.12, TOUCH)
    a.lean.go(0.12, 0.28, TOUCH)
    o.facing.set(-to, DONE + 0.02)
    o.smile.go(1.0, DONE, FREE)
    a.release(FREE, 0.97)
    a.lean.go(0.0, FREE, 0.97)
