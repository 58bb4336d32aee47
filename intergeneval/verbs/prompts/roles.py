"""From the roles of deeds to who does what to whom, one deed after the other, and whom the words of the next may mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval.records import Part
from intergeneval.verbs.prompts.beside import HELD, agents_of, is_alive
from intergeneval.verbs.prompts.bodies import tell_owners
from intergeneval.verbs.prompts.deed_roles import Roles
from intergeneval.verbs.prompts.deeds import Deed
from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.people import Cast
from intergeneval.verbs.prompts.sentences import roles_of_active, roles_of_noun, roles_of_passive, roles_together
from intergeneval.verbs.prompts.vocabulary import THIRD, Vocabulary

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

_PUT = frozenset({"hang", "rest", "lean", "stand", "sit"})
"""Verbs of where somebody is that with an object say what is done to it: "hangs a coat on a hook"."""

_LIT = frozenset({"light", "illuminate", "brighten"})
"""What lights do to a place, which is how the picture looks: "a street lit by neon signs"."""

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


def acts_of(deed: Deed, cast: Cast, known: Vocabulary, unread: list[str]) -> list[Act]:  # noqa: C901, PLR0911  # one case a kind of deed
    """Return the interactions of one deed; what is none is told in `unread`."""
    said = " ".join([deed.verb, *deed.particles])
    if deed.negated or any(_nobody(noun) for noun in deed.subjects):
        unread.append(f"it is not said to happen: {said}")
        return []
    subjects = list(deed.subjects)
    if any(noun.head in ("camera", "video", "scene", "footage", "shot", "clip") for noun in subjects):
        return []
    cast.under, cast.verb = deed.under, deed.verb
    named = [] if deed.passive else [cast.find(noun) for noun in deed.objects[:1] if not noun.pronoun and noun.owner is None]
    cast.done_to = tuple(index for index in named if index is not None)
    nothing = deed.objects and known.pairs["light"].get(f"{deed.verb}+{deed.objects[-1].head}") == "-"
    if nothing and (deed.passive or roles_together(deed, known) is None):
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
    roles = roles_of_noun(deed, known) or (
        roles_of_passive(deed, known, unread) if deed.passive else roles_of_active(deed, known, unread)
    )
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
    if deed.verb in _LIT and any(noun.head in known.words["places"] for noun in roles.targets if not noun.pronoun):
        unread.append(f"it only tells how the picture looks: {said}")
        return []
    acting = roles.subjects if deed.passive else deed.subjects
    if acting and all(_of_the_air(noun, known) for noun in acting):
        unread.append(f"it only tells how the picture looks: {' and '.join(noun.text for noun in acting)} {roles.verb}")
        _mentioned(deed, cast)
        return []
    made = _told(roles, deed, cast, known, unread)
    doing = (agents_of(deed, known) or ()) if deed.passive else deed.subjects
    if deed.verb in _LYING and not any(noun.pronoun or is_alive(noun, known) for noun in doing):
        unread.append(f"it only says where something is: {said}")
        return []
    return [replace(act, weak=True, described=deed.described) for act in made] if _only_says_where(deed, known) else made


def _of_the_air(noun: Noun, known: Vocabulary) -> bool:
    """Whether a noun names light or weather, which nobody could outline: "golden light", "a beam of sunlight", "his shadow".

    "A light" and "the street light" are lamps, and do not count.
    """
    if noun.pronoun:
        return False
    words = noun.words[: noun.words.index("of")] if "of" in noun.words else noun.words
    if words != noun.words and known.has("weather", noun.words[-1].lower()):
        return True
    if noun.head != "light":
        return known.has("weather", noun.head)
    before = words[-2].lower() if len(words) > 1 else ""
    lamp = before and known.is_noun(before) and not known.has("weather", before) and not known.has("times", before)
    told = known.has("adjectives", before) or known.has("times", before) or known.has("weather", before)
    return not lamp and (told or noun.determiner not in ("a", "an", "another", "one"))


def _only_says_where(deed: Deed, known: Vocabulary) -> bool:
    """Whether a deed only says where somebody is or what they have about them."""
    if deed.verb == "lean" and not deed.described:
        # To lean over a bed is a movement, to lean against a wall is not.
        return not any(prep in ("over", "toward", "towards", "into", "across", "out of") for prep, _ in deed.beside)
    acting = deed.verb in ("hold", "carry", "wear") or (deed.verb in _PUT and bool(deed.objects))
    return deed.verb in known.words["states"] and (deed.passive or not acting)


def _nobody(noun: Noun) -> bool:
    """Whether a noun says that nobody does it: "no dog", "neither of the dogs"."""
    opens = (noun.determiner, noun.pronoun.partition(" ")[0], noun.head)
    return any(word in ("no", "none", "neither", "nobody") for word in opens)


def _told(roles: Roles, deed: Deed, cast: Cast, known: Vocabulary, unread: list[str]) -> list[Act]:
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
    held = (_in_hand(roles, cast) or cast.resolve(tool)) if tool is not None and tool.pronoun else ()
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


def _in_hand(roles: Roles, cast: Cast) -> tuple[int, ...]:
    """Return what the one who acts was told to have, where "with it" means that: "and a man with a cane taps her with it"."""
    known = cast.known
    if roles.instrument is None or roles.instrument.pronoun != "it" or len(roles.subjects) != 1:
        return ()
    had = [
        noun for noun in roles.subjects[0].inner
        if noun.count == 1 and not is_alive(noun, known) and noun.head not in known.pairs["parts"]
        and (known.has("tools", noun.head) or not (known.has("clothing", noun.head) or known.has("features", noun.head)))
    ]  # fmt: skip
    if len(had) != 1:
        return ()
    found = cast.find(had[0])
    # What was acted upon since is meant rather: "a man with a cane picks up a stick and pokes a dog with it".
    return (found,) if found is not None and all(found > index for index in cast.objects) else ()


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
    last: list[Act] = cast.last
    lifted = any(deed_verb in _LIFTED for deed_verb in cast.last_verbs)
    if made and last and not deed.first and (deed.ordered or (deed.joined and lifted)):
        made = [replace(act, after=tuple(last)) for act in made]
    if made:
        cast.last = made
        cast.last_verbs = (deed.verb, " ".join([deed.verb, *deed.particles]))
    return made
