"""Masks that a person drew for a list of prompts, after the list was changed: those of other words are laid aside, and come back.

They are laid aside (`laid_aside`) for as long as the sample is gone or its instances are others, or a run would be refused for
masks of nobody. So are those of a video that another stands in the place of, as soon as masks of that one are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from intergeneval.bench.drawn import BENCHMARK, EDITS, WORK, Drawn, misfit, read_drawn
from intergeneval.bench.own_masks import model_of
from intergeneval.build.laid_aside import (
    ASIDE,
    LaidAside,
    all_laid_aside,
    bring_back,
    changed_in,
    keys_laid_aside,
    laid_aside,
    lay_aside,
    used_folder,
)
from intergeneval.build.older_work import gather, is_copy
from intergeneval.ids import few
from intergeneval.records import Sample

_SHOWN = 4


def drawn_for(root: Path) -> dict[str, list[Drawn]]:
    """Return what a person has drawn for each sample, of all models. Raises BenchError for a damaged file."""
    found: dict[str, list[Drawn]] = {}
    for key, drawn in (*((key, drawn) for _, key, drawn in _all_drawn(root)), *all_laid_aside(root)):
        if drawn.masks:
            found.setdefault(key.rpartition("/")[0], []).append(drawn)
    return found


def _models(root: Path) -> list[str]:
    """Return the models of which something was drawn on the page, or laid aside."""
    files = [place for place in (root / WORK).glob("*.json") if place.stem not in (EDITS, BENCHMARK)]
    names = {place.stem for place in files if not is_copy(place)}
    names |= {place.name for place in (root / WORK / ASIDE).glob("*") if place.is_dir()}
    return sorted(model_of(name) for name in names)


def _all_drawn(root: Path) -> Iterator[tuple[str, str, Drawn]]:
    """Give (model, sample/seed, what it was drawn on) for every set that was drawn on the page."""
    for model in _models(root):
        yield from ((model, key, drawn) for key, drawn in read_drawn(root, model).items() if "/" in key)


def settle_masks(root: Path, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Lay masks aside that were drawn for other words than the samples', and bring back those that fit again.

    Returns a line on each kind; empty where nothing moved. Raises BenchError for a damaged file, StoreError.
    """
    known = {sample.id: sample for sample in samples}
    lines = list(gather(root))
    models = _models(root)
    aside: list[str] = []
    back: list[str] = []
    changed: list[str] = []
    for model, key, drawn in list(_all_drawn(root)):
        if not _fits(drawn, key, known) and lay_aside(root, model, key, for_words=True) is not None and drawn.masks:
            aside.append(f"{model}/{key}")
    for model in models:
        for key in keys_laid_aside(root, model):

            def right(item: LaidAside, key: str = key) -> bool:
                return item.for_words and _fits(item.drawn, key, known)

            found = bring_back(root, model, key, right)
            # Half-done work comes back as well, but no mask is used yet.
            if found is not None and found.drawn.masks:
                (changed if changed_in(used_folder(root, model, key), found.drawn) else back).append(f"{model}/{key}")
    if aside:
        what = f"masks of {few(aside, _SHOWN)} were drawn for other words and are laid aside, in {root / WORK / ASIDE}"
        lines.append(f"{what}, until the list says those again")
    if back:
        lines.append(f"masks of {few(back, _SHOWN)}, which were laid aside, fit again and are used")
    if changed:
        what = f"masks of {few(changed, _SHOWN)}, which were laid aside, are back, but are not the files that were drawn"
        lines.append(f"{what}: look at them with 'intergeneval annotate'")
    return tuple(lines)


def restore_masks(
    root: Path, model: str, samples: Mapping[str, Sample], keys: Iterable[str], fits: Callable[[str, Drawn], bool]
) -> tuple[str, ...]:
    """Bring masks back that were drawn on the videos that are there now, in the place of those drawn on others.

    `keys` are the videos, as ``sample/seed``, of which masks are missing or do not fit; `fits` says whether masks were drawn on
    the video of one. Returns those that have masks again. Raises BenchError, StoreError.
    """
    done = []
    for key in keys:
        sample = samples[key.rpartition("/")[0]]

        def right(item: LaidAside, key: str = key, sample: Sample = sample) -> bool:
            return bool(item.drawn.masks) and not item.changed and not misfit(item.drawn, sample) and fits(key, item.drawn)

        if any(right(item) for item in laid_aside(root, model, key)):
            lay_aside(root, model, key, for_words=False)
            if bring_back(root, model, key, right) is not None:
                done.append(key)
    return tuple(done)


def _fits(drawn: Drawn, key: str, known: Mapping[str, Sample]) -> bool:
    sample = known.get(key.rpartition("/")[0])
    return sample is not None and set(drawn.words) == {one.id for one in sample.instances} and not misfit(drawn, sample)
