"""Questions worded by a model, for verbs that no template knows: strictly ten, naming whom they must and nobody they must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intergeneval.errors import BackendError
from intergeneval.judges import parsing
from intergeneval.judges.openai.client import Took
from intergeneval.judges.openai.estimate import expected_tokens
from intergeneval.judges.openai.link import Link
from intergeneval.judges.openai.requests import content_key, payload
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.prompting import Prompts

IDS = tuple(range(1, 11))
MAX_QUESTION = 600
"""Longest question that is taken, in characters."""
_SCHEMA = {
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


def write_questions(link: Link, settings: OpenAISettings, prompts: Prompts, words: tuple[str, str, str]) -> tuple[str, ...]:
    """Return ten questions for (verb, subject, object), from the cache or a request with one repair turn.

    Raises BackendError when the model gives none that can be used, BudgetError at the cost limit.
    """
    verb, subject, object_ = words
    values = {"verb": verb, "subject": subject, "object": object_}
    again = prompts.render("write", values)
    first = [
        {"role": "system", "content": prompts.render("write_system", {})},
        {"role": "user", "content": again},
    ]
    messages: list[dict[str, Any]] = list(first)
    cache = link.services.cache

    def compose(json_schema: bool) -> Mapping[str, Any]:
        return payload(settings, messages, _SCHEMA if json_schema else None)

    def key(served: str, *, json_schema: bool) -> str:
        return content_key(settings, payload(settings, first, _SCHEMA if json_schema else None), served, 0)

    served, json_schema = link.remembered()
    stored = cache.get(key(served, json_schema=json_schema)) if cache is not None else None
    if stored is not None:
        return tuple(stored["questions"])
    found: tuple[str, ...] | str = ""
    for _ in range(2):
        sent, received = expected_tokens(settings, messages, len(IDS), 0)
        reply = link.send(compose, settings.prices.cost(sent, 0, received) if settings.prices is not None else 0.0, Took())
        found = "the model declined" if reply.refused else _read(reply.text, subject, object_)
        if not isinstance(found, str):
            if cache is not None:
                name = key(reply.served, json_schema=reply.json_schema)
                cache.put(name, f"openai:{settings.model}", {"questions": list(found)})
            return found
        repair = prompts.render("repair", {"problems": [found], "again": again})
        messages = [*first, {"role": "assistant", "content": reply.text or "(nothing)"}, {"role": "user", "content": repair}]
    raise BackendError(
        f"openai:{settings.model} wrote no usable questions for {subject} {verb} {object_}: {link.clean(str(found))}; run again, "
        f"or write ten questions into the benchmark, or set unknown_verbs to 'templates'"
    )


def _read(text: str, subject: str, object_: str) -> tuple[str, ...] | str:
    """Return the ten questions in order, or what is wrong."""
    try:
        entries = parsing.load_object(text).get("questions")
    except ValueError as error:
        return str(error)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return '"questions" is not a list of objects'
    if sorted(str(entry.get("id")) for entry in entries) != sorted(map(str, IDS)):
        return "the ids are not 1 to 10, each once"
    texts = {int(entry["id"]): entry.get("text") for entry in entries}
    asked = []
    for number in IDS:
        worded = texts[number]
        if not isinstance(worded, str) or not worded.strip() or len(worded) > MAX_QUESTION:
            return f"question {number} is no text of at most {MAX_QUESTION} characters"
        asked.append(" ".join(worded.encode("utf-8", "replace").decode().split()))
    return _fault(asked, subject, object_) or tuple(asked)


def _fault(asked: Sequence[str], subject: str, object_: str) -> str:
    """Return which question names somebody it must not, or fails to name whom it must; empty when all is well."""
    for number, text in zip(IDS, asked, strict=True):
        wanted, unwanted = {7: ((subject,), (object_,)), 10: ((object_,), (subject,))}.get(number, ((subject, object_), ()))
        if missing := [name for name in wanted if name.lower() not in text.lower()]:
            return f"question {number} does not name {missing[0]!r} in these words"
        if named := [name for name in unwanted if name.lower() in text.lower()]:
            return f"question {number} must not name {named[0]!r}"
    return ""
