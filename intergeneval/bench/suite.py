"""What must hold of all samples together: their shares, no near-duplicates, known verbs, nothing but roles between twins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from intergeneval.bench.benchmark import Benchmark
from intergeneval.bench.faults import Fault
from intergeneval.bench.promise import Suite
from intergeneval.bench_paths import TOML
from intergeneval.records import Interaction, Sample
from intergeneval.verbs import look_up_whole

CLOSEST = 5
"""Pairs of prompts that are shown as the most alike."""
_WORD = re.compile(r"[\w'-]+")
_PLAIN = frozenset(
    {"a", "across", "all", "an", "and", "as", "at", "both", "by", "from", "in", "into", "is", "it", "its", "of", "off", "on"}
    | {"one", "out", "over", "the", "then", "to", "under", "up", "while", "who", "with"}
)
"""Words that any two prompts share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Two prompts of different scenes and how much they have in common."""

    first: str
    """Id of one sample."""
    second: str
    """Id of the other."""
    share: float
    """Words in both over words in either, those that any two prompts share left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReport:
    """What a benchmark holds, and where that breaks its promise."""

    samples: int
    """Number of samples."""
    scenes: int
    """Number of scenes; a sample without one is its own."""
    twins: int
    """Samples with a twin that differs in nothing but roles."""
    counts: Mapping[str, int]
    """Label -> samples that carry it, by label."""
    promised: Mapping[str, tuple[float, float]]
    """Label of ``[suite.least]`` -> share promised and share found."""
    unknown: tuple[str, ...]
    """Verbs that the lexicon does not know, by name."""
    closest: tuple[Close, ...]
    """The most alike prompts of different scenes, the closest first."""
    faults: tuple[Fault, ...]
    """Where a promise is broken."""

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "samples": self.samples,
            "scenes": self.scenes,
            "twins": self.twins,
            "counts": dict(self.counts),
            "promised": {label: {"least": least, "found": found} for label, (least, found) in self.promised.items()},
            "unknown_verbs": list(self.unknown),
            "closest": [{"samples": [item.first, item.second], "share": item.share} for item in self.closest],
        }


def check_suite(benchmark: Benchmark, suite: Suite) -> SuiteReport:
    """Look at all samples together. Never raises for what they say."""
    samples = benchmark.samples
    labels = {sample.id: set(suite_labels(sample)) for sample in samples}
    counts = Counter(label for found in labels.values() for label in found)
    promised = {}
    faults: list[Fault] = []
    for wanted, least in (suite.least or {}).items():
        some = {label.strip() for label in wanted.split("|")}
        found = sum(bool(some & carried) for carried in labels.values()) / max(len(samples), 1)
        promised[wanted] = (least, found)
        if found < least:
            problem = f"{found:.3f} of the samples carry {wanted!r}, promised are {least:g}"
            faults.append(_fault("suite.least", problem, "add such samples, or promise less"))
    told = {sample.id: list(_not_twins(sample, samples)) for sample in samples}
    if suite.twins:
        fix = "give both the same words, fields, first frame text and tags, with the roles exchanged"
        faults += [_fault("suite.twins", problem, fix, name) for name, problems in told.items() for problem in problems]
    unknown = {act.verb: sample.id for sample in samples for act in sample.interactions if look_up_whole(act.verb) is None}
    faults += [
        _fault("interactions", f"the lexicon does not know {verb!r}", "find a verb that it knows", name)
        for verb, name in sorted(unknown.items())
    ]
    closest = sorted(_alike(samples), key=lambda item: (-item.share, item.first, item.second))
    faults += [
        _fault("prompt", f"shares {item.share:.2f} of its words with {item.second!r}", "write another scene", item.first)
        for item in closest
        if item.share > suite.similar
    ]
    return SuiteReport(
        samples=len(samples),
        scenes=len({sample.scene or sample.id for sample in samples}),
        twins=sum(not problems for problems in told.values()),
        counts=dict(sorted(counts.items())),
        promised=promised,
        unknown=tuple(sorted(unknown)),
        closest=tuple(closest[:CLOSEST]),
        faults=tuple(faults),
    )


def suite_labels(sample: Sample) -> Iterator[str]:
    """Yield what a sample counts as; category, contact, tool, part and destination are those of its first interaction."""
    classes = [item.class_ for item in sample.instances]
    yield f"instances {len(classes)}"
    yield f"interactions {len(sample.interactions)}"
    yield f"several of a class {'yes' if len(set(classes)) < len(classes) else 'no'}"
    yield from (f"tag {tag}" for tag in sample.tags)
    if sample.image_prompt:
        yield "first frame text yes"
    yield from dict.fromkeys(f"direction {act.direction}" for act in sample.interactions)
    if not sample.interactions:
        return
    act = sample.interactions[0]
    if act.category is not None:
        yield f"category {act.category}"
    yield f"tool {'yes' if act.instrument is not None else 'no'}"
    if (entry := look_up_whole(act.verb)) is not None:
        yield f"contact {'yes' if entry.contact else 'no'}"
    if act.part is not None:
        yield f"part {act.part}"
    if act.destination is not None:
        yield "destination yes"


def _not_twins(sample: Sample, samples: Sequence[Sample]) -> Iterator[str]:
    """Yield in what a sample and its twin differ beside the roles; that it has none, where it has none."""
    others = {act.twin_of for act in sample.interactions} - {None}
    if len(others) != 1:
        yield "it has no twin" if not others else f"its twins are several: {', '.join(sorted(map(str, others)))}"
        return
    twin = next((item for item in samples if item.id in others), None)
    if twin is None:
        yield f"its twin {others.pop()!r} is not there"
        return
    act = next(item for item in sample.interactions if item.twin_of is not None)
    pair = [_look(sample, name) for name in (act.subject, act.object)]
    if _words(sample.prompt) != _words(_swapped(twin.prompt, *pair)):
        yield f"its prompt is not that of {twin.id!r} with {pair[0]!r} and {pair[1]!r} exchanged"
    if [(item.class_, item.appearance) for item in sample.instances] != [(one.class_, one.appearance) for one in twin.instances]:
        yield f"its instances are not those of {twin.id!r}"
    same = [(name, getattr(sample, name), getattr(twin, name)) for name in ("scene", "tags", "image_prompt", "size")]
    same.append(("image", _content(sample, sample.image), _content(twin, twin.image)))
    same += [
        (f"mask of {mine.id}", _content(sample, mine.mask), _content(twin, theirs.mask))
        for mine, theirs in zip(sample.instances, twin.instances, strict=False)
    ]
    yield from (f"its {name} is not that of {twin.id!r}" for name, mine, theirs in same if mine != theirs)
    roles = {pair[0]: pair[1], pair[1]: pair[0]}
    mine = [_told(sample, item, {}) for item in sample.interactions]
    if mine != [_told(twin, item, roles) for item in twin.interactions]:
        yield f"its interactions are not those of {twin.id!r} with the roles exchanged"
    for item in sample.interactions:
        if not _in_order(_words(item.verb), _words(sample.prompt)):
            yield f"its prompt does not say {item.verb!r}"


def _content(sample: Sample, path: str | None) -> str | None:
    """Return what tells a file of a sample from others: its hash, or its path where none is known."""
    return None if path is None else sample.hashes.get(path, path)


def _told(sample: Sample, act: Interaction, roles: Mapping[str, str]) -> Interaction:
    """Return an interaction with appearances for ids, exchanged by `roles`."""

    def name(instance_id: str | None) -> str | None:
        look = None if instance_id is None else _look(sample, instance_id)
        return look if look is None else roles.get(look, look)

    return replace(
        act,
        subject=name(act.subject),
        object=name(act.object),
        instrument=name(act.instrument),
        destination=name(act.destination),
        twin_of=None,
    )


def _look(sample: Sample, name: str | None) -> str:
    return next((item.appearance for item in sample.instances if item.id == name), str(name))


def _swapped(text: str, first: str, second: str) -> str:
    """Return a text with two phrases exchanged."""
    either = re.compile("|".join(re.escape(item) for item in sorted((first, second), key=len, reverse=True)), re.IGNORECASE)
    return either.sub(lambda found: second if found[0].casefold() == first.casefold() else first, text)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _in_order(needed: Sequence[str], present: Sequence[str]) -> bool:
    """Whether words occur in a text in their order, others between them."""
    rest = iter(present)
    return all(word in rest for word in needed)


def _alike(samples: Sequence[Sample]) -> Iterator[Close]:
    """Yield every two prompts of different scenes; of twins one stands for both, since they have the same words."""
    first_of: dict[str, Sample] = {}
    for sample in samples:
        first_of.setdefault(sample.scene or sample.id, sample)
    words = [(sample.id, frozenset(_words(sample.prompt)) - _PLAIN) for sample in first_of.values()]
    for place, (name, mine) in enumerate(words):
        for other, theirs in words[place + 1 :]:
            either = len(mine | theirs)
            yield Close(first=name, second=other, share=len(mine & theirs) / either if either else 1.0)


def _fault(field: str, problem: str, fix: str, sample: str = "") -> Fault:
    file = TOML if field.startswith("suite") and not sample else "samples.jsonl"
    return Fault(file=file, field=field, problem=problem, fix=fix, sample=sample)
