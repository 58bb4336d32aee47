"""Numbers of other suites beside ours, joined by model or by sample; shown, never ranked by.

A table (CSV) has a column ``model`` or ``sample_id`` (or both) and any number of numeric columns. A VBench or VBench-2.0 result
file (JSON) holds ``{dimension: [mean, [{"video_path": ..., "video_results": ...}, ...]]}`` for one model and is given as
``MODEL=FILE``.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import UsageError
from intergeneval.ids import bounded_json
from intergeneval.records.codec import shown
from intergeneval.records.disk import read_bytes, read_text

_LARGEST = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Joined columns."""

    names: tuple[str, ...] = ()
    """Column names, in the order in which they were met."""
    by_model: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Model -> column -> value."""
    by_sample: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """(model or empty for all, sample id) -> column -> value."""


def read_columns(specs: Sequence[str], samples: Collection[str] = ()) -> Columns:
    """Read ``FILE.csv`` and ``MODEL=FILE.json`` specs; `samples` are the ids of the runs' samples, empty where unknown.

    Raises UsageError naming file, line and value, and for a table none of whose sample ids is one of `samples`.
    """
    names: dict[str, None] = {}
    by_model: dict[str, dict[str, float]] = {}
    by_sample: dict[tuple[str, str], dict[str, float]] = {}
    for spec in specs:
        model, equals, rest = spec.partition("=")
        path = Path(rest if equals else spec)
        if path.suffix.lower() == ".csv":
            cells = _read_csv(path, model if equals else "")
            _check_joined(path, cells, samples)
        elif equals:
            cells = _read_vbench(path, model, samples)
        else:
            raise UsageError(f"{spec}: a JSON result file belongs to one model; write MODEL={spec}")
        for owner, sample_id, column, value in cells:
            names[column] = None
            if sample_id:
                by_sample.setdefault((owner, sample_id), {})[column] = value
            else:
                by_model.setdefault(owner, {})[column] = value
    return Columns(names=tuple(names), by_model=by_model, by_sample=by_sample)


Cell = tuple[str, str, str, float]
"""(model, sample id, column, value); either of the first two may be empty."""


def _read_csv(path: Path, owner: str) -> list[Cell]:
    try:
        text = read_bytes(path, _LARGEST).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV ({error})") from None
    keys = {"model", "sample_id"} & set(rows[0] if rows else ())
    if not keys and rows:
        raise UsageError(f"{path}: has neither a column 'model' nor 'sample_id'; add one to join by")
    cells: list[Cell] = []
    for number, row in enumerate(rows, start=2):
        model, sample_id = row.get("model") or owner, row.get("sample_id") or ""
        for column, text in row.items():
            if column is None or column in keys or text is None or not text.strip():
                continue
            cells.append((model, sample_id, column, _number(text, f"{path}:{number}: column {column!r}")))
    return cells


def _check_joined(path: Path, cells: Sequence[Cell], samples: Collection[str]) -> None:
    """Refuse a table of samples of which the runs have none: it would be dropped without a word."""
    named = {sample_id: None for _, sample_id, _, _ in cells if sample_id}
    if named and samples and not any(sample_id in samples for sample_id in named):
        raise UsageError(
            f"{path}: no run has a sample {next(iter(named))!r}, nor any other of this table's; there are"
            f" {', '.join(sorted(samples)[:5])} and so on"
        )


def _read_vbench(path: Path, model: str, samples: Collection[str]) -> list[Cell]:
    try:
        content = bounded_json(read_text(path, _LARGEST))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected an object of dimensions, got {type(content).__name__}")
    cells: list[Cell] = []
    for column, value in content.items():
        where = f"{path}: dimension {column!r}"
        mean, details = (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else (value, [])
        cells.append((model, "", column, _number(mean, where)))
        cells += _vbench_videos(details, (model, column), where, samples)
    return cells


def _vbench_videos(details: Any, owner: tuple[str, str], where: str, samples: Collection[str]) -> list[Cell]:
    """Return the cells of one dimension's videos, the mean over the videos of a sample; `owner` is model and column."""
    if not isinstance(details, list):
        raise UsageError(f"{where}: expected a list of videos, got {type(details).__name__}")
    sums: dict[str, list[float]] = {}
    for item in details:
        if isinstance(item, dict) and isinstance(item.get("video_path"), str) and "video_results" in item:
            video = Path(item["video_path"].replace("\\", "/"))
            sums.setdefault(_sample_of(video, samples), []).append(_number(item["video_results"], where))
    return [(owner[0], stem, owner[1], math.fsum(values) / len(values)) for stem, values in sums.items()]


def _sample_of(video: Path, samples: Collection[str]) -> str:
    """Return the sample that a video's path names: whichever reading of it the runs have, else the usual one."""
    folder, stem = video.parent.name, video.stem
    if not folder:
        return stem
    # <sample>/<seed>.mp4, or <part>/<number>.mp4 of a sample called part-number or number.
    usual, other = (folder, stem) if stem.isdecimal() else (stem, folder)
    return next((name for name in (usual, f"{folder}-{stem}", other) if name in samples), usual)


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        raise UsageError(f"{where}: expected a number, got {shown(value)}") from None
    if not math.isfinite(number):
        raise UsageError(f"{where}: {shown(value)} is not finite; leave the cell empty where there is no value")
    return number
