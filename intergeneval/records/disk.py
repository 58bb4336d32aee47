"""The one way to files: whatever is read is a plain file of a bounded size, whatever is written is there whole or not at all.

What lies in a folder of somebody else may be a pipe that never ends, a device, or a file of any size; what is written may meet a
full disk or the end of the process at any byte. Both are met here, so that no reader and no writer has to think of them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from intergeneval.errors import RecordError
from intergeneval.ids import bounded_json, open_plain

MOST_BYTES = 1 << 30
"""Largest file that is read as a whole, and longest line."""
MOST_SETTINGS = 16 << 20
"""Largest file of settings: TOML takes a minute for 60 MB."""
CACHE = "INTERGENEVAL_CACHE"
"""Environment variable that names the file of judge answers; what else is kept for later runs lies beside it."""
_BLOCK = 1 << 20


def cache_file(environ: Mapping[str, str]) -> Path:
    """Return this user's file of judge answers: ``$INTERGENEVAL_CACHE``, or one below ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    if environ.get(CACHE):
        return Path(environ[CACHE])
    home = Path(environ["XDG_CACHE_HOME"]) if environ.get("XDG_CACHE_HOME") else Path.home() / ".cache"
    return home / "intergeneval" / "answers.sqlite"


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


def write_new(path: Path, content: bytes) -> None:
    """Write a file into a folder that grows (`growing_folder`): that appears as a whole, so the file need not. Raises OSError."""
    handle = _new_file(path)
    try:
        write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[int]:
    """Open a file that takes the place of `path` once the block has ended, on disk and whole; else it is removed.

    What a kill leaves of it is removed by the next that writes the same file.
    """
    target = _led_to(path)
    if target.exists() and not target.is_file():
        handle = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
        try:
            yield handle
        finally:
            os.close(handle)
        return
    with _claimed(target, _new_file) as (made, held):
        # The claim lasts until the file has its name; what closing may still say is heard before.
        handle = os.dup(held)
        try:
            yield handle
            os.fsync(handle)
        finally:
            os.close(handle)
        made.replace(target)
    sync_folder(target.parent)


@contextlib.contextmanager
def growing(path: Path) -> Iterator[Path]:
    """As `replacing`, for a library that opens what it writes by name: gives the path to write to."""
    target = _led_to(path)
    with _claimed(target, _new_file) as (made, _):
        yield made
        with made.open("rb+") as written:
            os.fsync(written.fileno())
        made.replace(target)
    sync_folder(target.parent)


@contextlib.contextmanager
def growing_folder(target: Path) -> Iterator[Path]:
    """Make a folder that takes the place of `target`, a folder too or nothing, once the block has ended; else it is removed.

    What a kill leaves of it, or of the one that it replaces, is removed by the next that makes the same folder.
    """
    before = _beside(target, "before")
    with _claimed(target, _new_folder) as (made, _):
        yield made
        _remove(before)
        if target.exists():
            # Aside first: half of it would neither be the old folder nor look like one that may be replaced.
            target.replace(before)
        made.replace(target)
        _remove(before)
    sync_folder(target.parent)


def copy(source: Path, path: Path) -> None:
    """Copy a plain file, there whole or not at all. Raises OSError."""
    with open_plain(source) as stream, replacing(path) as handle:
        while block := stream.read(_BLOCK):
            write_all(handle, block)


@contextlib.contextmanager
def _claimed(target: Path, make: Callable[[Path], int]) -> Iterator[tuple[Path, int]]:
    """Make a file or folder beside `target` under a name that tells whose it is, held by a lock; give its path and handle.

    So the next that writes `target` finds what a kill left, and lets be what another process writes at this moment.
    """
    made = _beside(target, "partial")
    while True:
        try:
            held = make(made)
        except FileExistsError:
            if not _left_by_a_kill(made):
                made = _beside(target, secrets.token_hex(6))
            continue
        # Whoever took it for left between the two calls removes it.
        if locked(held) and _lies_at(made, held):
            break
        os.close(held)
    try:
        yield made, held
    except BaseException:
        with contextlib.suppress(OSError):
            _remove(made)
        raise
    finally:
        os.close(held)


def _led_to(path: Path) -> Path:
    """Return where a link leads, through all that follow it; else the path itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _beside(target: Path, end: str) -> Path:
    # A name of 255 bytes is the longest; what is cut off can only make two names one, and then one of them gets a random end.
    return target.with_name(f".{os.fsencode(target.name)[:200].decode('utf-8', 'ignore')}.{end}")


def _new_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)


def _new_folder(path: Path) -> int:
    path.mkdir()
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _left_by_a_kill(path: Path) -> bool:
    """Remove what nobody holds any more; return whether it is gone. A link is no file of ours, and whatever it leads to stays."""
    try:
        old = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        # Where a file system knows no locks, nobody can say that it was left.
        fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _lies_at(path, old):
            _remove(path)
        return True
    except OSError:
        return False
    finally:
        os.close(old)


def _lies_at(path: Path, handle: int) -> bool:
    """Whether an open file or folder is the one that a path names."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def locked(lock: int | IO[bytes]) -> bool:
    """Take an open file's lock without waiting; return whether it was free."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems have no locks; there two writers are the user's to keep apart.
        return True
    return True


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
