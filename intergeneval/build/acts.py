"""The interactions of a sample as they stand: as they were read or given, as a person corrected them, less what is left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from intergeneval.bench.fields import first_frame_faults
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.records import Cut, Drop, Scene
from intergeneval.build.source import Item
from intergeneval.build.standing import Standing
from intergeneval.ids import sha256_json, short
from intergeneval.masks import decode
from intergeneval.records import Interaction, Sample, TouchingAtStart
from intergeneval.records.wording import in_words

_EMPTY: Mapping[str, Any] = {"alternatives": [], "touching_at_start": TouchingAtStart.UNKNOWN.value}
"""What null stands for in fields that cannot hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One interaction that stays."""

    index: int
    """Its index in the scene."""
    interaction: Interaction
    """The interaction as it goes into the benchmark; ``after`` counts those that stay."""
    rating: tuple[int, int] | None
    """Contact and dynamism, where a model rated them."""


def scene_hash(scene: Scene) -> str:
    """Return a short hash of what a decision about one of its interactions is about."""
    return short(sha256_json([[one.id for one in scene.instances], [act.to_json() for act in scene.interactions]]), 12)


def with_fields(act: Interaction, fields: Mapping[str, Any]) -> Interaction:
    """Return an interaction with other fields, given as plain JSON values; null empties one. Raises RecordError."""
    changes = {name: _EMPTY.get(name) if value is None else value for name, value in fields.items()}
    return Interaction.from_json({**act.to_json(), **changes}, where="fields") if changes else act


def corrected(scene: Scene, now: Standing) -> tuple[Interaction, ...]:
    """Return all interactions of a scene as a person corrected them."""
    about = scene_hash(scene)
    return tuple(with_fields(act, now.fields.get((about, index), {})) for index, act in enumerate(scene.interactions))


def needed_by(act: Interaction) -> set[str]:
    """Return whom and what an interaction names; where the destination is given in words, these are among them."""
    return {name for name in (act.subject, act.object, act.instrument, act.destination, *act.alternatives) if name is not None}


def gone_from(
    item: Item, scene: Scene, folder: BuildFolder, config: BuildConfig, now: Standing
) -> dict[str, tuple[str, str]] | Drop:
    """Return (step, reason) of instances that are left out, or a drop of the whole sample where a step failed."""
    gone = {name: ("review", why) for name, why in now.gone.items()}
    if config.text_only:
        return gone
    placing, cut = folder.placing(item), folder.latest(Cut, item.id)
    blank = Drop(sample_id=item.id, step="places", reason="not looked for yet; the same command goes on", pending=True)
    if placing is not None and placing.status != "ok":
        return replace(blank, reason=placing.reason)
    if placing is not None:
        gone |= {one.instance_id: ("places", one.reason) for one in placing.grounding.places if one.box is None}
    if cut is None:
        everybody = placing is not None and all(one.id in gone for one in scene.instances)
        return gone if everybody else blank
    if cut.status != "ok":
        return replace(blank, step="cuts", reason=cut.reason)
    gone |= {name: ("cuts", why) for name, why in cut.gone.items() if name not in gone}
    gone |= {one.id: ("cuts", "it has no mask") for one in scene.instances if one.id not in gone and one.id not in cut.masks}
    return gone


def staying(item: Item, scene: Scene, config: BuildConfig, gone: Collection[str], now: Standing) -> tuple[list[Act], list[Drop]]:
    """Return the interactions that stay, and what is left out of them: whole ones, and fields of those that stay."""
    acts, about = corrected(scene, now), scene_hash(scene)
    sample = Sample(id=item.id, prompt="", instances=scene.instances, interactions=acts)
    kept: list[Act] = []
    drops: list[Drop] = []
    for index, act in enumerate(acts):
        rating = scene.ratings[index] if index < len(scene.ratings) else None
        blank = Drop(sample_id=item.id, step="", reason="", interaction=in_words(sample, act))
        if (why := now.left.get((about, index))) is not None:
            drops.append(replace(blank, step="review", reason=why))
        elif lost := [name for name in (act.subject, act.object) if name in gone]:
            drops.append(replace(blank, step="places", reason=f"it needs {lost[0]}, which is left out"))
        elif reason := _rated_below(rating, config):
            drops.append(replace(blank, step="scene", reason=reason))
        else:
            left, lacks = _without(act, gone)
            kept.append(Act(index=index, interaction=left, rating=rating))
            drops += [replace(blank, step="places", field=name, reason=reason) for name, reason in lacks]
    return _renumbered(kept, acts), drops


def borne_out(item: Item, scene: Scene, acts: Sequence[Act], cut: Cut | None) -> tuple[list[Act], list[Drop]]:
    """Return the interactions less what they say of the first frame that the masks contradict, with what that was.

    Whoever said it, a model, a list or a reviewer, may have looked at somebody else.
    """
    if cut is None or cut.status != "ok":
        return list(acts), []
    masks = {name: decode(counts, cut.size) for name, counts in cut.masks.items()}
    sample = Sample(id=item.id, prompt="", instances=scene.instances, interactions=tuple(act.interaction for act in acts))
    doubted = {fault.field: fault for fault in first_frame_faults(sample, "", masks, given=True)}
    kept, drops = [], []
    for index, act in enumerate(acts):
        fault = doubted.get(f"interactions[{index}].touching_at_start")
        if fault is None:
            kept.append(act)
            continue
        left = replace(act.interaction, touching_at_start=TouchingAtStart.UNKNOWN)
        kept.append(replace(act, interaction=left))
        blank = Drop(sample_id=item.id, interaction=in_words(sample, left), step="cuts", reason=fault.problem)
        drops.append(replace(blank, field="touching_at_start"))
    return kept, drops


def _rated_below(rating: tuple[int, int] | None, config: BuildConfig) -> str:
    if rating is not None and rating[0] < config.min_contact:
        return f"its contact is rated {rating[0]}, below min_contact {config.min_contact}"
    if rating is not None and rating[1] < config.min_dynamism:
        return f"its dynamism is rated {rating[1]}, below min_dynamism {config.min_dynamism}"
    return ""


def _without(act: Interaction, gone: Collection[str]) -> tuple[Interaction, list[tuple[str, str]]]:
    """Return an interaction less what it names of instances that are left out, with (field, reason) of what that was."""
    lacks = []
    if act.instrument in gone:
        lacks.append(("instrument", f"its instrument {act.instrument} is left out, so it is told without one"))
        if act.touching_at_start is not TouchingAtStart.UNKNOWN:
            lacks.append(
                ("touching_at_start", f"what touched at the start was its instrument {act.instrument}, which is left out")
            )
            act = replace(act, touching_at_start=TouchingAtStart.UNKNOWN)
        act = replace(act, instrument=None)
    if act.destination in gone:
        lacks.append(("destination", f"its destination {act.destination} is left out, so it is told without one"))
        act = replace(act, destination=None, relation=None)
    lacks += [("alternatives", f"the alternative {name} is left out") for name in act.alternatives if name in gone]
    return replace(act, alternatives=tuple(name for name in act.alternatives if name not in gone)), lacks


def _renumbered(kept: Sequence[Act], acts: Sequence[Interaction]) -> list[Act]:
    """Let ``after`` count the interactions that stay; one that followed a left-out one follows what that one followed."""
    places = {act.index: place for place, act in enumerate(kept)}
    moved = []
    for act in kept:
        first = act.interaction.after
        for _ in acts:
            if first is None or first in places:
                break
            first = acts[first].after
        moved.append(replace(act, interaction=replace(act.interaction, after=None if first is None else places[first])))
    return moved
