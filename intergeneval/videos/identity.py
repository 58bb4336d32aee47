"""What makes two videos the same: their bytes."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from intergeneval.errors import MediaError
from intergeneval.ids import sha256_file
from intergeneval.videos.decoding import cause
from intergeneval.videos.folder import frame_files

_THREADS = 4


def video_sha256(path: Path) -> str:
    """Return the sha256 of a video file's bytes; of a folder, over the sha256 of each frame file in natural order.

    Raises MediaError when something cannot be read.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # A device or a pipe never ends.
            raise MediaError(f"{path}: neither a file nor a folder of frames")
        if not path.is_dir():
            return sha256_file(path)
        digest = hashlib.sha256()
        # Hashing leaves the interpreter's lock, so that a folder takes as long as its disk does.
        with ThreadPoolExecutor(_THREADS) as pool:
            for found in pool.map(sha256_file, frame_files(path)):
                digest.update(found.encode("ascii"))
        return digest.hexdigest()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read: {cause(error)}") from error
