"""What a person says of a painted picture holds for every sample that starts from it: twins are looked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from intergeneval.build.folder import BuildFolder
from intergeneval.build.records import Decision, Placing, Scene
from intergeneval.build.source import Item, painted_together
from intergeneval.build.standing import standing


def to_be_painted_again(rejected: set[str], items: Sequence[Item]) -> dict[str, str]:
    """Return the samples whose picture goes with that of a rejected one, each with the sample that was rejected."""
    gone = {}
    for item in items:
        if item.id in rejected:
            gone.update({one.id: item.id for one in painted_together(item, items) if one.id not in rejected})
    return gone


def for_the_others(found: Sequence[Decision], items: Mapping[str, Item], folder: BuildFolder) -> list[Decision]:
    """Return the decisions of a review as they hold for the other samples of the same painted pictures.

    Only where the review says nothing of its own there: that a picture is to be painted again, and where an instance is in it.
    """
    said = {_about(item) for item in found}
    more: list[Decision] = []
    for made in found:
        item = items[made.sample_id]
        for other in painted_together(item, list(items.values())) if item.painted else ():
            told = _told(made, other, folder)
            if told is not None and _about(told) not in said:
                said.add(_about(told))
                more.append(told)
    return more


def _about(made: Decision) -> tuple[str, str | None, int | None]:
    return made.sample_id, made.instance_id, made.interaction


def _told(made: Decision, other: Item, folder: BuildFolder) -> Decision | None:
    """Return what a decision says of another sample; None where it says nothing of it."""
    told = replace(made, sample_id=other.id)
    now = standing(folder.decided(other.id))
    if made.interaction is not None:
        return None
    if made.instance_id is None:
        # A sample that is out stays out; a remark on another prompt says nothing of this one.
        return replace(told, note=now.note) if made.decision == "fix" and now.dropped is None else None
    look = _look(folder, made.sample_id, made.instance_id)
    if look is None or look != _look(folder, other.id, made.instance_id):
        return None
    placing = folder.latest(Placing, other.id)
    if made.rejected is not None:
        place = placing.grounding.place(made.instance_id) if placing is not None else None
        return told if place is not None and place.box == made.rejected else None
    return told


def _look(folder: BuildFolder, sample_id: str, instance_id: str) -> tuple[str, str] | None:
    """Return class and appearance of an instance; None where there is none of that id."""
    scene = folder.latest(Scene, sample_id)
    found = [one for one in (scene.instances if scene is not None else ()) if one.id == instance_id]
    return (found[0].class_, found[0].appearance) if found else None
