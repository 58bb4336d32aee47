"""What must hold inside one sample, whatever layout it came from: every fault is found, not just the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from intergeneval.bench.faults import Fault
from intergeneval.bench.fields import field_faults
from intergeneval.bench.names import id_fault, path_fault
from intergeneval.errors import RecordError
from intergeneval.ids import canonical_json
from intergeneval.records import Instance, Interaction, Record, Sample

_INSTANCE = {"id": "i", "class": "c", "appearance": "a", "colour": "red"}
_INTERACTION: dict[str, Any] = {"subject": None, "verb": "", "object": None}
_SAMPLE: dict[str, Any] = {"id": "s", "prompt": "p", "instances": [], "interactions": []}
_INTERACTIONS_FIX = "write its key interactions: subject, verb, object"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def shape_faults(raw: Any, file: str) -> list[Fault]:
    """Return every way in which a JSON value is not a Sample record: unknown, missing, ill-typed and out-of-range fields."""
    if not isinstance(raw, dict):
        return [Fault(file=file, field="", problem="the line is not a JSON object", fix="write one sample object a line")]
    sample = raw["id"] if isinstance(raw.get("id"), str) else ""
    found = list(_fields(Sample, raw, _SAMPLE, "", skip={"instances", "interactions"}))
    for key, cls, skeleton in (("instances", Instance, _INSTANCE), ("interactions", Interaction, _INTERACTION)):
        if key not in raw:
            continue
        if not isinstance(raw[key], list):
            found.append((key, f"expected a list, got {raw[key]!r:.60}"))
            continue
        for index, item in enumerate(raw[key]):
            place = f"{key}[{index}]"
            if isinstance(item, dict):
                found += _fields(cls, item, skeleton, place + ".", skip=set())
            else:
                found.append((place, f"expected an object, got {item!r:.60}"))
    return [Fault(file=file, field=field, problem=problem, fix=_shape_fix(problem), sample=sample) for field, problem in found]


def _fields(
    cls: type[Record], raw: Mapping[str, Any], skeleton: Mapping[str, Any], prefix: str, *, skip: set[str]
) -> Iterator[tuple[str, str]]:
    """Try each field alone in an otherwise valid record, so that one fault does not hide the next."""
    for key in skeleton:
        if key not in raw:
            yield prefix + key, "the field is missing"
    for key, value in raw.items():
        if key in skip:
            continue
        try:
            cls.from_json({**skeleton, key: value}, where="@")
        except RecordError as error:
            place, _, problem = str(error).partition(": ")
            inner = place.removeprefix("@").removeprefix(".")
            yield prefix + (inner or key), problem


_SHAPE_FIXES = (
    ("the id ", "use letters, digits, dashes and spaces"),
    ("the path ", "name a file inside the benchmark folder"),
    ("unknown field", "remove the field or correct its name"),
    ("the field is missing", "add it"),
    ("expected one of", "write one of these, or leave the field out"),
    ("expected a list, got '", 'put it in brackets, such as ["id3"]'),
)
"""Beginning of a problem -> what to do about it."""


def _shape_fix(problem: str) -> str:
    return next((fix for start, fix in _SHAPE_FIXES if problem.startswith(start)), "correct the value")


def sample_faults(sample: Sample, root: Path, file: str) -> list[Fault]:
    """Return what is wrong inside a well-shaped sample and must be mended before the benchmark can be used."""
    found = [*_text_faults(sample), *_instance_faults(sample), *_interaction_faults(sample), *field_faults(sample)]
    found += _path_faults(sample, root)
    return [Fault(file=file, field=field, problem=problem, fix=fix, sample=sample.id) for field, problem, fix in found]


def gaps(sample: Sample, file: str, *, masks: str = "", questions: str = "") -> list[Fault]:
    """Return what is still to be written before the sample can be scored; the benchmark can be loaded without it.

    `masks` is the folder in which the layout expects them, where it has a fixed one, and `questions` the file in which it expects
    interactions as ten questions each, where it does.
    """
    found = []
    if not sample.interactions:
        fix = f"add {questions} with key_interaction and ten questions an item" if questions else _INTERACTIONS_FIX
        found.append(("interactions", "the sample has no interaction yet", fix))
    found += [
        (
            f"instances[{index}].mask",
            f"instance {item.id!r} has no mask",
            f"add {masks}/{item.id}.png" if masks else "add its first-frame mask",
        )
        for index, item in enumerate(sample.instances)
        if item.mask is None
    ]
    if sample.image is None:
        found.append(("image", "the sample names no first frame", "add it: image-to-video models start from it"))
    return [Fault(file=file, field=field, problem=problem, fix=fix, sample=sample.id) for field, problem, fix in found]


_Found = Iterator[tuple[str, str, str]]


def _text_faults(sample: Sample) -> _Found:
    if problem := id_fault(sample.id):
        yield "id", f"the id {problem}", "use letters, digits, dashes and spaces"
    if not sample.prompt.strip():
        yield "prompt", "the prompt is empty", "write the text that a video model is given"
    if not _is_text(sample):
        yield "", "the sample holds half of a character (a lone surrogate)", "write its texts again as UTF-8"
    if sample.size is not None and min(sample.size) < 1:
        yield "size", f"{list(sample.size)} is no size", "write height and width in pixels"


def _is_text(sample: Sample) -> bool:
    """Whether every text of the sample can be written to a file; JSON escapes can hold what UTF-8 cannot."""
    try:
        canonical_json(sample.to_json()).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _instance_faults(sample: Sample) -> _Found:
    if not sample.instances:
        yield "instances", "the sample has no instance", "list who and what takes part"
    ids: set[str] = set()
    colours: dict[str, str] = {}
    for index, item in enumerate(sample.instances):
        place = f"instances[{index}]"
        if problem := id_fault(item.id):
            yield f"{place}.id", f"the id {problem}", "use letters and digits, such as id1"
        if item.id in ids:
            yield f"{place}.id", f"the id {item.id!r} is taken twice", "give every instance its own id"
        if item.colour in colours:
            yield (
                f"{place}.colour",
                f"{item.colour!r} is the colour of {colours[item.colour]!r} too",
                "give every instance its own",
            )
        if not item.class_.strip():
            yield f"{place}.class", "the class is empty", "write a noun, such as man"
        if not item.appearance.strip():
            yield f"{place}.appearance", "the appearance is empty", "write a noun phrase that tells it from the others"
        ids.add(item.id)
        colours.setdefault(item.colour, item.id)


def _interaction_faults(sample: Sample) -> _Found:
    known = [item.id for item in sample.instances]
    for index, item in enumerate(sample.interactions):
        place = f"interactions[{index}]"
        for role, name in (("subject", item.subject), ("object", item.object)):
            if name is not None and name not in known:
                yield f"{place}.{role}", f"no instance is called {name!r}", f"use one of {', '.join(known) or 'the instance ids'}"
        if item.subject is not None and item.subject == item.object:
            yield f"{place}.object", f"{item.object!r} is the subject too", "name the one acted upon"
        if item.questions:
            if len(item.questions) != 10:
                yield f"{place}.questions", f"there are {len(item.questions)} questions", "write ten, in the order of their ids"
            if any(not question.strip() for question in item.questions):
                yield f"{place}.questions", "a question is empty", "write its text"
        elif item.subject is None or item.object is None or not item.verb.strip():
            yield place, "subject, verb and object are not all given, and neither are ten questions", "give one or the other"


def _path_faults(sample: Sample, root: Path) -> _Found:
    named = {} if sample.image is None else {"image": sample.image}
    named |= {f"instances[{index}].mask": item.mask for index, item in enumerate(sample.instances) if item.mask is not None}
    for field, path in named.items():
        if problem := path_fault(path, root):
            yield field, f"the path {problem}", "name a file inside the benchmark folder"
    for path, digest in sample.hashes.items():
        if path not in named.values():
            yield "hashes", f"{path!r} is not a file that the sample names", "remove it or correct the path"
        if not _SHA256.fullmatch(digest):
            yield "hashes", f"the hash of {path!r} is {digest!r:.80}", "write the 64 lower-case hex digits of its sha256"
