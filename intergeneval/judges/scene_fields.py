"""What a reading of a prompt may say of an interaction beyond subject, verb and object: its schema, and its faults in words.

Text tells instrument, destination, order, alternatives and part. It tells neither whether the two touch in the first frame nor
which sample is the twin, so a reader of text is not asked for those.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from intergeneval.records import Part, Relation

FIELDS = ("instrument", "destination", "relation", "after", "alternatives", "part")
"""The fields, each of which a reply must hold."""

_LIKE_ID = re.compile(r"id[ _-]?\d+")


def schema() -> dict[str, Any]:
    """Return the JSON schema of each field."""
    name: dict[str, Any] = {"type": ["string", "null"]}
    return {
        "instrument": name,
        "destination": name,
        "relation": {"type": ["string", "null"], "enum": [*(kind.value for kind in Relation), None]},
        "after": {"type": ["integer", "null"]},
        "alternatives": {"type": "array", "items": {"type": "string"}},
        "part": {"type": ["string", "null"], "enum": [*(kind.value for kind in Part), None]},
    }


def named(item: Mapping[str, Any]) -> set[str]:
    """Return the words of a sound interaction that may be ids of instances it needs; words of a destination are among them."""
    names = {item["subject"], item["object"], item["instrument"], item["destination"], *item["alternatives"]}
    return {name for name in names if name is not None}


def alike(interactions: Sequence[Mapping[str, Any]]) -> list[set[str]]:
    """Return the groups of ids of which any would do as the object; what is no list of texts is a fault elsewhere."""
    groups = [(item["object"], item["alternatives"]) for item in interactions if isinstance(item["alternatives"], list)]
    return [{name for name in (one, *others) if isinstance(name, str)} for one, others in groups if others]


def field_faults(item: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Return what is wrong with the fields of one interaction, as far as it alone shows it; `known` are the instances' ids."""
    return [*_instrument(item, known), *_destination(item, known), *_alternatives(item, known), *_part(item)]


def order_faults(interactions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with the order of the interactions."""
    faults = []
    for index, item in enumerate(interactions):
        first = item["after"]
        if first is None:
            continue
        place = f"interactions[{index}]: after {str(first)[:20]}"
        if type(first) is not int or not 0 <= first < len(interactions):  # neither true nor 1.0
            faults.append(f"{place} is no index of an interaction; they are counted from 0, and null is for what follows nothing")
        elif first == index:
            faults.append(f"{place} is the interaction itself")
        elif _in_a_circle(interactions, index):
            faults.append(f"{place} makes the interactions follow each other in a circle")
    return faults


def _in_a_circle(interactions: Sequence[Mapping[str, Any]], start: int) -> bool:
    step = start
    for _ in interactions:
        following = interactions[step]["after"]
        if type(following) is not int or not 0 <= following < len(interactions):
            return False
        if following == start:
            return True
        step = following
    return False


def _instrument(item: Mapping[str, Any], known: Collection[str]) -> list[str]:
    name = item["instrument"]
    if name is None:
        return []
    if not isinstance(name, str) or name not in known:
        return [f"the instrument {str(name)[:20]!r} is no instance; list it, or write null"]
    if name in (item["subject"], item["object"]):
        return [f"the instrument {name} is the {'subject' if name == item['subject'] else 'object'} too; write null"]
    return []


def _destination(item: Mapping[str, Any], known: Collection[str]) -> list[str]:
    relation, kinds = item["relation"], [kind.value for kind in Relation]
    if relation is not None and relation not in kinds:
        return [f"relation {str(relation)[:20]!r} is none of {', '.join(kinds)}, or null"]
    return _place(item, known, kinds)


def _place(item: Mapping[str, Any], known: Collection[str], kinds: Sequence[str]) -> list[str]:
    name, relation = item["destination"], item["relation"]
    if name is None:
        return [] if relation is None else [f"there is a relation ({relation}) and no destination; write null for both"]
    if not isinstance(name, str) or not _is_words(name):
        return [f"the destination {str(name)[:40]!r} is neither an id nor a few words; write null where there is none"]
    if relation is None:
        return [f"the destination {name[:40]!r} has no relation; write one of {', '.join(kinds)}"]
    if name not in known and _LIKE_ID.fullmatch(name.strip().casefold()):
        return [f"the destination {name[:20]!r} is no instance; list it, or describe the place in words"]
    if name in (item["object"], item["instrument"]):
        return [f"the destination {name} is the {'object' if name == item['object'] else 'instrument'} too"]
    return []


def _alternatives(item: Mapping[str, Any], known: Collection[str]) -> list[str]:
    names = item["alternatives"]
    if not isinstance(names, list):
        return ["alternatives is not a list of ids; write [] where there are none"]
    taken = {role: item[role] for role in ("subject", "object", "instrument", "destination")}
    faults = []
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in known:
            faults.append(f"the alternative {str(name)[:20]!r} is no instance")
        elif name in taken.values():
            role = next(role for role, other in taken.items() if other == name)
            faults.append(f"the alternative {name} is the {role} already; list only others that would serve as object")
        elif name in names[:index]:
            faults.append(f"the alternative {name} stands there twice")
    return faults


def _part(item: Mapping[str, Any]) -> list[str]:
    kinds = [kind.value for kind in Part]
    if item["part"] is None or item["part"] in kinds:
        return []
    return [f"part {str(item['part'])[:20]!r} is none of {', '.join(kinds)}, or null"]


def _is_words(text: str) -> bool:
    return any(char.isalnum() for char in text) and len(text.split()) <= 12
