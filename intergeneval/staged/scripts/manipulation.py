"""Scripts of manipulation: opens, closes, paints, plays."""

from __future__ import annotations

import math

from intergeneval.records import Category
from intergeneval.staged.motion import Point, shifted
from intergeneval.staged.play import ACT, ADULTS, DONE, FREE, PEOPLE, START, TOUCH, Events, Play, script
from intergeneval.staged.props import Door, Drawer

_KNOBS = ("door", "drawer")


def _turn_knob(play: Play, end: float) -> None:
    """Walk to the knob, take it, and move it until the mechanism is at `end`."""
    a, o = play.subject, play.object
    if not isinstance(o, Door | Drawer):
        raise TypeError(f"a {o.kind} has no knob")
    o.state.go(end, ACT, DONE)
    rest, after = o.knob(0.0)[0], o.knob(1.0)[0]
    play.grasp(o.knob)
    if isinstance(o, Drawer) or not play.apart:
        a.place.by((after - rest) * (1.0 if isinstance(o, Drawer) else 0.8), 0.0, ACT, DONE)
    else:
        a.touch(o.knob(ACT), ACT, DONE)
    a.release(FREE, 0.96)
    play.rise(FREE, 0.96)


@script("opens", Category.MANIPULATION, (*PEOPLE, "robot arm"), _KNOBS, fronted=True, wide=True, gap=13.0, place="indoors")
def opens(play: Play) -> None:
    """Take the knob and pull the door or the drawer open."""
    _turn_knob(play, 1.0)


@script(
    "closes",
    Category.MANIPULATION,
    (*PEOPLE, "robot arm"),
    _KNOBS,
    fronted=True,
    wide=True,
    gap=13.0,
    place="indoors",
    setup={"state": 1.0},
)
def closes(play: Play) -> None:
    """Take the knob of what stands open and shut it."""
    _turn_knob(play, 0.0)


@script("paints", Category.MANIPULATION, ADULTS, ("canvas",), holds="brush", wide=True, gap=15.0, place="indoors")
def paints(play: Play) -> Events:
    """Step up to the canvas and cover it with strokes of a brush."""
    a, o, to = play.person, play.object, play.direction
    play.come(a.reach + 9.5)
    first = o.handle(-to * 0.72, 0.80)
    a.touch(shifted(first, -to * 3.0, 0.6), START + 0.12, TOUCH)

    def strokes(time: float) -> Point:
        x, y = first(time)
        done = min(max((time - ACT) / (DONE - ACT), 0.0), 1.0)
        return x - to * (3.0 - 2.0 * abs(math.sin(done * 4.0 * math.pi))), y + 0.6 + 16.0 * done

    a.touch(strokes, ACT - 0.02, ACT)
    a.lean.go(0.22, 0.28, TOUCH)
    o.state.go(1.0, ACT, DONE)
    a.release(FREE, 0.96)
    a.lean.go(0.0, FREE, 0.96)
    return Events(advance=(ACT + 0.05, DONE), deed=(TOUCH + 0.06, FREE))


@script("plays", Category.MANIPULATION, PEOPLE, ("drum",), outcome="history", undoable=False, holds="stick", wide=True, gap=17.0)
def plays(play: Play) -> Events:
    """Step up to the drum and beat it with both hands in turn."""
    a, o, to = play.person, play.object, play.direction
    play.come(o.width / 2 + a.reach * 0.52)
    a.lean.go(0.22 if a.kind != "child" else 0.1, 0.28, TOUCH)
    for path, across, phase in ((a.near, 0.0, 0.0), (a.far, -0.55, math.pi)):
        skin = o.handle(to * across - to * 0.15, 0.96)

        def beat(time: float, skin: object = skin, phase: float = phase) -> Point:
            x, y = skin(time)  # type: ignore[operator]  # bound early, because the loop goes on
            going = 1.0 if TOUCH < time < FREE else 0.0
            return x - to * 2.5, y - 1.2 - going * 5.5 * max(0.0, math.sin((time - TOUCH) * 2.0 * math.pi * 11.0 + phase))

        path.go(beat, START + 0.12, TOUCH)
    a.smile.go(1.0, TOUCH, ACT)
    a.release(FREE, 0.97)
    a.lean.go(0.0, FREE, 0.97)
    return Events(deed=(TOUCH + 0.06, FREE), advance=(ACT, FREE), acting=(START + 0.06, FREE))
