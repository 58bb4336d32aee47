"""A reply that walks through the frames before it answers: its schema, and how the walk is read.

The order is part of the meaning: what was seen stands before the answers, a reason before its answer, so that a model that is
held to the schema writes evidence first. Replies of the layout before (``frames`` with a statement each) are read as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from intergeneval.judges import naming, parsing, spelling
from intergeneval.judges.parsing import Reading, Seen, list_of, object_of
from intergeneval.records import Instance

WALK = "walk"
_RANGE = re.compile(r"(?:frames?\s*)?(\d{1,9})\s*(?:-|–|—|to)\s*(\d{1,9})", re.IGNORECASE)
ANSWERED = ("yes", "no")
"""Words of an answer; whether a body can be is asked once a frame, beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is to be said of the frames."""

    frames: tuple[int, ...]
    """The frames after frame 0 to go through."""
    assess: bool
    """Whether to say what emerged and is missing."""
    all: bool = False
    """Whether these are all frames shown after frame 0."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the lists in which a reply says it, in their order."""
        return (WALK, "emerged", "missing", "bodies") if self.assess else (WALK, "bodies")

    @property
    def fuller(self) -> Look | None:
        """The look that tells all that this one does and more; None where this one tells all there is."""
        return None if self.assess else replace(self, assess=True)

    def only(self, frames: Iterable[int]) -> Look:
        """Return the same for some of the frames."""
        found = tuple(frames)
        return Look(frames=found, assess=self.assess, all=self.all and found == self.frames)


def schema(labels: Sequence[str], look: Look | None) -> dict[str, Any]:
    """Return the JSON schema of a reply, in the order in which it is to be written."""
    text, number = {"type": "string"}, {"type": "integer"}
    parts: dict[str, Any] = {}
    if look is not None:
        # Lines of text, since a schema goes out with every request: what they hold is read as strictly as fields would be.
        parts[WALK] = list_of(text)
        parts |= {"emerged": list_of(number), "missing": list_of(text)} if look.assess else {}
        parts["bodies"] = list_of(text)
    if labels:
        # Which frames there are is said above each picture; that one of them is named is checked in reading.
        shown = {"type": ["integer", "null"]}
        answer = {"type": "string", "enum": list(ANSWERED)}

        parts["answers"] = list_of(object_of({"question": text, "reason": text, "frame": shown, "answer": answer}))
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
        written = parsing.reply_object(text, cut=cut)
    except ValueError as error:
        reading.problems.append(str(error))
        return reading
    found, partial = written.fields, written.cut
    ids = [item.id for item in instances]
    if "frames" in found and not {WALK, "emerged", "missing", "bodies"} & set(found):
        assessed = list(look.frames) if look is not None and look.assess else []
        return parsing.read_object(found, partial, labels, sampled, assessed, ids, bodies=bodies)
    wanted = {*(["answers"] if labels else []), *(look.parts if look is not None else [])}
    if surplus := sorted(set(found) - wanted):
        reading.problems.append(f"the object has {surplus[0]!r}, which nobody asked for")
    if labels:
        parsing.read_answers(found.get("answers", [] if partial else None), labels, sampled, partial, reading)
    # A list in which a reply was cut off may have had more entries, and what it lacks was perhaps still to come.
    if look is not None and (not partial or (set(look.parts) <= set(found) and written.open not in look.parts)):
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
    if not isinstance(value, list):
        problems.append(f'"{name}" is not a list of lines such as "NAME: {look.frames[-1]}"')
        return {}
    found: dict[str, frozenset[int]] = {}
    for entry in value:
        said, told = _split(entry)
        who = naming.read_who(said, instances)
        if who is None and name == "bodies" and isinstance(said, str) and said.strip():
            who = naming.OTHER
        if who is None:
            known = ", ".join(naming.short_names(instances).values())
            problems.append(f"{name}: {str(said)[:40]!r} is none of {known}")
            continue
        frames = _frames(told, look)
        if frames is None:
            problems.append(f"{name}: {str(entry)[:60]!r} does not name frames out of those to look at")
            continue
        found[who] = found.get(who, frozenset()) | frames
    return found


def _split(entry: Any) -> tuple[Any, Any]:
    """Return who an entry speaks of and what it says of the frames: ``W: 45, 48``, or an object with who and frames."""
    if isinstance(entry, dict):
        return entry.get("who"), entry.get("frames")
    if not isinstance(entry, str) or len(entry) > 1000:
        return entry, None
    who, _, told = entry.partition(":")
    return who.strip(), told


def _frames(told: Any, look: Look) -> frozenset[int] | None:
    """Return the frames that are named, one by one or from one to another; None where one of them is none to look at."""
    known, found = {0, *look.frames}, set[int]()
    for part in told if isinstance(told, list) else str(told).split(","):
        ends = _RANGE.fullmatch(part.strip()) if isinstance(part, str) else None
        numbers = [spelling.whole(item, "frames?") for item in (ends.groups() if ends is not None else (part,))]
        if not all(number in known for number in numbers):
            return None
        first, last = numbers[0], numbers[-1]
        assert first is not None
        assert last is not None
        if last < first:
            return None
        found |= {frame for frame in known if first <= frame <= last}
    return frozenset(found)
