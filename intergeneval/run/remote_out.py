"""A run folder that lies behind a URL: worked on here, in the local cache, and copied there on the way and at the end.

Object stores append to no file and lock none, so stage files grow here. A copy is made every minute and when the run ends,
however it ends; what a kill takes away is what was done since the last, and this machine has even that. Shards on several
machines write files of their own there; two plain runs at one URL at a time are not told of each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from intergeneval.records.remote import Mirror, RemoteFolder, files_below, place_of
from intergeneval.store import HEADER

P = TypeVar("P")

EVERY_SECONDS = 60.0
"""How often a run that is under way is copied."""


class RemoteOut:
    """The copies of one run folder."""

    def __init__(self, url: str) -> None:
        """Bring here what is there and was not put there from here. Raises StoreError, MissingDependencyError and UsageError."""
        self._remote = RemoteFolder(url)
        self._mirror = Mirror(self._remote, place_of(url, os.environ, "runs"))
        self._written: dict[str, str] = {}
        self._copied = time.monotonic()
        with self._alone():
            for name, version in self._remote.versions().items():
                place = self.folder / name
                was, _, state = (self._mirror.known(name) or "").partition("\n")
                if place.is_file() and (was == version or (was and _state(place) != state)):
                    # As it was left from here, or longer by what was not copied yet: a kill came between, or another shard of
                    # this machine is writing it.
                    self._written[name] = state
                    continue
                self._remote.fetch(name, place)
                self._note(name, version, _state(place))

    @property
    def folder(self) -> Path:
        """The run folder here."""
        return self._mirror.folder

    def telling(self, on_progress: Callable[[P], None]) -> Callable[[P], None]:
        """Return what tells of progress and copies the run now and then."""

        def tell(progress: P) -> None:
            on_progress(progress)
            if time.monotonic() - self._copied > EVERY_SECONDS:
                self.copy()

        return tell

    def copy(self) -> None:
        """Put there what has changed here, the header first, and remove what was merged into other files. Raises StoreError."""
        with self._alone():
            here = {place.relative_to(self.folder).as_posix(): place for place in files_below(self.folder)}
            for name in sorted(here, key=lambda name: (name != HEADER, name)):
                # Another shard of this machine may lengthen a file while it is copied, or merge and remove it.
                with contextlib.suppress(FileNotFoundError):
                    state = _state(here[name])
                    if self._written.get(name) != state:
                        self._note(name, self._remote.put(name, here[name]), state)
            for name in [name for name in self._written if not (self.folder / name).is_file()]:
                self._remote.remove(name)
                self._mirror.forget(name)
                del self._written[name]
        self._copied = time.monotonic()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let the shards of one machine that share this copy bring and send files one after another."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _note(self, name: str, version: str, state: str) -> None:
        """Write down that a file of this state here is the same there."""
        self._written[name] = state
        self._mirror.note(name, f"{version}\n{state}")


def _state(place: Path) -> str:
    found = place.stat()
    return f"{found.st_size} {found.st_mtime_ns}"
