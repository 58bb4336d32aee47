"""Our own format: ``bench.toml`` and ``samples.jsonl``, with first frames and masks beside them.

``bench.toml`` holds ``name``, ``version``, ``description``, ``licence`` and optionally ``videos`` (a folder of reference videos
named by sample id), ``task`` (``image-to-video``, the default, or ``text-to-video``), a table ``[hashes]`` (sha256 of files
that no sample names) and a table ``[suite]`` (`promise`). ``samples.jsonl`` holds one Sample record a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from intergeneval.bench.benchmark import IMAGE_TO_VIDEO, TASKS
from intergeneval.bench.faults import Fault
from intergeneval.bench.fields import twin_faults
from intergeneval.bench.names import id_fault, path_fault
from intergeneval.bench.promise import Suite
from intergeneval.bench.reading import Reading
from intergeneval.bench.repair import repair
from intergeneval.bench.structure import sample_faults, shape_faults
from intergeneval.bench_paths import TOML
from intergeneval.errors import RecordError
from intergeneval.ids import strict_json
from intergeneval.records import Sample
from intergeneval.records.disk import read_text, read_toml

SAMPLES = "samples.jsonl"
_TEXTS = ("name", "version", "description", "licence")
_LARGEST = 256 << 20


def read(root: Path) -> Reading:
    """Read a benchmark folder, collecting every fault of its two text files. Never raises for what the files say."""
    faults: list[Fault] = []
    head = _head(root, faults)
    samples, lines = _samples(root, faults)
    return Reading(
        name=str(head.get("name") or root.resolve().name),
        version=str(head.get("version", "")),
        root=root,
        layout="own",
        licence=str(head.get("licence", "")),
        description=str(head.get("description", "")),
        videos=head.get("videos"),
        task=head.get("task", IMAGE_TO_VIDEO),
        hashes=head.get("hashes", {}),
        suite=head.get("suite"),
        samples=tuple(samples),
        files=tuple(lines),
        faults=tuple(faults),
    )


def _head(root: Path, faults: list[Fault]) -> dict[str, Any]:
    """Return the usable fields of bench.toml."""

    def fault(field: str, problem: str, fix: str) -> None:
        faults.append(Fault(file=TOML, field=field, problem=problem, fix=fix))

    try:
        raw = read_toml(root / TOML)
    except (ValueError, OSError) as error:
        fault("", f"the file cannot be read ({error})", "correct it; it is TOML in UTF-8")
        return {}
    kept: dict[str, Any] = {}
    for key, value in raw.items():
        if key in ("hashes", "suite"):
            kept[key] = _hashes(value, root, fault) if key == "hashes" else _suite(value, fault)
        elif key not in (*_TEXTS, "videos", "task"):
            known = ", ".join((*_TEXTS, "videos", "task", "hashes", "suite"))
            fault(key, f"unknown field {key!r}", f"remove it or correct its name; known are {known}")
        elif not isinstance(value, str):
            fault(key, f"expected a text, got {value!r:.60}", "put it in quotes")
        elif not value.strip():
            fault(key, "the field is empty", "fill it in")
        else:
            kept[key] = value
    for key in _TEXTS:
        if key not in raw:
            fault(key, "the field is missing", "add it")
    if "name" in kept and (problem := id_fault(kept["name"])):
        fault("name", f"the name {problem}", "use letters, digits and dashes")
    if kept.get("task", IMAGE_TO_VIDEO) not in TASKS:
        fault("task", f"{kept.pop('task')!r} is no task", f"write one of {', '.join(TASKS)}")
    _check_videos(kept, root, fault)
    return kept


def _check_videos(kept: dict[str, Any], root: Path, fault: Callable[[str, str, str], None]) -> None:
    if "videos" in kept and (problem := _videos_fault(kept["videos"], root)):
        fault("videos", problem, "name a folder inside the benchmark folder, or remove the field")
        del kept["videos"]


def _videos_fault(path: str, root: Path) -> str | None:
    if problem := path_fault(path, root):
        return f"the path {problem}"
    return None if (root / path).is_dir() else f"there is no folder {path!r}"


def _hashes(value: Any, root: Path, fault: Callable[[str, str, str], None]) -> Mapping[str, str]:
    if not isinstance(value, dict):
        fault("hashes", f"expected a table, got {value!r:.60}", "write [hashes] with one line a file")
        return {}
    kept = {}
    for path, digest in value.items():
        if problem := path_fault(path, root):
            fault("hashes", f"the path {problem}", "name a file inside the benchmark folder")
        elif not isinstance(digest, str):
            fault("hashes", f"the hash of {path!r} is {digest!r:.60}", "write the sha256 in quotes")
        else:
            kept[path] = digest
    return kept


def _suite(value: Any, fault: Callable[[str, str, str], None]) -> Suite | None:
    try:
        return Suite.from_json(value, where="suite")
    except RecordError as error:
        field, _, problem = str(error).partition(": ")
        fault(field, problem, "write twins = true, similar = 0.6 and a table [suite.least] of labels and shares")
        return None


def _samples(root: Path, faults: list[Fault]) -> tuple[list[Sample], list[str]]:
    try:
        place = root / SAMPLES
        if place.is_file() and place.stat().st_size > _LARGEST:
            raise OSError(f"it has more than {_LARGEST} bytes")
        text = read_text(place, _LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        faults.append(
            Fault(file=SAMPLES, field="", problem=f"the file cannot be read ({error})", fix="add it: one sample a line, UTF-8")
        )
        return [], []
    samples: list[Sample] = []
    lines: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        file = f"{SAMPLES}:{number}"
        sample, name = _sample(line, root, file, faults)
        if name in seen:
            problem = f"the id {name!r} stands in line {seen[name]} already"
            faults.append(Fault(file=file, field="id", problem=problem, fix="give every sample its own id", sample=name))
            continue
        if name is not None:
            seen[name] = number
        if sample is not None:
            samples.append(sample)
            lines.append(file)
    faults.extend(twin_faults(samples, lines, seen.keys() - {sample.id for sample in samples}))
    if not seen and not faults:
        faults.append(Fault(file=SAMPLES, field="", problem="there is no sample", fix="add one a line"))
    return samples, lines


def _sample(line: str, root: Path, file: str, faults: list[Fault]) -> tuple[Sample | None, str | None]:
    """Return the sample of a line, None where it has the wrong shape, and its id, None where it has none; add all its faults."""
    try:
        raw = strict_json(line)
    except (ValueError, RecursionError) as error:
        faults.append(Fault(file=file, field="", problem=f"the line is not JSON ({error})", fix="correct the line"))
        return None, None
    try:
        sample = Sample.from_json(raw, where=file)
    except RecordError:
        # It stops at the first fault; looking for all of them takes ten times as long and is done for faulty lines only.
        faults.extend(shape_faults(raw, file))
        if not isinstance(raw, dict):
            return None, None
        mended = repair(raw, file)
        faults.extend(mended.own(sample_faults(mended.sample, root, file)))
        return None, None if "id" in mended.replaced else mended.sample.id
    faults.extend(sample_faults(sample, root, file))
    return sample, sample.id
