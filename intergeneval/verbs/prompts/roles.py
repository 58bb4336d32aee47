"""From one deed to who does what to whom: tool, place, passive, each other, things handed over, deeds said as nouns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval import verbs
from intergeneval.records import Part
from intergeneval.verbs.forms import third
from intergeneval.verbs.prompts.bodies import tell_owners
from intergeneval.verbs.prompts.clauses import Deed
from intergeneval.verbs.prompts.people import Cast
from intergeneval.verbs.prompts.phrases import Noun
from intergeneval.verbs.prompts.vocabulary import THIRD, Vocabulary

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


@dataclass(slots=True, kw_only=True)
class _Roles:
    """What was found out of one deed."""

    verb: str
    subjects: Sequence[Noun]
    targets: Sequence[Noun]
    instrument: Noun | None = None
    destination: Noun | None = None
    relation: str | None = None
    part: Part | None = None
    mutual: bool = False


def acts_of(deed: Deed, cast: Cast, known: Vocabulary, unread: list[str]) -> list[Act]:  # noqa: PLR0911  # one case a kind of deed
    """Return the interactions of one deed; what is none is told in `unread`."""
    said = " ".join([deed.verb, *deed.particles])
    if deed.negated or any(_nobody(noun) for noun in deed.subjects):
        unread.append(f"it is not said to happen: {said}")
        return []
    subjects = list(deed.subjects)
    if any(noun.head in ("camera", "video", "scene", "footage", "shot", "clip") for noun in subjects):
        return []
    cast.under, cast.verb = deed.under, deed.verb
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
            cast.subject = cast.topic = _all(subjects, cast, "subject")
            cast.idle = not deed.objects
        _mentioned(deed, cast)
        return []
    if not deed.passive and roles.targets and _films(roles.targets[0], deed):
        unread.append(f"the camera is nobody in the scene: {said}")
        return []
    vague = [noun.head for noun in (*roles.subjects, *roles.targets) if known.has("abstract", noun.head) and not noun.pronoun]
    if vague:
        unread.append(f"{vague[0]!r} is nobody and nothing that can be pointed at: {said}")
        return []
    made = _told(roles, deed, cast, known, unread)
    doing = (_agents(deed, known) or ()) if deed.passive else deed.subjects
    if deed.verb in _LYING and not any(noun.pronoun or _alive(noun, known) for noun in doing):
        unread.append(f"it only says where something is: {said}")
        return []
    weak = deed.verb in known.words["states"] and (deed.verb not in ("hold", "carry", "wear") or deed.passive)
    if deed.verb == "lean" and not deed.described:
        # To lean over a bed is a movement, to lean against a wall is not.
        weak = not any(prep in ("over", "toward", "towards", "into", "across", "out of") for prep, _ in deed.beside)
    return [replace(act, weak=True, described=deed.described) for act in made] if weak else made


def _nobody(noun: Noun) -> bool:
    """Whether a noun says that nobody does it: "no dog", "neither of the dogs"."""
    opens = (noun.determiner, noun.pronoun.partition(" ")[0], noun.head)
    return any(word in ("no", "none", "neither", "nobody") for word in opens)


def _told(roles: _Roles, deed: Deed, cast: Cast, known: Vocabulary, unread: list[str]) -> list[Act]:
    """Return the acts of a deed whose roles are known, and keep what a pronoun of the next clause depends on."""
    swallowed = next((noun for noun in (*roles.subjects, *roles.targets) if _holds_verb(noun, known)), None)
    if swallowed is not None:
        unread.append(f"a verb stands in what is named: {swallowed.text}")
        return []
    cast.verb = known.form(roles.verb.partition(" ")[0], THIRD) or deed.verb
    if cast.verb in ("chase", "drive") and {"off", "away"} & set(deed.particles):
        cast.verb = "scare"
    made = _acts(roles, deed, cast, known, unread)
    cast.idle = False
    if not deed.described:
        cast.topic = _all(deed.subjects, cast, "subject") if deed.passive else cast.subject
    return made


def _holds_verb(noun: Noun, known: Vocabulary) -> bool:
    """Whether a noun phrase ends in a verb of one who is named before it, "the girl kisses": then it was read wrongly."""
    if len(noun.words) < 2 or known.is_noun(noun.words[-1].lower()):
        return False
    before, last = noun.words[-2].lower(), noun.words[-1].lower()
    return THIRD in known.verb_forms.get(last, {}) and known.is_living(before) and not known.is_plural(before)


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


def _acts(roles: _Roles, deed: Deed, cast: Cast, known: Vocabulary, unread: list[str]) -> list[Act]:
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


def _places(roles: _Roles, act: Act, cast: Cast, known: Vocabulary, held: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return tool and destination of an act as far as they are somebody or something else than its roles.

    `held`: what a pronoun meant as the tool before the object was named.
    """
    taken = [act.subject, act.object]
    found: dict[str, Any] = {}
    if roles.instrument is not None:
        tool = held or (() if roles.instrument.pronoun in _HELD else cast.resolve(roles.instrument))
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
    last: list[Act] = cast.last
    lifted = any(deed_verb in _LIFTED for deed_verb in cast.last_verbs)
    if made and last and not deed.first and (deed.ordered or (deed.joined and lifted)):
        made = [replace(act, after=tuple(last)) for act in made]
    if made:
        cast.last = made
        cast.last_verbs = (deed.verb, " ".join([deed.verb, *deed.particles]))
    return made


def _third(verb: str) -> str:
    head, space, rest = verb.partition(" ")
    if head.endswith("ly"):
        # "apply", "fly": no adverbs.
        return third(head) + space + rest
    return verbs.phrase(verb).third


def _light(deed: Deed, known: Vocabulary) -> _Roles | None:
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
    return _Roles(verb=_third(word), subjects=deed.subjects, targets=[target, *(deed.more if len(deed.objects) == 1 else ())])


def _passive(deed: Deed, known: Vocabulary, unread: list[str]) -> _Roles | None:
    agents = _agents(deed, known)
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
    return _active(turned, known, unread)


def _agents(deed: Deed, known: Vocabulary) -> tuple[Noun, ...] | None:
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
_TETHERS = frozenset({"leash", "rope", "lead", "chain", "string", "reins", "halter", "collar"})
"""By what somebody or something is led or lifted."""


def _acting(noun: Noun) -> bool:
    """Whether a place after "by" does something to others itself: "melted by the sun", "hit by a bus"."""
    return noun.determiner in ("a", "an", "another") or noun.head in ("sun", "rain", "snow", "crowd", "fog", "train", "bus")


def _active(deed: Deed, known: Vocabulary, unread: list[str]) -> _Roles | None:  # noqa: PLR0911  # one case a kind of sentence
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
        return _Roles(verb=_third(verb), subjects=deed.subjects, targets=(), mutual=True)
    each = next(
        ((prep, nouns) for prep, nouns in deed.beside if nouns[0].pronoun and known.has("reciprocal", nouns[0].pronoun)), None
    )
    if each is not None:
        if objects:
            verb = f"{verb} {objects[0].text}"
        return _Roles(verb=_third(f"{verb} {each[0]}"), subjects=deed.subjects, targets=(), mutual=True)
    if objects and known.has("reflexives", objects[0].pronoun):
        unread.append(f"somebody does it to themselves: {verb}")
        return None
    if not objects:
        return _without_object(deed, verb, known, unread)
    if (handed := _giving(deed, verb, known)) is not None:
        return handed
    if deed.verb in known.words["vague"] and verb not in known.words["lexicon"]:
        if deed.verb == "wear" and all(_alive(noun, known) and not known.is_person(noun.head) for noun in deed.subjects):
            return _Roles(verb="wears", subjects=deed.subjects, targets=[objects[0], *deed.more])
        if deed.described:
            return None
        if deed.verb == "wear":
            unread.append(f"it only tells how somebody looks: {verb} {objects[0].text}")
            return None
        unread.append(f"the verb names nothing that can be seen happening: {verb} {objects[0].text}")
        return None
    return _with_object(deed, verb, known, unread)


def _aflame(noun: Noun) -> bool:
    """Whether a noun stands for no thing but for burning: "sets a book on fire"."""
    return noun.head == "fire" and not noun.determiner


def _together(deed: Deed, known: Vocabulary) -> _Roles | None:
    """Return what two do with one another without saying so: "two men shake hands", "a boy dances with a girl"."""
    thing = deed.objects[0] if deed.objects else None
    verb = " ".join([deed.verb, *(word for word in deed.particles if word != "together")])
    phrase = verb if thing is None else f"{deed.verb} {' '.join(thing.words).lower()}"
    if phrase not in known.words["together"] and not _game(deed, known):
        return None
    partner = next((nouns for prep, nouns in deed.beside if prep in _PARTNERED and not _thing_used(nouns[0], known)), None)
    bare = phrase in ("shake hands", "hold hands") or thing is None
    groups = [noun for noun in deed.subjects if noun.count is None and _alive(noun, known) and known.is_plural(noun.head)]
    several = (
        (bool(groups) and len(deed.subjects) == 1 and phrase not in _LOOSELY and partner is None)
        or len(deed.subjects) == 2
        or any(noun.count == 2 or noun.pronoun == "they" for noun in deed.subjects)
    )
    able = partner is not None and (partner[0].pronoun or _alive(partner[0], known) or known.has("vehicles", partner[0].head))
    if partner is not None and (able or not several):
        return _Roles(verb=_third(f"{phrase} with"), subjects=deed.subjects, targets=partner)
    if several:
        paired = f"{phrase} with" in known.words["lexicon"] | known.words["targeted"]
        alone = known.has("intransitive", phrase) and not known.has("transitive", phrase) and phrase not in known.words["lexicon"]
        entry = f"{phrase} with" if not bare or paired or alone else phrase
        return _Roles(verb=_third(entry), subjects=deed.subjects, targets=(), mutual=True, instrument=_tool(deed, known))
    return None


def _game(deed: Deed, known: Vocabulary) -> bool:
    """Whether a bare word after "play" that no list knows is what is played with somebody: "plays hopscotch with a boy"."""
    thing = deed.objects[0] if deed.objects else None
    bare = thing is not None and not (thing.determiner or thing.owner or thing.inner or thing.pronoun) and len(thing.words) == 1
    others = any(prep in _PARTNERED and _alive(nouns[0], known) for prep, nouns in deed.beside)
    return deed.verb == "play" and bare and others and thing is not None and not known.is_noun(thing.head)


_PARTNERED = ("with", "against")


def _thing_used(noun: Noun, known: Vocabulary) -> bool:
    """Whether what follows "with" is a tool or a part of the body rather than a partner."""
    words = (noun.head, known.singular(noun.head), noun.head.split()[-1])
    return any(word in known.words["tools"] or word in known.pairs["parts"] for word in words) and not known.is_living(noun.head)


def _without_object(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> _Roles | None:
    over = any(prep in ("over", "for") and known.has("targeted", f"{verb} {prep}") for prep, _ in deed.beside)
    if not over and (found := _together(deed, known)) is not None:
        return found
    for position, (prep, nouns) in enumerate(deed.beside):
        for phrase in (f"{verb} {prep}", f"{deed.verb} {prep}"):
            if phrase not in known.words["lexicon"] and not known.has("targeted", phrase):
                continue
            noun = nouns[0]
            place = noun.head in known.words["places"] and not noun.pronoun
            own = noun.head in known.pairs["parts"] and noun.owner is None and "of" not in noun.words
            body = own or (prep == "with" and _thing_used(noun, known))
            if (place and not _thing_like(phrase, noun)) or body:
                continue
            part = _part(deed, known)
            tool = _tool(deed, known, skip=position)
            return _Roles(verb=_third(phrase), subjects=deed.subjects, targets=nouns, part=part, instrument=tool)
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
        return _Roles(verb=_third(f"{verb} {living[0]}"), subjects=deed.subjects, targets=living[1])
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


def _with_object(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> _Roles | None:
    objects = deed.objects
    first = objects[0]
    if (found := _together(deed, known)) is not None:
        return found
    if (found := _pouring(deed, verb, known, unread)) is not None:
        return found if found.targets else None
    if (owner := _other_owner(first, deed, known)) is not None:
        return _Roles(
            verb=_third(f"{verb} the {first.text} of"), subjects=deed.subjects, targets=[owner], instrument=_tool(deed, known)
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
        ):
            return _own_part(deed, verb, known, unread)
    if first.owner is not None and first.head in known.pairs["parts"]:
        verb = f"{verb} the {first.text} of"
    roles = _Roles(verb=_third(verb), subjects=deed.subjects, targets=[first, *deed.more], part=_part(deed, known))
    roles.instrument = _tool(deed, known)
    moved = (
        deed.verb in known.words["placing"]
        or deed.verb in known.words["moving"]
        or verb in known.words["moving"]
        or verb in known.words["placing"]
    )
    if moved:
        _destined(roles, deed, known)
    return roles


def _other_owner(noun: Noun, deed: Deed, known: Vocabulary) -> Noun | None:
    """Return whose part of the body it is where "his" or "her" cannot be the one who acts; None where it can."""
    if noun.head not in known.pairs["parts"] or noun.determiner not in ("his", "her") or noun.owner is not None:
        return None
    against = "feminine" if noun.determiner == "his" else "masculine"
    if len(deed.subjects) == 1 and deed.subjects[0].head in known.words[against]:
        pronoun = "him" if noun.determiner == "his" else "her"
        return Noun(pronoun, (pronoun,), pronoun=pronoun)
    return None


def _destined(roles: _Roles, deed: Deed, known: Vocabulary) -> None:
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


def _own_part(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> _Roles | None:
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
            return _Roles(
                verb=_third(f"{verb} {possessive} {first.text} {prep}"), subjects=deed.subjects, targets=nouns, part=part
            )
    unread.append(f"somebody does it to themselves: {verb} {first.text}")
    return None


def _giving(deed: Deed, verb: str, known: Vocabulary) -> _Roles | None:
    """Return what is handed over: the one who gets it is the object, the thing the instrument."""
    if len(deed.objects) == 2:
        to, thing = deed.objects
        if (thing.head in known.pairs["parts"] and known.is_living(to.head)) or deed.verb not in known.words[
            "giving"
        ] | known.words["giving_twice"]:
            return None
        return _Roles(verb=_third(f"{verb} {_the(thing)} to"), subjects=deed.subjects, targets=[to], instrument=thing)
    if deed.verb not in known.words["giving"]:
        return None
    for prep, nouns in deed.beside:
        pronoun = nouns[0].pronoun in ("him", "her", "them", "other", "one", "me", "us")
        if prep in ("to", "over to", "back to", "for") and (pronoun or known.is_living(nouns[0].head)):
            if prep == "for":
                continue
            thing = deed.objects[0]
            return _Roles(
                verb=_third(f"{verb} {_the(thing)} to"),
                subjects=deed.subjects,
                targets=nouns,
                instrument=thing,
                part=_part(deed, known),
            )
    return None


def _the(noun: Noun) -> str:
    if noun.pronoun:
        return noun.pronoun
    mass = not noun.determiner
    return noun.head if mass else f"the {noun.head}"


def _pouring(deed: Deed, verb: str, known: Vocabulary, unread: list[str]) -> _Roles | None:
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
        or not (stuff or deed.verb in ("pour", "inject", "drip", "drizzle", "sprinkle"))
        or (deed.verb == "rub" and not stuff)
    ):
        return None
    for prep, nouns in deed.beside:
        if (
            prep in ("into", "onto", "on", "over", "in", "inside", "on top of", "to", "upon", "at")
            and nouns[0].head not in known.words["places"]
        ):
            owner = _other_owner(nouns[0], deed, known)
            own = nouns[0].determiner in ("his", "her", "its", "their") and nouns[0].owner is None
            if nouns[0].head in known.pairs["parts"] and own and owner is None:
                unread.append(f"somebody does it to themselves: {verb} {first.text} {prep} {nouns[0].text}")
                return _Roles(verb=verb, subjects=deed.subjects, targets=())
            targets = (owner,) if owner is not None else nouns
            tool = _tool(deed, known) or next((two[0] for one, two in deed.beside if one in ("from", "out of")), None)
            text = first.pronoun or " ".join(first.words).lower()
            return _Roles(
                verb=_third(f"{verb} {text} {prep}"),
                subjects=deed.subjects,
                targets=targets,
                instrument=tool,
                part=_part(deed, known),
            )
    return None


def _tool(deed: Deed, known: Vocabulary, skip: int = -1) -> Noun | None:
    """Return what it is done with, where that is a thing and not a part of the body or what something is filled with."""
    if deed.tools:
        found = deed.tools[0]
        return None if found.head in known.pairs["parts"] else found
    for position, (prep, nouns) in enumerate(deed.beside):
        noun = nouns[0]
        if prep == "with" and noun.pronoun in _HELD and position != skip:
            return noun
        if position == skip or noun.pronoun or noun.head in known.pairs["parts"]:
            continue
        if prep == "with" and not known.is_living(noun.head) and not known.has("bare_handed", deed.verb):
            if noun.determiner == "the" and not _handled(noun, known) and any(_alive(one, known) for one in deed.objects[:1]):
                continue  # "licks the boy with the ice cream"
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
        if prep == "by" and _tool_by(noun):
            return noun
        if prep == "from" and deed.verb == "feed":
            return noun
    return None


def _handled(noun: Noun, known: Vocabulary) -> bool:
    return any(word in known.words["tools"] for word in (noun.head, known.singular(noun.head), noun.head.split()[-1]))


_HELD = frozenset({"it", "them"})
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


def _part(deed: Deed, known: Vocabulary) -> Part | None:
    for prep, nouns in deed.beside:
        word = known.pairs["parts"].get(nouns[0].head, "-")
        own = nouns[0].determiner in ("his", "her", "its", "their", "both", "one", "") or nouns[0].count == 2
        if prep in ("with", "in") and own and nouns[0].owner is None and word != "-":
            return Part(word)
    for noun in deed.tools:
        if (word := known.pairs["parts"].get(noun.head, "-")) != "-":
            return Part(word)
    return None
