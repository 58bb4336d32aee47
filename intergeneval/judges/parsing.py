"""Replies of a model to answers, strictly: what does not say exactly one thing about a question says nothing about it.

A reply holds one JSON object; `wrapping` tells what may stand around it, `spelling` which spellings of a value are read. No
answer is searched for in prose, no word is taken for another, none is chosen of two that differ, no missing part is filled in.
Of a reply that was cut off the entries count that are written to their end. Every fault is worded for the repair turn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval.judges import spelling, unfinished, wrapping
from intergeneval.judges.unfinished import ReplyObject
from intergeneval.records import AnswerValue

MAX_REASON = 400
"""Longest reason that is kept, in characters."""

_LINE = re.compile(r"\s*(?:frame\s*)?(\d{1,9})(?:\s*,\s*[\d.]+ s)?\s*[:.–—-](?:\s+(.*))?", re.IGNORECASE | re.DOTALL)

_VALUES = {value.value: value for value in AnswerValue}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A usable answer to one question."""

    value: AnswerValue
    """The answer."""
    frame: int | None
    """The decisive frame; None only for a plain no."""
    reason: str
    """Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A usable statement on one frame."""

    emerged: bool | None
    """Whether something is there that frame 0 did not have; None where that was not asked."""
    missing: tuple[str, ...]
    """Ids of the instances that are gone."""
    reason: str
    """Why."""
    impossible: bool | None = None
    """Whether it shows a body or thing that cannot be; None where that was not asked."""
    odd: tuple[str, ...] = ()
    """Ids of the instances whose body or form cannot be, as far as somebody said whose it is."""


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a reply says, and what is wrong with it."""

    answers: dict[str, Said] = field(default_factory=dict)
    """Usable answers by question label."""
    frames: dict[int, Seen] = field(default_factory=dict)
    """Usable statements by frame."""
    problems: list[str] = field(default_factory=list)
    """One sentence a fault."""


def load_object(text: str, *, cut: bool = False) -> dict[str, Any]:
    """Return the JSON object that `text` holds. Raises ValueError saying what else it is; a repeated name is a fault as well.

    `cut` says that the text ends where a limit of tokens was met.
    """
    return wrapping.sole_object(text, cut=cut)


def read(
    text: str,
    labels: Sequence[str],
    sampled: Collection[int],
    assessed: Sequence[int],
    ids: Collection[str],
    *,
    bodies: bool = False,
    cut: bool = False,
) -> Reading:
    """Read a reply to the questions `labels` over frames `sampled`, and on emergence at frames `assessed` (none: not asked).

    `ids` are the instances that may be missing. With `bodies` the reply also marks frames with a body or thing that cannot be. Of
    a reply that was `cut` off by a limit of tokens the entries are read that are complete, each as strictly as ever.
    """
    try:
        written = reply_object(text, cut=cut)
    except ValueError as error:
        return Reading(problems=[str(error)])
    return read_object(written.fields, written.cut, labels, sampled, assessed, ids, bodies=bodies)


def read_object(
    found: Mapping[str, Any],
    partial: bool,
    labels: Sequence[str],
    sampled: Collection[int],
    assessed: Sequence[int],
    ids: Collection[str],
    *,
    bodies: bool,
) -> Reading:
    """Read the object of a reply as `read` does; `partial` says that it is what was written before the reply was cut off."""
    reading = Reading()
    expected = {name for name, wanted in (("answers", labels), ("frames", assessed)) if wanted}
    if surplus := sorted(set(found) - expected):
        reading.problems.append(f"the object has {surplus[0]!r}, which nobody asked for")
    if labels:
        read_answers(found.get("answers", [] if partial else None), labels, sampled, partial, reading)
    if assessed:
        entries = found.get("frames", [] if partial else None)
        _read_frames(entries, _wanted_frames(assessed, partial), reading, lambda entry: _frame(entry, ids, bodies=bodies))
        if partial and isinstance(entries, list) and len(reading.frames) != len(entries):
            # One fault spoils what a whole reply says of the frames, so it does here.
            reading.frames.clear()
    return reading


def reply_object(text: str, *, cut: bool) -> ReplyObject:
    """Return the object of a reply, or what was written of it before the reply was `cut` off. Raises ValueError."""
    try:
        return ReplyObject(fields=load_object(text, cut=cut))
    except ValueError:
        if not cut:
            raise
    return unfinished.begun_object(text)


def read_answers(entries: Any, labels: Sequence[str], sampled: Collection[int], partial: bool, reading: Reading) -> None:
    """Add the usable answers of a list of them to `reading`, and a sentence for each fault."""
    for name, entry in _once_each(entries, _wanted_answers(labels, partial), reading.problems):
        said = _answer(entry, sampled)
        if isinstance(said, str):
            reading.problems.append(f"question {name}: {said}")
        else:
            reading.answers[name] = said


def _answer(entry: Mapping[str, Any], sampled: Collection[int]) -> Said | str:
    said = spelling.word(entry.get("answer"), _VALUES)
    value = _VALUES[said] if said is not None else None
    if value is None:
        return f"answer {str(entry.get('answer'))[:40]!r} is none of " + ", ".join(_VALUES)
    if twice := _twice(entry, "answer"):
        return f"{twice} beside answer: it is not told which one counts"
    if "frame" not in entry:
        return "frame is missing"
    if entry["frame"] is None:
        return Said(value=value, frame=None, reason=reason_of(entry)) if value is AnswerValue.NO else f"{value} needs its frame"
    frame = spelling.whole(entry["frame"], "frame")
    if frame is None or frame not in sampled:
        return f"frame {str(entry['frame'])[:20]} is none of those shown"
    return Said(value=value, frame=frame, reason=reason_of(entry))


def _twice(entry: Mapping[str, Any], name: str) -> str:
    """Return another field of an entry that says what `name` says, such as ``final_answer``; empty where none does."""
    return next((other[:40] for other in entry if other != name and name in other.casefold()), "")


def _read_frames(entries: Any, wanted: _Wanted, reading: Reading, see: Callable[[Mapping[str, Any]], Seen | str]) -> None:
    for number, entry in _once_each(entries, wanted, reading.problems):
        seen = see(entry)
        if isinstance(seen, str):
            reading.problems.append(f"frame {number}: {seen}")
        else:
            reading.frames[number] = seen


def read_lines(entries: Any, frames: Sequence[int], problems: list[str]) -> dict[int, str]:
    """Return the line that a walk has for each frame, and add a sentence for each fault to `problems`."""
    wanted = replace(_wanted_frames(frames, partial=False), part="walk", many="lines")
    split = [_line(entry) for entry in entries] if isinstance(entries, list) else entries
    lines = {}
    for number, entry in _once_each(split, wanted, problems):
        if not isinstance(entry.get("seen"), str):
            problems.append(f"frame {number}: seen {str(entry.get('seen'))[:20]!r} is no text")
        lines[number] = reason_of({"reason": entry.get("seen")})
    return lines


def _line(entry: Any) -> Any:
    """Return a line such as ``5: W walks off`` as an object with frame and seen; anything else as it is."""
    found = _LINE.fullmatch(entry) if isinstance(entry, str) else None
    return {"frame": int(found.group(1)), "seen": found.group(2)} if found is not None else entry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A list of a reply whose entries each speak of one thing, and the words for its faults."""

    part: str
    name: str
    known: Sequence[Any]
    spelled: Callable[[list[Any]], Sequence[Any]]
    unknown: str
    many: str
    partial: bool


def _wanted_answers(labels: Sequence[str], partial: bool) -> _Wanted:
    return _Wanted(
        part="answers",
        name="question",
        known=labels,
        spelled=lambda names: spelling.labels(names, labels, partial=partial),
        unknown="there is no question {!r}",
        many="answers",
        partial=partial,
    )


def _wanted_frames(assessed: Sequence[int], partial: bool) -> _Wanted:
    return _Wanted(
        part="frames",
        name="frame",
        known=assessed,
        spelled=lambda names: [spelling.whole(name, "frame") for name in names],
        unknown="frame {} is none of those to look at",
        many="entries",
        partial=partial,
    )


def _once_each(entries: Any, wanted: _Wanted, problems: list[str]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Give every entry that speaks of something known and is the only one to do so; note all else as a fault."""
    if not isinstance(entries, list):
        problems.append(f'"{wanted.part}" is not a list')
        return
    named = [entry.get(wanted.name) if isinstance(entry, dict) else None for entry in entries]
    spelled = wanted.spelled(named)
    counts = Counter(name for name in spelled if name is not None)
    for name, shown, entry in zip(spelled, named, entries, strict=True):
        if name is None or name not in wanted.known:
            problems.append(wanted.unknown.format(str(shown)[:40]))
        elif counts[name] == 1:
            yield name, entry
    # What a reply lacks that was cut off is known from that.
    fits = (0, 1) if wanted.partial else (1,)
    problems.extend(
        f"{wanted.name} {name}: {counts[name]} {wanted.many} instead of one" for name in wanted.known if counts[name] not in fits
    )


def _frame(entry: Mapping[str, Any], ids: Collection[str], *, bodies: bool) -> Seen | str:
    emerged, missing = entry.get("emerged"), entry.get("missing")
    impossible = entry.get("impossible") if bodies else None
    if not isinstance(emerged, bool):
        return f"emerged {str(emerged)[:20]!r} is neither true nor false"
    if not isinstance(missing, list) or not all(isinstance(name, str) and name in ids for name in missing):
        return f"missing {str(missing)[:40]} is not a list of ids out of {', '.join(sorted(ids))}"
    if bodies and not isinstance(impossible, bool):
        return f"impossible {str(impossible)[:20]!r} is neither true nor false"
    return Seen(emerged=emerged, missing=tuple(missing), reason=reason_of(entry), impossible=impossible)


def reason_of(entry: Mapping[str, Any]) -> str:
    """Return the text under ``reason``, on one line and of bounded length; empty where there is none."""
    reason = entry.get("reason")
    if not isinstance(reason, str):
        return ""
    # Half a surrogate pair is legal in JSON and cannot be written as UTF-8.
    return " ".join(reason.encode("utf-8", "replace").decode().split())[:MAX_REASON]


def schema(
    labels: Sequence[str], sampled: Sequence[int], assessed: Sequence[int], ids: Sequence[str], *, bodies: bool = False
) -> dict[str, Any]:
    """Return the JSON schema of a reply, for servers that hold a model to it; the arguments are those of `read`."""
    text = {"type": "string"}
    parts: dict[str, Any] = {}
    if labels:
        shown = {"anyOf": [{"type": "integer", "enum": list(sampled)}, {"type": "null"}]}
        answer = {"type": "string", "enum": list(_VALUES)}
        question = {"type": "string", "enum": list(labels)}
        parts["answers"] = list_of(object_of({"question": question, "reason": text, "frame": shown, "answer": answer}))
    if assessed:
        frame = {"type": "integer", "enum": list(assessed)}
        missing = list_of({"type": "string", "enum": list(ids)})
        entry = {"frame": frame, "reason": text, "emerged": {"type": "boolean"}, "missing": missing}
        parts["frames"] = list_of(object_of({**entry, "impossible": {"type": "boolean"}} if bodies else entry))
    return object_of(parts)


def object_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all these, in this order, and nothing else."""
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}


def list_of(items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": dict(items)}
