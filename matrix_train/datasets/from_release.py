"""A dataset in the layout of the public release as one of ours: marks read, mask pictures as run lengths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from intergeneval.errors import ConfigError, MediaError, RecordError
from matrix_train.data.clips import Clip, inside
from matrix_train.data.release import guessed_clips, read_release
from matrix_train.datasets.writing import Dropped, Found, Written, tracks_of_clip, write_dataset

STAGE = "from-release"


def from_release(root: Path, out: Path, *, licence: str = "") -> tuple[Written, int]:
    """Write a dataset of the release's layout as one of ours; return what came of it, and of how many clips roles were guessed.

    `licence` is noted of every clip. What cannot be read is left out with its reason. Raises ConfigError.
    """
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder")
    clips, guessed = read_release(root), guessed_clips(root)
    written = write_dataset(out, _items(root, clips, licence))
    gone = {item.clip for item in written.dropped}
    return written, len(guessed - gone)


def _items(root: Path, clips: tuple[Clip, ...], licence: str) -> Iterator[Found | Dropped]:
    for clip in clips:
        try:
            video = inside(root, clip.video, "video")
            if not video.exists():
                raise MediaError(f"{video}: there is no such video")
            if not clip.interactions:
                raise MediaError("its prompt says nothing of who does what to whom: give it a field 'interactions'")
            tracks = tracks_of_clip(root, clip)
        except (MediaError, RecordError, ConfigError) as error:
            yield Dropped(clip=clip.id, stage=STAGE, reason=str(error))
            continue
        yield Found(clip=replace(clip, licence=licence), video=video, tracks=tracks)
