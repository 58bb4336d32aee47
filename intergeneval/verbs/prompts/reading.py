"""From deeds to a scene: the instances a prompt names and its key interactions, and what of it could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from intergeneval import verbs
from intergeneval.records import BOX_COLOURS, Direction, Instance, Interaction, Relation
from intergeneval.verbs.prompts.clauses import ClauseReader
from intergeneval.verbs.prompts.people import Cast
from intergeneval.verbs.prompts.roles import Act, acts_of
from intergeneval.verbs.prompts.vocabulary import vocabulary
from intergeneval.verbs.prompts.words import sentences, split_words

MOST = len(BOX_COLOURS)
"""Most instances of one sample: each has a box colour of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read in a prompt."""

    instances: tuple[Instance, ...]
    """Who and what the interactions need, in the order of the text."""
    interactions: tuple[Interaction, ...]
    """The key interactions, in the order of the text; empty where none could be read."""
    unread: tuple[str, ...]
    """What the prompt says beyond them and was left out, each with the reason."""


def read_prompt(prompt: str) -> Reading:
    """Return who does what to whom in a prompt, by the verb lexicon and rules of English; asks no model.

    Only what the text says is taken: a deed that is wished, denied or supposed, one that somebody does with themselves, and one
    whose agent is not named are left out, with the reason in `unread`.
    """
    known = vocabulary()
    cast = Cast(known)
    unread: list[str] = []
    acts: list[Act] = []
    for text in sentences(prompt):
        found = ClauseReader(split_words(text, known), known).read()
        unread += found.unread
        told = 0
        for deed in found.deeds:
            cast.mention(found.seen[told : deed.seen])
            told = max(told, deed.seen)
            acts += acts_of(deed, cast, known, unread)
        cast.mention(found.seen[told:])
    return _scene(acts, cast, unread)


def _scene(acts: Sequence[Act], cast: Cast, unread: list[str]) -> Reading:
    kept: list[Act] = []
    if any(not act.weak for act in acts):
        # Where somebody sits only describes them beside a deed of theirs.
        busy = {index for act in acts if not act.weak for index in act.needed}
        left = [act for act in acts if act.weak and (act.described or act.subject in busy)]
        unread += [f"it only says where somebody is: {act.verb}" for act in left]
        acts = [act for act in acts if act not in left]
    for act in acts:
        if any((one.subject, one.verb, one.object) == (act.subject, act.verb, act.object) for one in kept):
            continue
        if any((one.subject, one.verb, one.object) == (act.object, act.verb, act.subject) and act.mutual for one in kept):
            continue
        kept.append(act)
    needed: list[int] = []
    fitting: list[Act] = []
    for whole in kept:
        act = whole
        more = [index for index in act.needed if index not in needed]
        if len(needed) + len(more) > MOST:
            act = replace(act, instrument=None, destination=act.destination_words, destination_words=None)
            more = [index for index in act.needed if index not in needed]
            if len(needed) + len(more) > MOST:
                unread.append(f"more than {MOST} instances: {act.verb}")
                continue
        needed += more
        fitting.append(act)
    order = sorted(needed)
    names = {index: f"id{place}" for place, index in enumerate(order, start=1)}
    looks = cast.appearances(order)
    instances = tuple(
        Instance(id=names[index], class_=cast.entities[index].head, appearance=looks[index], colour=BOX_COLOURS[place])
        for place, index in enumerate(order)
    )
    places = {id(act): place for place, act in enumerate(fitting)}
    living = {index: cast.known.is_living(cast.entities[index].head) for index in order}
    interactions = tuple(_interaction(act, names, places, living) for act in fitting)
    if not interactions and not unread:
        unread.append("no deed of one on another was found")
    return Reading(instances=instances, interactions=interactions, unread=tuple(dict.fromkeys(unread)))


def _interaction(act: Act, names: dict[int, str], places: dict[int, int], living: dict[int, bool]) -> Interaction:
    entry = verbs.look_up(act.verb)
    destination = names[act.destination] if isinstance(act.destination, int) else act.destination
    both = living[act.subject] and living[act.object]
    mutual = act.mutual or (both and entry is not None and entry.direction is Direction.BIDIRECTIONAL)
    return Interaction(
        subject=names[act.subject],
        verb=act.verb,
        object=names[act.object],
        category=entry.category if entry is not None else None,
        direction=Direction.BIDIRECTIONAL if mutual else Direction.UNIDIRECTIONAL,
        instrument=None if act.instrument is None else names[act.instrument],
        destination=destination,
        relation=Relation(act.relation) if destination is not None and act.relation else None,
        after=next((places[id(one)] for one in act.after if id(one) in places), None),
        alternatives=(),
        part=act.part,
    )
