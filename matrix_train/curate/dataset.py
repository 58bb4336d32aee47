"""The end of a curation: videos, tracks, ``clips.jsonl`` and ``dropped.jsonl``, as `fit` takes them, and no file beside them."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intergeneval.errors import UsageError
from intergeneval.ids import canonical_json
from intergeneval.records.disk import copy, write_atomically
from matrix_train.curate.form import WORK
from matrix_train.curate.lines import STAGES
from matrix_train.curate.records import Known, LeftOut
from matrix_train.data.clips import INDEX, Clip, read_own, write_own
from matrix_train.datasets.writing import DROPPED

VIDEOS, TRACKS = "videos", "tracks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A clip of the dataset, and where its files were made."""

    clip: Clip
    """Its line."""
    video: str
    """Its video, relative to the curation."""
    tracks: str
    """Its tracks, relative to the curation."""


def check_own(out: Path) -> None:
    """Raise UsageError for a folder with a dataset, or videos, that no curation made: writing here would remove them."""
    if (out / STAGES).is_dir():
        return
    for name in (INDEX, VIDEOS, TRACKS):
        if (out / name).exists():
            raise UsageError(f"--out {out}: holds {name}, which no curation made and this would replace; choose another folder")


def write_dataset(out: Path, chosen: Sequence[Chosen], dropped: Iterable[LeftOut]) -> None:
    """Write the dataset; what an earlier one had beside it goes, but for the sides of a split of clips that are as they were.

    Files come first and the list last, so that no line names a file that is not there. Raises OSError, RecordError for a list
    that was damaged.
    """
    before = {clip.id: clip for clip in read_own(out)} if (out / INDEX).is_file() else {}
    for folder in (VIDEOS, TRACKS):
        (out / folder).mkdir(exist_ok=True)
    for one in chosen:
        _take(out / one.video, out / one.clip.video)
        _take(out / one.tracks, out / one.clip.tracks)
    write_own(out, tuple(_as_split(one.clip, before.get(one.clip.id)) for one in chosen))
    write_atomically(out / DROPPED, "".join(f"{canonical_json(one.to_json())}\n" for one in dropped))
    named = {name for one in chosen for name in (one.clip.video, one.clip.tracks)}
    for folder in (VIDEOS, TRACKS):
        for path in (out / folder).iterdir():
            if path.relative_to(out).as_posix() not in named and not path.is_dir():
                path.unlink()


def _as_split(clip: Clip, before: Clip | None) -> Clip:
    return replace(clip, split=before.split) if before is not None and before.state == clip.state else clip


def _take(made: Path, target: Path) -> None:
    """Have a file under another name, by a link where the file system knows them."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(made.stat(), target.stat()):
            return
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.link(made, beside)
    except OSError:
        copy(made, target)
        return
    beside.replace(target)


def sweep(out: Path, clips: Iterable[Known], files: Mapping[str, Sequence[str]]) -> int:
    """Remove files that no current line of a stage names; return how many. `files` is stage -> names of values that are files."""
    named = {
        str(clip.lines[stage].value[name])
        for clip in clips
        for stage, names in files.items()
        for name in names
        if stage in clip.lines and name in clip.lines[stage].value
    }
    gone = 0
    for path in sorted((out / WORK).rglob("*")):
        if path.is_file() and path.relative_to(out).as_posix() not in named:
            path.unlink()
            gone += 1
    return gone
