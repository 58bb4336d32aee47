"""The one way to files: whatever is read is a plain file of a bounded size, whatever is written is there whole or not at all.

What lies in a folder of somebody else may be a pipe that never ends, a device, or a file of any size; what is written may meet a
full disk or the end of the process at any byte. Both are met here, so that no reader and no writer has to think of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from intergeneval.errors import RecordError
from intergeneval.ids import bounded_json

MOST_BYTES = 1 << 30
"""Largest file that is read as a whole, and longest line."""
MOST_SETTINGS = 16 << 20
"""Largest file of settings: TOML takes a minute for 60 MB."""


def open_plain(path: Path) -> IO[bytes]:
    """Open a plain file for reading. Raises OSError also for a pipe or a device: some never end, and some never begin."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "neither a file nor a folder, but a pipe or a device", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return a plain file's bytes. Raises OSError, also for more than `most` bytes."""
    with open_plain(path) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most} bytes", str(path))
    return content


def read_text(path: Path, most: int = MOST_BYTES, encoding: str = "utf-8") -> str:
    """Return a plain file's text. Raises OSError, UnicodeDecodeError."""
    # As a file that is opened for text: every kind of line end is one newline.
    return read_bytes(path, most).decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """Return what a file of JSON holds. Raises OSError, and RecordError naming the file where it is not JSON or not UTF-8."""
    try:
        return bounded_json(read_text(path, most))
    except ValueError as error:
        raise RecordError(f"{path}: not JSON ({error})") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds. Raises OSError, and ValueError for what is no TOML in UTF-8 or nests too deeply."""
    return parse_toml(read_text(path, MOST_SETTINGS))


def parse_toml(text: str) -> dict[str, Any]:
    """Return what TOML text holds. Raises ValueError."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("its lists and tables are nested too deeply") from None


def lines_of(path: Path, most: int = MOST_BYTES) -> Iterator[bytes]:
    """Give a plain file's lines with their ends. Raises OSError, also for a line of more than `most` bytes."""
    with open_plain(path) as stream:
        while raw := stream.readline(most + 1):
            if len(raw) > most:
                raise OSError(errno.EFBIG, f"a line of more than {most} bytes", str(path))
            yield raw


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that readers see the old or the new content, never a part; its folder must be there. Raises OSError.

    Through a link, and into a device such as ``/dev/stdout``, it writes where that leads.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replacing(path) as handle:
        write_all(handle, data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[int]:
    """Open a file that takes the place of `path` once the block has ended, on disk and whole; else it is removed."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.exists() and not target.is_file():
        handle = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
        try:
            yield handle
        finally:
            os.close(handle)
        return
    made = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}")
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        try:
            yield handle
            os.fsync(handle)
        finally:
            os.close(handle)
        made.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            made.unlink()
        raise
    sync_folder(target.parent)


def write_all(handle: int, data: bytes) -> None:
    """Write all bytes to an open file, however few the system takes at a time. Raises OSError."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, so that a power cut takes none back; file systems that cannot are let be."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
