"""What stands beside a deed behind a preposition: who does it in a passive, what with, and with which part of the body."""

from __future__ import annotations

from intergeneval.records import Part
from intergeneval.verbs.prompts.deeds import Deed
from intergeneval.verbs.prompts.nouns import Noun, is_name
from intergeneval.verbs.prompts.vocabulary import Vocabulary

_HOLDING = frozenset(
    str.split(
        "grab hold pull drag lead carry lift catch seize take yank tug grip grasp clutch hoist swing pick raise open close "
        "haul hang guide steer walk throw toss draw snatch suspend restrain pin shake spin twirl tow pinch"
    )
)
"""Verbs of what is done to somebody or something that is held at some place."""

_GRIPS = frozenset(
    str.split(
        "handle handles collar scruff leash lead reins halter bridle harness strap straps sleeve sleeves lapel lapels hem shirt "
        "coat jacket hood belt tie braid braids ponytail horn horns antlers tether rim edge neckline rope string knob"
    )
)
"""What somebody or something is held at."""

_TETHERS = frozenset({"leash", "rope", "lead", "chain", "string", "reins", "halter"})
"""By what somebody or something is led or lifted."""

PARTNERED = ("with", "against")

HELD = frozenset({"it", "them"})
"""Pronouns that may mean a tool: "takes the cane and pokes him with it"."""

_MANNER = frozenset(
    str.split(
        "care joy force ease speed excitement enthusiasm skill precision determination delight anger affection love "
        "caution grace passion "
        "energy smile laughter pride strength confidence concentration focus curiosity interest surprise tenderness gusto "
        "help attention "
        "motion movement effort touch kick punch glance gesture roar flick splash thud bang sigh flourish nod crash scream thump"
    )
)


def is_alive(noun: Noun, known: Vocabulary) -> bool:
    """Whether a noun is somebody, an animal or a group of them."""
    return (
        is_name(noun, known)
        or noun.head in known.words["groups"]
        or any(known.is_living(word.lower()) for word in (noun.head, *noun.words))
    )


def agents_of(deed: Deed, known: Vocabulary) -> tuple[Noun, ...] | None:
    """Return who does it in a passive: of what stands behind "by" not where it is held, nor what with, nor a place.

    "is grabbed by the wrist by a guard", "is lifted by a rope by a crane", "is caught by the river by a fisherman".
    """
    listed = [nouns for prep, nouns in deed.beside if prep == "by"]
    living = [nouns for nouns in listed if any(noun.pronoun or known.is_living(noun.head) for noun in nouns)]
    if living:
        return living[0]
    able = [
        nouns
        for nouns in listed
        if not all(noun.head in known.words["places"] and not _acting(noun) for noun in nouns)
        and not _held_at(nouns[0], deed, known)
    ]
    others = [nouns for nouns in able if not _tool_by(nouns[0])] if len(able) > 1 else able
    return next(iter(others or able), None)


def _held_at(noun: Noun, deed: Deed, known: Vocabulary) -> bool:
    """Whether a noun after "by" is where somebody or something is held: "dragged by the ear", "lifted by its handle"."""
    definite = noun.determiner in ("the", "his", "her", "its", "their", "one", "both", "") and noun.owner is None
    return definite and deed.verb in _HOLDING and (noun.head in known.pairs["parts"] or noun.head in _GRIPS)


def _tool_by(noun: Noun) -> bool:
    return noun.head in _TETHERS


def _acting(noun: Noun) -> bool:
    """Whether a place after "by" does something to others itself: "melted by the sun", "hit by a bus"."""
    return noun.determiner in ("a", "an", "another") or noun.head in ("sun", "rain", "snow", "crowd", "fog", "train", "bus")


def is_used(noun: Noun, known: Vocabulary) -> bool:
    """Whether what follows "with" is a tool or a part of the body rather than a partner."""
    words = (noun.head, known.singular(noun.head), noun.head.split()[-1])
    return any(word in known.words["tools"] or word in known.pairs["parts"] for word in words) and not known.is_living(noun.head)


def tool_of(deed: Deed, known: Vocabulary, skip: int = -1) -> Noun | None:
    """Return what it is done with, where that is a thing and not a part of the body or what something is filled with."""
    if deed.tools:
        found = deed.tools[0]
        return None if found.head in known.pairs["parts"] else found
    for position, (prep, nouns) in enumerate(deed.beside):
        noun = nouns[0]
        if prep == "with" and noun.pronoun in HELD and position != skip:
            return noun
        if position == skip or noun.pronoun or noun.head in known.pairs["parts"]:
            continue
        handled = _handled(noun, known)
        alive = known.is_living(noun.head) and not handled  # a crane lifts, and is a bird
        if prep == "with" and not alive and not known.has("bare_handed", deed.verb):
            if _tells_of_object(noun, deed, known):
                continue  # "licks the boy with the ice cream"
            substance = any(noun.head in known.words[name] for name in ("substances", "features"))
            if (deed.verb in known.words["filling"] or deed.verb == "feed") and noun.head not in known.words["tools"]:
                continue
            worn = noun.head in known.words["clothing"]
            if (
                noun.head in _MANNER
                or (substance and not handled)
                or (worn and not handled and deed.verb not in ("hit", "strike", "tie", "pull", "dry", "cover"))
            ):
                continue
            return noun
        if prep == "by" and _tool_by(noun):
            return noun
        if prep == "from" and deed.verb == "feed":
            return noun
    return None


def not_taken(deed: Deed, tool: Noun | None, known: Vocabulary) -> list[Noun]:
    """Return the things behind "with" that are neither the tool nor a part of the body nor tell how it is done."""
    found = [nouns[0] for prep, nouns in deed.beside if prep == "with" and nouns[0] is not tool and not nouns[0].pronoun]
    if known.has("bare_handed", deed.verb):
        return []
    return [
        noun for noun in found
        if not {noun.head, known.singular(noun.head)} & known.pairs["parts"].keys()
        and noun.head not in _MANNER and noun.head not in known.words["abstract"]
        and not is_alive(noun, known) and not _tells_of_object(noun, deed, known)
    ]  # fmt: skip


def _tells_of_object(noun: Noun, deed: Deed, known: Vocabulary) -> bool:
    """Whether a thing behind "with" tells who is acted upon: "licks the boy with the ice cream"."""
    return noun.determiner == "the" and not _handled(noun, known) and any(is_alive(one, known) for one in deed.objects[:1])


def _handled(noun: Noun, known: Vocabulary) -> bool:
    return any(word in known.words["tools"] for word in (noun.head, known.singular(noun.head), noun.head.split()[-1]))


def part_of(deed: Deed, known: Vocabulary) -> Part | None:
    """Return the part of the body that it is done with, where one is named."""
    for prep, nouns in deed.beside:
        word = known.pairs["parts"].get(nouns[0].head, "-")
        own = nouns[0].determiner in ("his", "her", "its", "their", "both", "one", "") or nouns[0].count == 2
        if prep in ("with", "in") and own and nouns[0].owner is None and word != "-":
            return Part(word)
    for noun in deed.tools:
        if (word := known.pairs["parts"].get(noun.head, "-")) != "-":
            return Part(word)
    return None
