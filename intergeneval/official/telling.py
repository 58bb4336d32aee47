"""Who does what to whom in an imported sample, and the optional fields: from the result files, else from the set beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from intergeneval.bench.official_fields import ITEM_KEYS
from intergeneval.bench.structure import sample_faults
from intergeneval.official.verification import NOTHING, Verified
from intergeneval.records import Interaction, Sample

Named = Callable[[str], str]
"""Number of a sample in its type -> its id in the run."""


def told(sample: Sample, verified: Verified, asked: Sample | None, named: Named) -> tuple[Sample, list[str]]:
    """Return a sample whose interactions say what the files tell of them, and a note on each that had to be left out.

    The set counts where its sample has the same classes and the interaction the same words. What does not fit the sample is left
    out as a whole: half of it may mean something else.
    """
    same = asked is not None and [one.class_ for one in asked.instances] == [one.class_ for one in sample.instances]
    known = asked.interactions if asked is not None and same else ()
    acts = []
    for index, (act, item) in enumerate(zip(sample.interactions, verified.items, strict=True)):
        source = item.told
        if source == NOTHING and index < len(known) and known[index].text == act.text:
            source = known[index]
        twin = None if source.twin_of is None else named(source.twin_of)
        # Words, questions and kind are the result files' own.
        values = {key: getattr(source, key) for key in ITEM_KEYS} | {"twin_of": twin}
        acts.append(replace(act, **values))
    return _sound(replace(sample, interactions=tuple(acts)), sample.interactions)


def _sound(sample: Sample, bare: Sequence[Interaction]) -> tuple[Sample, list[str]]:
    """Return the sample less what does not fit it, until nothing is left that one could have referred to in vain."""
    notes: list[str] = []
    while faults := _faults(sample):
        acts = list(sample.interactions)
        for index, field, problem in faults:
            if acts[index] != bare[index]:
                notes.append(f"what is told of interaction {index} was left out ({field}: {problem})")
                acts[index] = bare[index]
        if tuple(acts) == sample.interactions:
            break
        sample = replace(sample, interactions=tuple(acts))
    return sample, notes


def _faults(sample: Sample) -> list[tuple[int, str, str]]:
    """Return (index, field, problem) for each fault in a field of an interaction."""
    found = []
    for fault in sample_faults(sample, Path(), ""):
        place, dot, field = fault.field.partition("].")
        if dot and place.startswith("interactions["):
            found.append((int(place.removeprefix("interactions[")), field, fault.problem))
    return found
