"""Makes a benchmark of twins from pairs that a person writes: ``python -m intergeneval.bench.twins DIR [--lite DIR]``.

DIR holds ``bench.toml`` and ``pairs.toml``; the comment at the head of the latter explains its fields. Written are
``samples.jsonl``, two samples a pair for text-to-video models, and ``prompts.jsonl``, the same as a list that `bench build` takes
for image-to-video models, both from one first frame. `--lite` writes the pairs marked so into a second folder. Equal pairs give
equal bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intergeneval.bench.names import id_fault
from intergeneval.errors import BenchError, RecordError
from intergeneval.records import (
    BOX_COLOURS,
    Direction,
    Instance,
    Interaction,
    Part,
    Record,
    Relation,
    Sample,
    TouchingAtStart,
)
from intergeneval.verbs import look_up_whole

PAIRS = "pairs.toml"
"""Name of the file of pairs."""
CASTS = ("people", "animals", "machines", "figures")
"""Who the two are; figures are puppets, toys and mascots."""
_LETTERS = "abcd"
_CLASS = re.compile(r"\*([^*]+)\*")
_SLOT = re.compile(r"\{([A-Da-d])\}")
_ACT = re.compile(r"([a-d]) (.+) ([a-d])")
_EXCHANGED = str.maketrans("abAB", "baBA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Record):
    """Two prompts with the roles of their first two instances exchanged, as a person writes them down."""

    id: str
    """Name of the pair; its samples are called ``<id>-a`` and ``<id>-b``, and share it as their scene."""
    who: tuple[str, ...]
    """Appearances, the class noun between asterisks; the first two exchange roles."""
    acts: tuple[str, ...]
    """Who does what to whom, such as ``a taps b; with c; part hand``."""
    prompt: str
    """The prompt with ``{a}`` to ``{d}`` for the instances, ``{A}`` at the start of a sentence."""
    frame: str
    """Text of a first frame from which both can go on."""
    cast: str
    """One of CASTS."""
    level: int
    """Difficulty, 1 to 3."""
    unlikely: bool = False
    """Whether both deeds are ones that nobody has seen."""
    lite: bool = False
    """Whether the pair is in the lite set."""

    def __post_init__(self) -> None:
        if problem := id_fault(self.id):
            raise ValueError(f"the id {self.id!r} {problem}")
        if not 2 <= len(self.who) <= len(_LETTERS):
            raise ValueError(f"who: {len(self.who)} instances, between 2 and {len(_LETTERS)} can be named")
        for name in self.who:
            if len(_CLASS.findall(name)) != 1:
                raise ValueError(f"who: {name!r} needs its class noun between asterisks, such as '*woman* in a green coat'")
        if self.cast not in CASTS:
            raise ValueError(f"cast {self.cast!r} is not one of {', '.join(CASTS)}")
        if self.level not in (1, 2, 3):
            raise ValueError(f"level {self.level} is not 1, 2 or 3")
        if not self.acts or not self.prompt.strip() or not self.frame.strip():
            raise ValueError("acts, prompt and frame must not be empty")

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The instances, called id1 and so on, in box-colour order."""
        return tuple(
            Instance(
                id=f"id{number + 1}",
                class_=_CLASS.findall(text)[0],
                appearance=text.replace("*", ""),
                colour=BOX_COLOURS[number],
            )
            for number, text in enumerate(self.who)
        )

    def samples(self) -> tuple[Sample, Sample]:
        """Return both twins. Raises ValueError for an act or a prompt that cannot be read."""
        acts = tuple(_act(text, self.who) for text in self.acts)
        twins = (f"{self.id}-a", f"{self.id}-b")
        made = []
        for mine, other, exchanged in ((*twins, False), (*twins[::-1], True)):
            found = (_exchanged(act) if exchanged else act for act in acts)
            template = _SLOT.sub(lambda slot: slot[0].translate(_EXCHANGED), self.prompt) if exchanged else self.prompt
            made.append(
                Sample(
                    id=mine,
                    prompt=self._worded(template),
                    instances=self.instances,
                    # Which of the two does it is exchanged only where the two do it to each other.
                    interactions=tuple(
                        replace(act, twin_of=other) if {act.subject, act.object} == {"id1", "id2"} and _one_way(act) else act
                        for act in found
                    ),
                    scene=self.id,
                    tags=(self.cast, f"level-{self.level}", "unlikely" if self.unlikely else "everyday"),
                    image_prompt=self.frame,
                )
            )
        return made[0], made[1]

    def _worded(self, template: str) -> str:
        names = [item.appearance for item in self.instances]

        def name(slot: re.Match[str]) -> str:
            place = _LETTERS.find(slot[1].lower())
            if not 0 <= place < len(names):
                raise ValueError(f"prompt: {slot[0]} names nobody; there are {len(names)} instances")
            return ("The " if slot[1].isupper() else "the ") + names[place]

        unused = [letter for letter in _LETTERS[: len(names)] if not re.search(rf"(?i)\{{{letter}\}}", template)]
        if unused:
            raise ValueError(f"prompt: {{{unused[0]}}} does not occur, and {names[_LETTERS.index(unused[0])]!r} is an instance")
        return _SLOT.sub(name, template)


def _one_way(act: Interaction) -> bool:
    return act.direction is Direction.UNIDIRECTIONAL


def _exchanged(act: Interaction) -> Interaction:
    """Return an act with the first two instances exchanged, whatever their roles in it."""
    other = {"id1": "id2", "id2": "id1"}
    return replace(
        act,
        subject=other.get(act.subject or "", act.subject),
        object=other.get(act.object or "", act.object),
        instrument=other.get(act.instrument or "", act.instrument),
        destination=other.get(act.destination or "", act.destination),
    )


def _act(text: str, who: Sequence[str]) -> Interaction:
    """Return the interaction that a line such as ``a taps b; with c`` says. Raises ValueError."""
    head, *rest = (part.strip() for part in text.split(";"))
    found = _ACT.fullmatch(head)
    if found is None:
        raise ValueError(f"acts: {text!r} does not begin like 'a taps b'")
    entry = look_up_whole(found[2])
    if entry is None:
        raise ValueError(f"acts: the lexicon does not know {found[2]!r}; find another verb")

    def named(letter: str) -> str:
        if letter not in _LETTERS[: len(who)]:
            raise ValueError(f"acts: {text!r} names {letter!r}, and there are {len(who)} instances")
        return f"id{_LETTERS.index(letter) + 1}"

    fields: dict[str, Any] = {"touching_at_start": TouchingAtStart.NO}
    for part in rest:
        word, _, value = part.partition(" ")
        if word == "with":
            fields["instrument"] = named(value)
        elif word == "part":
            fields["part"] = Part(value)
        elif word in tuple(Relation):
            fields |= {"relation": Relation(word), "destination": named(value) if len(value) == 1 else value.strip('"')}
        elif word == "after":
            fields["after"] = int(value)
        elif part == "both":
            fields["direction"] = Direction.BIDIRECTIONAL
        elif part == "touching":
            fields["touching_at_start"] = TouchingAtStart.YES
        else:
            raise ValueError(f"acts: {part!r} in {text!r} is none of with, part, in, on, at, after, both, touching")
    return Interaction(subject=named(found[1]), verb=found[2], object=named(found[3]), category=entry.category, **fields)


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """Read a file of pairs. Raises BenchError naming the pair, the field and the way out."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BenchError(f"{path}: the pairs cannot be read ({error})") from None
    rows = raw.get("pair")
    if not isinstance(rows, list) or set(raw) != {"pair"}:
        raise BenchError(f"{path}: expected nothing but [[pair]] tables")
    pairs: list[Pair] = []
    for number, row in enumerate(rows, start=1):
        name = row.get("id", f"number {number}") if isinstance(row, dict) else f"number {number}"
        try:
            pairs.append(Pair.from_json(row, where=f"{path}: pair {name}"))
            pairs[-1].samples()
        except ValueError as error:
            raise BenchError(f"{path}: pair {name}: {error}") from None
        except RecordError as error:
            raise BenchError(str(error)) from None
        if any(item.id == pairs[-1].id for item in pairs[:-1]):
            raise BenchError(f"{path}: pair {name} stands there twice; give every pair its own id")
    return tuple(pairs)


def sample_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield the lines of ``samples.jsonl``; what touches at the start is told by no prompt and left out."""
    for pair in pairs:
        for sample in pair.samples():
            acts = tuple(replace(act, touching_at_start=TouchingAtStart.UNKNOWN) for act in sample.interactions)
            yield json.dumps(replace(sample, interactions=acts).to_json(), ensure_ascii=False)


def prompt_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield the lines of ``prompts.jsonl``, rows of a list that `bench build` takes."""
    for pair in pairs:
        for sample in pair.samples():
            value = sample.to_json()
            row = {name: value[name] for name in ("id", "prompt", "scene", "tags", "interactions", "image_prompt")}
            row["instances"] = [{key: item[key] for key in ("id", "class", "appearance")} for item in value["instances"]]
            yield json.dumps(row, ensure_ascii=False)


def write(folder: Path, lite: Path | None = None) -> tuple[int, int]:
    """Write the samples and prompts of a folder's pairs; return the pairs in it and in the lite set. Raises BenchError."""
    pairs = read_pairs(folder / PAIRS)
    chosen = tuple(pair for pair in pairs if pair.lite)
    for place, some in ((folder, pairs), (lite, chosen)):
        if place is not None:
            for name, lines in (("samples.jsonl", sample_lines(some)), ("prompts.jsonl", prompt_lines(some))):
                (place / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return len(pairs), len(chosen)


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description="Write a benchmark of twins from its pairs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lite", type=Path, help="Folder of the lite set, which holds its own bench.toml.")
    asked = parser.parse_args()
    whole, lite = write(asked.folder, asked.lite)
    sys.stdout.write(f"{whole} pairs in {asked.folder}" + (f", {lite} in {asked.lite}" if asked.lite else "") + "\n")


if __name__ == "__main__":
    main()
