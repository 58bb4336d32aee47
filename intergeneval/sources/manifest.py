"""``manifest.jsonl``: which file of a folder is the video of which sample and seed, and of which benchmark.

One JSON object a line: ``{"sample_id": "coffee", "seed": 0, "path": "a/b.mp4"}``; the seed defaults to 0, further fields are left
alone. The benchmark is named by a field ``bench`` in any line, or by a line that holds nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.ids import bounded_json, sha256_bytes
from intergeneval.records.codec import shown
from intergeneval.records.disk import read_bytes
from intergeneval.records.limits import HIGHEST, LOWEST, id_fault

MANIFEST = "manifest.jsonl"

_LARGEST = 64 << 20
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest whose every line is sound; whether the files exist is not asked."""

    paths: Mapping[tuple[str, int], str]
    """(sample id, seed) -> path relative to the folder, with forward slashes."""
    bench: str
    """Name of the benchmark; empty where the manifest names none."""
    sha256: str
    """Hash of the manifest's bytes."""


def read_manifest(folder: Path) -> Manifest | None:
    """Read a folder's manifest; None where it has none. Raises ConfigError that lists every faulty line."""
    place = folder / MANIFEST
    if not place.is_file():
        return None
    try:
        if place.stat().st_size > _LARGEST:
            raise ConfigError(f"{place}: has more than {_LARGEST} bytes; split the folder")
        content = read_bytes(place, _LARGEST)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place}: cannot be read ({error}); write it as UTF-8, one JSON object a line") from None
    paths: dict[tuple[str, int], str] = {}
    benches: list[str] = []
    faults: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            faults += [f"line {number}: {problem}" for problem in _take(line, folder, paths, benches)]
    if len(set(benches)) > 1:
        faults.append(f"names {len(set(benches))} benchmarks ({', '.join(sorted(set(benches)))}); one folder answers one")
    if faults:
        more = f"\n  and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise ConfigError(f"{place}: cannot be used:\n  " + "\n  ".join(faults[:_SHOWN]) + more)
    return Manifest(paths=paths, bench=benches[0] if benches else "", sha256=sha256_bytes(content))


def _take(line: str, folder: Path, paths: dict[tuple[str, int], str], benches: list[str]) -> list[str]:
    """Add what a line says, and return what is wrong with it."""
    try:
        raw = bounded_json(line)
    except (ValueError, RecursionError) as error:
        return [f"not JSON ({error})"]
    if not isinstance(raw, dict):
        return ["not a JSON object"]
    faults = []
    bench = raw.get("bench")
    if bench is not None:
        if isinstance(bench, str) and bench.strip():
            benches.append(bench)
        else:
            faults.append(f"field 'bench': expected a name, got {shown(bench)}")
        if not {"sample_id", "seed", "path"} & set(raw):
            return faults
    sample, seed, path = raw.get("sample_id"), raw.get("seed", 0), raw.get("path")
    if not isinstance(sample, str) or not sample:
        faults.append(f"field 'sample_id': expected a text, got {shown(sample)}")
    elif fault := id_fault(sample):
        faults.append(f"field 'sample_id': the id {fault}")
    if not isinstance(seed, int) or isinstance(seed, bool) or not LOWEST <= seed <= HIGHEST:
        faults.append(f"field 'seed': expected a whole number, got {shown(seed)}")
    problem = _path_problem(path, folder)
    if problem:
        faults.append(f"field 'path': {problem}")
    if faults or not isinstance(sample, str) or not isinstance(path, str):
        return faults
    if (sample, seed) in paths:
        return [f"sample {sample!r} with seed {seed} stands twice; keep one"]
    paths[sample, seed] = path
    return []


def _path_problem(path: Any, folder: Path) -> str:
    if not isinstance(path, str) or not path.strip():
        return f"expected a path relative to the folder, got {shown(path)}"
    if "\0" in path or "\\" in path:
        return f"{path!r:.80} holds a character that a path cannot have; use forward slashes"
    pure = PurePosixPath(path)
    if pure.is_absolute() or Path(path).is_absolute() or ".." in pure.parts:
        return f"{path!r:.80} leaves the folder; paths are relative and stay inside"
    try:
        inside = (folder / path).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, UnicodeEncodeError):
        return f"{path!r:.80} is no path this system can follow"
    return "" if inside else f"{path!r:.80} is a link that leaves the folder"
