"""Which videos went well and which went wrong: from an `intergeneval` run's scores, or from a user's own labels."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_json
from intergeneval.records import Score, ScoreStatus, Video
from intergeneval.records.disk import read_text
from matrix_train.analysis.config import LayersSection
from matrix_train.analysis.layers import Sets

Key = tuple[str, int]
"""Sample id and seed."""
LABELS = {"success": True, "failure": False}


def read_sets(path: Path, analysed: Mapping[Key, str], settings: LayersSection) -> tuple[Sets, tuple[str, ...]]:
    """Return the two sets and what was left out, one sentence each.

    `path` is a run folder, its ``scores.jsonl``, or labels: CSV with the columns sample_id, seed and label, or JSON lines with
    these fields; a label is ``success`` or ``failure``. `analysed` gives the sha256 of each analysed video, empty where there is
    none: a score of another file says nothing about this one's attention. Raises ConfigError where two sets cannot be made.
    """
    scores = path / "scores.jsonl" if path.is_dir() else path
    if not scores.is_file():
        raise ConfigError(f"{path}: there is no such run folder (with a scores.jsonl) and no such file of labels")
    if scores.name == "scores.jsonl":
        return _from_scores(scores, analysed, settings)
    return _from_labels(path, analysed)


def _from_scores(path: Path, analysed: Mapping[Key, str], settings: LayersSection) -> tuple[Sets, tuple[str, ...]]:
    field = "if_" if settings.metric == "if" else settings.metric
    scored = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        score = Score.from_line(line, where=f"{path}:{number}")
        value = getattr(score, field)
        if score.status is ScoreStatus.OK and value is not None:
            scored[score.sample_id, score.seed] = float(value)
    known = {key: value for key, value in scored.items() if key in analysed}
    if not known:
        raise ConfigError(f"{path}: scores none of the {len(analysed)} analysed videos; sample ids and seeds must agree")
    notes = [f"{len(analysed) - len(known)} analysed videos have no score"] if len(known) < len(analysed) else []
    others = _other_files(path.with_name("videos.jsonl"), analysed)
    known = {key: value for key, value in known.items() if key not in others}
    if others:
        notes.append(f"{len(others)} scores are of other files than the analysed videos and do not count")
    if not known:
        raise ConfigError(
            f"{path}: every score is of another file than the analysed video of that name; score the analysed ones: "
            "intergeneval run --model OUT/videos"
        )
    ordered = sorted(known, key=lambda key: (known[key], key))
    size = int(len(ordered) * settings.share)
    while size and known[ordered[size - 1]] >= known[ordered[-size]]:
        size -= 1
    if not size:
        raise ConfigError(
            f"{path}: {len(known)} scored videos give no two sets that differ in {settings.metric.upper()}; analyse more videos"
        )
    low, high = known[ordered[size - 1]], known[ordered[-size]]
    origin = (
        f"the {size} videos of highest and the {size} of lowest {settings.metric.upper()} among {len(known)} scored ones "
        f"(at least {high:.3f}, at most {low:.3f})"
    )
    return Sets(success=tuple(ordered[-size:]), failure=tuple(ordered[:size]), origin=origin), tuple(notes)


def _other_files(path: Path, analysed: Mapping[Key, str]) -> set[Key]:
    """Return the videos whose scored file is not the analysed one; none where the run does not say what it scored."""
    found: set[Key] = set()
    if not path.is_file():
        return found
    for number, line in enumerate(read_text(path).splitlines(), 1):
        video = Video.from_line(line, where=f"{path}:{number}")
        key = (video.sample_id, video.seed)
        if analysed.get(key) and video.sha256:
            (found.discard if video.sha256 == analysed[key] else found.add)(key)
    return found


def _from_labels(path: Path, analysed: Collection[Key]) -> tuple[Sets, tuple[str, ...]]:
    sides: dict[bool, list[Key]] = {True: [], False: []}
    for where, row in _rows(path):
        try:
            key = (str(row["sample_id"]), int(row.get("seed") or 0))
            side = LABELS[str(row["label"]).strip().lower()]
        except (KeyError, ValueError, TypeError):
            raise ConfigError(f"{where}: needs sample_id, a whole seed, and a label that is success or failure") from None
        if key in sides[True] or key in sides[False]:
            raise ConfigError(f"{where}: sample {key[0]!r}, seed {key[1]} is labelled twice")
        if key in analysed:
            sides[side].append(key)
    size = min(len(side) for side in sides.values())
    if not size:
        raise ConfigError(
            f"{path}: labels {len(sides[True])} analysed videos success and {len(sides[False])} failure; both are needed"
        )
    # The larger set is cut to the smaller by a draw that depends on names alone.
    good, bad = (tuple(sorted(sorted(side, key=sha256_json)[:size])) for side in (sides[True], sides[False]))
    origin = f"labels in {path.name}: {size} of {len(sides[True])} successes and {size} of {len(sides[False])} failures"
    return Sets(success=good, failure=bad, origin=origin), ()


def _rows(path: Path) -> Sequence[tuple[str, Mapping[str, Any]]]:
    text = read_text(path, encoding="utf-8-sig")
    if path.suffix in (".jsonl", ".json"):
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ConfigError(f"{path}:{number}: not JSON ({error})") from None
            if not isinstance(row, dict):
                raise ConfigError(f"{path}:{number}: is no JSON object")
            found.append((f"{path}:{number}", row))
        return found
    return [(f"{path}:{number}", row) for number, row in enumerate(csv.DictReader(text.splitlines()), 2)]
