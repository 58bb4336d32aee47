"""What the review page shows of interactions: their fields in words, and the values that a person may correct."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from intergeneval.bench.fields import FIELDS
from intergeneval.build.records import Drop, Scene
from intergeneval.records import Interaction, Part, Relation, Sample, TouchingAtStart
from intergeneval.records.wording import fields_in_words, in_words

CHOICES = {
    "relation": [(kind.value, kind.value) for kind in Relation],
    "part": [(kind.value, kind.value) for kind in Part],
    "touching_at_start": [(kind.value, kind.value) for kind in TouchingAtStart],
}
"""Words that a field may hold, each with how the page shows it."""


def shown_acts(
    scene: Scene | None,
    acts: Sequence[Interaction],
    drops: Sequence[Drop],
    seen: Mapping[int, str],
    fixed: Collection[int],
) -> list[dict[str, Any]]:
    """Return what the page shows of each interaction, as it stands.

    `drops` is what was left out of the sample, `seen` what a model said of the first frame, `fixed` which interactions a person
    corrected, both by index.
    """
    if scene is None:
        return []
    whole = Sample(id="", prompt="", instances=scene.instances, interactions=tuple(acts))
    texts = [in_words(whole, act) for act in acts]
    shown = []
    for index, (act, text) in enumerate(zip(acts, texts, strict=True)):
        own = [drop for drop in drops if drop.interaction == text]
        shown.append(
            {
                "index": index,
                "text": text,
                "more": ", ".join(str(part) for part in (act.category, act.direction) if part),
                "why": next((drop.reason for drop in own if not drop.field), ""),
                "words": fields_in_words(whole, act),
                "notes": [drop.reason for drop in own if drop.field] + ([seen[index]] if seen.get(index) else []),
                "fields": field_values(act),
                "corrected": index in fixed,
                "subject": act.subject,
                "object": act.object,
                "ids": {one.id: f"{one.id}: {one.class_}" for one in scene.instances},
                "others": {number: f"{number}: {other}" for number, other in enumerate(texts) if number != index},
                "choices": CHOICES,
            }
        )
    return shown


def field_values(act: Interaction) -> dict[str, Any]:
    """Return every optional field as a plain JSON value, also those that say nothing."""
    plain = {"alternatives": [], "touching_at_start": TouchingAtStart.UNKNOWN.value, **act.to_json()}
    return {name: plain.get(name) for name in FIELDS}
