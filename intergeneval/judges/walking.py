"""A reply that walks through the frames before it answers: its schema, and how the walk is read.

The order is part of the meaning: what was seen stands before the answers, a reason before its answer, so that a model that is
held to the schema writes evidence first. Replies of the layout before (``frames`` with a statement each) are read as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intergeneval.judges import naming, parsing, spelling
from intergeneval.judges.parsing import Reading, Seen, list_of, object_of
from intergeneval.records import Instance

WALK = "walk"
ANSWERED = ("yes", "no")
"""Words of an answer; whether a body can be is asked once a frame, beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is to be said of the frames."""

    frames: tuple[int, ...]
    """The frames after frame 0 to go through."""
    assess: bool
    """Whether to say what emerged and is missing."""


def schema(labels: Sequence[str], sampled: Sequence[int], look: Look | None, instances: Sequence[Instance]) -> dict[str, Any]:
    """Return the JSON schema of a reply, in the order in which it is to be written."""
    text, number = {"type": "string"}, {"type": "integer"}
    parts: dict[str, Any] = {}
    if look is not None:
        names = list(naming.short_names(instances).values())
        frame = {"type": "integer", "enum": list(look.frames)}
        parts[WALK] = list_of(object_of({"frame": frame, "seen": text}))
        if look.assess:
            parts["emerged"] = list_of(number)
            parts["missing"] = list_of(object_of({"who": {"type": "string", "enum": names}, "frames": list_of(number)}))
        parts["bodies"] = list_of(object_of({"who": text, "frames": list_of(number)}))
    if labels:
        shown = {"anyOf": [{"type": "integer", "enum": list(sampled)}, {"type": "null"}]}
        answer = {"type": "string", "enum": list(ANSWERED)}
        question = {"type": "string", "enum": list(labels)}
        parts["answers"] = list_of(object_of({"question": question, "reason": text, "frame": shown, "answer": answer}))
    return object_of(parts)


def read(
    text: str,
    labels: Sequence[str],
    sampled: Sequence[int],
    look: Look | None,
    instances: Sequence[Instance],
    *,
    bodies: bool = False,
    cut: bool = False,
) -> Reading:
    """Read a reply to the questions `labels` over frames `sampled`, with what it says of the frames of `look`.

    What it says of the frames counts as a whole or not at all. `bodies` says whether a reply of the layout before must mark them.
    """
    reading = Reading()
    try:
        found, partial = parsing.reply_object(text, cut=cut)
    except ValueError as error:
        reading.problems.append(str(error))
        return reading
    ids = [item.id for item in instances]
    if "frames" in found and not {WALK, "emerged", "missing", "bodies"} & set(found):
        assessed = list(look.frames) if look is not None and look.assess else []
        return parsing.read_object(found, partial, labels, sampled, assessed, ids, bodies=bodies)
    wanted = {"answers"} if labels else set()
    if look is not None:
        wanted |= {WALK, "bodies"} | ({"emerged", "missing"} if look.assess else set())
    if surplus := sorted(set(found) - wanted):
        reading.problems.append(f"the object has {surplus[0]!r}, which nobody asked for")
    if labels:
        parsing.read_answers(found.get("answers", [] if partial else None), labels, sampled, partial, reading)
    # Of a reply that was cut off, only what follows tells that a list before it is whole.
    if look is not None and not (partial and "answers" not in found):
        _read_look(found, look, instances, reading)
    return reading


def _read_look(found: Mapping[str, Any], look: Look, instances: Sequence[Instance], reading: Reading) -> None:
    before = len(reading.problems)
    lines = parsing.read_lines(found.get(WALK), look.frames, reading.problems)
    emerged = _numbers(found.get("emerged"), "emerged", look, reading.problems) if look.assess else frozenset()
    missing = _by_name(found.get("missing"), "missing", look, instances, reading.problems) if look.assess else {}
    bodies = _by_name(found.get("bodies"), "bodies", look, instances, reading.problems)
    if len(reading.problems) > before:
        return
    for frame in look.frames:
        odd = tuple(name for name, frames in bodies.items() if frame in frames)
        reading.frames[frame] = Seen(
            emerged=frame in emerged if look.assess else None,
            missing=tuple(name for name, frames in missing.items() if frame in frames),
            reason=lines[frame],
            impossible=bool(odd),
            odd=tuple(name for name in odd if name != naming.OTHER),
        )


def _numbers(value: Any, name: str, look: Look, problems: list[str]) -> frozenset[int]:
    if not isinstance(value, list):
        problems.append(f'"{name}" is not a list of frames')
        return frozenset()
    found = [spelling.whole(item, "frame") for item in value]
    known = {0, *look.frames}
    if odd := [shown for shown, item in zip(value, found, strict=True) if item not in known]:
        problems.append(f"{name}: frame {str(odd[0])[:20]} is none of those to look at")
    return frozenset(item for item in found if item is not None)


def _by_name(value: Any, name: str, look: Look, instances: Sequence[Instance], problems: list[str]) -> dict[str, frozenset[int]]:
    """Return the frames by instance id; what no name means stands under `naming.OTHER` where bodies are spoken of."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.append(f'"{name}" is not a list of objects with who and frames')
        return {}
    found: dict[str, frozenset[int]] = {}
    for entry in value:
        who = naming.read_who(entry.get("who"), instances)
        if who is None and name == "bodies" and isinstance(entry.get("who"), str):
            who = naming.OTHER
        if who is None:
            known = ", ".join(naming.short_names(instances).values())
            problems.append(f"{name}: who {str(entry.get('who'))[:40]!r} is none of {known}")
            continue
        frames = _numbers(entry.get("frames"), name, look, problems)
        found[who] = found.get(who, frozenset()) | frames
    return found
