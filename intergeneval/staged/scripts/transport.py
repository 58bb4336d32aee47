"""Scripts of transport: carries, fetches, picks up, lifts."""

from __future__ import annotations

from intergeneval.records import Category
from intergeneval.staged.motion import shifted
from intergeneval.staged.people import Person
from intergeneval.staged.play import ACT, DONE, PEOPLE, START, TOUCH, Events, Play, script

_HELD = Events(contact=(TOUCH, 1.0), keep=(TOUCH + 0.06, 1.0))


@script("carries", Category.TRANSPORT, PEOPLE, ("box", "bag", "suitcase", "vase"), gap=11.0)
def carries(play: Play) -> Events:
    """Stoop, take it up in both arms, and walk off with it."""
    a, o, to = play.person, play.object, play.direction
    play.come(o.width / 2 + 4.0)
    a.drop.go(0.14, 0.26, TOUCH - 0.01)
    a.lean.go(0.65, 0.26, TOUCH - 0.01)
    grip = 0.5 if o.kind != "bag" else 0.85
    a.touch(o.handle(-to * 0.45, grip), START + 0.14, TOUCH, both=True)
    a.drop.go(0.0, 0.41, 0.51)
    a.lean.go(0.0, 0.41, 0.51)
    here = a.x(TOUCH)
    chest = 0.40 * a.height + 4.0 - grip * o.height * 0.3
    o.place.go(shifted(a.place, to * (o.width / 2 + 2.0), -min(chest, 0.62 * a.height - grip * o.height)), 0.41, 0.51)
    a.facing.set(-to, 0.515)
    o.place.go(shifted(a.place, -to * (o.width / 2 + 1.0), -min(chest, 0.62 * a.height - grip * o.height)), 0.50, 0.56)
    a.touch(o.handle(to * 0.45, grip), 0.50, 0.56, both=True)
    a.place.go((here - to * min(27.0, play.back - 30.0), a.place.at(0.0)[1]), 0.53, 0.82)
    return Events(
        contact=(TOUCH, 1.0),
        keep=(TOUCH + 0.06, 1.0),
        advance=(0.46, 0.82),
        outcome=(0.80, 1.0),
        acting=(START + 0.06, 0.82),
        deed=(TOUCH + 0.06, 0.82),
    )


@script("fetches", Category.TRANSPORT, ("dog",), ("ball", "bag", "book"), gap=12.0, place="outdoors")
def fetches(play: Play) -> Events:
    """Run there, take it in the mouth, and trot back."""
    a, o, to = play.animal, play.object, play.direction
    play.come(o.width * 0.3 + a.reach * 0.92)
    a.touch(o.handle(-to * 0.4, 0.75), START + 0.12, TOUCH)
    o.place.ride(a.tool(), TOUCH + 0.03)
    a.release(0.44, 0.52)
    a.facing.set(-to, 0.535)
    a.place.by(-to * min(34.0, play.back - a.reach - a.width - 6.0), 0.0, 0.53, 0.82)
    return Events(
        contact=(TOUCH, 1.0),
        keep=(TOUCH + 0.06, 1.0),
        advance=(0.46, 0.82),
        outcome=(0.80, 1.0),
        acting=(START + 0.06, 0.82),
        deed=(TOUCH + 0.06, 0.82),
    )


@script(
    "picks up",
    Category.TRANSPORT,
    (*PEOPLE, "robot arm"),
    ("cup", "bottle", "book"),
    gap=9.0,
    raised=("cup", "bottle", "book"),
    place="indoors",
)
def picks_up(play: Play) -> Events:
    """Walk to the table, take it, and raise it."""
    a, o, to = play.subject, play.object, play.direction
    play.come(7.0 + a.reach * 0.8)
    a.touch(o.handle(-to * 0.8, 0.5), START + 0.12, TOUCH)
    x, y = o.place.at(0.0)
    o.place.go((x - to * 4.0, y - 17.0), ACT, DONE)
    if isinstance(a, Person):
        a.lean.go(0.12, 0.28, TOUCH)
        a.lean.go(0.0, ACT, DONE)
    return _HELD


@script("lifts", Category.TRANSPORT, ("man", "woman", "robot arm"), ("box", "suitcase", "plant"), gap=11.0)
def lifts(play: Play) -> Events:
    """Stoop, take hold on both sides, and heave it overhead."""
    a, o, to = play.subject, play.object, play.direction
    x, y = o.place.at(0.0)
    if not isinstance(a, Person):
        play.come(o.width / 2 + a.reach * 0.85)
        a.touch(o.handle(-to * 0.5, 0.97), START + 0.10, TOUCH)
        o.place.go((x - to * 4.0, y - 25.0), ACT, DONE)
        return _HELD
    play.come(o.width / 2 + 5.0)
    a.drop.go(0.16, 0.26, TOUCH - 0.01)
    a.lean.go(0.55, 0.26, TOUCH - 0.01)
    a.touch(o.handle(-to * 0.5, 0.35), START + 0.14, TOUCH, both=True)
    a.drop.go(0.0, 0.46, 0.60)
    a.lean.go(0.0, 0.44, 0.58)
    o.place.go((x - to * 2.0, y - 0.40 * a.height), 0.45, 0.60)
    o.place.go(shifted(a.place, to * 3.5, -1.03 * a.height), 0.58, DONE)
    a.near.go(o.handle(to * 0.15, 0.04), 0.56, 0.70)
    a.far.go(o.handle(-to * 0.5, 0.04), 0.56, 0.70)
    return _HELD
