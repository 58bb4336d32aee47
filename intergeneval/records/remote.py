"""Folders that lie behind a URL (``s3://bucket/videos``), by fsspec: what is in them, and copies of it in folders here.

Keys and addresses of servers come from where fsspec and its implementations look for them, such as ``$AWS_PROFILE`` and
``$AWS_ENDPOINT_URL``; none is taken from a URL.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from intergeneval.errors import MissingDependencyError, StoreError, UsageError
from intergeneval.ids import sha256_bytes
from intergeneval.records.disk import cache_file, growing, read_text, write_atomically
from intergeneval.records.limits import inside_fault

T = TypeVar("T")

TRIES = 3
"""How often something is asked of a server before the command ends, to be given again."""
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII)
_STAMPS = ("ETag", "etag", "e_tag", "md5", "checksum", "LastModified", "last_modified", "mtime", "updated", "created")


def is_url(text: str) -> bool:
    """Whether a text names a folder by URL rather than by a path."""
    return _URL.match(text) is not None


def place_of(url: str, environ: Mapping[str, str], kind: str) -> Path:
    """Return the folder, called as the URL's last part, in which what lies at a URL is copied for a `kind` of use."""
    home = cache_file(environ).parent
    name = url.rstrip("/").rpartition("/")[2]
    return home / "remote" / f"{kind}-{sha256_bytes(url.rstrip('/').encode())[:16]}" / (re.sub(r"[^\w.-]", "-", name) or "folder")


class RemoteFolder:
    """The files below a URL. Everything raises StoreError where the server does not do what it is asked, after some tries."""

    def __init__(self, url: str) -> None:
        """Raises MissingDependencyError without fsspec or what that needs for such a URL, UsageError for one it does not know."""
        self.url = url.rstrip("/")
        if "@" in self.url.partition("://")[2].partition("/")[0]:
            raise UsageError("a URL with a name or key in it is not taken; put keys where the server's own tools look for them")
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            package = error.name or "fsspec"
            needed = "'intergeneval[remote]'" if package == "fsspec" else "the package that fsspec names above"
            raise MissingDependencyError(f"{self.url}: {error}; pip install {needed}") from None
        except ValueError as error:
            raise UsageError(f"{self.url}: {error}") from None

    def versions(self) -> dict[str, str]:
        """Return name (relative, with slashes) -> what changes when the file does. An absent folder is empty."""
        self._files.invalidate_cache()
        try:
            found: dict[str, dict[str, Any]] = self._asked(lambda: self._files.find(self._root, detail=True), "cannot be listed")
        except FileNotFoundError:
            return {}
        start = self._root.rstrip("/") + "/"
        names = {path.removeprefix(start): info for path, info in found.items() if path.startswith(start)}
        for name in names:
            if fault := inside_fault(name, self.url):
                raise UsageError(f"{self.url}: {fault}")
        return {name: _version(info) for name, info in names.items() if not name.endswith("/")}

    def fetch(self, name: str, target: Path) -> None:
        """Copy a file to a place here, whole or not at all. Raises FileNotFoundError where it has gone."""
        target.parent.mkdir(parents=True, exist_ok=True)

        def copy() -> None:
            with growing(target) as partial:
                self._files.get_file(f"{self._root}/{name}", str(partial))

        self._asked(copy, f"{name} cannot be read")

    def put(self, name: str, source: Path) -> str:
        """Copy a file from here and return its version there."""

        def copy() -> str:
            path = f"{self._root}/{name}"
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(source), path)
            self._files.invalidate_cache()
            # As a listing tells it: what a file says of itself may be told in other words.
            return _version(self._files.ls(path, detail=True)[0])

        return self._asked(copy, f"{name} cannot be written")

    def remove(self, name: str) -> None:
        """Remove a file, where it is still there."""
        with contextlib.suppress(FileNotFoundError):
            self._asked(lambda: self._files.rm_file(f"{self._root}/{name}"), f"{name} cannot be removed")

    def _asked(self, ask: Callable[[], T], trouble: str) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                return ask()
            except FileNotFoundError:
                raise
            except Exception as error:  # noqa: BLE001  # every implementation of fsspec has errors of its own
                if attempt == TRIES:
                    raise StoreError(
                        f"{self.url}: {trouble} ({type(error).__name__}: {error}); the same command goes on"
                    ) from None
                time.sleep(attempt)
        raise AssertionError


def _version(info: Mapping[str, Any]) -> str:
    stamp = next((info[name] for name in _STAMPS if info.get(name) is not None), "")
    return f"{stamp} {info.get('size')}"


class Mirror:
    """A copy of a remote folder here. Files that are large may stand in it by name alone until they are wanted.

    Beside the copy, by the hash of a file's name, stands which version of it is here: several processes may fill one copy.
    """

    def __init__(self, remote: RemoteFolder, folder: Path) -> None:
        self.remote = remote
        self.folder = folder
        self._there: dict[str, str] = {}

    def refresh(self, later: Callable[[str], bool] = lambda _: False) -> None:
        """List what is there; copy what is new or changed, but for files that are wanted `later`; drop what has gone there."""
        self._there = self.remote.versions()
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(self._there):
            place = self.folder / name
            if not later(name):
                with contextlib.suppress(FileNotFoundError):
                    self.fetch(name)
            elif not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        for place in files_below(self.folder):
            if place.relative_to(self.folder).as_posix() not in self._there:
                place.unlink(missing_ok=True)

    def fetch(self, name: str) -> None:
        """Copy a file, where the version that was listed is not here. Raises FileNotFoundError where it has gone since."""
        version = self._there[name]
        if self.known(name) != version or not (self.folder / name).is_file():
            self.remote.fetch(name, self.folder / name)
            self.note(name, version)

    def known(self, name: str) -> str | None:
        """Return which version of a file is here; None where none is."""
        try:
            return read_text(self._mark(name))
        except OSError:
            return None

    def note(self, name: str, version: str) -> None:
        """Write down which version of a file is here."""
        self._mark(name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._mark(name), version)

    def forget(self, name: str) -> None:
        """Forget a file that is here no longer."""
        self._mark(name).unlink(missing_ok=True)

    def _mark(self, name: str) -> Path:
        return self.folder.parent / "versions" / sha256_bytes(name.encode())


def files_below(folder: Path) -> Iterator[Path]:
    """Give the files of a folder, but for those whose name, or whose folder's, begins with a dot."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root) / name for name in sorted(names) if not name.startswith("."))
