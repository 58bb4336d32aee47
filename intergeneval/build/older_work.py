"""What earlier versions of the annotating page put by of work that fitted nothing any more, taken in among what lies aside today.

They copied the whole file of work to ``annotate/<model>.before-N.json``, and moved masks without saying what they were drawn on.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from intergeneval.bench.drawn import WORK, drawn_of, work_file
from intergeneval.bench.own_masks import model_folder, model_of
from intergeneval.build.laid_aside import ASIDE, changed_in, move, read_kept, said_of, set_folder, write_kept, write_set
from intergeneval.errors import BenchError, StoreError
from intergeneval.ids import few

_COPY = re.compile(r".+\.before-\d+", re.DOTALL)
_SHOWN = 4


def is_copy(place: Path) -> bool:
    """Whether a file of work is a copy that an earlier version made, and not the work of a model that is called so."""
    if not _COPY.fullmatch(place.stem):
        return False
    try:
        model = read_kept(place).get("model")
    except BenchError:
        return False
    return isinstance(model, str) and work_file(place.parent.parent, model) != place


def gather(root: Path) -> tuple[str, ...]:
    """Take in what earlier versions left, which comes back when it fits again; return a line on it, none where nothing was.

    Raises BenchError for a damaged file, StoreError.
    """
    for folder in sorted((root / WORK / ASIDE).glob("*")):
        if folder.is_dir():
            _name_masks(root, model_of(folder.name))
    found = []
    for place in sorted((root / WORK).glob("*.json")):
        if is_copy(place):
            found += list(_take_in(root, place))
            target = root / WORK / ASIDE / place.name
            target.parent.mkdir(exist_ok=True)
            try:
                place.rename(target)
            except OSError as error:
                raise StoreError(f"{place}: cannot be moved to {target} ({error.strerror})") from None
    if not found:
        return ()
    what = f"work of an earlier version on {few(found, _SHOWN)} is kept in {root / WORK / ASIDE} now"
    return (f"{what}, and comes back on the page with its videos and words",)


def _take_in(root: Path, place: Path) -> Iterator[str]:
    """Lay every set of a copy aside that is neither in use nor there already; give whose they are."""
    kept = read_kept(place)
    model = str(kept["model"])
    used = work_file(root, model)
    now: dict[str, Any] = read_kept(used).get("drawn", {}) if used.is_file() else {}
    for key, drawn in drawn_of(kept, str(place)).items():
        work = kept.get("work", {}).get(key)
        target = set_folder(root, model, key, drawn)
        if not work or drawn.to_json() == now.get(key) or target.exists():
            continue
        # Its masks were written over since; the page makes them anew out of the work.
        write_set(target, said_of(key, replace(drawn, masks={}), work, for_words=False))
        yield f"{model}/{key}"


def _name_masks(root: Path, model: str) -> None:
    """Give masks that were laid aside without a word their place among those of today, where a file of work tells what they are.

    Masks of which nothing is known stay where they are.
    """
    base, place = root / WORK / ASIDE / model_folder(model), work_file(root, model)
    copies = [item for item in sorted(place.parent.glob("*.json")) if is_copy(item) and read_kept(item)["model"] == model]
    for folder in sorted({mask.parent for mask in base.glob("*/*/*.png")}):
        key = folder.relative_to(base).as_posix()
        for source in (place, *copies):
            kept: dict[str, Any] = read_kept(source) if source.is_file() else {}
            drawn = drawn_of(kept, str(source)).get(key)
            if drawn is None or not drawn.masks or changed_in(folder, drawn):
                continue
            target = set_folder(root, model, key, drawn)
            with contextlib.suppress(FileExistsError):
                target.mkdir()
            write_set(target, said_of(key, drawn, kept.get("work", {}).get(key, {}), for_words=True))
            move(sorted(folder.glob("*.png")), target)
            if source == place:
                write_kept(place, kept, key, None, None)
            break
