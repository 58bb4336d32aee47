"""From a prompt to its instances and interactions: the question a language model is asked, and how strictly its reply is read.

The rules are those of the protocol, section 3: active interactions of a living subject with a distinct target, no vague verbs, no
inner states, at most five instances; what no interaction needs is pruned. A reply that breaks one gets a turn to mend it, and is
then no reply at all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from intergeneval.judges import parsing, scene_fields
from intergeneval.judges.inquiries import Inquiry
from intergeneval.judges.prompting import Prompts
from intergeneval.records import Category, Direction

MOST = 5
"""Most instances of one sample."""
VAGUE = frozenset(
    word
    for line in (
        "be is are am was were being been have has having had do does did doing make makes making use uses using",
        "seem seems appear appears interact interacts interacting engage engages engaging involve involves relate relates",
        "want wants wanting think thinks thinking feel feels feeling know knows believe believes need needs",
        "love loves like likes hate hates hope hopes enjoy enjoys",
    )
    for word in line.split()
)
"""First words of a verb phrase that name nothing one could see happening."""
_WORDS = 60
_INSTANCE = ("id", "class", "appearance", "living")
_INTERACTION = ("subject", "verb", "object", "category", "direction", "contact", "dynamism", *scene_fields.FIELDS, "source")


def scene_inquiry(prompts: Prompts, prompt: str, note: str = "") -> Inquiry:
    """Return the question about a prompt; `note` is what a reviewer remarked on an earlier answer.

    The answer is ``{"instances": [{id, class, appearance}], "interactions": [{subject, verb, object, category, direction,
    contact, dynamism, instrument, destination, relation, after, alternatives, part, source}]}``, both empty for a prompt without
    an interaction; what the text does not tell is null, or an empty list. Raises ConfigError for a template that fails.
    """
    text = prompts.render("scene", {"prompt": prompt, "note": note, "most": MOST})
    return Inquiry(
        system=prompts.render("scene_system", {}),
        text=text,
        schema=_schema(),
        read=lambda reply: read_scene(reply, prompt),
        correct=lambda problem: prompts.render("correct", {"problem": problem, "again": text}),
        reply_tokens=600,
    )


def read_scene(text: str, prompt: str) -> dict[str, Any]:
    """Return the scene that a reply describes, less instances that no interaction needs. Raises ValueError with the faults."""
    found = parsing.load_object(text)
    faults: list[str] = []
    if surplus := sorted(set(found) - {"instances", "interactions"}):
        faults.append(f"the object has {surplus[0]!r}, which nobody asked for")
    instances = _entries(found.get("instances"), "instances", _INSTANCE, faults)
    interactions = _entries(found.get("interactions"), "interactions", _INTERACTION, faults)
    if faults:
        raise ValueError("; ".join(faults[:4]))
    faults += _instance_faults(instances, scene_fields.alike(interactions))
    if faults:
        # Who an interaction speaks of is looked up by id, so the ids must be right first.
        raise ValueError("; ".join(faults[:4]))
    living = {item["id"]: item["living"] for item in instances}
    for index, item in enumerate(interactions):
        faults += [f"interactions[{index}]: {fault}" for fault in _interaction_faults(item, living, prompt)]
        if item in interactions[:index]:
            faults.append(f"interactions[{index}] stands there twice")
    faults += scene_fields.order_faults(interactions)
    if faults:
        raise ValueError("; ".join(faults[:4]))
    needed = {name for item in interactions for name in scene_fields.named(item)}
    return {
        "instances": [
            {name: " ".join(item[name].split()) for name in ("id", "class", "appearance")}
            for item in instances
            if item["id"] in needed
        ],
        "interactions": [
            {**item, "verb": " ".join(item["verb"].split()), "destination": _spaced(item["destination"])} for item in interactions
        ],
    }


def _spaced(words: str | None) -> str | None:
    return None if words is None else " ".join(words.split())


def _entries(value: Any, name: str, fields: Sequence[str], faults: list[str]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        faults.append(f'"{name}" is not a list of objects')
        return []
    for index, item in enumerate(value):
        if set(item) != set(fields):
            missing, surplus = sorted(set(fields) - set(item)), sorted(set(item) - set(fields))
            said = f"lacks {missing[0]!r}" if missing else f"has {surplus[0]!r}, which nobody asked for"
            faults.append(f"{name}[{index}] {said}")
    return value


def _instance_faults(instances: Sequence[Mapping[str, Any]], alike: Sequence[set[str]]) -> list[str]:
    faults = []
    if len(instances) > MOST:
        faults.append(f"there are {len(instances)} instances, at most {MOST} may be kept")
    wanted = [f"id{number}" for number in range(1, len(instances) + 1)]
    if [item["id"] for item in instances] != wanted:
        faults.append(f"the ids are not {', '.join(wanted)} in this order")
    looks: dict[tuple[str, str], list[str]] = {}
    for item in instances:
        name = item["id"]
        if not _is_text(item["class"]) or len(item["class"].split()) > 4:
            faults.append(f"class of {name} is no noun of one to four words")
        elif not any(char.isalnum() for char in item["class"]):
            faults.append(f"class of {name} holds no word")
        elif not _is_text(item["appearance"]):
            faults.append(f"appearance of {name} is no text")
        else:
            same = looks.setdefault((item["class"].casefold(), item["appearance"].casefold()), [])
            # Which of several alternatives it is need not be told.
            twins = [other for other in same if not any({str(name), str(other)} <= group for group in alike)]
            faults += [f"{name} and {twins[0]} cannot be told apart by class and appearance"] if twins else []
            same.append(name)
        if not isinstance(item["living"], bool):
            faults.append(f"living of {name} is neither true nor false")
    return faults


def _interaction_faults(item: Mapping[str, Any], living: Mapping[str, bool], prompt: str) -> list[str]:
    faults = [
        f"no instance is called {str(item[role])[:20]!r}" for role in ("subject", "object") if item[role] not in list(living)
    ]
    if not faults and item["subject"] == item["object"]:
        faults.append("subject and object are the same")
    elif not faults and not living[item["subject"]]:
        faults.append(f"the subject {item['subject']} is no living being")
    if not _is_text(item["verb"]) or item["verb"].split()[0].casefold() in VAGUE:
        faults.append(f"the verb {str(item['verb'])[:40]!r} names nothing that can be seen happening")
    for name, kinds in (("category", Category), ("direction", Direction)):
        if item[name] not in [kind.value for kind in kinds]:
            faults.append(f"{name} {str(item[name])[:30]!r} is none of {', '.join(kind.value for kind in kinds)}")
    faults += [
        f"{name} {str(item[name])[:10]} is not a whole number from 1 to 5"
        for name in ("contact", "dynamism")
        if type(item[name]) is not int or item[name] not in (1, 2, 3, 4, 5)  # neither true nor 1.0
    ]
    if not _is_text(item["source"]) or not _plain(item["source"]) or _plain(item["source"]) not in _plain(prompt):
        faults.append("source is not copied from the text")
    if isinstance(item["destination"], str) and item["destination"].strip() and not _is_text(item["destination"]):
        faults.append("destination is no text")
    return [*faults, *scene_fields.field_faults(item, list(living))]


def _is_text(value: Any) -> bool:
    if not isinstance(value, str) or not value.strip() or len(value.split()) > _WORDS:
        return False
    # Half a surrogate pair is legal in JSON and cannot be written as UTF-8; control characters are no words.
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in " ".join(value.split()))


def _plain(text: str) -> str:
    """Return a text as it is compared: without case, kinds of space, and punctuation at its ends."""
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'")


def _schema() -> dict[str, Any]:
    text, rating = {"type": "string"}, {"type": "integer", "enum": [1, 2, 3, 4, 5]}
    instance = {"id": text, "class": text, "appearance": text, "living": {"type": "boolean"}}
    interaction = {
        "subject": text,
        "verb": text,
        "object": text,
        "category": {"type": "string", "enum": [kind.value for kind in Category]},
        "direction": {"type": "string", "enum": [kind.value for kind in Direction]},
        "contact": rating,
        "dynamism": rating,
        **scene_fields.schema(),
        "source": text,
    }
    return _object(
        {
            "instances": {"type": "array", "items": _object(instance)},
            "interactions": {"type": "array", "items": _object(interaction)},
        }
    )


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}
