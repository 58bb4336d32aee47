"""A noun phrase: who or what is spoken of, in which words."""

from __future__ import annotations

from dataclasses import dataclass

from intergeneval.verbs.prompts.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun phrase."""

    head: str
    """Its class noun, in the singular where it names one."""
    words: tuple[str, ...] = ()
    """The phrase without determiner, as the prompt words it."""
    determiner: str = ""
    """Determiner or possessive pronoun; empty where there is none."""
    count: int | None = 1
    """How many it names; None: several, and not said how many."""
    owner: Noun | None = None
    """Whose it is, where a noun says so."""
    pronoun: str = ""
    """The pronoun, where it is one."""
    others: int = 0
    """How many more would do as well: two for "one of three balloons"."""
    inner: tuple[Noun, ...] = ()
    """Nouns inside its modifiers, which a pronoun may mean."""

    @property
    def text(self) -> str:
        """The phrase in words."""
        return " ".join(self.words).replace(" 's", "'s")


def is_name(noun: Noun, known: Vocabulary) -> bool:
    """Whether a noun is a name, "Emma": with a capital, without determiner, and in no list."""
    if noun.determiner or noun.pronoun or noun.owner is not None or noun.count != 1 or not noun.words:
        return False
    low = noun.words[-1].lower()
    return noun.words[-1][:1].isupper() and not (known.is_noun(low) or known.is_living(low) or known.has("vehicles", low))
