"""What the lexicon knows about one verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intergeneval.records import Category, Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How a kind of action looks from outside."""

    name: str
    """Name of the pattern, such as ``strike``; also the name of its question templates."""
    contact: bool
    """Whether the action cannot happen without subject and object touching."""
    motion: str
    """How the object (without contact: the subject) moves, such as ``still``, ``together``, ``away``, ``following``."""
    outcome: str
    """What is left at the end: ``displaced``, ``raised``, ``contact`` and so on; ``unseen`` where masks cannot show it."""
    deed: str
    """Evidence between two instances that questions 8 to 10 look for; empty where masks cannot show the action."""
    thing: bool
    """Whether a third instance passes between the two."""
    predicates: Mapping[int, str]
    """Question id (1 to 6) -> name of the predicate that decides it; ids that are missing geometry cannot know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbEntry:
    """One verb of the lexicon."""

    lemma: str
    """Infinitive with its particles, such as ``pour into``."""
    category: Category
    """Kind of interaction (protocol, section 1)."""
    direction: Direction
    """Whether it is usually mutual."""
    pattern: Pattern
    """How it looks from outside."""

    @property
    def contact(self) -> bool:
        """Whether the action needs contact."""
        return self.pattern.contact

    @property
    def predicates(self) -> Mapping[int, str]:
        """Question id -> predicate, for the questions geometry can decide about one action (1 to 6)."""
        return self.pattern.predicates
