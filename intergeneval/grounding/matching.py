"""Candidates to instances, one to one within a class; pure but for the callable that looks at crops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from intergeneval.masks import box_iou
from intergeneval.records import Basis, Box, CropCheck, Detection, Instance, Place

SAME_IOU = 0.75
"""Two boxes of one class that overlap this much are one object, as in the assessment of emergence."""

Verify = Callable[[Instance, int], CropCheck]
"""(instance, index of a candidate) -> what a model says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An instance that a box is wanted for."""

    instance: Instance
    """The instance."""
    box: Box | None = None
    """A box that is settled already; None: one is to be found."""
    basis: Basis | None = None
    """Who settled it."""
    rejected: tuple[Box, ...] = ()
    """Boxes that a person said are not it."""


def distinct(found: Iterable[Detection], most: int) -> tuple[Detection, ...]:
    """Return the detections per class from the most confident down, doubles left out and at most `most` of each class."""
    kept: list[Detection] = []
    for item in sorted(found, key=lambda item: (item.class_, -item.score, item.box)):
        own = [other for other in kept if other.class_ == item.class_]
        if len(own) < most and not any(_same(item.box, other.box) for other in own):
            kept.append(item)
    return tuple(kept)


def assign(
    wanted: Sequence[Wanted], candidates: Sequence[Detection], verify: Verify | None, unverified: str
) -> tuple[tuple[Place, ...], tuple[CropCheck, ...]]:
    """Return a place for each wanted instance, in order, and every check that was made.

    Without `verify`, a class with several instances gets none (nobody can tell them apart), and a single instance the only
    candidate, or with `unverified` ``best`` the most confident one. What `verify` raises passes.
    """
    places: dict[str, Place] = {}
    taken: list[tuple[str, Box]] = []
    checks: list[CropCheck] = []
    for item in wanted:
        if item.box is not None:
            taken.append((item.instance.class_, item.box))
            places[item.instance.id] = Place(instance_id=item.instance.id, box=item.box, basis=item.basis)
    peers = Counter(item.instance.class_ for item in wanted)
    for item in wanted:
        if item.instance.id in places:
            continue
        pool = _pool(item, candidates, taken)
        if verify is None:
            place = _unverified(item.instance, pool, peers[item.instance.class_], unverified)
        else:
            place = _verified(item.instance, pool, verify, checks)
        if place.box is not None:
            taken.append((item.instance.class_, place.box))
        places[item.instance.id] = place
    return tuple(places[item.instance.id] for item in wanted), tuple(checks)


def _pool(item: Wanted, candidates: Sequence[Detection], taken: Sequence[tuple[str, Box]]) -> list[tuple[int, Detection]]:
    """Return the candidates that are left for an instance, with their indices."""
    gone = [box for name, box in taken if name == item.instance.class_] + list(item.rejected)
    return [
        (index, candidate)
        for index, candidate in enumerate(candidates)
        if candidate.class_ == item.instance.class_ and not any(_same(candidate.box, box) for box in gone)
    ]


def _verified(instance: Instance, pool: Sequence[tuple[int, Detection]], verify: Verify, checks: list[CropCheck]) -> Place:
    if not pool:
        return _nothing(instance)
    for index, candidate in pool:
        check = verify(instance, index)
        checks.append(check)
        if check.match:
            return Place(instance_id=instance.id, box=candidate.box, basis=Basis.VERIFIED, score=candidate.score)
    said = f": {checks[-1].reason}" if checks[-1].reason else ""
    count = "the only candidate" if len(pool) == 1 else f"none of {len(pool)} candidates"
    verb = "was not verified" if len(pool) == 1 else "was verified; the last"
    reason = f"{count} of class {instance.class_!r} {verb}{said}"
    return Place(instance_id=instance.id, box=None, reason=reason)


def _unverified(instance: Instance, pool: Sequence[tuple[int, Detection]], peers: int, unverified: str) -> Place:
    if not pool:
        return _nothing(instance)
    if peers > 1:
        reason = f"{peers} instances of class {instance.class_!r}, and no model that could tell them apart by looking"
        return Place(instance_id=instance.id, box=None, reason=reason)
    if len(pool) > 1 and unverified != "best":
        reason = f"{len(pool)} candidates of class {instance.class_!r}, and no model that could verify one of them"
        return Place(instance_id=instance.id, box=None, reason=reason)
    best = pool[0][1]
    basis = Basis.ONLY if len(pool) == 1 else Basis.BEST
    return Place(instance_id=instance.id, box=best.box, basis=basis, score=best.score)


def _nothing(instance: Instance) -> Place:
    return Place(instance_id=instance.id, box=None, reason=f"the detector found no {instance.class_!r} that is not taken")


def _same(first: Box, second: Box) -> bool:
    return box_iou(first, second) >= SAME_IOU
