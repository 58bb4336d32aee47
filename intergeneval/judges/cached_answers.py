"""What an answer cache holds of a model's words: one answer, or what was seen in the frames; to plain JSON values and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from intergeneval.judges.parsing import Said, Seen
from intergeneval.records import AnswerValue, Question

Clean = Callable[[str], str]
"""Takes out of a model's words what must not be stored."""


def as_is(text: str) -> str:
    """Return the text: a model of one's own knows no secret."""
    return text


def pack_said(said: Said, clean: Clean = as_is) -> dict[str, Any]:
    """Return an answer as plain JSON values."""
    return {"value": said.value.value, "frame": said.frame, "reason": clean(said.reason)}


def unpack_said(stored: Mapping[str, Any]) -> Said:
    """Return the answer that was packed."""
    return Said(value=AnswerValue(stored["value"]), frame=stored["frame"], reason=stored["reason"])


def pack_seen(seen: Mapping[int, Seen], clean: Clean = as_is) -> dict[str, Any]:
    """Return what was seen, by frame, as plain JSON values."""
    return {"frames": [{"frame": index, **_pack_frame(item, clean)} for index, item in sorted(seen.items())]}


def _pack_frame(seen: Seen, clean: Clean) -> dict[str, Any]:
    packed = {"emerged": seen.emerged, "missing": list(seen.missing), "reason": clean(seen.reason)}
    # Only where it was asked for: entries that say nothing of bodies keep their bytes.
    marked = packed if seen.impossible is None else {**packed, "impossible": seen.impossible}
    return {**marked, "odd": list(seen.odd)} if seen.odd else marked


def unpack_seen(stored: Mapping[str, Any]) -> dict[int, Seen]:
    """Return what was packed, by frame."""
    return {
        item["frame"]: Seen(
            emerged=item["emerged"],
            missing=tuple(item["missing"]),
            reason=item["reason"],
            impossible=item.get("impossible"),
            odd=tuple(item.get("odd", ())),
        )
        for item in stored["frames"]
    }


def evidence_of(said: Said, seen: Mapping[int, Seen] | None, question: Question, clean: Clean = as_is) -> dict[str, Any]:
    """Return what stands behind an answer: what was seen in its frame, and who of those it names shows there what cannot be."""
    at = seen.get(said.frame) if seen is not None and said.frame is not None else None
    if at is None:
        return {}
    odd = [name for name in at.odd if name in question.names]
    return {**({"seen": clean(at.reason)} if at.reason else {}), **({"implausible": odd} if odd else {})}
