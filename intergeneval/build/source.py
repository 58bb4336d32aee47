"""What a benchmark is built from: a folder of images or videos with a list of prompts, read with every fault named.

The list is ``prompts.jsonl`` (one object a line), ``prompts.csv`` (with a header) or ``prompts.txt`` (``name<TAB>prompt``). A row
names its picture or video, has an id after which a file in the folder is called, or an ``image_prompt`` that a picture is painted
from. JSONL rows may bring instances, with boxes or
masks, and interactions; what a row brings is not asked of a model.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval import bench_paths
from intergeneval.bench.faults import Fault
from intergeneval.bench.names import id_fault, path_fault
from intergeneval.build.rows import Row, row_faults
from intergeneval.errors import BenchError, RecordError, UsageError
from intergeneval.ids import sha256_json, short, strict_json
from intergeneval.records.disk import read_text
from intergeneval.videos import IMAGE_SUFFIXES, VIDEO_SUFFIXES

LISTS = ("prompts.jsonl", "prompts.csv", "prompts.txt")
"""Names of the list of prompts, in the order in which they are looked for."""
COLUMNS = ("id", "prompt", "image", "video", "anchor", "scene", "image_prompt", "image_seed")
"""Columns of a CSV list."""
_NUMBERS = {"anchor": "frame number", "image_seed": "whole number"}
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
    painted: bool = False
    """Whether it is painted from the row's ``image_prompt``; rows with one text and seed have one picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Everything a benchmark is built from."""

    root: Path
    """Folder that paths are relative to."""
    items: tuple[Item, ...]
    """The prompts, in the list's order."""


def read_source(place: Path, *, text_only: bool, painted: Path | None = None) -> Source:
    """Read the list and look for its files. Raises UsageError where there is no list, BenchError naming every fault of it.

    `painted` is the folder of pictures that are painted from text; None: every row has a file.
    """
    path = _list_of(place)
    faults: list[Fault] = []
    rows = [(row, where) for row, where in _rows(path, faults) if row is not None]
    media: dict[str, list[Path]] = {}
    for file in sorted(path.parent.iterdir()) if not text_only else ():
        if _kind(file) and file.is_file():
            media.setdefault(file.stem, []).append(file)
    items: list[Item] = []
    seen: dict[str, str] = {}
    files = _Files(root=path.parent, media=media, painted=painted)
    for row, where in rows:
        item = _item(row, where, files, faults, text_only=text_only)
        if item is None:
            continue
        if item.id in seen:
            problem = f"the id {item.id!r} stands in {seen[item.id]} already"
            faults.append(Fault(file=where, field="id", problem=problem, fix="give every prompt its own id", sample=item.id))
        seen.setdefault(item.id, where)
        items.append(item)
    faults += _twins_apart(items, seen)
    if not items and not faults:
        faults.append(Fault(file=path.name, field="", problem="there is no prompt", fix="add one a line"))
    if faults:
        lines = [f"  {fault}" for fault in faults[:_SHOWN]]
        more = [f"  and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise BenchError(f"{path} has {count}:\n" + "\n".join([*lines, *more]))
    return Source(root=path.parent, items=tuple(items))


def _list_of(place: Path) -> Path:
    if not place.exists() and bench_paths.is_name(str(place)):
        # A benchmark may bring the list that it is built from, such as the one of whodoes for image-to-video models.
        place = bench_paths.by_name(str(place)) or place
    if place.is_file():
        if place.suffix not in (".jsonl", ".csv", ".txt"):
            raise UsageError(f"{place}: a list of prompts is a .jsonl, .csv or .txt file")
        return place
    if not place.is_dir():
        raise UsageError(
            f"{place}: there is no such folder or file; give a folder with {LISTS[0]} and images or videos, or "
            f"the name of a benchmark that brings such a list"
        )
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
        wrong = [name for name in _NUMBERS if name in row and not row[name].strip().isdecimal()]
        if wrong:
            yield reader.line_num, f"{wrong[0]} {row[wrong[0]]!r} is no {_NUMBERS[wrong[0]]}"
            continue
        yield reader.line_num, {name: int(value) if name in _NUMBERS else value for name, value in row.items()}


def _text_rows(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            name, tab, prompt = line.rstrip("\r").partition("\t")
            yield number, {"id": name.strip(), "prompt": prompt} if tab else "the line is not of the form name<TAB>prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """Where the files of rows are looked for."""

    root: Path
    media: Mapping[str, list[Path]]
    painted: Path | None

    def beside(self, name: str) -> list[Path]:
        """Return the pictures and videos that are called as an id says."""
        return self.media.get(_stem(name), []) if name else []


def _item(row: Row, where: str, files: _Files, faults: list[Fault], *, text_only: bool) -> Item | None:
    """Return the row with its file; None where it has none it should have, with the fault added."""

    def fault(field: str, problem: str, fix: str) -> None:
        faults.append(Fault(file=where, field=field, problem=problem, fix=fix, sample=row.id))

    count = len(faults)
    named = [(field, value) for field, value in (("image", row.image), ("video", row.video)) if value is not None]
    painted = files.painted is not None and not named and bool(row.image_prompt.strip()) and not files.beside(row.id)
    path: Path | None = None
    if len(named) > 1:
        fault("video", "the row names an image and a video", "name one of the two")
    elif text_only and named:
        fault(named[0][0], "a text-only build takes no images or videos", "leave them out, or build without --text-only")
    elif not text_only:
        path = _to_paint(row, files, fault) if painted else _file_of(row, named, files, fault)
    sample_id = _stem(row.id) or (path.stem if path and not painted else "")
    if sample_id and (problem := id_fault(sample_id)):
        fault("id", f"the id {problem}", "use letters, digits, dashes and spaces")
    elif not sample_id and path is None and text_only:
        fault("id", "the row has no id", "add one")
    is_video = path is not None and _kind(path) == "video"
    for index, act in enumerate(row.interactions or ()):
        if sample_id and act.twin_of == sample_id:
            fault(f"interactions[{index}].twin_of", "the sample is its own twin", "write the id of the other sample")
    for field, problem, fix in row_faults(row, files.root, is_video=is_video, text_only=text_only):
        fault(field, problem, fix)
    if len(faults) > count:
        return None
    return Item(id=sample_id, row=row, media=path, is_video=is_video, painted=painted)


def _stem(name: str) -> str:
    return Path(name).stem if name and _kind(Path(name)) else name


def _to_paint(row: Row, files: _Files, fault: Any) -> Path | None:
    """Return where the picture of a row will lie: in one place for all rows with its text and seed."""
    assert files.painted is not None
    if not row.id:
        fault("id", "the row has no id", "add one")
    for index, item in enumerate(row.instances or ()):
        if item.box is not None or item.mask is not None:
            problem = "boxes and masks belong to a picture, and this one is still to be painted"
            fault(f"instances[{index}]", problem, "leave them out, or name the picture")
    text = " ".join(row.image_prompt.split())
    return files.painted / f"{short(sha256_json([text, row.image_seed]), 16)}.png"


def painted_together(item: Item, items: Sequence[Item]) -> list[Item]:
    """Return the other items that start from the same painted picture."""
    return [one for one in items if item.painted and one.painted and one.media == item.media and one.id != item.id]


def _twins_apart(items: Sequence[Item], where: Mapping[str, str]) -> Iterator[Fault]:
    """Yield a fault for each twin that would not start from its twin's picture: a painted one belongs to both."""
    by_id = {item.id: item for item in items}
    for item in items:
        for index, act in enumerate(item.row.interactions or ()):
            other = by_id.get(act.twin_of or "")
            if other is None or not (item.painted or other.painted) or item.media == other.media:
                continue
            yield Fault(
                file=where[item.id],
                field=f"interactions[{index}].twin_of",
                problem=f"{other.id!r} would start from another picture, and twins start from the same",
                fix="give both the same image_prompt and image_seed, or name one picture for both",
                sample=item.id,
            )


def _file_of(row: Row, named: Sequence[tuple[str, str]], files: _Files, fault: Any) -> Path | None:
    return _named_file(*named[0], files.root, fault) if named else _file_beside(row, files, fault)


def _file_beside(row: Row, files: _Files, fault: Any) -> Path | None:
    """Return the file that is called as a row's id says, with or without its ending."""
    stem, root = _stem(row.id), files.root
    # With its ending an id means one file.
    found = [file for file in files.beside(row.id) if file.name == row.id] or files.beside(row.id)
    if not found:
        missing = f"no image or video, and no file called {stem!r} lies beside the list" if stem else "no id and no file"
        fault("image", f"the row names {missing}", _ways_to_a_picture(row, files))
    elif len(found) > 1:
        fault("image", f"{' and '.join(file.name for file in found)} lie beside the list", "name the one that is meant")
    elif problem := path_fault(found[0].name, root):
        fault("image", f"the path {problem}", "name a file in the folder of the list")
    return found[0] if found else None


def _ways_to_a_picture(row: Row, files: _Files) -> str:
    if files.painted is not None:
        return "name the file, or write image_prompt, the text of a first frame from which the prompt can go on"
    paint = ", have it painted from its image_prompt with --text-to-image FOLDER_OR_ID," if row.image_prompt.strip() else ","
    return f"name the file{paint} or build with --text-only for text-to-video models"


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
