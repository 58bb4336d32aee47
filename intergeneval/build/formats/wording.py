"""Words that formats of masks have no place for: who is meant, who does what to whom; in fields of ours beside theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from intergeneval.build.formats.clip import Clip, Named
from intergeneval.errors import UsageError
from intergeneval.records import Interaction, Track
from intergeneval.records.limits import id_fault, text_fault
from intergeneval.verbs.prompts import read_prompt
from intergeneval.verbs.prompts.vocabulary import vocabulary

_PROMPTS = ("prompt", "caption", "text")
_NOT_SO = frozenset(str.split("hot teddy toy stuffed plush rocking model fake"))
"""Words before a noun with which it is something else."""


def plain_text(value: Any) -> str:
    """Return a text that may be there; empty for anything else, and for one beyond the bounds of a record."""
    return value.strip() if isinstance(value, str) and text_fault(value) is None else ""


def named_from(row: Mapping[str, Any], class_: str, before: Sequence[Named]) -> Named:
    """Return who an annotation shows: in the words of a file that we wrote, else by its class and a number."""
    told = plain_text(row.get("instance_id"))
    taken = {item.id for item in before}
    name = told if told and id_fault(told) is None and told not in taken else f"id{len(before) + 1}"
    if name in taken:
        name = next(f"id{number}" for number in range(1, len(before) + 2) if f"id{number}" not in taken)
    appearance = plain_text(row.get("appearance"))
    if not appearance:
        same = sum(item.class_ == class_ for item in before)
        appearance = class_ if not same else f"{class_} number {same + 1}"
    return Named(id=name, class_=class_, appearance=appearance)


def clip_words(clip: Clip) -> dict[str, Any]:
    """Return the words of a clip, as they stand in fields of ours beside those of a format."""
    tags = {"tags": list(clip.tags)} if clip.tags else {}
    return {"sample_id": clip.id, "prompt": clip.prompt, "interactions": acts_to_json(clip.interactions), **tags}


def states_of(track: Track) -> list[str]:
    """Return what is known of an instance in each frame, as it stands beside its masks."""
    return [state.value for state in track.states]


def told_states(value: Any) -> tuple[str, ...]:
    """Return the states that `states_of` wrote; none where there are none."""
    return tuple(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else ()


class Words(TypedDict):
    """Words that a file has of a picture or video, as fields of a `Clip`."""

    id: str
    prompt: str
    interactions: tuple[Interaction, ...]
    tags: tuple[str, ...]


def told_words(row: Mapping[str, Any], name: str, where: str) -> Words:
    """Return the words that a row of a file has, `name` where it says no id. Raises UsageError, RecordError."""
    told = plain_text(row.get("sample_id"))
    if told and (fault := id_fault(told)):
        raise UsageError(f"{where}: 'sample_id' {fault}; use letters, digits, dashes and spaces")
    tags = row.get("tags")
    return Words(
        id=told or name,
        prompt=next((text for key in _PROMPTS if (text := plain_text(row.get(key)))), ""),
        interactions=acts_from_json(row.get("interactions"), where),
        tags=tuple(text for tag in tags if (text := plain_text(tag))) if isinstance(tags, list) else (),
    )


def acts_to_json(acts: Sequence[Interaction]) -> list[Any]:
    """Return interactions as plain JSON."""
    return [act.to_json() for act in acts]


def acts_from_json(value: Any, where: str) -> tuple[Interaction, ...]:
    """Return the interactions of a file that we wrote; none where it has none. Raises RecordError, UsageError."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise UsageError(f"{where}: 'interactions' must be a list, got {value!r:.60}")
    return tuple(Interaction.from_json(item, where=f"{where}: interactions[{place}]") for place, item in enumerate(value))


def _head(class_: str) -> str:
    """Return what a class of several words is in short: a "sports ball" is a ball, but a "teddy bear" is no bear."""
    first, _, last = class_.casefold().rpartition(" ")
    return last if first and not set(first.split()) & _NOT_SO else class_.casefold()


def acts_of_prompt(prompt: str, instances: Sequence[Named]) -> tuple[tuple[Interaction, ...], list[str]]:
    """Return what a prompt says of annotated instances, and why the rest of it could not be told.

    A person or thing of the prompt is the instance that has its words or, alone among all, its class.
    """
    reading = read_prompt(prompt)
    known, unread = vocabulary(), list(reading.unread)
    meant: dict[str, str] = {}
    for one in reading.instances:
        left = [item for item in instances if item.id not in meant.values()]
        heads = [item for item in left if known.singular(item.class_.casefold()) == known.singular(one.class_.casefold())]
        exact = [item for item in left if item.appearance.casefold() == one.appearance.casefold()]
        last = [item for item in left if known.singular(_head(item.class_)) == known.singular(one.class_.casefold())]
        people = [item for item in left if item.class_ == "person" and known.is_person(one.class_)]
        found = exact if len(exact) == 1 else heads or last or people
        if len(found) == 1:
            meant[one.id] = found[0].id
        else:
            how = "nobody annotated" if not found else f"{len(found)} annotated instances"
            unread.append(f"{one.appearance!r} may be {how}")
    acts: list[Interaction] = []
    kept: dict[int, int] = {}
    for place, act in enumerate(reading.interactions):
        named = [act.subject, act.object, act.instrument]
        if any(name is not None and name not in meant for name in named[:2]):
            continue
        kept[place] = len(acts)
        ends = meant.get(act.destination or "", act.destination)
        lost = act.destination is not None and act.destination not in meant and act.destination.startswith("id")
        acts.append(
            replace(
                act,
                subject=meant[act.subject or ""],
                object=meant[act.object or ""],
                instrument=meant.get(act.instrument or ""),
                destination=None if lost else ends,
                relation=None if lost else act.relation,
                after=kept.get(act.after) if act.after is not None else None,
            )
        )
    return tuple(acts), unread
