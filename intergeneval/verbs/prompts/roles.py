"""From one deed to who does what to whom: tool, place, passive, each other, things handed over, deeds said as nouns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval.records import Part
from intergeneval.verbs.prompts.bodies import tell_owners
from intergeneval.verbs.prompts.clauses import Deed
from intergeneval.verbs.prompts.handling import (
    HELD,
    Roles,
    destined,
    giving,
    other_owner,
    own_part,
    part_of,
    pouring,
    third_of,
    tool_of,
)
from intergeneval.verbs.prompts.people import Cast
from intergeneval.verbs.prompts.phrases import Noun
from intergeneval.verbs.prompts.vocabulary import Vocabulary

_LOOSE = frozenset({"together", "along", "around", "forward", "aside", "through", "across", "in", "on", "over"})
"""Words after a verb that say where it goes, unless they are known to belong to it."""
_MOVED_SELF = frozenset(
    {"lift", "raise", "bend", "stretch", "extend", "lower", "slide", "outstretch", "hold", "fold", "cross", "spread", "flap"}
)
"""What somebody does with a part of their own body, though nobody says whose it is: "lifts one paw"."""
_LOOSELY = frozenset({"dance", "talk", "chat", "play", "race", "argue", "converse", "clap hands", "exchange", "toast"})
"""What many do beside one another as well as with one another."""
_AT_CAMERA = frozenset(
    {
        "look",
        "smile",
        "wave",
        "stare",
        "gaze",
        "wink",
        "nod",
        "grin",
        "glance",
        "point",
        "laugh",
        "face",
        "talk",
        "speak",
        "pose",
        "blink",
    }
)
"""What is done towards the one who films."""
_LYING = frozenset({"stand", "sit", "lie", "rest", "nestle", "float", "hover", "surround", "face", "stay", "live"})
"""Verbs that of a thing only say where it is."""
_LIFTED = frozenset(
    {"lift", "pick", "pick up", "take", "grab", "open", "catch", "put down", "set down", "fetch", "scoop up", "remove"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One interaction among those a prompt names, by their indices."""

    subject: int
    """Who acts."""
    verb: str
    """Third person, with particles, and with the stuff or thing that the phrase needs."""
    object: int
    """Who or what it is done to."""
    mutual: bool = False
    """Whether the object does it to the subject too."""
    instrument: int | None = None
    """What it is done with."""
    destination: int | str | None = None
    """Where the object ends."""
    destination_words: str | None = None
    """The destination in words, should there be no room for an instance of it."""
    relation: str | None = None
    """How the object then stands to it."""
    part: Part | None = None
    """Part of the body it is done with."""
    after: tuple[Act, ...] = field(default=(), compare=False)
    """The acts of the deed it follows."""

    weak: bool = False
    """Whether it only says where somebody is or what they have about them, which counts where nothing else is done."""

    described: bool = False
    """Whether it only tells who is meant."""

    @property
    def needed(self) -> tuple[int, ...]:
        """Indices of all it names."""
        ends = self.destination if isinstance(self.destination, int) else None
        return tuple(index for index in (self.subject, self.object, self.instrument, ends) if index is not None)


def acts_of(deed: Deed, cast: Cast, known: Vocabulary, unread: list[str]) -> list[Act]:  # noqa: PLR0911  # one case a kind of deed
    """Return the interactions of one deed; what is none is told in `unread`."""
    said = " ".join([deed.verb, *deed.particles])
    if deed.negated:
        unread.append(f"it is not said to happen: {said}")
        return []
    subjects = list(deed.subjects)
    if any(noun.head in ("camera", "video", "scene", "footage", "shot", "clip") for noun in subjects):
        return []
    nothing = deed.objects and known.pairs["light"].get(f"{deed.verb}+{deed.objects[-1].head}") == "-"
    if nothing and (deed.passive or _together(deed, known) is None):
        unread.append(f"the verb names nothing that can be seen happening: {said} {deed.objects[-1].text}")
        return []
    if not deed.passive:
        acted = cast.subject
        _tell_apart(deed, subjects, cast)
        actors = _all(subjects, cast, "subject")
        cast.subject = acted
        if not tell_owners(deed, actors, cast, unread):
            cast.subject = actors
            return []
    roles = _light(deed, known) or (_passive(deed, known, unread) if deed.passive else _active(deed, known, unread))
    if roles is None:
        if not deed.passive:
            cast.subject = _all(subjects, cast, "subject")
        _mentioned(deed, cast)
        return []
    if not deed.passive and roles.targets and _films(roles.targets[0], deed):
        unread.append(f"the camera is nobody in the scene: {said}")
        return []
    vague = [noun.head for noun in (*roles.subjects, *roles.targets) if known.has("abstract", noun.head) and not noun.pronoun]
    if vague:
        unread.append(f"{vague[0]!r} is nobody and nothing that can be pointed at: {said}")
        return []
    made = _acts(roles, deed, cast, known, unread)
    doing = next((nouns for prep, nouns in deed.beside if prep == "by"), ()) if deed.passive else deed.subjects
    if deed.verb in _LYING and not any(noun.pronoun or _alive(noun, known) for noun in doing):
        unread.append(f"it only says where something is: {said}")
        return []
    weak = deed.verb in known.words["states"] and (deed.verb not in ("hold", "carry") or deed.passive)
    return [replace(act, weak=True, described=deed.described) for act in made] if weak else made


def _films(noun: Noun, deed: Deed) -> bool:
    """Whether a noun means what films the scene: "smiles at the camera", "water splashes on the lens"."""
    return noun.head == "lens" or (noun.head == "camera" and noun.determiner == "the" and deed.verb in _AT_CAMERA)


def _alive(noun: Noun, known: Vocabulary) -> bool:
    return noun.head in known.words["groups"] or any(known.is_living(word.lower()) for word in (noun.head, *noun.words))


def _tell_apart(deed: Deed, subjects: Sequence[Noun], cast: Cast) -> None:
    """Take in what tells one who is acted upon from one of the same name who acts: "touches the elephant with long tusks"."""
    actors = _all(subjects, cast, "subject")
    for place, noun in enumerate(deed.objects[:1]):
        if not (noun.pronoun or noun.owner) and noun.determiner == "the" and noun.count == 1 and cast.find(noun) in actors:
            deed.objects[place] = cast.apart(*_looking(deed, noun, 0))
    for place, (prep, nouns) in enumerate(deed.beside[:1] if not deed.objects else ()):
        noun = nouns[0]
        if not (noun.pronoun or noun.owner) and noun.determiner == "the" and noun.count == 1 and cast.find(noun) in actors:
            deed.beside[place] = (prep, (cast.apart(*_looking(deed, noun, 1)), *nouns[1:]))


def _looking(deed: Deed, noun: Noun, place: int) -> tuple[Noun, tuple[str, ...]]:
    """Return a noun with the look that stands beside it, which is taken out of the deed, and the words of the look."""
    if len(deed.beside) <= place or deed.beside[place][0] not in ("with", "without", "in"):
        return noun, ()
    prep, nouns = deed.beside.pop(place)
    return replace(noun, inner=nouns), (prep, *filter(None, (nouns[0].determiner,)), *nouns[0].words)


def _mentioned(deed: Deed, cast: Cast) -> None:
    for noun in [*deed.objects, *deed.more, *(one for _, nouns in deed.beside for one in nouns)]:
        if not noun.pronoun and noun.head not in cast.known.words["places"]:
            cast.resolve(noun)


def _all(nouns: Sequence[Noun], cast: Cast, role: str) -> tuple[int, ...]:
    found: list[int] = []
    for noun in nouns:
        found += [index for index in cast.resolve(noun, role=role) if index not in found]
    return tuple(found)


def _acts(roles: Roles, deed: Deed, cast: Cast, known: Vocabulary, unread: list[str]) -> list[Act]:
    actors = _all(roles.subjects, cast, "subject")
    if not actors:
        unread.append(f"who is meant is not clear: {' and '.join(noun.text for noun in roles.subjects)} {roles.verb}")
        return []
    before, cast.subject = cast.subject, actors
    if roles.mutual:
        if len(actors) == 1 and len(roles.subjects) == 1 and (two := cast.two_of(actors[0])) is not None:
            actors = two
        if len(actors) != 2:
            unread.append(f"who does it to whom is not said: {roles.verb} each other")
            return []
        act = Act(subject=actors[0], verb=roles.verb, object=actors[1], mutual=True, part=roles.part)
        return _kept([replace(act, **_places(roles, act, cast, known))], deed, cast)
    tool = roles.instrument
    held = cast.resolve(tool) if tool is not None and tool.pronoun else ()
    targets = _all(roles.targets, cast, "object")
    if not targets:
        unread.append(f"who or what is meant is not clear: {roles.verb} {' and '.join(noun.text for noun in roles.targets)}")
        cast.subject = before if not before else cast.subject
        return []
    handed = cast.resolve(roles.instrument) if roles.instrument is not None and " to" in roles.verb else ()
    # "puts a bow on it and gives it to her": what was "it" stays so.
    went = not deed.objects and not deed.passive and len(actors) == 1 and cast.entities[actors[0]].count == 1
    thing = went and not known.is_person(cast.entities[actors[0]].head) and not known.is_person(cast.entities[targets[-1]].head)
    cast.unsure = (actors[0], targets[-1]) if thing else ()
    still = next((nouns[0] for _, nouns in deed.beside if nouns[0].pronoun == "it"), None)
    topic = cast.resolve(still) if still is not None else ()
    cast.objects = (*targets, *handed, *topic)
    made = []
    for actor in actors:
        for target in targets:
            if actor == target:
                unread.append(f"somebody does it to themselves: {roles.verb}")
                continue
            act = Act(subject=actor, verb=roles.verb, object=target, relation=roles.relation, part=roles.part)
            act = replace(act, **_places(roles, act, cast, known, held))
            made.append(act)
    return _kept(made, deed, cast)


def _places(roles: Roles, act: Act, cast: Cast, known: Vocabulary, held: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return tool and destination of an act as far as they are somebody or something else than its roles.

    `held`: what a pronoun meant as the tool before the object was named.
    """
    taken = [act.subject, act.object]
    found: dict[str, Any] = {}
    if roles.instrument is not None:
        tool = held or (() if roles.instrument.pronoun in HELD else cast.resolve(roles.instrument))
        if tool and tool[0] not in taken:
            found["instrument"] = tool[0]
            taken.append(tool[0])
    if roles.destination is not None:
        place = roles.destination
        words = " ".join(filter(None, ("the" if place.determiner in ("the", "a", "an", "") else place.determiner, place.text)))
        if place.head in known.words["places"] and not place.pronoun:
            found["destination"] = words
        elif (end := cast.resolve(place)) and end[0] not in taken:
            found |= {"destination": end[0], "destination_words": words}
    if found.get("destination") is None:
        found["relation"] = None
    return found


def _kept(made: list[Act], deed: Deed, cast: Cast) -> list[Act]:
    """Return the acts with what they follow: what an order word says, or what is picked up before something is done with it."""
    last: list[Act] = getattr(cast, "last", [])
    lifted = any(deed_verb in _LIFTED for deed_verb in getattr(cast, "last_verbs", ()))
    if made and last and not deed.first and (deed.ordered or (deed.joined and lifted)):
        made = [replace(act, after=tuple(last)) for act in made]
    if made:
        cast.last = made
        cast.last_verbs = (deed.verb, " ".join([deed.verb, *deed.particles]))
    return made


def _light(deed: Deed, known: Vocabulary) -> Roles | None:
    """Return the roles of a deed said as a noun: "gives the boy a hug", "takes a bite of the apple"."""
    if deed.verb not in ("give", "take", "have", "throw") or not deed.objects or deed.passive:
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


def _passive(deed: Deed, known: Vocabulary, unread: list[str]) -> Roles | None:
    agents = next((nouns for prep, nouns in deed.beside if prep == "by"), None)
    verb = " ".join([deed.verb, *deed.particles])
    if agents is None or all(noun.head in known.words["places"] for noun in agents):
        unread.append(f"who does it is not said: {verb}")
        return None
    turned = Deed(
        verb=deed.verb, subjects=agents, objects=[*deed.subjects[:1]], more=list(deed.subjects[1:]), particles=deed.particles,
        beside=[entry for entry in deed.beside if entry[0] != "by"], tools=deed.tools,
    )  # fmt: skip
    if deed.objects:
        # "is given a bone by the boy": the thing is what is left.
        turned.objects.append(deed.objects[0])
    return _active(turned, known, unread)


def _active(deed: Deed, known: Vocabulary, unread: list[str]) -> Roles | None:  # noqa: PLR0911  # one case a kind of sentence
    particles = [
        word
        for word in deed.particles
        if word not in _LOOSE or known.has("phrasal", f"{deed.verb} {word}") or f"{deed.verb} {word}" in known.words["lexicon"]
    ]
    if len(particles) > 1 and "together" in particles:
        particles.remove("together")
    verb = " ".join([deed.verb, *particles])
    objects = deed.objects
    if any(noun.pronoun and known.has("reciprocal", noun.pronoun) for noun in objects):
        part = objects[0].inner[0] if objects[0].inner else None
        verb = verb if part is None else f"{verb} the {part.text} of"
        return Roles(verb=third_of(verb), subjects=deed.subjects, targets=(), mutual=True)
    each = next(
        ((prep, nouns) for prep, nouns in deed.beside if nouns[0].pronoun and known.has("reciprocal", nouns[0].pronoun)), None
    )
    if each is not None:
        if objects:
            verb = f"{verb} {objects[0].text}"
        return Roles(verb=third_of(f"{verb} {each[0]}"), subjects=deed.subjects, targets=(), mutual=True)
    if objects and known.has("reflexives", objects[0].pronoun):
        unread.append(f"somebody does it to themselves: {verb}")
        return None
    if not objects:
        return _without_object(deed, verb, known, unread)
    if (handed := giving(deed, verb, known)) is not None:
        return handed
    if deed.verb in known.words["vague"] and verb not in known.words["lexicon"]:
        if deed.described or deed.verb == "wear":
            return None
        unread.append(f"the verb names nothing that can be seen happening: {verb} {objects[0].text}")
        return None
    return _with_object(deed, verb, known, unread)


def _together(deed: Deed, known: Vocabulary) -> Roles | None:
    """Return what two do with one another without saying so: "two men shake hands", "a boy dances with a girl"."""
    thing = deed.objects[0] if deed.objects else None
    verb = " ".join([deed.verb, *(word for word in deed.particles if word != "together")])
    phrase = verb if thing is None else f"{deed.verb} {' '.join(thing.words).lower()}"
    if phrase not in known.words["together"]:
        return None
    partner = next((nouns for prep, nouns in deed.beside if prep == "with" and not _thing_used(nouns[0], known)), None)
    bare = phrase in ("shake hands", "hold hands") or thing is None
    groups = [noun for noun in deed.subjects if noun.count is None and _alive(noun, known) and known.is_plural(noun.head)]
    several = (
        (bool(groups) and len(deed.subjects) == 1 and phrase not in _LOOSELY and partner is None)
        or len(deed.subjects) == 2
        or any(noun.count == 2 or noun.pronoun == "they" for noun in deed.subjects)
    )
    able = partner is not None and (partner[0].pronoun or _alive(partner[0], known) or known.has("vehicles", partner[0].head))
    if partner is not None and (able or not several):
        return Roles(verb=third_of(f"{phrase} with"), subjects=deed.subjects, targets=partner)
    if several:
        paired = f"{phrase} with" in known.words["lexicon"] | known.words["targeted"]
        alone = known.has("intransitive", phrase) and not known.has("transitive", phrase) and phrase not in known.words["lexicon"]
        entry = f"{phrase} with" if not bare or paired or alone else phrase
        return Roles(verb=third_of(entry), subjects=deed.subjects, targets=(), mutual=True, instrument=tool_of(deed, known))
    return None


def _thing_used(noun: Noun, known: Vocabulary) -> bool:
    """Whether what follows "with" is a tool or a part of the body rather than a partner."""
    words = (noun.head, known.singular(noun.head), noun.head.split()[-1])
    return any(word in known.words["tools"] or word in known.pairs["parts"] for word in words) and not known.is_living(noun.head)


def _without_object(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> Roles | None:
    over = any(prep in ("over", "for") and known.has("targeted", f"{verb} {prep}") for prep, _ in deed.beside)
    if not over and (found := _together(deed, known)) is not None:
        return found
    for position, (prep, nouns) in enumerate(deed.beside):
        for phrase in (f"{verb} {prep}", f"{deed.verb} {prep}"):
            if phrase not in known.words["lexicon"] and not known.has("targeted", phrase):
                continue
            noun = nouns[0]
            place = noun.head in known.words["places"] and not noun.pronoun
            bodily = noun.head in known.pairs["parts"] or known.singular(noun.head) in known.pairs["parts"]
            own = bodily and noun.owner is None and "of" not in noun.words
            body = own or (prep == "with" and _thing_used(noun, known))
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


_TO = ("to", "at", "with", "toward", "towards", "on", "into", "around", "over", "against")


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
    if (found := _together(deed, known)) is not None:
        return found
    if (found := pouring(deed, verb, known, unread)) is not None:
        return found if found.targets else None
    if (owner := other_owner(first, deed, known)) is not None:
        return Roles(
            verb=third_of(f"{verb} the {first.text} of"), subjects=deed.subjects, targets=[owner], instrument=tool_of(deed, known)
        )
    own = first.determiner in ("his", "her", "its", "their", "my", "your", "our") and first.owner is None
    moved_self = deed.verb in _MOVED_SELF and first.determiner in ("a", "one", "both", "") and first.owner is None
    own = own or (moved_self and not first.inner and all(known.is_living(noun.head) for noun in deed.subjects))
    if first.head in known.pairs["parts"] and own:
        return own_part(deed, verb, known, unread)
    if first.head in known.pairs["parts"] and first.owner is None and not known.is_living(first.head):
        whose = next((nouns for prep, nouns in deed.beside if prep == "of"), None)
        if (
            whose is None
            and not first.inner
            and deed.verb in ("shake", "wave", "clap", "raise", "nod", "bow", "turn", "open", "close", "fold", "cross", "bare")
        ):
            return own_part(deed, verb, known, unread)
    if first.owner is not None and first.head in known.pairs["parts"]:
        verb = f"{verb} the {first.text} of"
    roles = Roles(verb=third_of(verb), subjects=deed.subjects, targets=[first, *deed.more], part=part_of(deed, known))
    roles.instrument = tool_of(deed, known)
    moved = (
        deed.verb in known.words["placing"]
        or deed.verb in known.words["moving"]
        or verb in known.words["moving"]
        or verb in known.words["placing"]
    )
    if moved:
        destined(roles, deed, known)
    return roles
