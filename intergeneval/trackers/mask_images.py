"""Mask images of one instance: ``000.png``, ``001.png``, ... read strictly, because a damaged mask would become a false state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from intergeneval.errors import BackendError, MediaError
from intergeneval.masks.pictures import MaskTrack, read_pictures
from intergeneval.masks.pixels import PNG, PictureError
from intergeneval.records.disk import read_bytes


def read_mask_folder(folder: Path, frames: int, size: tuple[int, int], *, inside: Path) -> MaskTrack:
    """Return the masks (H, W) of a folder in frame order; one image is decoded at a time, and all before the first is given.

    The names are checked first: numbers from 0 to `frames` - 1, none missing, none double. `size` is height, width. `inside`
    is the folder that no file may lie outside of, links followed. Raises MediaError naming the file, BackendError for an escape.
    """
    by_index: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".png" or not path.stem.isascii() or not path.stem.isdigit():
            raise MediaError(
                f"{path}: a folder of masks holds one image a frame, named 000.png, 001.png, ...; move this file away"
            )
        index = int(path.stem)
        if index in by_index:
            raise MediaError(f"{path}: frame {index} has a second mask, {by_index[index].name}; keep one of the two")
        by_index[index] = path
    missing = next((index for index in range(frames) if index not in by_index), None)
    if missing is not None:
        raise MediaError(
            f"{folder / f'{missing:03d}.png'}: missing; the video has {frames} frames, the folder {len(by_index)} masks"
        )
    if len(by_index) > frames:
        raise MediaError(f"{by_index[max(by_index)]}: the video has {frames} frames, the folder {len(by_index)} masks")
    paths = [by_index[index] for index in range(frames)]
    try:
        return read_pictures(_contents(paths, inside.resolve()), soft=False, size=size)
    except PictureError as error:
        raise MediaError(f"{paths[error.place]}: {error.problem}; {error.fix}") from None


def _contents(paths: list[Path], root: Path) -> Iterator[bytes]:
    for path in paths:
        if not path.resolve().is_relative_to(root):
            raise BackendError(f"{path}: leads out of {root}; masks must lie inside their folder")
        try:
            content = read_bytes(path)
        except OSError as error:
            raise MediaError(f"{path}: cannot be read ({error.strerror or error})") from None
        if not content.startswith(PNG):
            raise MediaError(f"{path}: not a PNG image; save masks as PNG: other formats blur their edges")
        yield content
