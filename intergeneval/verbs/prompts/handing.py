"""Deeds by which a thing goes from one to another: what is handed over, and what is poured."""

from __future__ import annotations

from intergeneval.verbs.prompts.beside import part_of, tool_of
from intergeneval.verbs.prompts.deed_roles import Roles, third_of
from intergeneval.verbs.prompts.deeds import Deed
from intergeneval.verbs.prompts.nouns import Noun, is_name
from intergeneval.verbs.prompts.vocabulary import Vocabulary

_AIMED = frozenset({"point", "aim", "shine", "direct"})
"""What is done with a thing to somebody or something that it does not reach."""


def other_owner(noun: Noun, deed: Deed, known: Vocabulary) -> Noun | None:
    """Return whose part of the body it is where "his" or "her" cannot be the one who acts; None where it can."""
    if noun.head not in known.pairs["parts"] or noun.determiner not in ("his", "her") or noun.owner is not None:
        return None
    against = "feminine" if noun.determiner == "his" else "masculine"
    if len(deed.subjects) == 1 and deed.subjects[0].head in known.words[against]:
        pronoun = "him" if noun.determiner == "his" else "her"
        return Noun(pronoun, (pronoun,), pronoun=pronoun)
    return None


def roles_of_giving(deed: Deed, verb: str, known: Vocabulary) -> Roles | None:
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
        if prep in ("to", "over to", "back to", "for") and (
            pronoun or known.is_living(nouns[0].head) or is_name(nouns[0], known)
        ):
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


def roles_of_aiming(deed: Deed, verb: str, known: Vocabulary) -> Roles | None:
    """Return whom or what a thing is pointed at, the thing as the instrument: "points a gun at a thief"."""
    thing = deed.objects[0]
    if deed.verb not in _AIMED or thing.head in known.pairs["parts"]:
        return None
    at = next(((prep, nouns) for prep, nouns in deed.beside if prep in ("at", "toward", "towards", "into")), None)
    if at is None or at[1][0].head in known.pairs["parts"] or at[1][0].head in known.words["places"]:
        return None
    return Roles(verb=third_of(f"{verb} {_the(thing)} {at[0]}"), subjects=deed.subjects, targets=at[1], instrument=thing)


def _the(noun: Noun) -> str:
    if noun.pronoun:
        return noun.pronoun
    mass = not noun.determiner
    return noun.head if mass else f"the {noun.head}"


def roles_of_pouring(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
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
        or not (stuff or deed.verb in ("pour", "inject", "drip", "drizzle", "sprinkle", "smear", "squirt", "splash"))
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
