"""The faults: what each does to a performance, and what it may do to the ten answers.

| fault | what is seen | answers that turn from yes to no |
|---|---|---|
| no-action | nobody does anything | 2-10 |
| stops-short | the subject starts and stops before contact (or before its gesture shows) | 3-6, 8-10 |
| wrong-agent | a bystander of the subject's class does it | 2-5, 7-9; 6 where the outcome lies in the pair |
| wrong-recipient | it is done to another of the object's class | 2-6, 8-10 (not 2 for gestures: a raised arm has no target yet) |
| roles-swapped | the object does it to the subject | 2-10 |
| no-contact | the motion is made at a distance; the object moves by itself | 3-5, 8-10; 6 where the outcome lies in the pair |
| outcome-missing | it is done, then undone | 6 |
| pre-state | the video starts in the middle of it | 1, 2 (3, 4 where they are over by then) |
| vanishes, flickers | one instance is not there for good, or at times | those whose moments it misses; disappearance |
| duplicate, foreign | a double, or a stranger of a listed class, appears | none; emergence |
| identity-swap | two of a class change places at once, in the middle of it | those whose moments lie after the swap |
| drift | one instance slowly takes another look | none; appearance drift |
| fused | subject and object grow into each other | 4 and 5 become visually implausible |
| limbs | the subject grows limbs | 7 becomes visually implausible |

The answers themselves are worked out in ``truth``, from the script's events on the dialled clock, the dialled cast, and who is
there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from intergeneval.staged.dial import Dial, Extra, Warp
from intergeneval.staged.kinds import ACTORS, KINDS
from intergeneval.staged.looks import draw_look
from intergeneval.staged.play import START, Events
from intergeneval.staged.scene import Scene
from intergeneval.staged.stage import Stage

Turn = Callable[[Scene, Random, float], "Dial | None"]
"""(scene, generator, severity 0 to 1) -> dial, or None where the scene has no place for the fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a video can go wrong."""

    name: str
    """Name, also of its policy."""
    turn: Turn
    """Sets the dial."""


def _held(limit: float) -> Warp:
    """Run the clock as written up to a script time, slow down before it, and stay there."""

    def warp(clock: float) -> float:
        brake = 0.08
        if clock <= limit - brake:
            return clock
        gone = (clock - limit + brake) / (2.0 * brake)
        return limit - brake + (2.0 * brake) * (gone - gone * gone / 2.0) if gone < 1.0 else limit

    return warp


def _undone(turn: float, back: float) -> Warp:
    """Run the clock to `turn`, then back to `back`, reached at the end of the video less a rest."""

    def warp(clock: float) -> float:
        if clock <= turn:
            return clock
        gone = min((clock - turn) / (0.90 - turn), 1.0)
        smooth = gone * gone * (3.0 - 2.0 * gone)
        return turn + (back - turn) * smooth

    return warp


def _from(start: float) -> Warp:
    """Play only what comes after a script time, over the whole video."""
    return lambda clock: start + (1.0 - start) * clock


def _shifted(by: float) -> Warp:
    """Run the clock as written, but earlier by a share of the video up to `LEAD` (later where negative).

    The time is won or lost while nobody has moved yet, so that nothing is played faster or slower.
    """

    def warp(clock: float) -> float:
        gone = min(clock / _PAUSE, 1.0) if by > 0 else min(clock / (_PAUSE + 2.0 * LEAD), 1.0)
        return min(clock + by * gone * gone * (3.0 - 2.0 * gone), 1.0)

    return warp


LEAD = 0.06
"""How much earlier the gravest fault of cast begins, and how much later the mildest, as a share of the video."""
_PAUSE = START - LEAD - 0.02
"""Share of the video in which the clock gains that much, before anybody moves."""


def _sooner(severity: float) -> Warp:
    """Run the clock so that a graver fault is there sooner and what comes of it is seen for longer."""
    return _shifted(LEAD * (2.0 * severity - 1.0))


def _events(scene: Scene) -> Events:
    """Return the events of the interaction that faults are dialled into, as its own script says them."""
    return Stage(scene, Dial(), _UNPAINTED).events[0]


def _no_action(_scene: Scene, _rng: Random, severity: float) -> Dial:
    return Dial(warp=_held(START - 0.03), still=severity)


def _stops_short(scene: Scene, _rng: Random, severity: float) -> Dial:
    short = scene.acts[0].script.short
    return Dial(warp=_held(short - 0.4 * (short - START - 0.05) * severity))


def _wrong_agent(scene: Scene, _rng: Random, severity: float) -> Dial | None:
    act = scene.acts[0]
    return Dial(subject=act.bystander, warp=_sooner(severity)) if act.bystander else None


def _wrong_recipient(scene: Scene, _rng: Random, severity: float) -> Dial | None:
    act = scene.acts[0]
    return Dial(object=act.decoy, warp=_sooner(severity)) if act.decoy else None


def _roles_swapped(scene: Scene, _rng: Random, severity: float) -> Dial | None:
    act = scene.acts[0]
    subject, object_ = scene.figure(act.subject).kind, scene.figure(act.object).kind
    mutual = act.script.direction.value == "bidirectional"
    if mutual or object_ not in act.script.subjects or subject not in act.script.objects:
        return None
    return Dial(subject=act.object, object=act.subject, warp=_sooner(severity))


def _no_contact(scene: Scene, _rng: Random, severity: float) -> Dial | None:
    script = scene.acts[0].script
    if not script.contact:
        return None
    return Dial(gap=script.gap * (1.0 + 0.2 * severity), float_=script.floats * (1.0 + 0.2 * severity))


def _outcome_missing(scene: Scene, _rng: Random, severity: float) -> Dial | None:
    script = scene.acts[0].script
    if not script.undoable:
        return None
    events = _events(scene)
    begun, done = events.advance
    # The graver, the less of the action is done before it is undone; always some of it, never all.
    turn = min(begun + (0.68 - 0.24 * severity) * (done - begun), events.outcome[0] - 0.04)
    # What lies in the pair is undone only when they part again.
    back = events.start[0] + 0.02 if script.outcome == "pair" else events.contact[0] + 0.03
    return Dial(warp=_undone(turn, back))


def _pre_state(scene: Scene, _rng: Random, severity: float) -> Dial:
    events = _events(scene)
    first = events.engaged + 0.02
    # The rest is played over the whole video: what is not over yet must last longer than the distance of two sampled frames.
    ends = [end for _, end in (events.contact, events.keep, events.advance) if end > first]
    last = min([first + 0.08, *((end - _SHORTEST) / (1.0 - _SHORTEST) for end in ends)])
    return Dial(warp=_from(first + severity * max(last - first, 0.0)))


_SHORTEST = 5.5 / 48.0
"""Share of a video that a part of an interaction takes at least, to be seen in a sampled frame (the stride is 5 of 48)."""


_GONE = (0.81, 0.66, 0.28)
"""When somebody vanishes, mildest first: between the parts of an interaction, never in the middle of one, so that what was shown
before is shown plainly."""


def _vanishing(scene: Scene, rng: Random) -> str:
    """Choose who vanishes: somebody whose place nobody else covers then."""
    act = scene.acts[0]
    idle = [name for name in (act.bystander, act.decoy) if name]
    # Before something large, a subject that vanishes would seem hidden by it.
    behind = scene.figure(act.object).kind in {"door", "canvas", "horse"}
    choice = [act.object if behind else act.subject, *idle]
    if act.script.category.value in {"contact", "social"} and not act.script.fronted and not behind:
        choice.append(act.object)
    return choice[int(rng.random() * len(choice))]


def _vanishes(scene: Scene, rng: Random, severity: float) -> Dial:
    start = _GONE[int(severity * len(_GONE))] + 0.01 * rng.random()
    return Dial(hidden={_vanishing(scene, rng): ((start, 1.01),)})


def _flickers(scene: Scene, rng: Random, severity: float) -> Dial:
    spans = [(0.53, 0.65)]
    if severity > 0.3:
        spans.append((0.86, 0.98))
    return Dial(hidden={_vanishing(scene, rng): tuple(spans)})


def _free_place(scene: Scene, kind: str, rng: Random) -> float:
    """Return the place that stays farthest from everybody's way through the video, with a little chance in it."""
    half = KINDS[kind].width / 2
    spots = [8.0 + half + step * (134.0 - 2 * half) / 16.0 for step in range(17)]
    stage = Stage(scene, Dial(), _UNPAINTED)
    ways = [
        (KINDS[item.kind].width / 2, [stage.x(item.id, step / _STEPS) for step in range(_STEPS + 1)]) for item in scene.figures
    ]

    def room(spot: float) -> float:
        return min(abs(spot - x) - wide for wide, way in ways for x in way)

    return max(spots, key=room) + (rng.random() - 0.5) * 2.0


_UNPAINTED = (8, 12)
"""Size of a stage that is asked for places alone."""
_STEPS = 16
"""Moments at which it is asked, less one: nobody gets past a double's width between two of them."""


def _duplicate(scene: Scene, rng: Random, severity: float) -> Dial:
    act = scene.acts[0]
    names = [act.subject, act.object]
    figure = scene.figure(names[int(rng.random() * 2)])
    start = 0.62 - 0.35 * severity
    return Dial(extras=(Extra(kind=figure.kind, look=figure.look, x=_free_place(scene, figure.kind, rng), start=start),))


def _foreign(scene: Scene, rng: Random, severity: float) -> Dial:
    act = scene.acts[0]
    names = [act.subject, act.object]
    kind = scene.figure(names[int(rng.random() * 2)]).kind
    look = draw_look(kind, rng, {item.look.name for item in scene.figures})
    return Dial(extras=(Extra(kind=kind, look=look, x=_free_place(scene, kind, rng), start=0.62 - 0.35 * severity),))


def _identity_swap(scene: Scene, rng: Random, severity: float) -> Dial | None:
    act = scene.acts[0]
    pairs = [(act.subject, act.bystander), (act.object, act.decoy)]
    alike = scene.figure(act.subject).kind == scene.figure(act.object).kind
    if alike and act.script.direction.value != "bidirectional":
        # Two who hug still hug each other once they have changed places: there an exchange of the pair is no fault.
        pairs.append((act.subject, act.object))
    whole = [(first, second) for first, second in pairs if second is not None]
    if not whole:
        return None
    first, second = whole[int(rng.random() * len(whole))]
    return Dial(swap=(first, second, (0.28 if severity > 0.5 else 0.66) + 0.01 * rng.random()))


def _drift(scene: Scene, rng: Random, severity: float) -> Dial:
    act = scene.acts[0]
    figure = scene.figure((act.subject, act.object)[int(rng.random() * 2)])
    look = draw_look(figure.kind, rng, {item.look.name for item in scene.figures})
    return Dial(drift=(figure.id, 0.45 - 0.3 * severity, look))


def _fused(scene: Scene, _rng: Random, severity: float) -> Dial | None:
    script = scene.acts[0].script
    return Dial(fuse=0.7 + 0.3 * severity) if script.contact else None


def _limbs(scene: Scene, _rng: Random, severity: float) -> Dial | None:
    act = scene.acts[0]
    if scene.figure(act.subject).kind not in ACTORS:
        return None
    return Dial(limbs=(act.subject, 0.2, 1 if severity < 0.5 else 2))


FAULTS: dict[str, Fault] = {
    name: Fault(name=name, turn=turn)
    for name, turn in {
        "no-action": _no_action,
        "stops-short": _stops_short,
        "wrong-agent": _wrong_agent,
        "wrong-recipient": _wrong_recipient,
        "roles-swapped": _roles_swapped,
        "no-contact": _no_contact,
        "outcome-missing": _outcome_missing,
        "pre-state": _pre_state,
        "vanishes": _vanishes,
        "flickers": _flickers,
        "duplicate": _duplicate,
        "foreign": _foreign,
        "identity-swap": _identity_swap,
        "drift": _drift,
        "fused": _fused,
        "limbs": _limbs,
    }.items()
}
"""Name -> fault."""
