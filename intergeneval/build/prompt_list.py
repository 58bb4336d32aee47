"""Lists of prompts as users write them: text, CSV, JSON lines or JSON, each row with the place where it stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.errors import UsageError
from intergeneval.ids import strict_json
from intergeneval.records.disk import read_text
from intergeneval.sources.folder import VIDEO_SUFFIXES

SUFFIXES = (".txt", ".csv", ".tsv", ".jsonl", ".json")
"""Endings of a list."""
_FILE_COLUMNS = ("id", "name", "file", "video", "path", "filename", "video_path", "sample_id")
_PROMPT_COLUMNS = ("prompt", "caption", "text", "prompt_en", "description")
_KEPT = ("instances", "interactions", "scene", "tags")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One row of a list."""

    name: str
    """What its video is called; empty where the row does not say."""
    prompt: str
    """The prompt."""
    where: str
    """File and line, or row."""
    more: Mapping[str, object]
    """What else a JSON row brings, such as instances and interactions."""

    @property
    def stem(self) -> str:
        """What its video is called, without folders and the ending of a video."""
        place = Path(self.name.replace("\\", "/"))
        return place.stem if place.suffix.lower() in VIDEO_SUFFIXES else place.name


def read_list(path: Path) -> list[Listed]:
    """Return the rows of a list. Raises UsageError naming file and line."""
    try:
        text = read_text(path, encoding="utf-8-sig")
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"{path}: the list of prompts cannot be read ({why}); give --prompts names, or a file") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: the list of prompts is not UTF-8; save it so") from None
    kind = path.suffix.lower()
    readers = {".csv": _csv_rows, ".tsv": _csv_rows, ".jsonl": _line_rows, ".json": _json_rows}
    found = list(readers.get(kind, _text_rows)(text, path))
    if not found:
        raise UsageError(f"{path}: there is no prompt in it; write one a line")
    return found


def prompts_by_name(path: Path) -> dict[str, str]:
    """Return sample name -> prompt of a list whose rows bear names. Raises UsageError for one that bears none, or one twice."""
    found: dict[str, Listed] = {}
    for row in read_list(path):
        if not row.name:
            continue
        if row.stem in found:
            raise UsageError(f"{row.where}: {row.stem!r} has a prompt already, in {found[row.stem].where}; keep one")
        found[row.stem] = row
    if not found:
        raise UsageError(
            f"{path}: its prompts bear no names; write NAME<TAB>PROMPT a line, or a csv with the columns name,prompt"
        )
    return {name: row.prompt for name, row in found.items()}


def _text_rows(text: str, path: Path) -> Iterator[Listed]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        name, tab, prompt = line.partition("\t")
        if tab and not prompt.strip():
            raise UsageError(f"{path}:{number}: {name.strip()!r} has no prompt behind the tab; write one, or leave the line out")
        told = (name.strip(), prompt.strip()) if tab else ("", line.strip())
        yield Listed(name=told[0], prompt=told[1], where=f"{path}:{number}", more={})


def _csv_rows(text: str, path: Path) -> Iterator[Listed]:
    first = text.partition("\n")[0]
    # Where a decimal is written with a comma, spreadsheets write a semicolon between the columns; others write a tab.
    tabs = path.suffix.lower() == ".tsv" and "\t" in first
    mark = "\t" if tabs else next((mark for mark in ";\t" if mark in first and "," not in first), ",")
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=mark)
    try:
        known = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
        prompt = next((known[name] for name in _PROMPT_COLUMNS if name in known), None)
        file = next((known[name] for name in _FILE_COLUMNS if name in known), None)
        if prompt is None:
            there = ", ".join(known) or "none"
            raise UsageError(
                f"{path}:1: no column is called {', '.join(_PROMPT_COLUMNS[:3])}; there are {there}: write a first line such "
                f"as video,prompt"
            )
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row:
                raise UsageError(
                    f"{where}: the row has more columns than the first line names; put a prompt with a comma into quotation marks"
                )
            if (row[prompt] or "").strip():
                yield Listed(name=(row[file] or "").strip() if file else "", prompt=row[prompt].strip(), where=where, more={})
            elif any((value or "").strip() for value in row.values()):
                raise UsageError(f"{where}: the row has no prompt under {prompt!r}; write one, or leave the row out")
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: is not CSV ({error}); is a quotation mark left open?") from None


def _line_rows(text: str, path: Path) -> Iterator[Listed]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            try:
                row = strict_json(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{where}: the line is not JSON ({error}); write one object a line") from None
            yield _of_json(row, where)


def _json_rows(text: str, path: Path) -> Iterator[Listed]:
    try:
        whole = strict_json(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON ({error})") from None
    if isinstance(whole, dict):
        # VBench-2.0 writes {cut prompt: {"caption": prompt, ...}}, others {name: prompt}.
        whole = [item if isinstance(item, dict) else {"id": name, "prompt": item} for name, item in whole.items()]
    if not isinstance(whole, list):
        raise UsageError(f"{path}: must hold a list of prompts, or an object with a prompt for each name")
    for number, row in enumerate(whole, start=1):
        yield _of_json(row, f"{path}: row {number}")


def _of_json(row: Any, where: str) -> Listed:
    if isinstance(row, str) and row.strip():
        return Listed(name="", prompt=row.strip(), where=where, more={})
    prompt = ""
    if isinstance(row, dict):
        prompt = next((row[name] for name in _PROMPT_COLUMNS if isinstance(row.get(name), str) and row[name].strip()), "")
    if not prompt:
        raise UsageError(f"{where}: has no text called {', '.join(_PROMPT_COLUMNS[:3])}; write one, or leave the row out")
    name = next((str(row[key]) for key in _FILE_COLUMNS if row.get(key) not in (None, "")), "")
    return Listed(name=name, prompt=prompt.strip(), where=where, more={key: row[key] for key in _KEPT if key in row})
