"""Replies of a model to answers, strictly: what does not say exactly one thing about a question says nothing about it.

A reply is one JSON object, bare or in one fenced block. Nothing is searched for in prose, no word is taken for another, and no
missing part is filled in. Every fault is worded for the repair turn.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records import AnswerValue

MAX_REASON = 400
"""Longest reason that is kept, in characters."""

_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n```\Z", re.DOTALL)
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

    emerged: bool
    """Whether something is there that frame 0 did not have."""
    missing: tuple[str, ...]
    """Ids of the instances that are gone."""
    reason: str
    """Why."""
    impossible: bool | None = None
    """Whether it shows a body or thing that cannot be; None where that was not asked."""


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a reply says, and what is wrong with it."""

    answers: dict[str, Said] = field(default_factory=dict)
    """Usable answers by question label."""
    frames: dict[int, Seen] = field(default_factory=dict)
    """Usable statements by frame."""
    problems: list[str] = field(default_factory=list)
    """One sentence a fault."""


class _NotJsonError(ValueError):
    """A reply is not one JSON object."""


def load_object(text: str) -> dict[str, Any]:
    """Return the JSON object that `text` is. Raises ValueError saying what else it is; a repeated name is a fault as well."""
    fenced = _FENCED.match(text.strip())
    body = fenced.group(1) if fenced else text.strip()
    if not body:
        raise _NotJsonError("the reply is empty")
    try:
        found = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except _NotJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise _NotJsonError(f"the reply is not one JSON object ({str(error)[:80]})") from None
    if not isinstance(found, dict):
        raise _NotJsonError("the reply is JSON, but not an object")
    return found


def read(
    text: str,
    labels: Sequence[str],
    sampled: Collection[int],
    assessed: Sequence[int],
    ids: Collection[str],
    *,
    bodies: bool = False,
) -> Reading:
    """Read a reply to the questions `labels` over frames `sampled`, and on emergence at frames `assessed` (none: not asked).

    `ids` are the instances that may be missing. With `bodies` the reply also marks frames with a body or thing that cannot be.
    """
    reading = Reading()
    try:
        found = load_object(text)
    except ValueError as error:
        reading.problems.append(str(error))
        return reading
    expected = {name for name, wanted in (("answers", labels), ("frames", assessed)) if wanted}
    if surplus := sorted(set(found) - expected):
        reading.problems.append(f"the object has {surplus[0]!r}, which nobody asked for")
    if labels:
        _read_answers(found.get("answers"), labels, sampled, reading)
    if assessed:
        _read_frames(found.get("frames"), assessed, reading, lambda entry: _frame(entry, ids, bodies=bodies))
    return reading


def _read_answers(entries: Any, labels: Sequence[str], sampled: Collection[int], reading: Reading) -> None:
    for name, entry in _once_each(entries, _wanted_answers(labels), reading.problems):
        said = _answer(entry, sampled)
        if isinstance(said, str):
            reading.problems.append(f"question {name}: {said}")
        else:
            reading.answers[name] = said


def _answer(entry: Mapping[str, Any], sampled: Collection[int]) -> Said | str:
    value = _VALUES.get(entry["answer"]) if isinstance(entry.get("answer"), str) else None
    if value is None:
        return f"answer {str(entry.get('answer'))[:40]!r} is none of " + ", ".join(_VALUES)
    if "frame" not in entry:
        return "frame is missing"
    frame = entry["frame"]
    if frame is None:
        return Said(value=value, frame=None, reason=reason_of(entry)) if value is AnswerValue.NO else f"{value} needs its frame"
    if isinstance(frame, bool) or not isinstance(frame, int) or frame not in sampled:
        return f"frame {str(frame)[:20]} is none of those shown"
    return Said(value=value, frame=frame, reason=reason_of(entry))


def _read_frames(entries: Any, assessed: Sequence[int], reading: Reading, see: Callable[[Mapping[str, Any]], Seen | str]) -> None:
    for number, entry in _once_each(entries, _wanted_frames(assessed), reading.problems):
        seen = see(entry)
        if isinstance(seen, str):
            reading.problems.append(f"frame {number}: {seen}")
        else:
            reading.frames[number] = seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A list of a reply whose entries each speak of one thing, and the words for its faults."""

    part: str
    name: str
    kind: type
    known: Sequence[Any]
    unknown: str
    many: str


def _wanted_answers(labels: Sequence[str]) -> _Wanted:
    return _Wanted(part="answers", name="question", kind=str, known=labels, unknown="there is no question {}", many="answers")


def _wanted_frames(assessed: Sequence[int]) -> _Wanted:
    unknown = "frame {} is none of those to look at"
    return _Wanted(part="frames", name="frame", kind=int, known=assessed, unknown=unknown, many="entries")


def _once_each(entries: Any, wanted: _Wanted, problems: list[str]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Give every entry that speaks of something known and is the only one to do so; note all else as a fault."""
    if not isinstance(entries, list):
        problems.append(f'"{wanted.part}" is not a list')
        return
    named = [entry.get(wanted.name) if isinstance(entry, dict) else None for entry in entries]
    # True is a whole number to Python, and no frame.
    right = [isinstance(name, wanted.kind) and not isinstance(name, bool) for name in named]
    counts = Counter(name for name, fits in zip(named, right, strict=True) if fits)
    for name, fits, entry in zip(named, right, entries, strict=True):
        if not fits or name not in wanted.known:
            shown = repr(str(name)[:40]) if wanted.kind is str else str(name)[:20]
            problems.append(wanted.unknown.format(shown))
        elif counts[name] == 1:
            yield name, entry
    problems.extend(
        f"{wanted.name} {name}: {counts[name]} {wanted.many} instead of one" for name in wanted.known if counts[name] != 1
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJsonError("an object of the reply has the same name twice")
    return found


def _no_constant(text: str) -> Any:
    raise _NotJsonError(f"the reply holds {text}, which JSON does not have")


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
        parts["answers"] = _list(_object({"question": question, "reason": text, "answer": answer, "frame": shown}))
    if assessed:
        frame = {"type": "integer", "enum": list(assessed)}
        missing = _list({"type": "string", "enum": list(ids)})
        entry = {"frame": frame, "reason": text, "emerged": {"type": "boolean"}, "missing": missing}
        parts["frames"] = _list(_object({**entry, "impossible": {"type": "boolean"}} if bodies else entry))
    return _object(parts)


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}
