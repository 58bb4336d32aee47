"""Whether the two sides of an interaction touch in the first frame: what a model is asked that looks at the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from intergeneval.judges import parsing, spelling
from intergeneval.judges.inquiries import Inquiry
from intergeneval.judges.prompting import Prompts
from intergeneval.records import Instance, TouchingAtStart


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two instances that may touch."""

    interaction: int
    """Index of the interaction it is about; the reply calls the pair so."""
    first: Instance
    """The subject, or the instrument that it acts with."""
    second: Instance
    """The object."""


def touching_inquiry(prompts: Prompts, jpeg: bytes, pairs: Sequence[Pair]) -> Inquiry:
    """Return the question about a first frame with its boxes drawn.

    Its answer is ``[{"pair": index, "touching": "yes" | "no" | "unknown", "reason": text}]``, one entry a pair in the order of
    `pairs`. Raises ConfigError for a template that fails.
    """
    told = [
        {
            "pair": item.interaction,
            "first": item.first.appearance,
            "first_colour": item.first.colour,
            "second": item.second.appearance,
            "second_colour": item.second.colour,
        }
        for item in pairs
    ]
    wanted = [item.interaction for item in pairs]
    text = prompts.render("touching", {"pairs": told})
    return Inquiry(
        system=prompts.render("touching_system", {}),
        text=text,
        pictures=(jpeg,),
        schema=_schema(wanted),
        read=lambda reply: read_touching(reply, wanted),
        correct=lambda problem: prompts.render("correct", {"problem": problem, "again": text}),
        reply_tokens=60 * len(wanted),
    )


def read_touching(text: str, wanted: Sequence[int]) -> list[dict[str, Any]]:
    """Return what a reply says of each wanted pair, in order. Raises ValueError with the faults."""
    found = parsing.load_object(text)
    if surplus := sorted(set(found) - {"pairs"}):
        raise ValueError(f"the object has {surplus[0]!r}, which nobody asked for")
    entries = found.get("pairs")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError('"pairs" is not a list of objects')
    words = [kind.value for kind in TouchingAtStart]
    said: dict[int, dict[str, Any]] = {}
    for index, entry in enumerate(entries):
        if surplus := sorted(set(entry) - {"pair", "reason", "touching"}):
            raise ValueError(f"pairs[{index}] has {surplus[0]!r}, which nobody asked for")
        number, touching = spelling.whole(entry.get("pair"), "pair"), spelling.word(entry.get("touching"), words)
        if number is None or number not in wanted:
            raise ValueError(
                f"pairs[{index}]: nobody asked about pair {str(entry.get('pair'))[:20]!r}; asked are {_listed(wanted)}"
            )
        if number in said:
            raise ValueError(f"pair {number} stands there twice")
        if touching is None:
            raise ValueError(f"pair {number}: touching {str(entry.get('touching'))[:20]!r} is none of {', '.join(words)}")
        said[number] = {"pair": number, "touching": touching, "reason": parsing.reason_of(entry)}
    if missing := [number for number in wanted if number not in said]:
        raise ValueError(f"pair {missing[0]} is missing; asked are {_listed(wanted)}")
    return [said[number] for number in wanted]


def _listed(wanted: Sequence[int]) -> str:
    return ", ".join(map(str, wanted))


def _schema(wanted: Sequence[int]) -> dict[str, Any]:
    pair = {
        "pair": {"type": "integer", "enum": list(wanted)},
        "reason": {"type": "string"},
        "touching": {"type": "string", "enum": [kind.value for kind in TouchingAtStart]},
    }
    item = {"type": "object", "properties": pair, "required": list(pair), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"pairs": {"type": "array", "items": item}},
        "required": ["pairs"],
        "additionalProperties": False,
    }
