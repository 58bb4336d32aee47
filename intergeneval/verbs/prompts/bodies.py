"""Whose part of the body "his", "her" or "its" means, where it need not be that of the one who acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from intergeneval.verbs.prompts.deeds import Deed
from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.people import Cast

_ONTO = frozenset(
    {
        "climb",
        "jump",
        "hop",
        "perch",
        "leap",
        "ride",
        "crawl",
        "tap",
        "peck",
        "nibble",
        "tug",
        "knock",
        "sit",
        "land",
        "pull",
        "gnaw",
    }
)
"""Verbs that nobody does on their own back or shoulder."""
_OWN_SEAT = frozenset(
    {"feet", "foot", "knees", "knee", "heels", "haunches", "bottom", "belly", "stomach", "legs", "paws", "hooves", "toes", "tail"}
)
"""Parts on which one sits or lands oneself."""
_SEXLESS = frozenset({"baby", "infant", "newborn", "toddler", "child", "person", "kid"})
"""Persons of whom "its" is said."""
_BIRDS_LACK = frozenset(
    {
        "teeth",
        "tooth",
        "paw",
        "paws",
        "hand",
        "hands",
        "fur",
        "hair",
        "ear",
        "ears",
        "mane",
        "trunk",
        "snout",
        "hoof",
        "hooves",
        "lips",
    }
)


def tell_owners(deed: Deed, actors: Sequence[int], cast: Cast, unread: list[str]) -> bool:
    """Name the owner of a part of the body in a deed where it is another's; return whether it can be told whose it is."""
    known = cast.known
    if deed.objects:
        first = deed.objects[0]
        if not _open(first, cast):
            return True
        whose = _owner(first, actors, cast)
        if whose == ():
            unread.append(f"whose {first.text} it is may be read in two ways: {deed.verb}")
            return False
        if whose:
            deed.objects[0] = _owned(first, whose[0], cast)
        return True
    for place, (prep, nouns) in enumerate(deed.beside):
        noun = nouns[0]
        if prep == "against" and not deed.objects and _open(noun, cast):
            whose = _owner(noun, actors, cast)
            if whose == () or (whose and len(cast.others_with(noun.determiner, actors)) > 1):
                unread.append(f"whose {noun.text} it is may be read in two ways: {deed.verb}")
                return False
            if whose:
                deed.beside[place] = (prep, (_owned(noun, whose[0], cast), *nouns[1:]))
            continue
        if deed.verb not in _ONTO or prep not in ("on", "onto", "at", "on to", "upon", "over") or not _open(noun, cast):
            continue
        others = cast.others_with(noun.determiner, actors)
        if others and noun.head not in _OWN_SEAT and known.is_living(cast.entities[others[0]].head):
            deed.beside[place] = (prep, (_owned(noun, others[0], cast), *nouns[1:]))
    return True


def _open(noun: Noun, cast: Cast) -> bool:
    return noun.head in cast.known.pairs["parts"] and noun.determiner in ("his", "her", "its") and noun.owner is None


def _owned(noun: Noun, index: int, cast: Cast) -> Noun:
    return replace(noun, owner=cast.entities[index].noun, determiner="the")


def _owner(noun: Noun, actors: Sequence[int], cast: Cast) -> tuple[int, ...] | None:  # noqa: PLR0911  # one case a kind of owner
    """Return another whose part it is; None where it is the actor's own, and nothing where both may be meant."""
    known, possessive = cast.known, noun.determiner
    others = cast.others_with(possessive, actors)
    if len(actors) != 1:
        return None
    if not others:
        head = cast.entities[actors[0]].head
        named = [cast.entities[index].head for index in cast.recent if index not in actors]
        if any(one in _SEXLESS for one in named):
            return () if possessive == "its" and known.is_person(head) and head not in _SEXLESS else None
        if possessive != "its" or not known.is_person(head) or head in _SEXLESS:
            return None
        # "A boy hugs a teddy bear and kisses its nose": a person has no "its", and one thing alone may be meant.
        things = [index for index in cast.objects if index not in actors and cast.entities[index].count == 1]
        return (things[0],) if len(things) == 1 and not known.is_person(cast.entities[things[0]].head) else ()
    actor = cast.entities[actors[0]]
    person, sex = known.is_person(actor.head), cast.sex(actors[0])
    wanted = {"his": "masculine", "her": "feminine"}.get(possessive)
    if possessive == "its":
        lacks = known.has("birds", actor.head) and noun.head in _BIRDS_LACK
        return (others[0],) if person or lacks or actor.noun.determiner == "its" else None
    if not person:
        return (others[0],) if not sex else None
    if len([one for one in others if known.is_person(cast.entities[one].head)]) > 1 and sex != wanted:
        return ()  # "a pickpocket bumps into a businessman, and a girl grabs his wrist"
    if sex and sex != wanted:
        return (others[0],)
    if sex == wanted and actor.noun.determiner != possessive:
        return None
    if actor.noun.determiner == possessive:
        return (others[0],)
    if cast.sex(others[0]) == wanted:
        return (others[0],)
    # "A surgeon ..., and an assistant wipes his forehead": of both alike no word says who is meant.
    return () if actors[0] not in cast.subject and actor.noun.determiner in ("a", "an", "another") else None
