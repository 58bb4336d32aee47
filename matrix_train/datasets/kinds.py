"""Kinds of interactions: what a dataset says, and else what the verb lexicon does."""

from __future__ import annotations

from intergeneval.verbs import look_up
from matrix_train.data.clips import Clip, ClipInteraction

UNTOLD = "not told"
"""What is counted where a dataset says nothing."""
OTHER = "other"
"""What an interaction counts as of which neither knows the kind."""


def category_of(item: ClipInteraction) -> str:
    """Return the category of an interaction: as the dataset says, else of its verb in the lexicon, else ``other``."""
    if item.category is not None:
        return str(item.category)
    entry = look_up(item.verb) if item.verb else None
    return str(entry.category) if entry is not None else OTHER


def verb_of(item: ClipInteraction) -> str:
    """Return what an interaction counts as among verbs: the lexicon's word for it, else its own; empty where none is told."""
    entry = look_up(item.verb) if item.verb else None
    return entry.lemma if entry is not None else item.verb.strip().lower()


def categories_of(clip: Clip) -> tuple[str, ...]:
    """Return the categories of a clip's interactions, each once, sorted."""
    return tuple(sorted({category_of(item) for item in clip.interactions}))
