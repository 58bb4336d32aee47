"""Where the release keeps its results, and how its JSON files are read.

``SCORE_RESULTS/question_verification_results/{model}/{type}/question_verification.json`` and
``SCORE_RESULTS/emergence_disappearance_results/{model}/{type}/_emergence_disappearance.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.bench.names import id_fault
from intergeneval.errors import UsageError
from intergeneval.ids import strict_json
from intergeneval.records.disk import read_text

SCORE_RESULTS = "SCORE_RESULTS"
EVAL_RESULTS = "EVAL_RESULTS"
EVAL_DATA = "EVAL_DATA"
VERIFICATION = ("question_verification_results", "question_verification.json")
"""Folder below SCORE_RESULTS, and file name below ``{model}/{type}``, of the answers."""
HALLUCINATION = ("emergence_disappearance_results", "_emergence_disappearance.json")
"""The same of emergence and disappearance."""

_LARGEST = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFiles:
    """The two result files of one model and type; either may be absent."""

    model: str
    """Name of the model: a folder name."""
    kind: str
    """Type, such as ``synthetic``: a folder name."""
    verification: Path | None
    """The answers."""
    hallucination: Path | None
    """Emergence and disappearance."""


def results_root(path: Path) -> Path:
    """Return the ``SCORE_RESULTS`` folder that `path` is or holds. Raises UsageError."""
    if not path.is_dir():
        raise UsageError(f"{path}: there is no such folder")
    for root in (path, path / SCORE_RESULTS):
        if any((root / folder).is_dir() for folder, _ in (VERIFICATION, HALLUCINATION)):
            return root
    raise UsageError(f"{path}: holds no results of the release; neither {SCORE_RESULTS}/{VERIFICATION[0]} nor {HALLUCINATION[0]}")


def find_results(root: Path) -> tuple[ResultFiles, ...]:
    """Return the result files below ``SCORE_RESULTS``, by model and type, both sorted. Raises UsageError when there are none."""
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for folder, name in (VERIFICATION, HALLUCINATION):
        for place in sorted((root / folder).glob(f"*/*/{name}")):
            found.setdefault((place.parent.parent.name, place.parent.name), {})[folder] = place
    if not found:
        raise UsageError(f"{root}: holds no {{model}}/{{type}}/{VERIFICATION[1]} and no {HALLUCINATION[1]}")
    return tuple(
        ResultFiles(model=model, kind=kind, verification=places.get(VERIFICATION[0]), hallucination=places.get(HALLUCINATION[0]))
        for (model, kind), places in sorted(found.items())
    )


def read_entries(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return a result file's entries by ``video_id``, in file order; several entries of one id are kept.

    Raises UsageError naming the file and the entry when it is not a list of objects with a usable ``video_id``.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: has more than {_LARGEST} bytes")
        # Neither a text nor a number stands for NaN, so that the field it is in counts as not understood.
        raw = strict_json(read_text(path, _LARGEST, "utf-8-sig"), lambda word: {"no number": word})
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read as JSON ({error}); write it again") from None
    if not isinstance(raw, list):
        raise UsageError(f"{path}: holds {_kind(raw)}, not a list of videos")
    entries: dict[str, list[dict[str, Any]]] = {}
    for index, entry in enumerate(raw):
        if not isinstance(entry, dict):
            raise UsageError(f"{path}: entry {index} is {_kind(entry)}, not an object; remove or correct it")
        entries.setdefault(_video_id(entry, path, index), []).append(entry)
    return entries


def _video_id(entry: dict[str, Any], path: Path, index: int) -> str:
    raw = entry.get("video_id")
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
    problem = id_fault(text) if isinstance(text, str) else f"is {raw!r:.60}"
    if not isinstance(text, str) or problem:
        raise UsageError(f"{path}: the video_id of entry {index} {problem}; correct it")
    return text


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), f"{value!r:.40}")
