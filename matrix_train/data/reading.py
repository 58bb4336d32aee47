"""Reading a dataset of either layout, without any library of the training."""

from __future__ import annotations

from pathlib import Path

from intergeneval.errors import ConfigError
from matrix_train.data.clips import INDEX, Clip, read_own
from matrix_train.data.release import read_release


def read_dataset(root: Path) -> tuple[Clip, ...]:
    """Read a dataset of either layout. Raises ConfigError or RecordError."""
    if not root.parts:
        raise ConfigError("data.path is empty; give the folder of a dataset")
    if not root.is_dir():
        raise ConfigError(f"data.path: {root} is not a folder")
    clips = read_own(root) if (root / INDEX).is_file() else read_release(root)
    if not clips:
        raise ConfigError(f"{root}: the dataset has no clip")
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            raise ConfigError(f"{root}: clip {clip.id!r} is listed twice")
        seen.add(clip.id)
    return clips
