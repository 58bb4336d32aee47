"""Whether a crop shows an instance: the question a vision-language model is asked, one crop at a time (protocol, section 2)."""

from __future__ import annotations

from typing import Any

from intergeneval.judges import parsing
from intergeneval.judges.inquiries import Inquiry
from intergeneval.judges.prompting import Prompts

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "match": {"type": "boolean"}},
    "required": ["reason", "match"],
    "additionalProperties": False,
}


def crop_inquiry(prompts: Prompts, jpeg: bytes, class_: str, appearance: str) -> Inquiry:
    """Return the question; its answer is ``{"match": bool, "reason": text}``. Raises ConfigError for a template that fails."""
    text = prompts.render("crop", {"class": class_, "appearance": appearance})
    return Inquiry(
        system=prompts.render("crop_system", {}),
        text=text,
        pictures=(jpeg,),
        schema=_SCHEMA,
        read=_read,
        correct=lambda problem: prompts.render("correct", {"problem": problem, "again": text}),
        reply_tokens=60,
    )


def _read(text: str) -> dict[str, Any]:
    found = parsing.load_object(text)
    if surplus := sorted(set(found) - {"match", "reason"}):
        raise ValueError(f"the object has {surplus[0]!r}, which nobody asked for")
    match = found.get("match")
    if not isinstance(match, bool):
        raise ValueError(f"match {str(match)[:20]!r} is neither true nor false")
    return {"match": match, "reason": parsing.reason_of(found)}
