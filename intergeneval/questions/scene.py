"""One interaction with everything its questions are worded from: who is meant by which words, and in which modes it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from intergeneval.errors import BenchError
from intergeneval.questions.templates import NEWEST
from intergeneval.records import Category, Direction, Instance, Interaction, Part, Sample, TouchingAtStart
from intergeneval.verbs import Pattern, VerbEntry, by_category, look_up, look_up_whole, phrase

_ARTICLES = ("a ", "an ", "the ")
_BOXED = 2
"""Last version of the templates that says box; later ones say outline, since a box is also a thing."""
_UNTOUCHED = frozenset({"read", "examine", "lead", "walk", "feed"})
"""Verbs of patterns with contact that are done without touching the object as well."""
_BODY = {Part.MOUTH: "the mouth", Part.HAND: "a hand", Part.FOOT: "a foot"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What all questions of one interaction share."""

    sample: Sample
    interaction: Interaction
    index: int
    """Index that its questions carry: beyond the sample's own interactions for a twin's."""
    lemma: str
    """The lexicon's entry for the verb; empty where it has none."""
    pattern: Pattern | None
    version: int
    """Version of the templates."""
    subject: Instance
    object: Instance

    @classmethod
    def of(cls, sample: Sample, index: int, version: int) -> Self:
        """Return the scene of an interaction, or of a twin's at ``len(interactions) + index``, in which the roles are exchanged.

        `version` is that of the templates. The first took a phrase for the verb that it begins with, and guessed how an unknown
        verb looks from its category; since then an unknown verb is asked about in general words, but for one of contact, which
        shows in a touch. Raises BenchError when subject, verb or object is missing, or names no instance.
        """
        count = len(sample.interactions)
        interaction = sample.interactions[index % count]
        if index >= count:
            interaction = interaction.exchanged
        where = f"sample {sample.id!r}, interaction {index % count}"
        if interaction.subject is None or interaction.object is None or not interaction.verb.strip():
            raise BenchError(f"{where}: subject, verb or object is missing; write all three, or bring ten questions")
        entry = entry_of(interaction.verb, version)
        guessed = interaction.category if version == 1 or interaction.category is Category.CONTACT else None
        return cls(
            sample,
            interaction,
            index,
            entry.lemma if entry is not None else "",
            entry.pattern if entry is not None else by_category(guessed),
            version,
            _instance(sample, interaction.subject, where),
            _instance(sample, interaction.object, where),
        )

    @property
    def _where(self) -> str:
        return f"sample {self.sample.id!r}, interaction {self.index % len(self.sample.interactions)}"

    @property
    def mutual(self) -> bool:
        """Whether both act on each other."""
        return self.interaction.direction is Direction.BIDIRECTIONAL

    @property
    def modes(self) -> frozenset[str]:
        """The modes of the templates that the interaction is in."""
        item = self.interaction
        found = {
            "after": item.after is not None,
            "destination": item.destination is not None,
            "touching": item.touching_at_start is TouchingAtStart.YES or self.goes_on,
            "instrument": item.instrument is not None,
            "mutual": self.mutual,
        }
        return frozenset(name for name, holds in found.items() if holds)

    @property
    def earlier(self) -> Scene | None:
        """The scene of the interaction that this one follows; None where there is none, or where only words tell of it."""
        before = self.interaction.after
        if before is None:
            return None
        item = self.sample.interactions[before]
        whole = item.subject is not None and item.object is not None and bool(item.verb.strip())
        return Scene.of(self.sample, before, self.version) if whole else None

    @property
    def linked(self) -> frozenset[str]:
        """The instances of interactions that come before or after this one: what is done to them is another deed."""
        acts = self.sample.interactions
        own = self.index % len(acts)
        linked = {own}
        while more := {
            place
            for place, item in enumerate(acts)
            if place not in linked and (item.after in linked or any(acts[known].after == place for known in linked))
        }:
            linked |= more
        return frozenset(
            name
            for place in linked - {own}
            for name in (acts[place].subject, acts[place].object, acts[place].instrument)
            if name is not None
        )

    @property
    def goes_on(self) -> bool:
        """Whether it follows another deed between the same two, so that they are in contact when it begins."""
        if self.interaction.after is None:
            return False
        earlier = self.sample.interactions[self.interaction.after]
        return {earlier.subject, earlier.object} == {self.subject.id, self.object.id}

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Who would serve as object just as well; where the earlier one left open which it is, it is still open."""
        return _alternatives(self.sample, self.interaction)

    @property
    def destination(self) -> Instance | None:
        """The instance where the object is to end; None where there is none, or words say where."""
        return next((item for item in self.sample.instances if item.id == self.interaction.destination), None)

    def words(self) -> Mapping[str, str]:
        """Return what every placeholder of the templates stands for."""
        verb, item = phrase(self.interaction.verb, ascii_only=self.version == 1), self.interaction
        subject = self.name(self.subject)
        tool = None if item.instrument is None else self.name(_instance(self.sample, item.instrument, self._where))
        actor = subject if item.part is None else f"{_BODY[item.part]} of {subject}"
        how = "" if item.part is None else f" with {_BODY[item.part]}"
        return {
            "subject": subject,
            "object": _objects(self.sample, item, self.version),
            "base": verb.base,
            "third": verb.third,
            "doing": verb.progressive,
            "actor": actor if tool is None else f"{tool} as used by {subject}",
            "tool": tool or subject,
            "with": how if tool is None else f" with {tool}",
            "real": self._real(),
            "End": self._end(),
            "earlier": "" if item.after is None else clause(self.sample, item.after, self.version),
            "destination": self._place(),
        }

    def _real(self) -> str:
        """Return the condition under which a deed that needs touch is really done; empty for others."""
        pattern = self.pattern
        if pattern is None or not pattern.contact or self.lemma in _UNTOUCHED:
            return ""
        tool = pattern.name == "manipulate" or self.interaction.instrument is not None
        return ", with touch by body or tool" if tool else ", with touch"

    def _end(self) -> str:
        """Return when the outcome is looked for: at the end, or at any time where an interaction that follows may undo it."""
        own = self.index % len(self.sample.interactions)
        later = any(item.after == own for item in self.sample.interactions)
        if self.version > _BOXED:
            return "At some point" if later else "In the end"
        return "At some point of the video" if later else "At the end of the video"

    def name(self, instance: Instance) -> str:
        """Return how the questions of this version call an instance."""
        return instance_name(instance, self.version)

    def _place(self) -> str:
        item, place = self.interaction, self.destination
        if item.destination is None:
            return ""
        where = self.name(place) if place is not None else " ".join(item.destination.split())
        return f"{item.relation.value} {where}" if item.relation is not None else where


def entry_of(verb: str, version: int) -> VerbEntry | None:
    """Return the lexicon's entry for a verb, as templates of that version look it up; None where it knows none."""
    return look_up(verb) if version == 1 else look_up_whole(verb)


def instance_name(instance: Instance, version: int = NEWEST) -> str:
    """Return how questions call an instance: ``the man in a white T-shirt (red outline)``; ``(red box)`` up to version 2."""
    words = " ".join((instance.appearance or instance.class_).split()).rstrip(".")
    lowered = words.lower()
    for article in _ARTICLES:
        if lowered.startswith(article):
            words = words[len(article) :]
            break
    return f"the {words} ({instance.colour} {'box' if version <= _BOXED else 'outline'})"


def clause(sample: Sample, index: int, version: int = NEWEST) -> str:
    """Return an interaction as a clause, ``the woman (red outline) lifts the apple (blue outline)``, or as worded."""
    item = sample.interactions[index]
    known = {instance.id: instance for instance in sample.instances}
    if item.subject not in known or item.object not in known or not item.verb.strip():
        return f"what comes first goes on (“{' '.join(item.text.split())}”)"
    return f"{instance_name(known[item.subject], version)} {phrase(item.verb).third} {_objects(sample, item, version)}"


def _objects(sample: Sample, item: Interaction, version: int) -> str:
    """Return the object as questions call it, with its alternatives: ``any of A, B and C``."""
    assert item.object is not None
    where = f"sample {sample.id!r}"
    names = [instance_name(_instance(sample, name, where), version) for name in (item.object, *_alternatives(sample, item))]
    return names[0] if len(names) == 1 else f"any of {', '.join(names[:-1])} and {names[-1]}"


def _alternatives(sample: Sample, item: Interaction) -> tuple[str, ...]:
    taken = {item.subject, item.object, item.instrument, item.destination}
    step = item
    for _ in sample.interactions:
        if step.alternatives or step.after is None:
            break
        step = sample.interactions[step.after]
        if step.object != item.object:
            return ()
    return tuple(name for name in step.alternatives if name not in taken)


def _instance(sample: Sample, name: str, where: str) -> Instance:
    try:
        return sample.instance(name)
    except KeyError:
        known = ", ".join(item.id for item in sample.instances)
        raise BenchError(f"{where}: no instance is called {name!r}; the sample has {known}") from None
