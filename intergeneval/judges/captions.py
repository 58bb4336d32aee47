"""What a clip shows, and how its caption words those in it: two questions asked where a training set is made of raw clips."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from intergeneval.judges import parsing
from intergeneval.judges.inquiries import Inquiry
from intergeneval.judges.prompting import Prompts
from intergeneval.records import Instance

WORDS = 80
"""Most words of a caption."""
_SENTENCE = 60
_CAPTION: dict[str, Any] = {
    "type": "object",
    "properties": {"caption": {"type": "string"}},
    "required": ["caption"],
    "additionalProperties": False,
}


def caption_inquiry(prompts: Prompts, jpegs: Sequence[bytes], seconds: float) -> Inquiry:
    """Return the question for the caption of a clip, shown as frames (JPEG files) in their order; its answer is the text.

    Raises ConfigError for a template that fails.
    """
    text = prompts.render("caption", {"frames": len(jpegs), "seconds": f"{seconds:.1f}", "words": WORDS})
    return Inquiry(
        system=prompts.render("caption_system", {}),
        text=text,
        pictures=tuple(jpegs),
        schema=_CAPTION,
        read=read_caption,
        correct=lambda problem: prompts.render("correct", {"problem": problem, "again": text}),
        reply_tokens=120,
    )


def read_caption(text: str) -> str:
    """Return the caption that a reply gives, spaces made single. Raises ValueError with the fault."""
    found = parsing.load_object(text)
    if surplus := sorted(set(found) - {"caption"}):
        raise ValueError(f"the object has {surplus[0]!r}, which nobody asked for")
    caption = _text(found.get("caption"), "caption", 2 * WORDS)
    if len(caption.split()) < 3:
        raise ValueError(f"the caption {caption!r} is no sentence")
    return caption


def words_inquiry(prompts: Prompts, caption: str, instances: Sequence[Instance]) -> Inquiry:
    """Return the question how a caption words its instances.

    Its answer is ``[{"id", "phrase", "appearance", "place"}]`` in the order of `instances`: words of the caption, and sentences
    that are empty where it says nothing. Raises ConfigError for a template that fails.
    """
    told = [{"id": one.id, "class": one.class_, "appearance": one.appearance} for one in instances]
    wanted = [one.id for one in instances]
    text = prompts.render("words", {"caption": caption, "instances": told})
    return Inquiry(
        system=prompts.render("words_system", {}),
        text=text,
        schema=_words_schema(wanted),
        read=lambda reply: read_words(reply, caption, wanted),
        correct=lambda problem: prompts.render("correct", {"problem": problem, "again": text}),
        reply_tokens=60 * len(wanted),
    )


def read_words(text: str, caption: str, wanted: Sequence[str]) -> list[dict[str, str]]:
    """Return what a reply says of each instance, in order. Raises ValueError with the fault."""
    found = parsing.load_object(text)
    rows = found.get("instances")
    if set(found) != {"instances"} or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError('the object does not hold "instances" alone, a list of objects')
    if [row.get("id") for row in rows] != list(wanted):
        raise ValueError(f"the ids are not {', '.join(wanted)} in this order")
    made = []
    for row in rows:
        name = row["id"]
        if set(row) != {"id", "phrase", "appearance", "place"}:
            raise ValueError(f"{name} does not have exactly id, phrase, appearance and place")
        phrase = _text(row["phrase"], f"phrase of {name}", _SENTENCE)
        if phrase.casefold() not in " ".join(caption.split()).casefold():
            raise ValueError(f"phrase of {name} is not copied from the caption")
        said = {
            key: "" if row[key] is None else _text(row[key], f"{key} of {name}", _SENTENCE) for key in ("appearance", "place")
        }
        made.append({"id": name, "phrase": phrase, **said})
    return made


def _text(value: Any, what: str, most: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value.split()) > most:
        raise ValueError(f"{what} is no text of at most {most} words")
    joined = " ".join(value.split())
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in joined):
        raise ValueError(f"{what} holds characters that are no words")
    return joined


def _words_schema(wanted: Sequence[str]) -> dict[str, Any]:
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    row = {"id": {"type": "string", "enum": list(wanted)}, "phrase": text, "appearance": maybe, "place": maybe}
    item = {"type": "object", "properties": row, "required": list(row), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": item}},
        "required": ["instances"],
        "additionalProperties": False,
    }
