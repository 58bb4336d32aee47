"""Open what is there: a video file or a folder of frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from intergeneval.errors import MediaError
from intergeneval.videos.container import VideoFile
from intergeneval.videos.decoding import cause
from intergeneval.videos.folder import FrameFolder
from intergeneval.videos.pixels import Frame, Notes


class Clip(Protocol):
    """A video whose pictures can be walked, each time anew from its start."""

    announced: int
    """Number of frames the file claims."""
    fps: float
    """Mean frame rate, frames per second."""
    times: tuple[float, ...]
    """Seconds from the first frame to each where the rate varies, else empty; as announced, after a walk as decoded."""

    def pictures(self) -> Iterator[Frame]:
        """Yield every picture, upright RGB (H, W, 3). Raises MediaError."""


def open_clip(path: Path, notes: Notes) -> Clip:
    """Return the clip at `path`: a video file or a folder of frames. Raises MediaError for anything else."""
    try:
        folder, there, plain = path.is_dir(), path.exists(), path.is_file()
    except OSError as error:
        raise MediaError(f"{path}: cannot be looked at: {cause(error)}") from error
    if folder:
        return FrameFolder(path, notes)
    if not there:
        raise MediaError(f"{path}: there is no such video file or folder of frames")
    if not plain:
        raise MediaError(f"{path}: is neither a plain file nor a folder of frames")
    return VideoFile(path, notes)
