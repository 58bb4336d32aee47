"""The release's ``EVAL_DATA`` layout, read as a benchmark: ``{type}/meta.json``, ``images/``, ``masks/``, ``questions/``.

The release numbers its samples anew in each type, so a sample is called ``000`` where one type is loaded and
``synthetic-000`` where several are. Questions that lie beside it are asked verbatim; without them a sample has no interaction
yet. An item of ``questions`` may further say who does what to whom, and hold our optional fields (`official_fields`).
``interaction_type`` and ``interaction_direction`` become our category and direction where the word is the same and are
kept as tags in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from intergeneval.bench.faults import Fault
from intergeneval.bench.fields import twin_faults
from intergeneval.bench.names import id_fault
from intergeneval.bench.official_fields import read_fields
from intergeneval.bench.reading import Reading
from intergeneval.bench.structure import sample_faults
from intergeneval.bench_paths import META, official_types
from intergeneval.ids import strict_json
from intergeneval.records import BOX_COLOURS, Category, Direction, Instance, Interaction, Sample
from intergeneval.records.disk import read_text

COLOURS = ("red", "green", "blue", "yellow", "magenta", "cyan")
"""Box colours in the order in which the release hands them out, where no question file says otherwise."""

_LARGEST = 64 << 20


def sample_id(kind: str, number: str, *, several: bool) -> str:
    """Return the id of the sample that the release calls `number` in type `kind`, where one or several types are loaded."""
    return f"{kind}-{number}" if several else number


def read(root: Path) -> Reading:
    """Read an ``EVAL_DATA`` folder or one type of it, collecting every fault. Never raises for what the files say."""
    types = official_types(root)
    faults: list[Fault] = []
    samples: list[Sample] = []
    files: list[str] = []
    for folder in types:
        reader = _TypeReader(folder, "" if folder == root else folder.name, several=len(types) > 1, faults=faults)
        for sample, file in reader.samples():
            samples.append(sample)
            files.append(file)
    # A twin that cannot be read would be called absent.
    faults.extend(_in_questions(fault) for fault in (twin_faults(samples, files) if not faults else ()))
    if not samples and not faults:
        faults.append(Fault(file=META, field="", problem="there is no sample", fix="list samples in meta.json"))
    return Reading(
        name=root.resolve().name,
        version="official",
        root=root,
        layout="official",
        description="A set in the directory layout of the public InterGenEval release.",
        samples=tuple(samples),
        files=tuple(files),
        faults=tuple(faults),
    )


def mask_folder(place: str) -> str:
    """Return the folder in which the layout expects a sample's masks; `place` is where it stands, as `read` gave it."""
    folder, number = _folder_and_number(place)
    return f"{folder}masks/{number}"


def question_file(place: str) -> str:
    """Return the file in which the layout expects a sample's questions; `place` is where it stands, as `read` gave it."""
    folder, number = _folder_and_number(place)
    return f"{folder}questions/{number}.json"


def _in_questions(fault: Fault) -> Fault:
    """Return a fault of a sample where its interactions stand: in its file of questions."""
    if not fault.field.startswith("interactions["):
        return fault
    return replace(fault, file=question_file(fault.file), field=fault.field.replace("interactions[", "items[", 1))


def _folder_and_number(place: str) -> tuple[str, str]:
    folder, _, index = place.rstrip("]").rpartition("[")
    return folder.removesuffix(META), f"{int(index):03d}"


class _TypeReader:
    """Reads one ``{type}`` folder; `prefix` is its path below the benchmark's root."""

    def __init__(self, folder: Path, prefix: str, *, several: bool, faults: list[Fault]) -> None:
        self._folder = folder
        self._prefix = prefix
        self._several = several
        self._faults = faults

    def samples(self) -> Iterator[tuple[Sample, str]]:
        """Yield each sample that has the right shape, with the place it stands in."""
        meta = self._json(META)
        if meta is None:
            return
        if not isinstance(meta, list):
            self._fault(META, "", "the file does not hold a list", "write a list of samples")
            return
        for index, entry in enumerate(meta):
            before = len(self._faults)
            sample = self._sample(f"{index:03d}", entry, f"[{index}]")
            if sample is None:
                continue
            place = self._path(META)
            self._faults.extend(map(_in_questions, sample_faults(sample, self._root(), f"{place}[{index}]")))
            if len(self._faults) == before:
                yield sample, f"{place}[{index}]"

    def _sample(self, number: str, entry: Any, field: str) -> Sample | None:
        if not isinstance(entry, dict):
            self._fault(META, field, f"expected an object, got {entry!r:.60}", "write one object a sample")
            return None
        name = sample_id(self._folder.name, number, several=self._several)
        objects = self._objects(entry, field, name)
        prompt = entry.get("video_text_prompt")
        if not isinstance(prompt, str):
            self._fault(
                META, f"{field}.video_text_prompt", f"expected a text, got {prompt!r:.60}", "write the video prompt", name
            )
        if objects is None or not isinstance(prompt, str):
            return None
        words = {key: entry[key] for key in ("interaction_type", "interaction_direction") if isinstance(entry.get(key), str)}
        items, colours = self._questions(number, len(objects), name)
        category = _matching(Category, words.get("interaction_type"))
        direction = _matching(Direction, words.get("interaction_direction")) or Direction.UNIDIRECTIONAL
        return Sample(
            id=name,
            prompt=prompt,
            instances=tuple(
                Instance(
                    id=f"id{index}",
                    class_=noun,
                    appearance=appearance,
                    colour=colour,
                    mask=self._existing(f"masks/{number}/id{index}.png"),
                )
                for index, ((noun, appearance), colour) in enumerate(zip(objects, colours, strict=True), start=1)
            ),
            interactions=tuple(replace(item, category=category, direction=direction) for item in items),
            image=self._existing(f"images/{number}.png", f"images/{number}.jpg"),
            tags=(f"type:{self._folder.name}", *(f"{key}:{value}" for key, value in words.items())),
        )

    def _objects(self, entry: dict[str, Any], field: str, sample: str) -> list[tuple[str, str]] | None:
        objects = entry.get("objects")
        if not isinstance(objects, list) or not objects:
            self._fault(
                META, f"{field}.objects", f"expected a list of objects, got {objects!r:.60}", "list class and appearance", sample
            )
            return None
        if len(objects) > len(COLOURS):
            problem = f"there are {len(objects)} objects, the release has {len(COLOURS)} box colours"
            self._fault(META, f"{field}.objects", problem, "split the sample", sample)
            return None
        stated = entry.get("num_objects")
        if stated is not None and stated != len(objects):
            problem = f"num_objects says {stated!r:.20}, the list holds {len(objects)}"
            self._fault(META, f"{field}.num_objects", problem, "correct one of the two", sample)
        kept = []
        for index, item in enumerate(objects):
            texts = [item.get(key) for key in ("class", "appearance")] if isinstance(item, dict) else [None, None]
            noun, appearance = texts
            if isinstance(noun, str) and isinstance(appearance, str):
                kept.append((noun, appearance))
            else:
                problem = f"expected class and appearance, got {item!r:.60}"
                self._fault(META, f"{field}.objects[{index}]", problem, "write both as texts", sample)
        return kept if len(kept) == len(objects) else None

    def _questions(self, number: str, count: int, sample: str) -> tuple[list[Interaction], tuple[str, ...]]:
        """Return the interaction of each item, and the box colours that the questions speak of."""
        file = f"questions/{number}.json"
        usual = COLOURS[:count]
        if not (self._folder / file).exists():
            return [], usual
        raw = self._json(file, sample)
        if not isinstance(raw, dict):
            if raw is not None:
                self._fault(file, "", "the file does not hold an object", "write video_id and items", sample)
            return [], usual
        if str(raw.get("video_id", number)) != number:
            self._fault(
                file, "video_id", f"{raw['video_id']!r:.40} is not {number!r}", "rename the file or correct the id", sample
            )
        return self._items(raw, file, sample), self._colours(raw, file, count, sample)

    def _items(self, raw: dict[str, Any], file: str, sample: str) -> list[Interaction]:
        items = raw.get("items")
        if not isinstance(items, list) or not items:
            self._fault(
                file, "items", f"expected a list of items, got {items!r:.60}", "write key_interaction and questions", sample
            )
            return []
        kept = []
        for index, item in enumerate(items):
            place = f"items[{index}]"
            text = item.get("key_interaction", "") if isinstance(item, dict) else ""
            questions = item.get("questions") if isinstance(item, dict) else None
            if (
                not isinstance(text, str)
                or not isinstance(questions, list)
                or len(questions) != 10
                or not all(isinstance(question, str) and question.strip() for question in questions)
            ):
                self._fault(file, place, "an item needs key_interaction and ten questions", "write them again", sample)
                continue
            told, faults = read_fields(item)
            for key, problem in faults:
                self._fault(file, f"{place}.{key}", problem, "correct the value, or leave the key out", sample)
            twin = None if told.twin_of is None else sample_id(self._folder.name, told.twin_of, several=self._several)
            kept.append(replace(told, text=text, questions=tuple(questions), twin_of=twin))
        return kept

    def _colours(self, raw: dict[str, Any], file: str, count: int, sample: str) -> tuple[str, ...]:
        colours = raw.get("colors")
        if colours is None:
            return COLOURS[:count]
        if (
            not isinstance(colours, list)
            or len(colours) != count
            or len(set(map(str, colours))) != count
            or any(colour not in BOX_COLOURS for colour in colours)
        ):
            problem = f"{colours!r:.80} are not {count} different box colours"
            self._fault(file, "colors", problem, f"use one of {', '.join(BOX_COLOURS)} an object", sample)
            return COLOURS[:count]
        return tuple(colours)

    def _existing(self, *paths: str) -> str | None:
        return next((self._path(path) for path in paths if (self._folder / path).exists()), None)

    def _json(self, file: str, sample: str = "") -> Any:
        try:
            if (self._folder / file).stat().st_size > _LARGEST:
                raise OSError(f"it has more than {_LARGEST} bytes")
            return strict_json(read_text(self._folder / file, _LARGEST, "utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            self._fault(file, "", f"the file cannot be read ({error})", "write it again as JSON in UTF-8", sample)
            return None

    def _path(self, file: str) -> str:
        return f"{self._prefix}/{file}" if self._prefix else file

    def _root(self) -> Path:
        return self._folder.parent if self._prefix else self._folder

    def _fault(self, file: str, field: str, problem: str, fix: str, sample: str = "") -> None:
        self._faults.append(Fault(file=self._path(file), field=field, problem=problem, fix=fix, sample=sample))


def _matching(kind: type[Any], word: str | None) -> Any:
    """Return the member of an enum that `word` names exactly (case aside), or None: other words are never guessed at."""
    return next((member for member in kind if word is not None and member.value == word.strip().casefold()), None)


def folder_faults(root: Path) -> list[Fault]:
    """Return type folders whose name cannot be part of a sample id."""
    return [
        Fault(file=folder.name, field="", problem=f"the folder name {problem}", fix="rename the folder")
        for folder in official_types(root)
        if folder != root and (problem := id_fault(folder.name))
    ]
