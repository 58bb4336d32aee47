"""An interaction as people read it."""

from __future__ import annotations

from intergeneval.records import Interaction, Sample


def in_words(sample: Sample, item: Interaction, *, full: bool = False) -> str:
    """Return an interaction in a few words: the benchmark's own, or class, verb and class (`full`: the appearances)."""
    if item.text:
        return item.text
    names = {instance.id: instance.appearance if full else instance.class_ for instance in sample.instances}
    parts = [names.get(item.subject or "", ""), item.verb, names.get(item.object or "", "")]
    return " ".join(part for part in parts if part) or "as its questions say"
