"""An interaction as people read it."""

from __future__ import annotations

from intergeneval.records.bench import Interaction, Sample, TouchingAtStart


def in_words(sample: Sample, item: Interaction, *, full: bool = False) -> str:
    """Return an interaction in a few words: the benchmark's own, or class, verb and class (`full`: the appearances).

    Where several are of one class the colour of the box says which: of twins nothing else tells who does it.
    """
    if item.text:
        return item.text
    classes = [one.class_ for one in sample.instances]
    several = {name for name in classes if classes.count(name) > 1}
    short = {one.id: f"{one.class_} ({one.colour} box)" if one.class_ in several else one.class_ for one in sample.instances}
    names = {one.id: one.appearance for one in sample.instances} if full else short
    parts = [names.get(item.subject or "", ""), item.verb, names.get(item.object or "", "")]
    return " ".join(part for part in parts if part) or "as its questions say"


def fields_in_words(sample: Sample, item: Interaction) -> list[str]:
    """Return a few words on each optional field of a sample's interaction that says something, in the order of the fields."""
    looks = {one.id: f"{one.appearance} ({one.colour} box)" for one in sample.instances}
    words = []
    if item.instrument is not None:
        words.append(f"with: {looks.get(item.instrument, item.instrument)}")
    if item.destination is not None:
        words.append(f"ends {item.relation or ''}: {looks.get(item.destination, item.destination)}")
    if item.after is not None:
        earlier = [in_words(sample, one) for one in sample.interactions[item.after : item.after + 1]]
        words.append(f"after: {earlier[0] if earlier else item.after}")
    if item.alternatives:
        words.append(f"would do as well: {', '.join(looks.get(name, name) for name in item.alternatives)}")
    if item.part is not None:
        words.append(f"part of the body: {item.part}")
    if item.touching_at_start is not TouchingAtStart.UNKNOWN:
        words.append(f"touching at the start: {item.touching_at_start}")
    if item.twin_of is not None:
        words.append(f"twin of sample {item.twin_of}")
    return words
