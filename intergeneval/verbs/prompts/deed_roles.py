"""The roles of one deed, as the sentence gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intergeneval import verbs
from intergeneval.records import Part
from intergeneval.verbs.forms import third
from intergeneval.verbs.prompts.nouns import Noun


@dataclass(slots=True, kw_only=True)
class Roles:
    """What was found out of one deed."""

    verb: str
    subjects: Sequence[Noun]
    targets: Sequence[Noun]
    instrument: Noun | None = None
    destination: Noun | None = None
    relation: str | None = None
    part: Part | None = None
    mutual: bool = False


def third_of(verb: str) -> str:
    """Return a verb with its particles in the third person singular."""
    head, space, rest = verb.partition(" ")
    if head.endswith("ly"):
        # "apply", "fly": no adverbs.
        return third(head) + space + rest
    return verbs.phrase(verb).third
