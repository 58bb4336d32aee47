"""Where clips come from: a folder of videos, a list, WebDataset archives, or a saved data set of the library ``datasets``.

Beside a video, in a folder as in an archive, ``<name>.txt`` is its caption and ``<name>.json`` an object with any of ``caption``,
``licence``, ``source``, ``instances`` and ``interactions``; the rows of lists and data sets have fields of these names.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from intergeneval.bench.names import path_fault
from intergeneval.bench.structure import sample_faults
from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import sha256_bytes, short, strict_json
from intergeneval.records import BOX_COLOURS, Instance, Interaction, Sample
from intergeneval.records.disk import read_text
from intergeneval.records.limits import LONGEST_ID, id_fault
from intergeneval.sources.naming import prompt_of_name
from intergeneval.videos import VIDEO_SUFFIXES
from matrix_train.curate.archives import hf_rows, is_hf, stamp_of, tar_members
from matrix_train.curate.records import Entry, GivenInstance, Place

LISTS = (".jsonl", ".csv")
TAR = ".tar"
_LONGEST = LONGEST_ID - 20
"""Bytes of the longest id of a video: ids of its clips are longer."""
_CAPTIONS = ("caption", "prompt", "text")
_LICENCES = ("licence", "license")
_NAMES = ("id", "name", "__key__")
_KNOWN = (*_CAPTIONS, *_LICENCES, *_NAMES, "source", "video", "instances", "interactions")


def root_of(place: Path) -> Path:
    """Return the folder that the paths of a source are relative to."""
    return place if place.is_dir() else place.parent


def entries(place: Path, *, names: bool, licence: str, collection: str, out: Path | None = None) -> tuple[Entry, ...]:
    """Return the videos of a source in a fixed order, with what comes with them; no video is opened.

    `names` takes the names of files for captions where there are no others; `licence` and `collection` hold where the source says
    nothing; files in `out`, a curation's own folder, are none of the source. Raises UsageError for a source that is none or has
    faults, naming the first.
    """
    found = list(_entries(place, out))
    if not found:
        raise UsageError(f"{place}: holds no video; videos end in {', '.join(VIDEO_SUFFIXES)}")
    said = collection or root_of(place).resolve().name
    taken: set[str] = set()
    made = []
    for one in found:
        caption = one.caption or (prompt_of_name(PurePosixPath(one.place.member or one.place.path).stem) if names else "")
        name = one.id
        if name in taken:
            name = f"{name}-{short(sha256_bytes(one.place.to_json().__repr__().encode()), 6)}"
        taken.add(name)
        made.append(
            replace(one, id=name, caption=" ".join(caption.split()), licence=one.licence or licence, source=one.source or said)
        )
    return tuple(made)


def _entries(place: Path, out: Path | None) -> Iterator[Entry]:
    if not place.exists():
        raise UsageError(f"{place}: there is no such folder or file; give a folder of videos, a list, archives or a data set")
    if place.is_file() and place.suffix.lower() in LISTS:
        yield from _listed(place)
    elif place.is_file() and place.suffix.lower() == TAR:
        yield from _archived(place, place.parent)
    elif place.is_file():
        raise UsageError(f"{place}: a source is a folder, or a file that ends in {', '.join((*LISTS, TAR))}")
    elif is_hf(place):
        for number, row in hf_rows(place):
            where = f"{place}: row {number}"
            yield _entry(_name(row, f"{number:06d}"), Place(path=".", row=number), stamp_of(place), row, where)
    elif archives := sorted(place.glob(f"*{TAR}")):
        if beside := _videos(place, out):
            raise UsageError(
                f"{place}: holds archives, such as {archives[0].name}, and videos, such as {beside[0].relative_to(place)}; "
                "give them folders of their own, and curate each"
            )
        for archive in archives:
            yield from _archived(archive, place)
    else:
        yield from _in_folder(place, out)


def _videos(root: Path, out: Path | None) -> list[Path]:
    """Return the video files below a folder, but for hidden ones and those of a curation's own folder."""
    own = None if out is None or root.resolve() not in out.resolve().parents else root / out.resolve().relative_to(root.resolve())
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in VIDEO_SUFFIXES
        and own not in path.parents
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and path.is_file()
    )


def _in_folder(root: Path, out: Path | None) -> Iterator[Entry]:
    for path in _videos(root, out):
        inside = path.relative_to(root)
        told: dict[str, Any] = {}
        if (beside := path.with_suffix(".json")).is_file():
            told = _object(_read(beside), str(beside))
        if (beside := path.with_suffix(".txt")).is_file():
            told["caption"] = _read(beside)
        name = _name(told, inside.with_suffix("").as_posix())
        yield _entry(name, Place(path=inside.as_posix()), stamp_of(path), told, str(path))


def _listed(path: Path) -> Iterator[Entry]:
    root = path.parent
    for number, row in _rows(path):
        where = f"{path}:{number}"
        video = row.get("video")
        if not isinstance(video, str) or not video:
            raise UsageError(f"{where}: the row names no video; write its path, relative to the list, under 'video'")
        if problem := path_fault(video, root):
            raise UsageError(f"{where}: video: the path {problem}; name a file in the folder of the list")
        if not (root / video).is_file():
            raise UsageError(f"{where}: there is no file {video!r}; add it or correct the path")
        yield _entry(_name(row, str(PurePosixPath(video).with_suffix(""))), Place(path=video), stamp_of(root / video), row, where)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    text = _read(path, encoding="utf-8-sig")
    if path.suffix.lower() == ".csv":
        reader = csv.DictReader(io.StringIO(text, newline=""))
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise UsageError(f"{path}:{reader.line_num}: the row has another number of columns than the first line names")
                yield reader.line_num, row
        except csv.Error as error:
            raise UsageError(f"{path}:{reader.line_num}: is not CSV ({error}); is a quotation mark left open?") from None
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _object(line, f"{path}:{number}")


def _archived(archive: Path, root: Path) -> Iterator[Entry]:
    for key, video, texts in tar_members(archive):
        where = f"{archive}: {key}"
        told = _object(texts[".json"], where) if ".json" in texts else {}
        if ".txt" in texts:
            told["caption"] = texts[".txt"]
        place = replace(video, path=archive.relative_to(root).as_posix())
        yield _entry(_name(told, f"{archive.stem}-{key}"), place, stamp_of(archive), told, where)


def _name(row: Mapping[str, Any], otherwise: str) -> str:
    told = next((str(row[name]) for name in _NAMES if row.get(name) not in (None, "")), otherwise)
    name = re.sub(r"[/\\\s]+|[\x00-\x1f]", "-", told.strip()).strip("-.") or otherwise.replace("/", "-")
    if told is otherwise and len(name.encode("utf-8", "surrogatepass")) > _LONGEST:
        # Nobody chose it: deep folders make long ones.
        start = name.encode("utf-8", "surrogatepass")[: _LONGEST - 13].decode("utf-8", "ignore")
        name = f"{start}-{short(sha256_bytes(name.encode('utf-8', 'surrogatepass')), 12)}"
    return name


def _entry(name: str, place: Place, stamp: tuple[int, ...], row: Mapping[str, Any], where: str) -> Entry:
    """Return an entry of what a row says. Raises UsageError naming the field that does not fit."""
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST:
        raise UsageError(f"{where}: the id is longer than {_LONGEST} bytes; call it otherwise")
    if problem := id_fault(name):
        raise UsageError(f"{where}: the id {problem}; call it otherwise")
    texts = {
        "caption": next((row[key] for key in _CAPTIONS if row.get(key)), ""),
        "licence": next((row[key] for key in _LICENCES if row.get(key)), ""),
        "source": row.get("source") or "",
    }
    for field, value in texts.items():
        if not isinstance(value, str):
            raise UsageError(f"{where}: {field} is {type(value).__name__}, not a text")
    instances, interactions = _scene(row, where)
    return Entry(id=name, place=place, stamp=stamp, instances=instances, interactions=interactions, **texts)


def _scene(row: Mapping[str, Any], where: str) -> tuple[tuple[GivenInstance, ...] | None, tuple[Interaction, ...] | None]:
    told = [row.get(name) for name in ("instances", "interactions")]
    if all(value in (None, "") for value in told):
        return None, None
    if not all(isinstance(value, list) and value for value in told):
        raise UsageError(f"{where}: instances and interactions come together, each a list; give both, or neither")
    try:
        instances = tuple(GivenInstance.from_json(item, where=f"{where}: instances") for item in told[0] or ())
        acts = tuple(Interaction.from_json(item, where=f"{where}: interactions") for item in told[1] or ())
    except RecordError as error:
        raise UsageError(f"{error}; correct the row") from None
    if len(instances) > len(BOX_COLOURS):
        raise UsageError(f"{where}: there are {len(instances)} instances, at most {len(BOX_COLOURS)} may be")
    sample = Sample(id="row", prompt="row", instances=instances_of(instances), interactions=acts)
    for fault in sample_faults(sample, Path(), where):
        raise UsageError(str(fault))
    for item in instances:
        if item.box is not None and not (0 <= item.box[0] < item.box[2] and 0 <= item.box[1] < item.box[3]):
            raise UsageError(f"{where}: box of {item.id}: {list(item.box)} is no box; write x0, y0, x1, y1 in pixels")
    return instances, acts


def instances_of(given: tuple[GivenInstance, ...]) -> tuple[Instance, ...]:
    """Return given instances with their box colours."""
    return tuple(
        Instance(id=item.id, class_=item.class_, appearance=item.appearance or item.class_, colour=BOX_COLOURS[index])
        for index, item in enumerate(given)
    )


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        found = strict_json(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise UsageError(f"{where}: holds {type(found).__name__}, not a JSON object")
    return found


def _read(path: Path, encoding: str = "utf-8") -> str:
    try:
        return read_text(path, encoding=encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as UTF-8 text ({error})") from None
