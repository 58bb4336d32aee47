"""What must hold of an interaction's optional fields: instrument, destination, order, alternatives and twins."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from intergeneval.bench.faults import Fault
from intergeneval.masks import Mask
from intergeneval.records import Direction, Interaction, Sample, TouchingAtStart

FIELDS = ("instrument", "destination", "relation", "after", "alternatives", "part", "touching_at_start", "twin_of")
"""Names of the optional fields, in the order in which they are shown."""

Found = Iterator[tuple[str, str, str]]
"""(field, problem, fix)."""

FAR = 0.05
"""Gap between two masks, as a share of the frame's diagonal, from which they cannot touch."""
_LIKE_ID = re.compile(r"id[ _-]?\d+")


def field_faults(sample: Sample) -> Found:
    """Yield what is wrong with the optional fields of a sample's interactions, as far as the sample alone shows it."""
    known = [item.id for item in sample.instances]
    for index, item in enumerate(sample.interactions):
        place = f"interactions[{index}]"
        yield from _instrument(item, known, f"{place}.instrument")
        yield from _destination(item, known, place)
        yield from _after(sample, index, f"{place}.after")
        yield from _alternatives(item, known, f"{place}.alternatives")
        yield from _twin(sample, item, f"{place}.twin_of")


def _unknown(name: str, known: Sequence[str]) -> tuple[str, str]:
    return f"no instance is called {name!r}", f"use one of {', '.join(known) or 'the instance ids'}"


def _instrument(item: Interaction, known: Sequence[str], field: str) -> Found:
    name = item.instrument
    if name is None:
        return
    if name not in known:
        yield (field, *_unknown(name, known))
    elif name == item.subject:
        yield field, f"{name!r} is the subject too", "name the thing that the subject acts with, or leave the field out"
    elif name == item.object:
        yield field, f"{name!r} is the object too", "name the thing that the subject acts with, or leave the field out"


def _destination(item: Interaction, known: Sequence[str], place: str) -> Found:
    name, field = item.destination, f"{place}.destination"
    if name is None:
        if item.relation is not None:
            problem = f"there is a relation ({item.relation.value}) and no destination"
            yield f"{place}.relation", problem, "add the destination, an instance id or words, or leave the relation out"
        return
    if item.relation is None:
        yield f"{place}.relation", f"the destination {name!r} has no relation", "write one of in, on, at"
    if not name.strip():
        yield field, "the destination is empty", "write an instance id or words, or leave the field out"
    elif name not in known and _LIKE_ID.fullmatch(name.strip().lower()):
        problem, fix = _unknown(name, known)
        yield field, problem, f"{fix}, or describe the place in words"
    elif name == item.object:
        yield field, f"{name!r} is the object too", "name the place where the object is to end"
    elif name == item.instrument:
        yield field, f"{name!r} is the instrument too", "name the place where the object is to end"


def _after(sample: Sample, index: int, field: str) -> Found:
    count, first = len(sample.interactions), sample.interactions[index].after
    if first is None:
        return
    if not 0 <= first < count:
        there = "the only one is number 0" if count == 1 else f"there are {count}, numbered from 0"
        said = f"interaction {first} does not exist; {there}"
        yield field, said, "write the index of the interaction that this one follows, or leave the field out"
        return
    if first == index:
        yield field, "the interaction follows itself", "write the index of the one before it, or leave the field out"
        return
    seen, step = [index], first
    while step not in seen:
        seen.append(step)
        following = sample.interactions[step].after
        if following is None or not 0 <= following < count:
            return
        step = following
    if step == index:
        circle = " -> ".join(map(str, [*seen, step]))
        yield field, f"the interactions follow each other in a circle ({circle})", "leave 'after' out of the one that comes first"


def _alternatives(item: Interaction, known: Sequence[str], field: str) -> Found:
    if item.alternatives and item.object is None:
        yield field, "there are alternatives and no object", "name the object first"
    roles = {item.subject: "subject", item.object: "object", item.instrument: "instrument"}
    for index, name in enumerate(item.alternatives):
        place = f"{field}[{index}]"
        if name not in known:
            yield (place, *_unknown(name, known))
        elif name in roles:
            yield place, f"{name!r} is the {roles[name]} already", "list only others that would serve as object"
        elif name == item.destination:
            yield place, f"{name!r} is the destination", "list only others that would serve as object"
        elif name in item.alternatives[:index]:
            yield place, f"{name!r} stands there twice", "list each once"


def _twin(sample: Sample, item: Interaction, field: str) -> Found:
    if item.twin_of is None:
        return
    if not item.twin_of.strip():
        yield field, "the twin's id is empty", "write the id of the sample that asks for the exchanged roles"
    elif item.twin_of == sample.id:
        yield field, "the sample is its own twin", "write the id of the other sample"
    elif item.subject is None or item.object is None or not item.verb.strip():
        yield field, "a twin needs subject, verb and object, since its roles are exchanged", "write them, or leave the field out"
    elif item.alternatives:
        yield field, "others would do as object, and nobody else would do as subject of the twin", "leave the alternatives out"
    elif item.destination is not None and item.destination == item.subject:
        yield (
            field,
            f"the object is to end at the subject {item.subject!r}, which the twin exchanges",
            "leave the destination out",
        )
    elif item.direction is Direction.BIDIRECTIONAL:
        yield field, "both sides act on each other, so exchanged roles say the same", "leave the field out"


def twin_faults(samples: Sequence[Sample], files: Sequence[str], unread: Collection[str] = ()) -> list[Fault]:
    """Return twins that are none: absent, one-sided, or not the same with exchanged roles; `files` say where each stands.

    `unread` are ids of samples that are there and could not be read: nothing is said of twins among them.
    """
    by_id = {sample.id: sample for sample in samples}
    found = []
    for sample, file in zip(samples, files, strict=True):
        for index, item in enumerate(sample.interactions):
            if item.twin_of is None or item.twin_of in (sample.id, *unread) or not item.twin_of.strip():
                continue
            said = _no_twin(sample, item, by_id.get(item.twin_of))
            if said is not None:
                field = f"interactions[{index}].twin_of"
                found.append(Fault(file=file, field=field, problem=said[0], fix=said[1], sample=sample.id))
    return found


def _no_twin(sample: Sample, item: Interaction, twin: Sample | None) -> tuple[str, str] | None:
    if twin is None:
        return f"the benchmark has no sample {item.twin_of!r}", "correct the id, or add the twin"
    back = [other for other in twin.interactions if other.twin_of == sample.id]
    if not back:
        return f"sample {twin.id!r} does not call {sample.id!r} its twin", f'write "twin_of": "{sample.id}" there'
    if not any(_exchanged(sample, item, twin, other) for other in back):
        fix = "give both the same verb and fields, and each the other's subject as object, in the same words"
        return f"sample {twin.id!r} is not this interaction with subject and object exchanged", fix
    return None


def _exchanged(sample: Sample, item: Interaction, twin: Sample, other: Interaction) -> bool:
    mine, theirs = (
        (act.verb.strip().casefold(), act.relation, act.part, *(_words(one, name) for name in (act.instrument, act.destination)))
        for one, act in ((sample, item), (twin, other))
    )
    if mine != theirs:
        return False
    return _look(sample, item.subject) == _look(twin, other.object) and _look(sample, item.object) == _look(twin, other.subject)


def _words(sample: Sample, name: str | None) -> str | None:
    known = {item.id: item.appearance.strip().casefold() for item in sample.instances}
    return None if name is None else known.get(name, name.strip().casefold())


def _look(sample: Sample, name: str | None) -> str:
    return next((item.appearance.strip().casefold() for item in sample.instances if item.id == name), f"{name} of {sample.id}")


def first_frame_faults(sample: Sample, file: str, masks: Mapping[str, Mask], *, given: bool) -> Iterator[Fault]:
    """Yield where an interaction says that two touch in a first frame that is not given, or that shows them far apart.

    `masks` are the first-frame masks of the sample's instances that could be read, of one size; `given`: whether models get the
    first frame. That masks meet tells nothing, since one may only stand before the other; that they are far apart does.
    """
    for index, item in enumerate(sample.interactions):
        field = f"interactions[{index}].touching_at_start"
        if item.touching_at_start is not TouchingAtStart.UNKNOWN and not given:
            problem = f"it is {item.touching_at_start.value!r}, and no first frame is given to a text-to-video model"
            fix = "leave it out: every model begins otherwise"
            yield Fault(file=file, field=field, problem=problem, fix=fix, sample=sample.id)
            continue
        toucher, touched = item.instrument or item.subject or "", item.object or ""
        if item.touching_at_start is TouchingAtStart.YES and toucher in masks and touched in masks:
            gap = _gap(masks[toucher], masks[touched])
            if gap > FAR * math.hypot(*masks[toucher].shape):
                problem = f"it is 'yes', and the masks of {toucher!r} and {touched!r} lie {gap:.0f} px apart"
                yield Fault(file=file, field=field, problem=problem, fix="write 'no', or correct the masks", sample=sample.id)


def _gap(first: Mask, second: Mask) -> float:
    """Return the smallest distance between two masks in pixels; 0 where they meet."""
    import cv2

    distance = cv2.distanceTransform((~first).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float(distance[second].min())
