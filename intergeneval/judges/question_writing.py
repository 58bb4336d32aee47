"""Questions that a model words, for verbs no template knows: strictly ten, naming whom they must and nobody they must not."""

from __future__ import annotations

from collections.abc import Sequence

from intergeneval.errors import BackendError
from intergeneval.judges import parsing, spelling
from intergeneval.judges.inquiries import Inquiry
from intergeneval.judges.prompting import Prompts

IDS = tuple(range(1, 11))
REPLY_TOKENS = 800
"""Expected length of the reply, for the cost limit."""
MAX_QUESTION = 600
"""Longest question that is taken, in characters."""
SCHEMA = {
    "type": "object",
    "properties": {
        "questions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "integer", "enum": list(IDS)}, "text": {"type": "string"}},
                "required": ["id", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["questions"],
    "additionalProperties": False,
}
"""What servers hold such a reply to."""


def inquiry(prompts: Prompts, words: tuple[str, str, str]) -> Inquiry:
    """Return what asks for ten questions about (verb, subject, object). Raises ConfigError for a template that is wrong."""
    verb, subject, object_ = words
    again = prompts.render("write", {"verb": verb, "subject": subject, "object": object_})
    return Inquiry(
        system=prompts.render("write_system", {}),
        text=again,
        schema=SCHEMA,
        read=lambda text: _read(text, subject, object_),
        correct=lambda problem: prompts.render("repair", {"problems": [problem], "again": again}),
        reply_tokens=REPLY_TOKENS,
    )


def _read(text: str, subject: str, object_: str) -> list[str]:
    """Return the ten questions in order. Raises ValueError saying what is wrong."""
    entries = parsing.load_object(text).get("questions")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError('"questions" is not a list of objects')
    texts = {spelling.whole(entry.get("id"), "question"): entry.get("text") for entry in entries}
    if len(entries) != len(IDS) or set(texts) != set(IDS):
        raise ValueError("the ids are not 1 to 10, each once")
    asked = []
    for number in IDS:
        worded = texts[number]
        if not isinstance(worded, str) or not worded.strip() or len(worded) > MAX_QUESTION:
            raise ValueError(f"question {number} is no text of at most {MAX_QUESTION} characters")
        asked.append(" ".join(worded.encode("utf-8", "replace").decode().split()))
    if fault := _fault(asked, subject, object_):
        raise ValueError(fault)
    return asked


def _fault(asked: Sequence[str], subject: str, object_: str) -> str:
    """Return which question names somebody it must not, or fails to name whom it must; empty when all is well."""
    for number, text in zip(IDS, asked, strict=True):
        wanted, unwanted = {7: ((subject,), (object_,)), 10: ((object_,), (subject,))}.get(number, ((subject, object_), ()))
        if missing := [name for name in wanted if name.lower() not in text.lower()]:
            return f"question {number} does not name {missing[0]!r} in these words"
        if named := [name for name in unwanted if name.lower() in text.lower()]:
            return f"question {number} must not name {named[0]!r}"
    return ""


def useless(judge: str, words: tuple[str, str, str], why: str) -> BackendError:
    """Return the error that ends a run whose (verb, subject, object) got no usable questions."""
    verb, subject, object_ = words
    return BackendError(
        f"{judge} wrote no usable questions for {subject} {verb} {object_}: {why}; run again, or write ten questions into the "
        f"benchmark, or set unknown_verbs to 'templates'"
    )
