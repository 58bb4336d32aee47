"""Who plays a script, how they look, and where they stand."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from intergeneval.staged.looks import Look, draw_look
from intergeneval.staged.rig import GROUND
from intergeneval.staged.scene import Act, Figure
from intergeneval.staged.scripts import Script

SCALE = {"cup": 1.3, "bottle": 1.2, "book": 1.15, "ball": 1.2, "cat": 1.25, "dog": 1.12, "vase": 1.1}
"""Scale of classes that would be hard to see at their true size."""
_LARGE = frozenset({"horse", "cart", "robot arm"})
"""Classes that take so much room that half of the stage is too small for them."""


def pick(options: tuple[str, ...], rng: Random) -> str:
    """Return one of the options, each as likely."""
    return options[int(rng.random() * len(options))]


def _cast(script: Script, rng: Random, *, narrow: bool = False) -> tuple[Script, str, str]:
    """Draw the classes of subject and object, and set the things of a cat's play on the floor; `narrow`: nothing large."""
    subject = pick(tuple(item for item in script.subjects if not (narrow and item in _LARGE)), rng)
    objects = tuple(item for item in script.objects if not (script.afar and item == subject) and not (narrow and item in _LARGE))
    if subject == "cat" and script.raised:
        script, objects = replace(script, raised=()), script.raised
    if subject == "cat" and script.afar:
        objects = ("cat",)
    if subject == "child" and script.afar:
        objects = ("dog", "cat")
    return script, subject, pick(objects, rng)


def single(script: Script, layout: str, rng: Random, taken: set[str]) -> tuple[list[Figure], Act]:
    """Return who plays a script alone on the stage, with bystander and decoy as the layout has them; `taken`: looks in use."""
    script, subject, object_ = _cast(script, rng)
    spots = {
        "pair": {"subject": 46.0, "object": 86.0},
        "bystander": {"subject": 36.0, "object": 76.0, "bystander": 132.0},
        "decoy": {"decoy": 22.0, "subject": 60.0, "object": 98.0},
        "both": {"decoy": 18.0, "subject": 52.0, "object": 87.0, "bystander": 136.0},
    }[layout]
    if script.afar:
        spots = {
            "pair": {"subject": 40.0, "object": 80.0},
            "bystander": {"subject": 54.0, "object": 92.0, "bystander": 20.0},
        }.get(layout, {"decoy": 30.0, "subject": 66.0, "object": 100.0})
    if not script.afar and (script.wide or object_ in _LARGE or subject in _LARGE):
        spots = {
            "bystander": {"subject": 30.0, "object": 82.0, "bystander": 137.0},
            "decoy": {"decoy": 20.0, "subject": 68.0, "object": 117.0},
        }.get(_wide_layout(layout, object_, rng), {"subject": 34.0, "object": 88.0})
    flip = rng.random() < 0.5
    figures: list[Figure] = []
    ids: dict[str, str] = {}
    for role in ("subject", "object", "bystander", "decoy"):
        if role not in spots:
            continue
        ids[role] = f"id{len(figures) + 1}"
        kind = subject if role in {"subject", "bystander"} else object_
        x = spots[role] + (rng.random() - 0.5) * 3.0
        towards = 1.0 if role == "subject" or x < spots["subject"] else -1.0
        if script.afar and role in {"object", "decoy"}:
            towards = -towards
        if script.afar and role == "bystander":
            towards = 1.0
        figures.append(
            _figure(
                ids[role],
                kind,
                draw_look(kind, rng, taken),
                150.0 - x if flip else x,
                -towards if flip else towards,
                script,
                role,
            )
        )
    return figures, Act(
        script=script, subject=ids["subject"], object=ids["object"], bystander=ids.get("bystander"), decoy=ids.get("decoy")
    )


def _wide_layout(layout: str, object_: str, rng: Random) -> str:
    """Return the layout of a scene with room for three at most; a second horse would fill it."""
    if layout == "both":
        layout = "bystander" if rng.random() < 0.5 else "decoy"
    return "bystander" if layout == "decoy" and object_ == "horse" else layout


def double(script: Script, other: Script, rng: Random, taken: set[str]) -> tuple[list[Figure], list[Act]]:
    """Return who plays two scripts, each on its half of the stage; `taken`: looks in use."""
    figures: list[Figure] = []
    acts: list[Act] = []
    for side, one in enumerate((script, other)):
        mirror = side == 1
        played, subject, object_ = _cast(one, rng, narrow=True)
        ids = []
        for role, kind, x in (("subject", subject, 16.0), ("object", object_, 51.0)):
            ids.append(f"id{len(figures) + 1}")
            towards = 1.0 if role == "subject" else -1.0
            look = draw_look(kind, rng, taken)
            figures.append(
                _figure(ids[-1], kind, look, 150.0 - x if mirror else x, -towards if mirror else towards, played, role)
            )
        acts.append(Act(script=played, subject=ids[0], object=ids[1], walls=(75.5, 147.0) if mirror else (3.0, 74.5)))
    return figures, acts


def _figure(figure_id: str, kind: str, look: Look, x: float, facing: float, script: Script, role: str) -> Figure:
    thing = role in {"object", "decoy"}
    table = thing and kind in script.raised
    back = script.afar and role == "bystander"
    return Figure(
        id=figure_id,
        kind=kind,
        look=look,
        x=x,
        y=GROUND - 18.6 if table else GROUND - 13.0 if back else GROUND,
        facing=-facing if thing and _turned(kind, script) else facing,
        table=table,
        state=script.setup.get("state", 0.0) if thing else 0.0,
        size=SCALE.get(kind, 1.0),
        holds="" if thing else script.holds,
    )


def _turned(kind: str, script: Script) -> bool:
    """Whether a thing looks away from its subject: a cart has its bar behind, an open door its leaf near who comes to shut it."""
    return script.turned or kind == "cart" or (kind == "door" and bool(script.setup))
