"""What is handed over, poured, used or moved somewhere: the roles of a deed that has an object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intergeneval import verbs
from intergeneval.records import Part
from intergeneval.verbs.forms import third
from intergeneval.verbs.prompts.clauses import Deed
from intergeneval.verbs.prompts.phrases import Noun
from intergeneval.verbs.prompts.vocabulary import Vocabulary

_RELATIONS = {
    **dict.fromkeys(("in", "into", "inside", "through"), "in"),
    **dict.fromkeys(("on", "onto", "on to", "on top of", "over", "upon", "around"), "on"),
    **dict.fromkeys(("to", "toward", "towards", "at", "under", "beside", "next to", "against", "behind", "near"), "at"),
    **dict.fromkeys(("in front of", "back to", "between"), "at"),
}
"""Preposition -> how the object stands to what follows it."""

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


@dataclass(slots=True, kw_only=True)
class Roles:
    """What was found out of one deed."""

    verb: str
    subjects: Sequence[Noun]
    targets: Sequence[Noun]
    instrument: Noun | None = None
    destination: Noun | None = None
    relation: str | None = None
    part: Part | None = None
    mutual: bool = False


def third_of(verb: str) -> str:
    """Return a verb phrase in the third person."""
    head, space, rest = verb.partition(" ")
    if head.endswith("ly"):
        # "apply", "fly": no adverbs.
        return third(head) + space + rest
    return verbs.phrase(verb).third


def _the(noun: Noun) -> str:
    if noun.pronoun:
        return noun.pronoun
    mass = not noun.determiner
    return noun.head if mass else f"the {noun.head}"


def giving(deed: Deed, verb: str, known: Vocabulary) -> Roles | None:
    """Return what is handed over: the one who gets it is the object, the thing the instrument."""
    if len(deed.objects) == 2:
        to, thing = deed.objects
        if (thing.head in known.pairs["parts"] and known.is_living(to.head)) or deed.verb not in known.words[
            "giving"
        ] | known.words["giving_twice"]:
            return None
        return Roles(verb=third_of(f"{verb} {_the(thing)} to"), subjects=deed.subjects, targets=[to], instrument=thing)
    if deed.verb not in known.words["giving"]:
        return None
    for prep, nouns in deed.beside:
        pronoun = nouns[0].pronoun in ("him", "her", "them", "other", "one", "me", "us")
        if prep in ("to", "over to", "back to", "for") and (pronoun or known.is_living(nouns[0].head)):
            if prep == "for":
                continue
            thing = deed.objects[0]
            return Roles(
                verb=third_of(f"{verb} {_the(thing)} to"),
                subjects=deed.subjects,
                targets=nouns,
                instrument=thing,
                part=part_of(deed, known),
            )
    return None


def pouring(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
    """Return what is poured: the stuff is in the verb, the vessel is the object, and the other vessel the instrument.

    Without any target where it is poured on one's own body.
    """
    first = deed.objects[0]
    head = first.head.split()[-1]
    stuff = (
        first.head in known.words["substances"]
        or head in known.words["substances"]
        or known.singular(head) in known.words["substances"]
    )
    if (
        deed.verb not in known.words["pouring"]
        or not (stuff or deed.verb in ("pour", "drip", "drizzle", "sprinkle"))
        or (deed.verb == "rub" and not stuff)
    ):
        return None
    for prep, nouns in deed.beside:
        if (
            prep in ("into", "onto", "on", "over", "in", "inside", "on top of", "to", "upon", "at")
            and nouns[0].head not in known.words["places"]
        ):
            owner = other_owner(nouns[0], deed, known)
            own = nouns[0].determiner in ("his", "her", "its", "their") and nouns[0].owner is None
            if nouns[0].head in known.pairs["parts"] and own and owner is None:
                unread.append(f"somebody does it to themselves: {verb} {first.text} {prep} {nouns[0].text}")
                return Roles(verb=verb, subjects=deed.subjects, targets=())
            targets = (owner,) if owner is not None else nouns
            tool = tool_of(deed, known) or next((two[0] for one, two in deed.beside if one in ("from", "out of")), None)
            text = first.pronoun or " ".join(first.words).lower()
            return Roles(
                verb=third_of(f"{verb} {text} {prep}"),
                subjects=deed.subjects,
                targets=targets,
                instrument=tool,
                part=part_of(deed, known),
            )
    return None


def own_part(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
    """Return a deed with a part of one's own body: "puts his arm around her", "rests its head on the cushion"."""
    first = deed.objects[0]
    for prep, nouns in deed.beside:
        if (
            prep in ("on", "around", "against", "at", "toward", "towards", "to", "into", "over", "with")
            and nouns[0].head not in known.words["places"]
        ):
            if nouns[0].head in known.pairs["parts"] and nouns[0].owner is None:
                continue
            named = known.pairs["parts"].get(first.head, "-")
            part = None if named == "-" else Part(named)
            possessive = first.determiner or "the"
            return Roles(
                verb=third_of(f"{verb} {possessive} {first.text} {prep}"), subjects=deed.subjects, targets=nouns, part=part
            )
    unread.append(f"somebody does it to themselves: {verb} {first.text}")
    return None


def other_owner(noun: Noun, deed: Deed, known: Vocabulary) -> Noun | None:
    """Return whose part of the body it is where "his" or "her" cannot be the one who acts; None where it can."""
    if noun.head not in known.pairs["parts"] or noun.determiner not in ("his", "her") or noun.owner is not None:
        return None
    against = "feminine" if noun.determiner == "his" else "masculine"
    if len(deed.subjects) == 1 and deed.subjects[0].head in known.words[against]:
        pronoun = "him" if noun.determiner == "his" else "her"
        return Noun(pronoun, (pronoun,), pronoun=pronoun)
    return None


def destined(roles: Roles, deed: Deed, known: Vocabulary) -> None:
    """Take in where the object is to end."""
    placing = deed.verb in known.words["placing"] or " ".join([deed.verb, *deed.particles]) in known.words["placing"]
    for prep, nouns in reversed(deed.beside):
        noun = nouns[0]
        relation = _RELATIONS.get(prep)
        if relation is None or noun.head in known.pairs["parts"] or (noun.head in ("front",) and prep == "in"):
            continue
        if not placing and prep not in (
            "into",
            "onto",
            "to",
            "toward",
            "towards",
            "back to",
            "on to",
            "inside",
            "on top of",
            "over to",
        ):
            continue
        if (
            placing
            and prep == "in"
            and noun.head in known.words["places"]
            and any(other in ("on", "into", "onto") for other, _ in deed.beside)
        ):
            continue
        roles.destination, roles.relation = noun, relation
        return


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
        if prep == "with" and not known.is_living(noun.head):
            substance = noun.head in known.words["substances"] or noun.head in known.words["features"] - known.words["tools"]
            if deed.verb in known.words["filling"] and noun.head not in known.words["tools"]:
                continue
            worn = noun.head in known.words["clothing"] and noun.head not in known.words["tools"]
            if deed.verb == "feed" and noun.head not in known.words["tools"]:
                continue
            if (
                noun.head in _MANNER
                or (substance and noun.head not in known.words["tools"])
                or (worn and deed.verb not in ("hit", "strike", "tie", "pull", "dry", "cover"))
            ):
                continue
            return noun
        if prep == "by" and noun.head in ("leash", "rope", "lead", "chain", "string", "reins", "halter", "collar"):
            return noun
        if prep == "from" and deed.verb == "feed":
            return noun
    return None


def part_of(deed: Deed, known: Vocabulary) -> Part | None:
    """Return the part of the own body that it is done with, where one is named that records know."""
    for prep, nouns in deed.beside:
        word = known.pairs["parts"].get(nouns[0].head, "-")
        own = nouns[0].determiner in ("his", "her", "its", "their", "both", "one", "") or nouns[0].count == 2
        if prep in ("with", "in") and own and nouns[0].owner is None and word != "-":
            return Part(word)
    for noun in deed.tools:
        if (word := known.pairs["parts"].get(noun.head, "-")) != "-":
            return Part(word)
    return None
