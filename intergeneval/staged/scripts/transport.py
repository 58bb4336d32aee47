"""Scripts of transport: carries, fetches, picks up, lifts."""

from __future__ import annotations

from intergeneval.records import Category
from intergeneval.staged.motion import shifted
from intergeneval.staged.people import Person
from intergeneval.staged.play import ACT, DONE, PEOPLE, START, TOUCH, Events, Play, script

_HELD = Events(contact=(TOUCH, 1.0), keep=(TOUCH + 0.06, 1.0))


@script("carries", Category.TRANSPORT, PEOPLE, ("box", "bag", "suitcase", "vase"), gap=13.0, roomy=True)
def carries(play: Play) -> Events:
    """Stoop, take it up in both arms, and walk off with it."""
    a, o, to = play.person, play.object, play.direction
    grip = 0.85 if o.kind == "bag" else 0.5
    play.grasp(o.handle(-to * 0.5, grip), both=True, slack=0.12)
    level = min(0.5 * a.height, 0.70 * a.height - grip * o.height)
    o.place.go(shifted(a.place, to * (o.width / 2 + 0.08 * a.height), -level), 0.42, 0.54)
    play.rise(0.42, 0.54)
    a.place.by(to * min(24.0, play.room), 0.0, 0.53, 0.82)
    return Events(
        contact=(TOUCH, 1.0),
        keep=(TOUCH + 0.06, 1.0),
        advance=(0.46, 0.82),
        outcome=(0.80, 1.0),
        acting=(START + 0.06, 0.82),
        deed=(TOUCH + 0.06, 0.82),
    )


@script("fetches", Category.TRANSPORT, ("dog",), ("ball", "bag", "book"), gap=0.0, floats=24.0, place="outdoors", roomy=True)
def fetches(play: Play) -> Events:
    """Run there, take it in the mouth, and trot back."""
    a, o, to = play.animal, play.object, play.direction
    play.come(o.width * 0.3 + a.reach * 0.92)
    a.touch(o.handle(-to * 0.4, 0.75)(TOUCH), START + 0.12, TOUCH)
    o.place.ride(a.tool(), TOUCH + 0.03)
    a.release(0.44, 0.52)
    a.facing.go(-to, 0.46, 0.535)
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
    grip = o.handle(-to * 0.8, 0.5)
    play.grasp(grip)
    x, y = o.place.at(0.0)
    rise = 17.0 if not isinstance(a, Person) else min(17.0, (a.neck + 0.16) * a.height - (88.0 - grip(0.0)[1]))
    o.place.go((x - to * 4.0, y - rise), ACT, DONE)
    play.rise(ACT, DONE)
    return _HELD


@script("lifts", Category.TRANSPORT, ("man", "woman", "robot arm"), ("box", "suitcase", "plant"), gap=11.0, floats=13.0)
def lifts(play: Play) -> Events:
    """Stoop, take hold on both sides, and heave it overhead."""
    a, o, to = play.subject, play.object, play.direction
    x, y = o.place.at(0.0)
    if not isinstance(a, Person):
        play.grasp(o.handle(-to * 0.5, 0.97))
        o.place.go((x - to * 4.0, y - 25.0), ACT, DONE)
        return _HELD
    play.grasp(o.handle(-to * 0.6, 0.4), both=True, slack=0.12)
    play.rise(0.44, 0.60)
    o.place.go((x - to * 2.0, y - 0.40 * a.height), 0.45, 0.60)
    o.place.go(shifted(a.place, to * 3.5, -1.03 * a.height), 0.58, DONE)
    a.near.go(o.handle(to * 0.15, 0.04), 0.56, 0.70)
    a.far.go(o.handle(-to * 0.5, 0.04), 0.56, 0.70)
    return _HELD
