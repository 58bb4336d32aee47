"""What a benchmark is built from: a folder of images or videos with a list of prompts, read with every fault named.

The list is ``prompts.jsonl`` (one object a line), ``prompts.csv`` (with a header) or ``prompts.txt`` (``name<TAB>prompt``). A row
names its picture or video, or has an id after which a file in the folder is called. JSONL rows may bring instances, with boxes or
masks, and interactions; what a row brings is not asked of a model.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.bench.faults import Fault
from intergeneval.bench.names import id_fault, path_fault
from intergeneval.build.rows import Row, row_faults
from intergeneval.errors import BenchError, RecordError, UsageError
from intergeneval.ids import strict_json
from intergeneval.records.disk import read_text
from intergeneval.videos import IMAGE_SUFFIXES, VIDEO_SUFFIXES

LISTS = ("prompts.jsonl", "prompts.csv", "prompts.txt")
"""Names of the list of prompts, in the order in which they are looked for."""
COLUMNS = ("id", "prompt", "image", "video", "anchor", "scene")
"""Columns of a CSV list."""
_LARGEST = 256 << 20
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One prompt with what it was given."""

    id: str
    """Id of the sample that is to be made of it."""
    row: Row
    """What the list says."""
    media: Path | None
    """Picture or video; None in a text-only build."""
    is_video: bool
    """Which of the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Everything a benchmark is built from."""

    root: Path
    """Folder that paths are relative to."""
    items: tuple[Item, ...]
    """The prompts, in the list's order."""


def read_source(place: Path, *, text_only: bool) -> Source:
    """Read the list and look for its files. Raises UsageError where there is no list, BenchError naming every fault of it."""
    path = _list_of(place)
    faults: list[Fault] = []
    rows = [(row, where) for row, where in _rows(path, faults) if row is not None]
    media: dict[str, list[Path]] = {}
    for file in sorted(path.parent.iterdir()) if not text_only else ():
        if _kind(file) and file.is_file():
            media.setdefault(file.stem, []).append(file)
    items: list[Item] = []
    seen: dict[str, str] = {}
    for row, where in rows:
        item = _item(row, where, path.parent, media, faults, text_only=text_only)
        if item is None:
            continue
        if item.id in seen:
            problem = f"the id {item.id!r} stands in {seen[item.id]} already"
            faults.append(Fault(file=where, field="id", problem=problem, fix="give every prompt its own id", sample=item.id))
        seen.setdefault(item.id, where)
        items.append(item)
    if not items and not faults:
        faults.append(Fault(file=path.name, field="", problem="there is no prompt", fix="add one a line"))
    if faults:
        lines = [f"  {fault}" for fault in faults[:_SHOWN]]
        more = [f"  and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise BenchError(f"{path} has {count}:\n" + "\n".join([*lines, *more]))
    return Source(root=path.parent, items=tuple(items))


def _list_of(place: Path) -> Path:
    if place.is_file():
        if place.suffix not in (".jsonl", ".csv", ".txt"):
            raise UsageError(f"{place}: a list of prompts is a .jsonl, .csv or .txt file")
        return place
    if not place.is_dir():
        raise UsageError(f"{place}: there is no such folder or file; give a folder with {LISTS[0]} and images or videos")
    found = [place / name for name in LISTS if (place / name).is_file()]
    if not found:
        raise UsageError(f"{place}: holds no list of prompts; add one of {', '.join(LISTS)}")
    if len(found) > 1:
        raise UsageError(f"{place}: holds {' and '.join(item.name for item in found)}; keep one, or name the one you mean")
    return found[0]


def _rows(path: Path, faults: list[Fault]) -> Iterator[tuple[Row | None, str]]:
    try:
        if path.stat().st_size > _LARGEST:
            raise OSError(f"it has more than {_LARGEST} bytes")
        text = read_text(path, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: the list of prompts cannot be read ({error}); it is UTF-8 text") from None
    readers = {".jsonl": _json_rows, ".csv": _csv_rows, ".txt": _text_rows}
    for number, raw in _each_row(readers[path.suffix](text)):
        where = f"{path.name}:{number}"
        if isinstance(raw, str):
            faults.append(Fault(file=where, field="", problem=raw, fix="correct the line"))
            continue
        try:
            yield Row.from_json(raw, where=where), where
        except RecordError as error:
            place, _, problem = str(error).partition(": ")
            field = place.removeprefix(where).removeprefix(".")
            faults.append(Fault(file=where, field=field, problem=problem, fix="correct the row"))


def _each_row(rows: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Give the rows up to where the list can be read no further, and that as a fault."""
    number = 0
    try:
        for number, raw in rows:
            yield number, raw
    except csv.Error as error:
        yield number + 1, f"from here on the list is not CSV ({error}); is a quotation mark left open?"


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, strict_json(line)
            except (ValueError, RecursionError) as error:
                yield number, f"the line is not JSON ({error})"


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = list(reader.fieldnames or ())
    if "prompt" not in names or (strange := [name for name in names if name not in COLUMNS]):
        problem = "there is no column 'prompt'" if "prompt" not in names else f"unknown column {strange[0]!r}"
        yield 1, f"{problem}; the first line names the columns, of {', '.join(COLUMNS)}"
        return
    for raw in reader:
        if None in raw or None in raw.values():
            yield reader.line_num, f"the row does not have {len(names)} columns"
            continue
        row: dict[str, Any] = {name: value for name, value in raw.items() if value.strip()}
        if "anchor" in row:
            if not row["anchor"].strip().isdecimal():
                yield reader.line_num, f"anchor {row['anchor']!r} is no frame number"
                continue
            row["anchor"] = int(row["anchor"])
        yield reader.line_num, row


def _text_rows(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            name, tab, prompt = line.rstrip("\r").partition("\t")
            yield number, {"id": name.strip(), "prompt": prompt} if tab else "the line is not of the form name<TAB>prompt"


def _item(
    row: Row, where: str, root: Path, media: Mapping[str, list[Path]], faults: list[Fault], *, text_only: bool
) -> Item | None:
    """Return the row with its file; None where it has none it should have, with the fault added."""

    def fault(field: str, problem: str, fix: str) -> None:
        faults.append(Fault(file=where, field=field, problem=problem, fix=fix, sample=row.id))

    count = len(faults)
    named = [(field, value) for field, value in (("image", row.image), ("video", row.video)) if value is not None]
    path: Path | None = None
    if len(named) > 1:
        fault("video", "the row names an image and a video", "name one of the two")
    elif text_only and named:
        fault(named[0][0], "a text-only build takes no images or videos", "leave them out, or build without --text-only")
    elif named:
        path = _named_file(named[0][0], named[0][1], root, fault)
    elif not text_only:
        path = _file_beside(row.id, root, media, fault)
    sample_id = (Path(row.id).stem if _kind(Path(row.id)) else row.id) or (path.stem if path else "")
    if sample_id and (problem := id_fault(sample_id)):
        fault("id", f"the id {problem}", "use letters, digits, dashes and spaces")
    elif not sample_id and path is None and text_only:
        fault("id", "the row has no id", "add one")
    is_video = path is not None and _kind(path) == "video"
    for index, act in enumerate(row.interactions or ()):
        if sample_id and act.twin_of == sample_id:
            fault(f"interactions[{index}].twin_of", "the sample is its own twin", "write the id of the other sample")
    for field, problem, fix in row_faults(row, root, is_video=is_video, text_only=text_only):
        fault(field, problem, fix)
    if len(faults) > count:
        return None
    return Item(id=sample_id, row=row, media=path, is_video=is_video)


def _file_beside(name: str, root: Path, media: Mapping[str, list[Path]], fault: Any) -> Path | None:
    """Return the file that is called as an id says, with or without its ending."""
    stem = Path(name).stem if name and _kind(Path(name)) else name
    found = media.get(stem, []) if stem else []
    # With its ending an id means one file.
    found = [file for file in found if file.name == name] or found
    if not found:
        missing = f"no image or video, and no file called {stem!r} lies beside the list" if stem else "no id and no file"
        fault("image", f"the row names {missing}", "name the file, or build with --text-only for text-to-video models")
    elif len(found) > 1:
        fault("image", f"{' and '.join(file.name for file in found)} lie beside the list", "name the one that is meant")
    elif problem := path_fault(found[0].name, root):
        fault("image", f"the path {problem}", "name a file in the folder of the list")
    return found[0] if found else None


def _named_file(field: str, text: str, root: Path, fault: Any) -> Path | None:
    if problem := path_fault(text, root):
        fault(field, f"the path {problem}", "name a file in the folder of the list")
        return None
    path = root / text
    if not path.is_file():
        fault(field, f"there is no file {text!r}", "add it or correct the path")
    elif _kind(path) != field:
        suffixes = IMAGE_SUFFIXES if field == "image" else VIDEO_SUFFIXES
        fault(field, f"{text!r} is no {field}", f"{field}s end in {', '.join(suffixes)}")
    return path


def _kind(path: Path) -> str:
    """Return ``image``, ``video``, or an empty text, by a file's name."""
    suffix = path.suffix.lower()
    return "image" if suffix in IMAGE_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else ""
