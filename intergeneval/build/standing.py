"""What all the decisions of a person come to, for one sample: what the steps look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from intergeneval.build.records import Decision
from intergeneval.records import Box

ActKey = tuple[str, int]
"""Hash of a scene, and index of one of its interactions: of another scene a decision says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What all reviews together say of one sample."""

    dropped: str | None = None
    """Why the sample was dropped; None where it was not."""
    note: str = ""
    """Remark of the last ``fix`` of the whole sample: its prompt is read anew with it."""
    first_seed: int = 0
    """Lowest seed of its painted picture: above all that were rejected."""
    kept: bool = False
    """Whether a person said to keep it as a whole."""
    gone: Mapping[str, str] = field(default_factory=dict)
    """Why instances were dropped, by id."""
    boxes: Mapping[str, tuple[Box, int]] = field(default_factory=dict)
    """Boxes that instances have instead, with their frames, by id."""
    rejected: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    """Boxes that are not it, by id."""
    fields: Mapping[ActKey, Mapping[str, Any]] = field(default_factory=dict)
    """Fields that interactions have instead."""
    left: Mapping[ActKey, str] = field(default_factory=dict)
    """Why interactions were dropped."""


def standing(decisions: Sequence[Decision]) -> Standing:
    """Return what the decisions about one sample come to; of several about one thing the last counts, rejections add up."""
    dropped, note, first_seed, kept = None, "", 0, False
    gone: dict[str, str] = {}
    boxes: dict[str, tuple[Box, int]] = {}
    rejected: dict[str, tuple[Box, ...]] = {}
    fields: dict[ActKey, Mapping[str, Any]] = {}
    left: dict[ActKey, str] = {}
    for item in decisions:
        name = item.instance_id
        if item.interaction is not None:
            key = (item.about, item.interaction)
            left.pop(key, None)
            if item.decision == "drop":
                left[key] = _dropped(item)
            elif item.fields is not None:
                fields[key] = {**fields.get(key, {}), **item.fields}
        elif name is None:
            dropped = _dropped(item) if item.decision == "drop" else None
            kept = item.decision == "keep"
            if item.decision == "fix":
                # The prompt is read anew: whom an id stood for before says nothing about whom it stands for now.
                first_seed = max(first_seed, 0 if item.seed is None else item.seed + 1)
                note, gone, boxes, rejected, fields, left = item.note, {}, {}, {}, {}, {}
        elif item.decision == "drop":
            gone[name] = _dropped(item)
        else:
            gone.pop(name, None)
            if item.box is not None:
                boxes[name] = (item.box, item.frame)
            elif item.rejected is not None:
                boxes.pop(name, None)
                rejected[name] = (*rejected.get(name, ()), item.rejected)
    return Standing(
        dropped=dropped,
        note=note,
        first_seed=first_seed,
        kept=kept,
        gone=gone,
        boxes=boxes,
        rejected=rejected,
        fields=fields,
        left=left,
    )


def _dropped(item: Decision) -> str:
    return f"dropped by a person{f': {item.note}' if item.note else ''}"
