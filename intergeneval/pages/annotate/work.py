"""Half-done work of the annotating page on disk: boxes, scribbles and masks of a model, and what they were drawn on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from intergeneval.bench.drawn import EDITS, Drawn, drawn_of, words_of
from intergeneval.build.laid_aside import rewritten
from intergeneval.build.older_work import is_copy
from intergeneval.errors import RecordError, StoreError, UsageError
from intergeneval.ids import canonical_json, strict_json
from intergeneval.masks import Mask
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Sample
from intergeneval.store import write_atomically


@dataclass(slots=True, kw_only=True)
class Work:
    """One instance of one video, as far as it is drawn."""

    box: tuple[float, float, float, float]
    """Its box, in pixels."""
    plus: list[list[tuple[float, float]]] = field(default_factory=list)
    """Scribbles on it."""
    minus: list[list[tuple[float, float]]] = field(default_factory=list)
    """Scribbles beside it."""
    mask: str = ""
    """Its mask as run lengths."""


def read_work(place: Path) -> tuple[dict[str, dict[str, Work]], dict[str, Drawn]]:
    """Return the work of a file by item and instance, and what it was drawn on by item; nothing where there is no file.

    Raises UsageError for a damaged one.
    """
    if not place.is_file():
        return {}, {}
    try:
        kept = strict_json(place.read_text(encoding="utf-8"))
        work = {key: {name: Work(**fields) for name, fields in found.items()} for key, found in kept["work"].items()}
        return work, drawn_of(kept, str(place))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecordError) as error:
        raise UsageError(f"{place}: cannot be read ({error}); move it away to begin anew") from None


def write_work(place: Path, model: str, work: Mapping[str, Mapping[str, Work]], drawn: Mapping[str, Drawn]) -> None:
    """Write the work of a model. Raises StoreError."""
    place.parent.mkdir(exist_ok=True)
    listed = {
        key: {name: {"box": one.box, "plus": one.plus, "minus": one.minus, "mask": one.mask} for name, one in found.items()}
        for key, found in work.items()
    }
    told = {"schema": 1, "model": model, "work": listed}
    if drawn:
        told["drawn"] = {key: item.to_json() for key, item in drawn.items()}
    write_atomically(place, canonical_json(told) + "\n")


def reworded(drawn: Mapping[str, Drawn], old: Sample, new: Sample) -> dict[str, Drawn]:
    """Return what was drawn on with the new words of a sample for those of before: who is shown is called otherwise, no more."""
    return {key: _renamed(item, old, new) if key.rpartition("/")[0] == new.id else item for key, item in drawn.items()}


def _renamed(drawn: Drawn, old: Sample, new: Sample) -> Drawn:
    return replace(drawn, words=words_of(new)) if dict(drawn.words) == words_of(old) else drawn


def reword_others(place: Path, old: Sample, new: Sample) -> None:
    """Write the new words of a sample into the work of the benchmark's other models, and into what was laid aside.

    Raises UsageError, BenchError, StoreError.
    """
    rewritten(place.parent.parent, new.id, lambda drawn: _renamed(drawn, old, new))
    for other in sorted(place.parent.glob("*.json")):
        if other == place or other.stem == EDITS or is_copy(other):
            continue
        try:
            kept = strict_json(other.read_text(encoding="utf-8"))
            drawn = drawn_of(kept, str(other))
        except (OSError, ValueError, RecordError) as error:
            raise UsageError(f"{other}: cannot be read ({error}); move it away") from None
        if (changed := reworded(drawn, old, new)) != drawn:
            write_atomically(
                other, canonical_json({**kept, "drawn": {key: item.to_json() for key, item in changed.items()}}) + "\n"
            )


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask as PNG, there whole or not at all. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, encode_picture(mask))
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error})") from None
