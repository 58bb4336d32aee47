"""What a question hangs on beyond its own two: which of several things is the object, and what must have been seen before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from intergeneval.judges.geometry import deeds
from intergeneval.judges.geometry.contact import contacts
from intergeneval.judges.geometry.deeds import DONE, Deed
from intergeneval.judges.geometry.measurements import Scene
from intergeneval.records import Predicate

SINCE = "since"
"""Argument of a predicate: the deed that its interaction follows, as {deed, subject, object, mutual}."""
BY_CONTACT = ("touch", "move", "catch")
"""Deeds that are done in a contact."""
INSTEAD = "alternatives"
"""Argument: ids of what would serve as object as well; `instead_of` is the id they stand for, `by` who acts, `done` the deed."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of the deed that an interaction follows."""

    index: int | None
    """Measured frame in which it begins; None where it is not seen."""
    names: tuple[str, ...]
    """Instances between which it lies."""


def earlier(predicate: Predicate, scene: Scene) -> Earlier | None:
    """Return what the tracks show of the deed that an interaction follows; None where the question depends on none."""
    given = predicate.arguments.get(SINCE)
    if given is None:
        return None
    names = (given["subject"], given["object"])
    if not all(name in scene.sights and scene.sights[name].visible.any() for name in names):
        return Earlier(None, names)
    found = _deed(scene, given["deed"], *names, mutual=given["mutual"])
    if found.strength < DONE or found.index is None:
        return Earlier(None, names)
    # It begins with the contact in which it was done, and only later has it gone so far that nobody can doubt it.
    begun = [run.start for run in contacts(scene, *names) if run.start <= found.index] if given["deed"] in BY_CONTACT else []
    return Earlier(begun[-1] if begun else found.index, names)


def one_of(predicate: Predicate, scene: Scene) -> list[Predicate]:
    """Return the predicate about each thing that would serve as object, the one that the deed was most plainly done to first.

    All questions about an interaction so speak of one thing, whichever that is.
    """
    given = predicate.arguments.get("instead_of")
    names = [given, *predicate.arguments.get(INSTEAD, ())] if given is not None else []
    if len(names) < 2:
        return [predicate]
    plain = [_plainness(predicate, scene, name) for name in names]
    order = sorted(range(len(names)), key=lambda place: plain[place], reverse=True)
    return [_about(predicate, str(given), names[place]) for place in order]


def _plainness(predicate: Predicate, scene: Scene, name: str) -> tuple[float, int, float]:
    """Return how plainly the deed was done to a thing: its strength, for how long the two touched, and how near they came."""
    actor, deed = predicate.arguments["by"], predicate.arguments["done"]
    if not all(item in scene.sights for item in (actor, name)):
        return 0.0, -1, -np.inf
    mutual = bool(predicate.arguments.get("mutual", False))
    strength = _deed(scene, deed, actor, name, mutual=mutual).strength if deed in deeds.DEEDS else 0.0
    gap = scene.gap(actor, name)
    nearest = -float(np.nanmin(gap)) if not np.isnan(gap).all() else -np.inf
    return strength, sum(run.length for run in contacts(scene, actor, name)), nearest


def _deed(scene: Scene, deed: str, actor: str, other: str, *, mutual: bool) -> Deed:
    return deeds.DEEDS[deed](scene, actor, other, mutual=mutual)


def _about(predicate: Predicate, given: str, name: str) -> Predicate:
    subject = name if predicate.subject == given else predicate.subject
    return replace(predicate, subject=subject, object=name if predicate.object == given else predicate.object)


def needed(found: Earlier | None) -> Sequence[str]:
    """Return the instances of the earlier deed, without sight of which a ``no`` would be a guess."""
    return () if found is None else found.names
