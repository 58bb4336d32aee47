"""Masks that a person drew for a list of prompts, after the list was changed: those of other words are laid aside, and come back.

They lie in ``annotate/aside/<model>/<sample>/<seed>`` for as long as the sample is gone or its instances are others, or a run
would be refused for masks of nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from intergeneval.bench.drawn import BENCHMARK, EDITS, WORK, Drawn, misfit, read_drawn
from intergeneval.bench.own_masks import MASKS, model_folder, model_of
from intergeneval.errors import StoreError
from intergeneval.records import Sample

ASIDE = "aside"
_SHOWN = 4


def settle_masks(root: Path, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Lay masks aside that were drawn for other words than the samples', and bring back those that fit again.

    Returns a line on each kind; empty where nothing moved. Raises BenchError for a damaged file, StoreError.
    """
    known = {sample.id: sample for sample in samples}
    aside: list[str] = []
    back: list[str] = []
    for place in sorted((root / WORK).glob("*.json")):
        if place.stem in (EDITS, BENCHMARK) or ".before-" in place.stem:
            continue
        model = model_of(place.stem)
        folder = model_folder(model)
        for key, drawn in read_drawn(root, model).items():
            if key.rpartition("/")[0] == "" or not drawn.masks:
                continue
            used, kept = root / MASKS / folder / key, root / WORK / ASIDE / folder / key
            if _fits(drawn, key, known):
                if _moved(kept, used):
                    back.append(f"{model}/{key}")
            elif _moved(used, kept):
                aside.append(f"{model}/{key}")
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
