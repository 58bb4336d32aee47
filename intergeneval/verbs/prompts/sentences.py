"""From one deed to its roles, a kind of sentence each: passive, each other, with and without object, deeds said as nouns."""

from __future__ import annotations

from intergeneval.records import Part
from intergeneval.verbs.prompts.beside import PARTNERED, agents_of, is_alive, is_used, not_taken, part_of, tool_of
from intergeneval.verbs.prompts.deed_roles import Roles, third_of
from intergeneval.verbs.prompts.deeds import Deed
from intergeneval.verbs.prompts.handing import other_owner, roles_of_aiming, roles_of_giving, roles_of_pouring
from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.vocabulary import Vocabulary

_RELATIONS = {
    **dict.fromkeys(("in", "into", "inside", "through"), "in"),
    **dict.fromkeys(("on", "onto", "on to", "on top of", "over", "upon", "around"), "on"),
    **dict.fromkeys(("to", "toward", "towards", "at", "under", "beside", "next to", "against", "behind", "near"), "at"),
    **dict.fromkeys(("in front of", "back to", "between"), "at"),
}
"""Preposition -> how the object stands to what follows it."""

_LOOSE = frozenset({"together", "along", "around", "forward", "aside", "through", "across", "in", "on", "over"})
"""Words after a verb that say where it goes, unless they are known to belong to it."""

_MOVED_SELF = frozenset(
    {"lift", "raise", "bend", "stretch", "extend", "lower", "slide", "outstretch", "hold", "fold", "cross", "spread", "flap"}
)
"""What somebody does with a part of their own body, though nobody says whose it is: "lifts one paw"."""

_CALLED = frozenset({"call", "name", "crown", "elect", "consider", "teach", "show", "tell", "ask"})
"""Verbs whose second object is nothing that is done for the first."""

_OPENED = frozenset(
    str.split("eye eyes mouth hand hands fist fists palm palms arm arms lips jaw jaws beak claw claws wing wings")
)
"""Parts of the body that open and close; a chest that opens is a piece of furniture."""

_LOOSELY = frozenset({"dance", "talk", "chat", "play", "race", "argue", "converse", "clap hands", "exchange", "toast"})
"""What many do beside one another as well as with one another."""

_GOING = frozenset(str.split("walk run ride drive sail swim fly paddle ski skate march hike wander stroll wade cross step crawl"))
"""Verbs of going, with which "along", "across" and "through" tell the way."""

_TO = ("to", "at", "with", "toward", "towards", "on", "into", "around", "over", "against")


def roles_of_noun(deed: Deed, known: Vocabulary) -> Roles | None:
    """Return the roles of a deed said as a noun: "gives the boy a hug", "takes a bite of the apple"."""
    if deed.verb not in ("give", "take", "have", "throw", "set") or not deed.objects or deed.passive:
        return None
    thing = deed.objects[-1]
    word = known.pairs["light"].get(f"{deed.verb}+{thing.head}")
    if word is None or word == "-":
        return None
    if len(deed.objects) == 2:
        target: Noun | None = deed.objects[0]
    elif thing.inner:
        target = thing.inner[-1]
    else:
        target = next((nouns[0] for prep, nouns in deed.beside if prep in ("to", "at", "from", "with", "of", "out of")), None)
    if target is None:
        return None
    return Roles(verb=third_of(word), subjects=deed.subjects, targets=[target, *(deed.more if len(deed.objects) == 1 else ())])


def roles_of_passive(deed: Deed, known: Vocabulary, unread: list[str]) -> Roles | None:
    """Return the roles of a passive, turned round; None, and why in `unread`, where nobody is said to do it."""
    agents = agents_of(deed, known)
    verb = " ".join([deed.verb, *deed.particles])
    if agents is None:
        unread.append(f"who does it is not said: {verb}")
        return None
    turned = Deed(
        verb=deed.verb, subjects=agents, objects=[*deed.subjects[:1]], more=list(deed.subjects[1:]), particles=deed.particles,
        beside=[entry for entry in deed.beside if entry[1] is not agents], tools=deed.tools, turned=True,
    )  # fmt: skip
    if deed.objects:
        # "is given a bone by the boy": the thing is what is left.
        turned.objects.append(deed.objects[0])
    return roles_of_active(turned, known, unread)


def roles_of_active(deed: Deed, known: Vocabulary, unread: list[str]) -> Roles | None:  # noqa: PLR0911  # one case a kind of sentence
    """Return the roles of a deed whose subject does it; None, and why in `unread`, where it is done to nobody."""
    particles = [
        word
        for word in deed.particles
        if word not in _LOOSE
        or any(known.has(name, f"{deed.verb} {word}") for name in ("phrasal", "lexicon", *(("targeted",) if deed.turned else ())))
    ]
    verb = " ".join([deed.verb, *particles])
    if deed.verb in ("set", "light") and any(prep == "on" and _aflame(nouns[0]) for prep, nouns in deed.beside):
        verb += " on fire"
    objects = deed.objects
    if any(noun.pronoun and known.has("reciprocal", noun.pronoun) for noun in objects):
        part = objects[0].inner[0] if objects[0].inner else None
        verb = verb if part is None else f"{verb} the {part.text} of"
        return _each_other(deed, verb, known, unread)
    each = next(
        ((prep, nouns) for prep, nouns in deed.beside if nouns[0].pronoun and known.has("reciprocal", nouns[0].pronoun)), None
    )
    if each is not None:
        if objects:
            verb = f"{verb} {objects[0].text}"
        return _each_other(deed, f"{verb} {each[0]}", known, unread)
    if objects and known.has("reflexives", objects[0].pronoun):
        unread.append(f"somebody does it to themselves: {verb}")
        return None
    if not objects:
        return _without_object(deed, verb, known, unread)
    if (handed := roles_of_giving(deed, verb, known)) is not None:
        return handed
    if _done_for_first(deed, known):
        objects = deed.objects = objects[1:]
    if deed.verb in known.words["vague"] and verb not in known.words["lexicon"]:
        return _said_vaguely(deed, verb, known, unread)
    return _with_object(deed, verb, known, unread)


def _each_other(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles:
    """Return what two do to one another, with tool and part of the body: "strike one another with foils"."""
    tool = tool_of(deed, known)
    _say_not_taken(deed, verb, tool, known, unread)
    return Roles(verb=third_of(verb), subjects=deed.subjects, targets=(), mutual=True, instrument=tool, part=part_of(deed, known))


def _say_not_taken(deed: Deed, verb: str, tool: Noun | None, known: Vocabulary, unread: list[str]) -> None:
    """Say what stands behind "with" and is no tool of the interaction, so that it is not lost without a word."""
    lost = not_taken(deed, tool, known)
    unread += [f"it was not taken as what it is done with: {verb} with {noun.text}" for noun in lost]


def _said_vaguely(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
    """Return the roles of a deed whose verb names nothing that can be seen happening, which is none but an animal's clothes."""
    if deed.verb == "wear" and all(is_alive(noun, known) and not known.is_person(noun.head) for noun in deed.subjects):
        return Roles(verb="wears", subjects=deed.subjects, targets=[deed.objects[0], *deed.more])
    if deed.described:
        return None
    if deed.verb == "wear":
        unread.append(f"it only tells how somebody looks: {verb} {deed.objects[0].text}")
        return None
    unread.append(f"the verb names nothing that can be seen happening: {verb} {deed.objects[0].text}")
    return None


def _done_for_first(deed: Deed, known: Vocabulary) -> bool:
    """Whether the first of two objects is the one for whom it is done: "pours her a glass of wine"."""
    if len(deed.objects) != 2 or deed.verb in _CALLED:
        return False
    first, second = deed.objects
    somebody = first.pronoun in ("him", "her", "them", "me", "us") or is_alive(first, known)
    thing = second.determiner or not (
        known.has("adjectives", second.head) or (second.words[-1:] and second.words[-1][:1].isupper())
    )
    return somebody and bool(thing) and not second.pronoun and not is_alive(second, known)


def _aflame(noun: Noun) -> bool:
    """Whether a noun stands for no thing but for burning: "sets a book on fire"."""
    return noun.head == "fire" and not noun.determiner


def roles_together(deed: Deed, known: Vocabulary) -> Roles | None:
    """Return what two do with one another without saying so: "two men shake hands", "a boy dances with a girl"."""
    thing = deed.objects[0] if deed.objects else None
    verb = " ".join([deed.verb, *(word for word in deed.particles if word != "together")])
    phrase = verb if thing is None else f"{deed.verb} {' '.join(thing.words).lower()}"
    if phrase not in known.words["together"] and not _game(deed, known):
        return None
    partner = next((nouns for prep, nouns in deed.beside if prep in PARTNERED and not is_used(nouns[0], known)), None)
    bare = phrase in ("shake hands", "hold hands") or thing is None
    groups = [noun for noun in deed.subjects if noun.count is None and is_alive(noun, known) and known.is_plural(noun.head)]
    several = (
        (bool(groups) and len(deed.subjects) == 1 and phrase not in _LOOSELY and partner is None)
        or len(deed.subjects) == 2
        or any(noun.count == 2 or noun.pronoun == "they" for noun in deed.subjects)
    )
    able = partner is not None and (partner[0].pronoun or is_alive(partner[0], known) or known.has("vehicles", partner[0].head))
    if partner is not None and (able or not several):
        return Roles(verb=third_of(f"{phrase} with"), subjects=deed.subjects, targets=partner)
    if several:
        paired = f"{phrase} with" in known.words["lexicon"] | known.words["targeted"]
        alone = known.has("intransitive", phrase) and not known.has("transitive", phrase) and phrase not in known.words["lexicon"]
        entry = f"{phrase} with" if not bare or paired or alone else phrase
        return Roles(verb=third_of(entry), subjects=deed.subjects, targets=(), mutual=True, instrument=tool_of(deed, known))
    return None


def _game(deed: Deed, known: Vocabulary) -> bool:
    """Whether a bare word after "play" that no list knows is what is played with somebody: "plays hopscotch with a boy"."""
    thing = deed.objects[0] if deed.objects else None
    bare = thing is not None and not (thing.determiner or thing.owner or thing.inner or thing.pronoun) and len(thing.words) == 1
    others = any(prep in PARTNERED and is_alive(nouns[0], known) for prep, nouns in deed.beside)
    return deed.verb == "play" and bare and others and thing is not None and not known.is_noun(thing.head)


def _without_object(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
    over = any(prep in ("over", "for") and known.has("targeted", f"{verb} {prep}") for prep, _ in deed.beside)
    if not over and (found := roles_together(deed, known)) is not None:
        return found
    for position, (prep, nouns) in enumerate(deed.beside):
        for phrase in (f"{verb} {prep}", f"{deed.verb} {prep}"):
            if phrase not in known.words["lexicon"] and not known.has("targeted", phrase):
                continue
            noun = nouns[0]
            place = (noun.head in known.words["places"] and not noun.pronoun) or _only_way(deed, prep, noun, known)
            own = noun.head in known.pairs["parts"] and noun.owner is None and "of" not in noun.words
            body = own or (prep == "with" and is_used(noun, known))
            if (place and not _thing_like(phrase, noun)) or body:
                continue
            part = part_of(deed, known)
            tool = tool_of(deed, known, skip=position)
            return Roles(verb=third_of(phrase), subjects=deed.subjects, targets=nouns, part=part, instrument=tool)
    living = next(
        (
            (prep, nouns)
            for prep, nouns in deed.beside
            if prep in _TO and (known.is_living(nouns[0].head) or _owned_part(nouns[0], known))
        ),
        None,
    )
    if (
        living is not None
        and (known.has("intransitive", deed.verb) or deed.verb in known.words["lexicon"])
        and deed.verb not in known.words["states"]
    ):
        return Roles(verb=third_of(f"{verb} {living[0]}"), subjects=deed.subjects, targets=living[1])
    unread.append(f"nobody and nothing it is done to is named: {verb}")
    return None


def _only_way(deed: Deed, prep: str, noun: Noun, known: Vocabulary) -> bool:
    """Whether a noun only tells where somebody goes: "walks along the cliff", "rides through the swamp"."""
    if deed.verb not in _GOING or prep not in ("along", "across", "through") or noun.pronoun:
        return False
    if is_alive(noun, known) or noun.owner is not None:
        return False
    words = {noun.head, known.singular(noun.head), known.singular(noun.head.split()[-1])}
    things = ("vehicles", "tools", "compounds", "clothing", "features", "passed")
    return not any(known.has(name, word) for name in things for word in words)


def _owned_part(noun: Noun, known: Vocabulary) -> bool:
    return noun.owner is not None and noun.head in known.pairs["parts"] and known.is_living(noun.owner.head)


def _thing_like(phrase: str, noun: Noun) -> bool:
    """Whether a place may be what a verb is done to: one sits on a bench, digs in sand, jumps over a puddle."""
    own = phrase.rpartition(" ")[2] in ("over", "into", "through", "under")
    return (own or phrase in ("look at", "point at", "dig in", "shovel")) and noun.head in (
        "bridge",
        "puddle",
        "wall",
        "tunnel",
        "river",
        "road",
        "bus",
        "train",
        "snow",
        "sand",
        "window",
        "house",
        "pool",
    )


def _with_object(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
    objects = deed.objects
    first = objects[0]
    if (found := roles_together(deed, known) or roles_of_aiming(deed, verb, known)) is not None:
        return found
    if (found := roles_of_pouring(deed, verb, known, unread)) is not None:
        return found if found.targets else None
    if (owner := other_owner(first, deed, known)) is not None:
        return Roles(
            verb=third_of(f"{verb} the {first.text} of"), subjects=deed.subjects, targets=[owner], instrument=tool_of(deed, known)
        )
    own = first.determiner in ("his", "her", "its", "their", "my", "your", "our") and first.owner is None
    moved_self = deed.verb in _MOVED_SELF and first.determiner in ("a", "one", "both", "") and first.owner is None
    own = own or (moved_self and not first.inner and all(known.is_living(noun.head) for noun in deed.subjects))
    if first.head in known.pairs["parts"] and own:
        return _own_part(deed, verb, known, unread)
    if first.head in known.pairs["parts"] and first.owner is None and not known.is_living(first.head):
        whose = next((nouns for prep, nouns in deed.beside if prep == "of"), None)
        if (
            whose is None
            and not first.inner
            and deed.verb in ("shake", "wave", "clap", "raise", "nod", "bow", "turn", "open", "close", "fold", "cross", "bare")
            and not (deed.verb in ("open", "close") and first.head not in _OPENED)
        ):
            return _own_part(deed, verb, known, unread)
    if first.owner is not None and first.head in known.pairs["parts"]:
        verb = f"{verb} the {first.text} of"
    roles = Roles(verb=third_of(verb), subjects=deed.subjects, targets=[first, *deed.more], part=part_of(deed, known))
    roles.instrument = tool_of(deed, known)
    _say_not_taken(deed, verb, roles.instrument, known, unread)
    moved = (
        deed.verb in known.words["placing"]
        or deed.verb in known.words["moving"]
        or verb in known.words["moving"]
        or verb in known.words["placing"]
    )
    if moved:
        _destined(roles, deed, known)
    return roles


def _destined(roles: Roles, deed: Deed, known: Vocabulary) -> None:
    """Take in where the object is to end."""
    placing = deed.verb in known.words["placing"] or " ".join([deed.verb, *deed.particles]) in known.words["placing"]
    for prep, nouns in reversed(deed.beside):
        noun = nouns[0]
        relation = _RELATIONS.get(prep)
        if relation is None or noun.head in known.pairs["parts"] or (noun.head in ("front",) and prep == "in"):
            continue
        if _aflame(noun):
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


def _own_part(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
    """Return a deed with a part of one's own body: "puts his arm around her", "rests its head on the cushion"."""
    first = deed.objects[0]
    for prep, nouns in deed.beside:
        if (
            prep in ("on", "around", "against", "at", "toward", "towards", "to", "into", "over", "with")
            and nouns[0].head not in known.words["places"]
        ):
            if nouns[0].head in known.pairs["parts"] and nouns[0].owner is None:
                continue
            if prep == "with" and not (nouns[0].pronoun or nouns[0].owner is not None or known.is_living(nouns[0].head)):
                continue  # "taps her knee with a stick": the stick is what it is done with, and it is done to oneself
            named = known.pairs["parts"].get(first.head, "-")
            part = None if named == "-" else Part(named)
            possessive = first.determiner or "the"
            return Roles(
                verb=third_of(f"{verb} {possessive} {first.text} {prep}"), subjects=deed.subjects, targets=nouns, part=part
            )
    unread.append(f"somebody does it to themselves: {verb} {first.text}")
    return None
