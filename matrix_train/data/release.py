"""The public release's dataset layout: ``videos/``, ``mask_annotation/<clip>/<id>/000.png`` and a metadata file.

A row has ``video`` and ``prompt`` with ``<idN>`` marks in front of nouns. An optional field ``interactions`` says who does what
to whom: a JSON list of objects with ``subject``, ``verb``, ``object`` and, if wanted, ``subject_phrase`` and ``object_phrase``.
Without it a prompt with exactly two ids is read as the first one acting on the second, each named by the word after its mark,
with no verb; prompts with other numbers of ids then have no roles, and `check` says so.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.records.disk import read_text
from matrix_train.data.clips import Clip, ClipInstance, ClipInteraction
from matrix_train.roles import find_phrase, strip_marks, word_at

NAMES = ("metadata.csv", "metadata.json", "metadata.jsonl")


def metadata_file(root: Path) -> Path | None:
    """Return the dataset's metadata file, or None."""
    return next((root / name for name in NAMES if (root / name).is_file()), None)


def read_release(root: Path) -> tuple[Clip, ...]:
    """Read a dataset in the release's layout. Raises ConfigError naming file, row and field."""
    path = metadata_file(root)
    if path is None:
        raise ConfigError(f"{root}: holds neither clips.jsonl nor any of {', '.join(NAMES)}")
    return tuple(_clip(row, f"{path}, row {number}") for number, row in enumerate(_rows(path), 1))


def guessed_clips(root: Path) -> set[str]:
    """Return the ids of clips whose roles were guessed from the order of their two ids. Raises ConfigError."""
    path = metadata_file(root)
    rows = [] if path is None else _rows(path)
    found = {_clip(row, f"{path}, row {number}") for number, row in enumerate(rows, 1) if not row.get("interactions")}
    return {clip.id for clip in found if clip.interactions}


def _rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        text = read_text(path, encoding="utf-8-sig")
        if path.suffix == ".csv":
            return list(csv.DictReader(io.StringIO(text, newline="")))
        lines = [line for line in text.split("\n") if line.strip()]
        rows = [json.loads(line) for line in lines] if path.suffix == ".jsonl" else json.loads(text)
    except (ValueError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"{path}: must be a list of objects")
    return rows


def _clip(row: Mapping[str, Any], where: str) -> Clip:
    for field in ("video", "prompt"):
        if not isinstance(row.get(field), str) or not row[field].strip():
            raise ConfigError(f"{where}: field {field!r} is missing or empty")
    video = row["video"] if row["video"].startswith("videos/") else f"videos/{row['video']}"
    caption, places = strip_marks(row["prompt"])
    stem = Path(video).stem
    return Clip(
        id=stem,
        video=video,
        caption=caption,
        instances=tuple(ClipInstance(id=name) for name in sorted(places, key=lambda name: int(name[2:]))),
        interactions=_interactions(row.get("interactions"), caption, places, where),
        masks=f"mask_annotation/{stem}",
    )


def _interactions(value: Any, caption: str, places: Mapping[str, int], where: str) -> tuple[ClipInteraction, ...]:
    if not value:
        return _guessed(caption, places)
    try:
        items = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ConfigError(f"{where}: field 'interactions' is not JSON ({error})") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) and isinstance(item.get("subject"), str) for item in items):
        raise ConfigError(f"{where}: field 'interactions' must be a list of objects with a 'subject'")
    return tuple(_stated(item, caption, places) for item in items)


def _stated(item: Mapping[str, Any], caption: str, places: Mapping[str, int]) -> ClipInteraction:
    subject, target = item["subject"].strip("<>"), str(item.get("object") or "").strip("<>")
    verb = str(item.get("verb") or "")

    def noun(name: str, phrase: Any) -> tuple[tuple[int, int], ...]:
        if phrase:
            return find_phrase(caption, str(phrase), max(places.get(name, 0) - len(str(phrase)), 0))
        return word_at(caption, places[name]) if name in places else ()

    return ClipInteraction(
        subject=subject,
        object=target or None,
        verb=verb,
        subject_spans=noun(subject, item.get("subject_phrase")),
        verb_spans=find_phrase(caption, verb, places.get(subject, 0)),
        object_spans=noun(target, item.get("object_phrase")),
    )


def _guessed(caption: str, places: Mapping[str, int]) -> tuple[ClipInteraction, ...]:
    if len(places) != 2:
        return ()
    first, second = sorted(places, key=lambda name: places[name])
    spans = word_at(caption, places[first]), word_at(caption, places[second])
    return (ClipInteraction(subject=first, object=second, subject_spans=spans[0], object_spans=spans[1]),)
