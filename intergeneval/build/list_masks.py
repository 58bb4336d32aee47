"""Masks that a person drew for a list of prompts, after the list was changed: those of other words are laid aside, and come back.

They lie in ``annotate/aside/<model>/<sample>/<seed>`` for as long as the sample is gone or its instances are others, or a run
would be refused for masks of nobody.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from intergeneval.bench.drawn import BENCHMARK, EDITS, WORK, Drawn, misfit, read_drawn
from intergeneval.bench.own_masks import MASKS, model_folder, model_of
from intergeneval.errors import StoreError
from intergeneval.records import Sample

ASIDE = "aside"
_SHOWN = 4


def drawn_for(root: Path) -> dict[str, list[Drawn]]:
    """Return what a person has drawn for each sample, of all models. Raises BenchError for a damaged file."""
    found: dict[str, list[Drawn]] = {}
    for _, key, drawn in _all_drawn(root):
        found.setdefault(key.rpartition("/")[0], []).append(drawn)
    return found


def _all_drawn(root: Path) -> Iterator[tuple[str, str, Drawn]]:
    """Give (model, sample/seed, what it was drawn on) for every whole set that was drawn on the page."""
    for place in sorted((root / WORK).glob("*.json")):
        if place.stem in (EDITS, BENCHMARK) or ".before-" in place.stem:
            continue
        model = model_of(place.stem)
        yield from ((model, key, drawn) for key, drawn in read_drawn(root, model).items() if "/" in key and drawn.masks)


def settle_masks(root: Path, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Lay masks aside that were drawn for other words than the samples', and bring back those that fit again.

    Returns a line on each kind; empty where nothing moved. Raises BenchError for a damaged file, StoreError.
    """
    known = {sample.id: sample for sample in samples}
    aside: list[str] = []
    back: list[str] = []
    for model, key, drawn in list(_all_drawn(root)):
        used, kept = (place / model_folder(model) / key for place in (root / MASKS, root / WORK / ASIDE))
        if not _fits(drawn, key, known):
            if used.is_dir() and kept.is_dir():
                # Of words before the last; nothing knows them any more.
                shutil.rmtree(kept)
            if _moved(used, kept):
                aside.append(f"{model}/{key}")
        elif _moved(kept, used):
            back.append(f"{model}/{key}")
    lines = []
    if aside:
        what = f"masks of {_listed(aside)} were drawn for other words and are laid aside, in {root / WORK / ASIDE}"
        lines.append(f"{what}, until the list says those again")
    if back:
        lines.append(f"masks of {_listed(back)}, which were laid aside, fit again and are used")
    return tuple(lines)


def _fits(drawn: Drawn, key: str, known: Mapping[str, Sample]) -> bool:
    sample = known.get(key.rpartition("/")[0])
    return sample is not None and set(drawn.words) == {one.id for one in sample.instances} and not misfit(drawn, sample, None)


def _moved(source: Path, target: Path) -> bool:
    """Move a folder where there is none; folders that it leaves empty go. Raises StoreError."""
    if not source.is_dir() or target.exists():
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        for folder in list(source.parents)[:2]:
            if not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise StoreError(f"{source}: cannot be moved to {target} ({error.strerror})") from None
    return True


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
