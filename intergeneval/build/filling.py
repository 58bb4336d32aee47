"""Prompts for samples of a benchmark that have none, such as those of annotations that say nothing but masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from intergeneval.bench.own import SAMPLES
from intergeneval.build.formats.clip import Named
from intergeneval.build.formats.wording import acts_of_prompt
from intergeneval.errors import UsageError
from intergeneval.ids import canonical_json
from intergeneval.records import Sample
from intergeneval.records.disk import read_text
from intergeneval.store import write_atomically


def fill_prompts(root: Path, prompts: Mapping[str, str]) -> tuple[str, ...]:
    """Write prompts into the samples that have none, and the interactions that can be told from them; return what was done.

    A sample that has a prompt keeps it. Raises UsageError for names that are no samples, RecordError for a damaged file.
    """
    place = root / SAMPLES
    try:
        lines = read_text(place).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{place}: cannot be read ({error}); is {root} a benchmark of our own format?") from None
    samples = [Sample.from_line(line, where=f"{place}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]
    known = {sample.id for sample in samples}
    if loose := [name for name in prompts if name not in known]:
        raise UsageError(f"{root}: has no sample {loose[0]!r} for its prompt; it has {', '.join(sorted(known)[:8])}")
    told = []
    for at, sample in enumerate(samples):
        if sample.prompt.strip() or sample.id not in prompts:
            if not sample.prompt.strip():
                told.append(f"{sample.id}: still has no prompt; add a line for it")
            elif prompts.get(sample.id, sample.prompt) != sample.prompt:
                told.append(f"{sample.id}: keeps the prompt that it has, {sample.prompt!r:.60}; change it in {place}")
            continue
        acts, unread = sample.interactions, list[str]()
        if not acts:
            named = [Named(id=one.id, class_=one.class_, appearance=one.appearance) for one in sample.instances]
            acts, unread = acts_of_prompt(prompts[sample.id], named)
        samples[at] = replace(sample, prompt=prompts[sample.id], interactions=acts)
        if not acts:
            told.append(
                f"{sample.id}: no interaction could be told{': ' + unread[0] if unread else ''}; connect them on the page"
            )
    write_atomically(place, "".join(canonical_json(sample.to_json()) + "\n" for sample in samples))
    return tuple(told)
