"""A sample with shape faults, mended so far that the rest of it can be checked as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intergeneval.bench.faults import Fault
from intergeneval.errors import RecordError
from intergeneval.records import BOX_COLOURS, Instance, Interaction, Record, Sample

_NOBODY: Mapping[str, Any] = {"subject": None, "verb": "", "object": None}
_ROLES = ("subject", "object", "instrument", "destination", "alternatives")
_EMPTY: Mapping[str, Any] = {"id": "s", "prompt": "p", "instances": [], "interactions": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What is left of a faulty sample."""

    sample: Sample
    """The sample, with stand-ins for the fields that have the wrong shape."""
    replaced: tuple[str, ...]
    """Those fields, such as ``instances[1].colour``: what is found wrong with a stand-in is not the author's fault."""

    def own(self, faults: list[Fault]) -> list[Fault]:
        """Return the faults that do not come from a stand-in."""
        return [fault for fault in faults if not any(_touch(fault.field, field) for field in self.replaced)]


def repair(raw: Mapping[str, Any], file: str) -> Repaired:
    """Return the sample of a line's JSON object, every field of the wrong shape replaced; `file` names the line."""
    replaced: list[str] = []
    items, acts = (_list(raw, key, replaced) for key in ("instances", "interactions"))
    used = {item["colour"] for item in items if isinstance(item, dict) and isinstance(item.get("colour"), str)}
    free = [colour for colour in BOX_COLOURS if colour not in used] or [*BOX_COLOURS]
    instances = []
    for index, item in enumerate(items):
        stand_in = {"id": f"unnamed {index}", "class": "c", "appearance": "a", "colour": free[index % len(free)]}
        instances.append(_repaired(Instance, item, stand_in, f"instances[{index}]", replaced))
    interactions = [_repaired(Interaction, item, _NOBODY, f"interactions[{index}]", replaced) for index, item in enumerate(acts)]
    rest = {key: value for key, value in raw.items() if key not in ("instances", "interactions", "hashes")}
    fields = _repaired(Sample, rest, {**_EMPTY, "instances": instances, "interactions": interactions}, "", replaced)
    named = {fields.get("image"), *(item.get("mask") for item in instances)}
    if any(field.startswith("instances") and not field.endswith((".class", ".appearance", ".colour")) for field in replaced):
        # Whoever an interaction names may be one of those that have no name here.
        replaced += [f"interactions[{index}].{role}" for index in range(len(acts)) for role in _ROLES]
    hashes = raw.get("hashes")
    if isinstance(hashes, dict):
        # A path that no field names may stand in one that was replaced.
        whole = not any(field == "image" or field.startswith("instances") for field in replaced)
        fields["hashes"] = {
            path: digest for path, digest in hashes.items() if isinstance(digest, str) and (whole or path in named)
        }
    return Repaired(sample=Sample.from_json(fields, where=file), replaced=tuple(replaced))


def _repaired(cls: type[Record], raw: Any, stand_in: Mapping[str, Any], place: str, replaced: list[str]) -> dict[str, Any]:
    """Return the stand-in with every field of `raw` that fits alone, and note which do not; unknown fields are left out."""
    if not isinstance(raw, dict):
        replaced.append(place)
        return dict(stand_in)
    kept = dict(stand_in)
    prefix = f"{place}." if place else ""
    replaced += [prefix + key for key in stand_in if key not in raw and key not in ("instances", "interactions")]
    for key, value in raw.items():
        try:
            cls.from_json({**stand_in, key: value}, where=place)
        except RecordError:
            replaced.append(prefix + key)
        else:
            kept[key] = value
    return kept


def _list(raw: Mapping[str, Any], key: str, replaced: list[str]) -> list[Any]:
    if isinstance(raw.get(key), list):
        return list(raw[key])
    replaced.append(key)
    return []


def _touch(fault: str, field: str) -> bool:
    """Whether a fault is about a replaced field, about a part of it, or about the whole that it is part of."""
    inside = fault == field or fault.startswith((f"{field}.", f"{field}["))
    return inside or (bool(fault) and field.startswith((f"{fault}.", f"{fault}[")))
