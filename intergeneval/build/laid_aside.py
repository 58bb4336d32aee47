"""Masks that a person drew and that fit nothing now: kept whole, and brought back when they fit again.

A set lies in ``annotate/aside/<model>/<sample>/<seed>/<hash>``, by the hash of what it was drawn on: its masks, and in
``drawn.json`` the boxes and scribbles that they were made of. No set is ever written over or removed.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.bench.drawn import WORK, Drawn, drawn_of, hash_of, work_file
from intergeneval.bench.own_masks import MASKS, model_folder
from intergeneval.errors import BenchError, RecordError, StoreError
from intergeneval.ids import canonical_json, sha256_json, short
from intergeneval.records.disk import read_json
from intergeneval.store import write_atomically

ASIDE = "aside"
_SAID = "drawn.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidAside:
    """One set of masks that was laid aside."""

    folder: Path
    """Where it lies."""
    drawn: Drawn
    """What it was drawn on."""
    work: Any
    """What its masks were made of, as the page writes it."""
    for_words: bool
    """Whether it was laid aside for the words of its list, and not for another video in the place of its own."""

    @property
    def changed(self) -> tuple[str, ...]:
        """The instances whose mask is not the one that was drawn: it is gone, or somebody changed it."""
        return changed_in(self.folder, self.drawn)


def changed_in(folder: Path, drawn: Drawn) -> tuple[str, ...]:
    """Return the instances whose mask in a folder is not the one that was drawn."""
    return tuple(name for name, digest in drawn.masks.items() if hash_of(folder / f"{name}.png") != digest)


def used_folder(root: Path, model: str, key: str) -> Path:
    """Return where a run looks for the masks of ``sample/seed``."""
    return root / MASKS / model_folder(model) / key


def laid_aside(root: Path, model: str, key: str) -> tuple[LaidAside, ...]:
    """Return the sets of a model and ``sample/seed`` that were laid aside, whole ones first, the latest first of these.

    Raises BenchError for a damaged one.
    """
    found = []
    for place in (root / WORK / ASIDE / model_folder(model) / key).glob(f"*/{_SAID}"):
        value = read_kept(place)
        drawn = drawn_of(value, str(place)).get(key)
        if drawn is not None:
            item = LaidAside(
                folder=place.parent, drawn=drawn, work=value.get("work", {}).get(key, {}),
                for_words=value.get("why") == "words",
            )  # fmt: skip
            found.append((bool(item.changed), -place.stat().st_mtime_ns, item))
    return tuple(item for _, _, item in sorted(found, key=lambda one: one[:2]))


def keys_laid_aside(root: Path, model: str) -> tuple[str, ...]:
    """Return every ``sample/seed`` of a model of which a set was laid aside."""
    base = root / WORK / ASIDE / model_folder(model)
    return tuple(sorted({place.parent.parent.relative_to(base).as_posix() for place in base.glob(f"*/*/*/{_SAID}")}))


def lay_aside(root: Path, model: str, key: str, *, for_words: bool) -> Path | None:
    """Take a set out of use with all that is known of it, and return where it lies; None where nothing was drawn.

    Raises BenchError for a damaged file of work, StoreError.
    """
    place, used = work_file(root, model), used_folder(root, model, key)
    kept = read_kept(place)
    drawn, work = drawn_of(kept, str(place)).get(key), kept.get("work", {}).get(key)
    masks = sorted(used.glob("*.png")) if used.is_dir() else []
    if drawn is None or not (masks or work):
        return None
    said = said_of(key, drawn, work or {}, for_words=for_words)
    base = set_folder(root, model, key, drawn)
    names = (base if number == 1 else base.with_name(f"{base.name}-{number}") for number in range(1, 1 << 20))
    target = next(name for name in names if not name.exists() or _begun(name, said, masks))
    write_set(target, said)
    move(masks, target)
    _empty(used, 3)
    write_kept(place, kept, key, None, None)
    return target


def set_folder(root: Path, model: str, key: str, drawn: Drawn) -> Path:
    """Return where the first set of a model and ``sample/seed`` lies that was drawn so."""
    return root / WORK / ASIDE / model_folder(model) / key / short(sha256_json(drawn.to_json()), 12)


def said_of(key: str, drawn: Drawn, work: Any, *, for_words: bool) -> str:
    """Return what is kept beside the masks of a set, as a line without its end."""
    why = "words" if for_words else "video"
    return canonical_json({"schema": 1, "why": why, "drawn": {key: drawn.to_json()}, "work": {key: work}})


def write_set(folder: Path, said: str) -> None:
    """Begin a set with what is said of it; its masks come after. Raises StoreError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / _SAID, said + "\n")


def _begun(folder: Path, said: str, masks: list[Path]) -> bool:
    """Whether a set was being laid aside in a folder when something ended the command."""
    place = folder / _SAID
    same = place.is_file() and place.read_text(encoding="utf-8") == said + "\n"
    return same and not any((folder / mask.name).exists() for mask in masks)


def bring_back(root: Path, model: str, key: str, fits: Callable[[LaidAside], bool]) -> LaidAside | None:
    """Put the latest set that fits back to use, where none is, and return it. Raises BenchError, StoreError."""
    used, place = used_folder(root, model, key), work_file(root, model)
    kept: dict[str, Any] = read_kept(place) if place.is_file() else {"schema": 1, "model": model, "work": {}}
    there = kept.get("drawn", {}).get(key)
    sets = laid_aside(root, model, key)
    begun = next((item for item in sets if item.drawn.to_json() == there and not _both(item.folder, used)), None)
    if begun is not None:
        # Something ended the command while this one was being brought back.
        _put_back(begun, used)
        return begun
    if kept.get("work", {}).get(key) or (used.is_dir() and any(used.glob("*.png"))):
        return None
    item = next((item for item in sets if fits(item)), None)
    if item is not None:
        # What is known of the masks first: after a kill in between, the next call goes on.
        write_kept(place, kept, key, item.drawn, item.work)
        _put_back(item, used)
    return item


def _both(folder: Path, used: Path) -> bool:
    """Whether two folders hold a mask of one instance."""
    return any((used / mask.name).exists() for mask in folder.glob("*.png"))


def _put_back(item: LaidAside, used: Path) -> None:
    used.mkdir(parents=True, exist_ok=True)
    move(sorted(item.folder.glob("*.png")), used)
    _empty(used, 3)
    # Everything that it says stands in the file of work now.
    (item.folder / _SAID).unlink()
    _empty(item.folder, 4)


def rewritten(root: Path, sample: str, change: Callable[[Drawn], Drawn]) -> None:
    """Change what is said of every set of a sample that was laid aside, of all models. Raises BenchError, StoreError."""
    for place in (root / WORK / ASIDE).glob(f"*/{glob.escape(sample)}/*/*/{_SAID}"):
        value = read_kept(place)
        listed = {key: change(drawn) for key, drawn in drawn_of(value, str(place)).items()}
        told = canonical_json({**value, "drawn": {key: drawn.to_json() for key, drawn in listed.items()}})
        if told != canonical_json(value):
            write_atomically(place, told + "\n")


def all_laid_aside(root: Path) -> Iterator[tuple[str, Drawn]]:
    """Give (sample/seed, what it was drawn on) for every set that was laid aside. Raises BenchError."""
    for place in sorted((root / WORK / ASIDE).glob(f"*/*/*/*/{_SAID}")):
        yield from drawn_of(read_kept(place), str(place)).items()


def read_kept(place: Path) -> dict[str, Any]:
    """Return a file of work, or what is said of a set. Raises BenchError for a damaged one."""
    try:
        value = read_json(place)
        drawn_of(value, str(place))
        if not isinstance(value.get("work", {}), dict):
            raise RecordError("'work' is no object")
    except (OSError, RecordError) as error:
        raise BenchError(f"{place}: cannot be read ({error}); move it away to go on without what it says") from None
    return dict(value)


def write_kept(place: Path, kept: dict[str, Any], key: str, drawn: Drawn | None, work: Any) -> None:
    """Write a file of work with one entry set, or taken out. Raises StoreError."""
    told = {**kept, "work": {**kept.get("work", {})}, "drawn": {**kept.get("drawn", {})}}
    for part, value in (("work", work or None), ("drawn", None if drawn is None else drawn.to_json())):
        if value is None:
            told[part].pop(key, None)
        else:
            told[part][key] = value
    if not told["drawn"]:
        del told["drawn"]
    place.parent.mkdir(exist_ok=True)
    write_atomically(place, canonical_json(told) + "\n")


def move(files: list[Path], target: Path) -> None:
    """Move files into a folder. Raises StoreError."""
    for file in files:
        try:
            file.rename(target / file.name)
        except OSError as error:
            raise StoreError(f"{file}: cannot be moved to {target} ({error.strerror})") from None


def _empty(folder: Path, levels: int) -> None:
    """Remove a folder and those above it, so many levels, as far as nothing is in them."""
    for place in (folder, *list(folder.parents)[: levels - 1]):
        if not place.is_dir() or any(place.iterdir()):
            return
        place.rmdir()
