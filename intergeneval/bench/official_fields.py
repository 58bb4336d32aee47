"""Keys that an item of the release's layout may hold beside words and questions: who does what to whom, and the optional fields.

The release has none of them, so its own files read as before. Instances are called by their entity number, ``id1`` and so on, as
in ``masks``; a twin by its number in the same type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.bench.fields import FIELDS
from intergeneval.errors import RecordError
from intergeneval.ids import canonical_json
from intergeneval.records import Interaction, Sample

ITEM_KEYS = ("subject", "verb", "object", *FIELDS)
"""The keys, under our names of the fields."""

_WITH: Mapping[str, tuple[str, ...]] = {
    "destination": ("relation",),
    "relation": ("destination",),
    "subject": ("twin_of",),
    "verb": ("twin_of",),
    "object": ("twin_of", "alternatives"),
}
"""What says nothing without a key: where that cannot be read, no second fault is made of these."""
_BARE: Mapping[str, Any] = {"subject": None, "verb": "", "object": None}


def read_fields(item: Mapping[str, Any]) -> tuple[Interaction, list[tuple[str, str]]]:
    """Return what an item tells by these keys, and (key, problem) of those that cannot be read; null tells nothing."""
    told = {key: item[key] for key in ITEM_KEYS if item.get(key) is not None}
    faults = []
    for key, value in told.items():
        try:
            Interaction.from_json({**_BARE, key: value}, where="@")
            canonical_json(value).encode("utf-8")
        except RecordError as error:
            faults.append((key, str(error).partition(": ")[2]))
        except UnicodeEncodeError:
            faults.append((key, "it holds half of a character (a lone surrogate)"))
    for key, _ in faults:
        for gone in (key, *_WITH.get(key, ())):
            told.pop(gone, None)
    return Interaction.from_json({**_BARE, **told}), faults


def written_fields(sample: Sample, index: int, number_of: Mapping[str, str]) -> dict[str, Any]:
    """Return the keys of one interaction that say something; `number_of` gives each sample's number in its type, by its id.

    A twin that has no number there is left out: nobody could find it.
    """
    entities = {one.id: f"id{number}" for number, one in enumerate(sample.instances, start=1)}
    plain = sample.interactions[index].to_json()
    told = {key: plain[key] for key in ITEM_KEYS if plain.get(key)} | ({"after": plain["after"]} if "after" in plain else {})
    for key in ("subject", "object", "instrument", "destination"):
        if key in told:
            told[key] = entities.get(told[key], told[key])
    if "alternatives" in told:
        told["alternatives"] = [entities.get(name, name) for name in told["alternatives"]]
    if "twin_of" in told:
        told["twin_of"] = number_of.get(told["twin_of"])
    return {key: told[key] for key in ITEM_KEYS if told.get(key) is not None}
