"""A sentence's deeds, as it says them: the verb, who, to whom, and what stands beside."""

from __future__ import annotations

from dataclasses import dataclass, field

from intergeneval.verbs.prompts.nouns import Noun


@dataclass(slots=True, kw_only=True)
class Deed:
    """One verb with what belongs to it, as the sentence says it."""

    verb: str
    """Base of the verb."""
    subjects: tuple[Noun, ...]
    """Who does it; in the passive, to whom it is done."""
    objects: list[Noun] = field(default_factory=list)
    """What follows without preposition, in order; those after "and" are in `more`."""
    more: list[Noun] = field(default_factory=list)
    """Further objects, beside the last."""
    particles: list[str] = field(default_factory=list)
    """Words such as "up" that belong to the verb."""
    beside: list[tuple[str, tuple[Noun, ...]]] = field(default_factory=list)
    """(preposition, nouns) of what follows with one."""
    passive: bool = False
    """Whether the subject is the one it is done to."""
    turned: bool = False
    """Whether it was said in the passive, and stands here with the one who does it as its subject."""
    negated: bool = False
    """Whether it is said not to happen."""
    described: bool = False
    """Whether it only tells who is meant, as in "a man holding a cup"."""
    ordered: bool = False
    """Whether it is said to follow the deed before it."""
    first: bool = False
    """Whether the deed before it in the text follows it: "after picking up the cup"."""
    under: bool = False
    """Whether its clause only goes with the one before it: "as he jumps", "while a man films it"."""
    joined: bool = False
    """Whether it stands beside the deed before it with "and" or a comma, with the same subject."""
    tools: tuple[Noun, ...] = ()
    """What was said to be used, before or beside the verb."""
    seen: int = 0
    """How many nouns of the sentence stand before it."""


@dataclass(slots=True, kw_only=True)
class Sentence:
    """What one sentence says."""

    deeds: list[Deed] = field(default_factory=list)
    """The deeds, in the order of the text."""
    seen: list[Noun] = field(default_factory=list)
    """Every noun, in the order of the text."""
    unread: list[str] = field(default_factory=list)
    """What could not be read."""
