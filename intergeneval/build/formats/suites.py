"""Suites of prompts of others, with the ids by which each names its videos; the text is fetched by whoever uses it.

=============  ==========================================  =========================================================
layout         file or folder                              videos
=============  ==========================================  =========================================================
vbench         ``VBench_full_info.json``                   ``<prompt>-<0..4>.mp4``
vbench2        ``VBench2_full_info.json`` or its text info ``<first 180 characters of the prompt>-<index>.mp4``
t2v-compbench  ``prompts/`` or ``meta_data/``, or a file   ``<category>/<0001..>.mp4``; alone ``<0001..>.mp4``
evalcrafter    ``prompt700.txt``                           ``<0000..0699>.mp4``
=============  ==========================================  =========================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.build.formats.clip import load
from intergeneval.build.formats.wording import plain_text
from intergeneval.errors import UsageError
from intergeneval.ids import sha256_bytes, short
from intergeneval.records.disk import read_text

EVALCRAFTER = "prompt700.txt"
"""Name of EvalCrafter's list."""
_KEYS = ("prompt_en", "prompt", "caption", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitePrompt:
    """One prompt of a suite."""

    id: str
    """Id of its sample, after which its videos are found."""
    prompt: str
    """The prompt."""
    tags: tuple[str, ...]
    """What the suite asks it for: ``dimension:...``, and where its videos lie."""

    def row(self) -> dict[str, Any]:
        """Return it as a row of a list of prompts."""
        return {"id": self.id, "prompt": self.prompt, **({"tags": list(self.tags)} if self.tags else {})}


def read_suite(layout: str, path: Path, said: list[str] | None = None) -> list[SuitePrompt]:
    """Return a suite's prompts, in its order; `said` takes a line on empty lines in it. Raises UsageError."""
    told: list[str] = []
    if layout in ("vbench", "vbench2"):
        found = _vbench(path)
    else:
        found = {"t2v-compbench": _compbench, "evalcrafter": _evalcrafter}[layout](path, told)
    if said is not None:
        said += told
    if not found:
        raise UsageError(f"{path}: there is no prompt in it")
    return found


def _vbench(path: Path) -> list[SuitePrompt]:
    value = load(path)
    if isinstance(value, dict):
        value = [{**row, "prompt_en": row.get("caption", key)} for key, row in value.items() if isinstance(row, dict)]
    if not isinstance(value, list):
        raise UsageError(f"{path}: must hold the suite's list of prompts (VBench_full_info.json)")
    merged: dict[str, list[str]] = {}
    for place, row in enumerate(value):
        prompt = next((told for key in _KEYS if (told := plain_text(row.get(key)))), "") if isinstance(row, dict) else ""
        if not prompt:
            raise UsageError(f"{path}: row {place} has no 'prompt_en'")
        dimensions = row.get("dimension", [])
        listed = dimensions if isinstance(dimensions, list) else [dimensions]
        merged.setdefault(prompt, []).extend(name for name in listed if isinstance(name, str))
    return [
        SuitePrompt(id=slug(prompt), prompt=prompt, tags=tuple(f"dimension:{name}" for name in dict.fromkeys(names)))
        for prompt, names in merged.items()
    ]


def slug(prompt: str) -> str:
    """Return an id of a prompt's words, which differs for prompts that differ."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.casefold()).strip("-")
    return f"{words[:48].strip('-') or 'prompt'}-{short(sha256_bytes(prompt.encode()), 6)}"


def _compbench(path: Path, told: list[str]) -> list[SuitePrompt]:
    if path.is_file():
        return _numbered(path, "", told)
    files = [file for file in sorted(path.iterdir()) if file.suffix in (".txt", ".json")] if path.is_dir() else []
    if not files:
        raise UsageError(f"{path}: holds no list of a category (prompts/*.txt or meta_data/*.json)")
    return [prompt for file in files for prompt in _numbered(file, re.sub(r"^\d+_", "", file.stem), told)]


def _numbered(path: Path, category: str, told: list[str]) -> list[SuitePrompt]:
    """Return the prompts of one category: videos are called by their place in the list, from 0001."""
    prompts = _listed(path, told)
    label = re.sub(r"^\d+_", "", path.stem)
    tags = (f"type:{category}",) if category else ()
    return [
        SuitePrompt(
            id=f"{category}-{place:04d}" if category else f"{place:04d}",
            prompt=prompt,
            tags=(*tags, f"dimension:{label}"),
        )
        for place, prompt in enumerate(prompts, start=1)
        if prompt
    ]


def _evalcrafter(path: Path, told: list[str]) -> list[SuitePrompt]:
    if path.is_dir():
        files = sorted(path.glob("*.txt"))
        whole = [file for file in files if file.name == EVALCRAFTER] or [file for file in files if len(files) == 1]
        if whole:
            path = whole[0]
        elif files and all(re.fullmatch(r"\d+", file.stem) for file in files):
            # ./prompts holds a file a prompt, called as its video.
            return [SuitePrompt(id=file.stem, prompt=" ".join(line for line in _lines(file) if line), tags=()) for file in files]
        else:
            raise UsageError(f"{path}: holds neither {EVALCRAFTER} nor a file for each prompt (0000.txt); give the file itself")
    return [SuitePrompt(id=f"{place:04d}", prompt=prompt, tags=()) for place, prompt in enumerate(_listed(path, told)) if prompt]


def _listed(path: Path, told: list[str]) -> list[str]:
    """Return the prompts of a text file, a line each, or of a JSON list of rows; an empty line counts, and stays empty."""
    if path.suffix != ".json":
        found = _lines(path)
        last = max((place for place, line in enumerate(found) if line), default=0)
        if empty := [place for place, line in enumerate(found[:last], start=1) if not line]:
            lines = f"line {empty[0]} is" if len(empty) == 1 else f"{len(empty)} lines, the first of them {empty[0]}, are"
            told.append(f"{path}: {lines} empty and counted, as videos are called by the line of their prompt")
        return found
    value: Any = load(path)
    rows: Sequence[Any] = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(rows, list):
        raise UsageError(f"{path}: must hold a list of prompts; is this the right --layout?")
    found = []
    for place, row in enumerate(rows):
        text = row if isinstance(row, str) else next((row[key] for key in _KEYS if plain_text(row.get(key))), "")
        if not plain_text(text):
            raise UsageError(f"{path}: row {place} has no prompt")
        found.append(plain_text(text))
    return found


def _lines(path: Path) -> list[str]:
    try:
        text = read_text(path, encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not a text in UTF-8") from None
    return [line.strip() for line in text.splitlines()]
