"""A benchmark out of a folder of videos and their prompts alone: a list, or the files' own names.

The videos are a model's own, so the benchmark holds prompts, instances and interactions and no first frames: two models that were
given one list of prompts are asked the same questions. Masks lie beside it, a set a model.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval.bench.names import id_fault
from intergeneval.build.build import Build, BuildResult
from intergeneval.build.config import NONE, BuildConfig
from intergeneval.errors import UsageError
from intergeneval.ids import canonical_json, sha256_bytes, short, strict_json
from intergeneval.sources.folder import VIDEO_SUFFIXES, FolderSource
from intergeneval.sources.naming import plain_prompt, prompt_of_name
from intergeneval.store import write_atomically

NAMES = "names"
"""What stands for the list where the files' own names are the prompts."""
LIST = "prompts.jsonl"
EDITS = "annotate/edits.json"
"""What a person wrote on the annotating page, inside the benchmark."""
_SUFFIXES = (".txt", ".csv", ".jsonl", ".json")
_FILE_COLUMNS = ("id", "name", "file", "video", "path", "filename", "video_path", "sample_id")
_PROMPT_COLUMNS = ("prompt", "caption", "text", "prompt_en", "description")
_NUMBERED = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """One prompt of the list."""

    id: str
    """Id of its sample: the name of its video without ending, or words of the prompt."""
    prompt: str
    """The prompt."""
    more: Mapping[str, object]
    """What else a JSONL row brings, such as instances and interactions."""


def is_prompt_list(text: str) -> bool:
    """Whether ``--prompts`` names prompts (``names`` or a file) rather than a folder of templates."""
    return text == NAMES or Path(text).is_file() or Path(text).suffix.lower() in _SUFFIXES


def prompts_of(model: Path, prompts: str) -> tuple[Prompted, ...]:
    """Return the prompts of a folder of videos, or of one video. Raises UsageError naming what cannot be read or told."""
    source = FolderSource(model)
    files = source.files()
    if not files:
        raise UsageError(f"{model}: holds no video; videos end in {', '.join(VIDEO_SUFFIXES)}")
    if prompts == NAMES:
        found: dict[str, Prompted] = {}
        for file in files:
            place = Path(file)
            inside = place.parent.name if _NUMBERED.fullmatch(place.stem) and place.parent.name else ""
            text = plain_prompt(inside) if inside else prompt_of_name(place.stem)
            if len(text.split()) < 2:
                raise UsageError(f"{model}: the name {file!r} is no prompt; give --prompts FILE with the prompt of each video")
            found.setdefault(plain_prompt(text), Prompted(id=inside or _slug(text, place.stem), prompt=text, more={}))
        return _distinct(list(found.values()))
    return _distinct(_with_ids(list(_rows(Path(prompts))), source, Path(prompts)))


def _slug(text: str, stem: str) -> str:
    """Return the id of a prompt that a file is called by: the file's own name where that is the prompt alone."""
    if stem == text and not id_fault(stem) and len(stem) <= 60:
        return stem
    words = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
    return words if words and len(words) <= 60 else f"{words[:48].strip('-')}-{short(sha256_bytes(text.encode()), 6)}".strip("-")


def _distinct(rows: Sequence[Prompted]) -> tuple[Prompted, ...]:
    seen: dict[str, str] = {}
    for row in rows:
        if row.id in seen:
            raise UsageError(f"two prompts have the id {row.id!r}: {seen[row.id]!r} and {row.prompt!r}; give each its own")
        seen[row.id] = row.prompt
    return tuple(rows)


def prompts_by_name(path: Path) -> dict[str, str]:
    """Return sample name -> prompt of a list whose rows bear names. Raises UsageError for one that bears none."""
    found = {_stem(name): prompt for name, prompt, _ in _rows(path) if name}
    if not found:
        raise UsageError(
            f"{path}: its prompts bear no names; write NAME<TAB>PROMPT a line, or a csv with the columns name,prompt"
        )
    return found


def _rows(path: Path) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Yield (name or nothing, prompt, what else is told) of a list. Raises UsageError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the list of prompts cannot be read ({error}); give --prompts names, or a UTF-8 file") from None
    kind = path.suffix.lower()
    if kind == ".csv":
        yield from _csv_rows(text, path)
    elif kind in (".jsonl", ".json"):
        yield from _json_rows(text, path)
    else:
        for line in text.splitlines():
            if line.strip():
                name, tab, prompt = line.partition("\t")
                yield (name.strip(), prompt.strip(), {}) if tab else ("", line.strip(), {})


def _csv_rows(text: str, path: Path) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise UsageError(f"{path}: is not CSV ({error}); is a quotation mark left open?") from None
    known = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
    prompt = next((known[name] for name in _PROMPT_COLUMNS if name in known), None)
    file = next((known[name] for name in _FILE_COLUMNS if name in known), None)
    if prompt is None:
        raise UsageError(f"{path}: no column is called {', '.join(_PROMPT_COLUMNS[:3])}; there are {', '.join(known) or 'none'}")
    for row in rows:
        if (row[prompt] or "").strip():
            yield (row[file] or "").strip() if file else "", row[prompt].strip(), {}


def _json_rows(text: str, path: Path) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    try:
        whole = (
            strict_json(text)
            if path.suffix.lower() == ".json"
            else [strict_json(line) for line in text.splitlines() if line.strip()]
        )
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON ({error})") from None
    if isinstance(whole, dict):
        # VBench-2.0 writes {cut prompt: {"caption": prompt, ...}}, others {name: prompt}.
        whole = [item if isinstance(item, dict) else {"id": name, "prompt": item} for name, item in whole.items()]
    for number, row in enumerate(whole, start=1):
        if isinstance(row, str):
            yield "", row.strip(), {}
            continue
        prompt = (
            next((row[name] for name in _PROMPT_COLUMNS if isinstance(row.get(name), str)), None)
            if isinstance(row, dict)
            else None
        )
        if not prompt:
            raise UsageError(f"{path}: row {number} has no text called {', '.join(_PROMPT_COLUMNS[:3])}")
        name = next((str(row[key]) for key in _FILE_COLUMNS if row.get(key) not in (None, "")), "")
        kept = {key: row[key] for key in ("instances", "interactions", "scene", "tags") if key in row}
        yield name, prompt.strip(), kept


def _with_ids(rows: list[tuple[str, str, Mapping[str, object]]], source: FolderSource, path: Path) -> list[Prompted]:
    """Return the prompts with the ids after which the folder's videos are called. Raises UsageError where that cannot be told."""
    if not rows:
        raise UsageError(f"{path}: there is no prompt in it")
    if any(name for name, _, _ in rows):
        return [Prompted(id=_stem(name) or _slug(prompt, ""), prompt=prompt, more=more) for name, prompt, more in rows]
    named = {plain_prompt(prompt_of_name(Path(file).stem)) for file in source.files()}
    if any(plain_prompt(prompt) in named for _, prompt, _ in rows):
        return [Prompted(id=_slug(prompt, ""), prompt=prompt, more=more) for _, prompt, more in rows]
    ids = [name for name in source.sample_ids() if not name.startswith(".")]
    numbers = all(_NUMBERED.fullmatch(name.rpartition("-")[2].rpartition("_")[2]) for name in ids)
    if len(ids) == len(rows) and (numbers or len(ids) == 1):
        # Numbered videos, in the order of the list, as most generators write them.
        ordered = sorted(ids, key=lambda name: (int(re.findall(r"\d+", name)[-1]) if re.search(r"\d", name) else 0, name))
        return [Prompted(id=name, prompt=prompt, more=more) for name, (_, prompt, more) in zip(ordered, rows, strict=True)]
    shown = ", ".join(ids[:4])
    raise UsageError(
        f"{path}: its {len(rows)} prompts bear no names, and the {len(ids)} videos ({shown}) are neither called by them nor "
        f"numbered: "
        f"write NAME<TAB>PROMPT, or a csv with the columns video,prompt"
    )


def _stem(name: str) -> str:
    place = Path(name)
    return place.stem if place.suffix.lower() in VIDEO_SUFFIXES else place.name


def home_of(model: Path, prompts: str) -> Path:
    """Return the folder of the benchmark: called by the list, or by the folder whose files' names are the prompts."""
    place = model.resolve() if prompts == NAMES else Path(prompts).resolve()
    name = place.stem if place.is_file() else place.name
    if prompts != NAMES and name == "prompts":
        name = place.parent.name
    safe = "".join(char if char.isalnum() or char in "-_. " else "-" for char in name).strip("-. ")
    return Path("benchmarks") / (safe or "prompts")


def _edited(row: Prompted, home: Path) -> Prompted:
    """Return a prompt with what a person wrote about it on the annotating page, as long as it is still the same prompt."""
    place = home / EDITS
    if not place.is_file():
        return row
    found = strict_json(place.read_text(encoding="utf-8")).get(row.id)
    if found is None or found["prompt"] != row.prompt:
        return row
    return Prompted(id=row.id, prompt=row.prompt, more={name: found[name] for name in ("instances", "interactions")})


def prompted_benchmark(
    model: Path, prompts: str, *, judge: str = NONE, out: Path | None = None, cache: str = "", max_cost: float | None = None,
    on_notice: Callable[[str], None] = lambda _: None,
) -> BuildResult:  # fmt: skip
    """Read the prompts into a benchmark for text-to-video models, or go on with the one that is there.

    Raises UsageError and BenchError for a list that cannot be read, StoreError where it cannot be written.
    """
    home = out or home_of(model, prompts)
    rows = [_edited(row, home) for row in prompts_of(model, prompts)]
    home.mkdir(parents=True, exist_ok=True)
    text = "".join(canonical_json({"id": row.id, "prompt": row.prompt, **row.more}) + "\n" for row in rows)
    if not (home / LIST).is_file() or (home / LIST).read_text(encoding="utf-8") != text:
        write_atomically(home / LIST, text)
    config = BuildConfig(
        source=str(home / LIST), out=str(home), judge=judge, detector=NONE, tracker=NONE, text_only=True, cache=cache,
        max_cost=max_cost, name=home.name,
        description=f"{len(rows)} prompts of {model.name if prompts == NAMES else Path(prompts).name}.",
    )  # fmt: skip
    return Build(config, sys.argv).execute(on_notice=on_notice)
