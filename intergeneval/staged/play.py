"""What a script is: a verb, who may take part, and a short function that moves the two of them.

All scripts share the same beats, so that a fault can hold or turn back the clock of any of them at the right place. Each part of
an interaction lasts longer than the distance of two sampled frames (5/48 of the video).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records import Category, Direction
from intergeneval.staged.animals import Quadruped
from intergeneval.staged.motion import Target
from intergeneval.staged.people import Person
from intergeneval.staged.rig import Actor, Rig

START, TOUCH, ACT, DONE, FREE = 0.14, 0.38, 0.47, 0.76, 0.86
"""Script times at which the subject starts, makes contact, begins to act on the object, has done it, and may let go."""

Span = tuple[float, float]
"""From and to, in script time; the end is not part of it unless it is 1."""
PEOPLE = ("man", "woman", "child")
ADULTS = ("man", "woman")


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """When, in script time, each part of an interaction happens (question ids of the protocol, section 1, in brackets)."""

    engaged: float = TOUCH + 0.02
    """A video that starts here or later starts engaged [1]."""
    start: Span = (START + 0.06, TOUCH)
    """The subject approaches, reaches, or begins its gesture [2]."""
    contact: Span = (TOUCH, FREE)
    """Contact, or the gesture is plain to see [3]."""
    keep: Span = (TOUCH + 0.06, FREE)
    """It has lasted and goes on [4]."""
    advance: Span = (ACT + 0.05, DONE)
    """The action advances [5]."""
    outcome: Span = (DONE, 1.0)
    """What is left of it can be seen [6]."""
    acting: Span = (START + 0.06, DONE)
    """The subject is active [7]."""
    deed: Span = (TOUCH + 0.06, DONE)
    """The action itself is being done [8-10]."""


class Play:
    """The two parts of one interaction, with what a script needs to know of the room."""

    def __init__(self, subject: Rig, object_: Rig, room: float, back: float, apart: bool = False) -> None:
        if not isinstance(subject, Actor):
            raise TypeError(f"a {subject.kind} cannot be the subject of a script")
        self.subject = subject
        self.object = object_
        self.direction = 1.0 if object_.x(0.0) > subject.x(0.0) else -1.0
        """+1 where the object is to the right of the subject."""
        self.room = room
        """Free distance beyond the object, in stage units."""
        self.back = back
        """Free distance on the subject's side of the object, in stage units."""
        self.apart = apart
        """Whether a fault keeps the subject away, so that it must not follow a thing that it does not hold."""

    @property
    def person(self) -> Person:
        """The subject, for scripts that only people play."""
        if not isinstance(self.subject, Person):
            raise TypeError(f"this script is for people, not for a {self.subject.kind}")
        return self.subject

    @property
    def partner(self) -> Person:
        """The object, for scripts between people."""
        if not isinstance(self.object, Person):
            raise TypeError(f"this script is between people, not with a {self.object.kind}")
        return self.object

    @property
    def animal(self) -> Quadruped:
        """The subject, for scripts that animals play."""
        if not isinstance(self.subject, Quadruped):
            raise TypeError(f"this script is for animals, not for a {self.subject.kind}")
        return self.subject

    def come(self, gap: float, *, until: float = TOUCH - 0.05, x: float | None = None) -> None:
        """Walk the subject to `gap` stage units from the middle of the object, or of `x`, on its own side of it."""
        middle = self.object.x(START) if x is None else x
        goal = middle - self.direction * gap
        if abs(goal - self.subject.x(START)) > 0.5:
            self.subject.walk(goal, START, until)
        self.subject.look_to(middle, until - 0.01)

    def grasp(self, target: Target, *, both: bool = False, fixed: bool = False, slack: float = 0.16) -> None:
        """Walk up to a target, stoop where it is low, and take hold of it at the beat of touch.

        `fixed` takes the place where it is then, for things that will ride on the hand; `slack` is how far the hand stays in
        front of the shoulder, as a share of the body height.
        """
        a, (x, y) = self.subject, target(TOUCH)
        if isinstance(a, Person):
            bend, forward = a.stoop_for(a.place.at(0.0)[1] - y)
            self.come(forward + slack * a.height, x=x)
            a.stoop(bend, 0.25, TOUCH)
        else:
            self.come(a.reach * 0.95, x=x)
        a.touch((x, y) if fixed else target, START + 0.12, TOUCH, both=both)

    def rise(self, start: float, end: float) -> None:
        """Stand up again, where the subject can stoop."""
        if isinstance(self.subject, Person):
            self.subject.stoop(0.0, start, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One verb of the staged world."""

    verb: str
    """Third person, as the prompt words it."""
    category: Category
    """Kind of interaction."""
    subjects: tuple[str, ...]
    """Classes that can play the subject."""
    objects: tuple[str, ...]
    """Classes that can play the object."""
    act: Callable[[Play], Events | None]
    """Moves the two; returns the events where they differ from the default."""
    direction: Direction = Direction.UNIDIRECTIONAL
    """Whether both act on each other."""
    contact: bool = True
    """Whether it cannot happen without contact."""
    outcome: str = "object"
    """What the outcome is: a state of the ``object``, a state of the ``pair``, or the ``history`` of what they did."""
    undoable: bool = True
    """Whether its outcome goes away when the action is played back."""
    fronted: bool = False
    """Whether the object has a front that must look at the subject."""
    raised: tuple[str, ...] = ()
    """Object classes that stand on a table."""
    afar: bool = False
    """Whether subject and object run across the stage."""
    roomy: bool = False
    """Whether it needs more than half of the stage."""
    gap: float = 9.0
    """How far a subject that acts without contact stays away, in stage units."""
    floats: float = 0.0
    """Where the object crosses the subject on its way: how far up it is drawn instead, in stage units, when nobody touches it."""
    short: float = 0.232
    """Script time by which a subject that stops short has stopped."""
    place: str = "any"
    """``indoors``, ``outdoors`` or ``any``."""
    setup: Mapping[str, float] = field(default_factory=dict)
    """State that the object has at the start."""
    wide: bool = False
    """Whether subject and object must start far apart, because they come close or the object is large."""
    starts_held: bool = False
    """Whether its first step is to have hold of the object."""
    turned: bool = False
    """Whether the object has its back to the subject at the start."""
    holds: str = ""
    """What those who can be its subject hold from the start: nothing, a ``brush`` or a ``stick``."""
    aimless_start: bool = False
    """Whether its first movement says nothing of its target, as a raised arm's."""


SCRIPTS: dict[str, Script] = {}
"""Verb -> script; filled by the modules of ``intergeneval.staged.scripts``."""


def script(
    verb: str, category: Category, subjects: tuple[str, ...], objects: tuple[str, ...], **options: object
) -> Callable[[Callable[[Play], Events | None]], Callable[[Play], Events | None]]:
    """Register a function as the script of a verb; the options are the further fields of Script."""

    def register(act: Callable[[Play], Events | None]) -> Callable[[Play], Events | None]:
        fields: dict[str, Any] = {
            "verb": verb,
            "category": category,
            "subjects": subjects,
            "objects": objects,
            "act": act,
            **options,
        }
        SCRIPTS[verb] = Script(**fields)
        return act

    return register
