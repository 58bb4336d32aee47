"""The catalogue of a cache: what each cached clip says of itself, so that a run need not open them all to begin.

It is made of the files and can be made anew of them: an entry counts as long as its file has the size and the time that it had.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from intergeneval.records.disk import read_text, write_atomically

CATALOGUE = "clips.json"
SHAPE = "shape"
"""Name under which the latent's shape is kept, which the file tells beside its metadata."""


class Catalogue:
    """The metadata of a cache's files, read once and looked at once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._changed = folder, False
        self._entries = _read(folder / CATALOGUE)
        self._seen: dict[str, dict[str, str]] = {}

    def metadata(self, path: Path) -> dict[str, str]:
        """Return what a cached file says of itself, empty where there is none or a torn one, which is encoded again."""
        if path.name not in self._seen:
            self._seen[path.name] = self._look(path)
        return dict(self._seen[path.name])

    def note(self, path: Path, **more: str) -> None:
        """Add what was found out of a file, so that it need not be found out again."""
        self._seen.setdefault(path.name, {}).update(more)
        entry = self._entries.setdefault(path.name, {"size": -1, "time": 0})
        entry["metadata"] = dict(self._seen[path.name])
        self._changed = True

    def forget(self, path: Path) -> None:
        """Forget a file that is written anew."""
        self._seen.pop(path.name, None)
        self._changed = self._entries.pop(path.name, None) is not None or self._changed

    def save(self) -> None:
        """Write what has changed, where the folder may be written: a cache may lie where it can only be read."""
        if self._changed and os.access(self._folder, os.W_OK):
            write_atomically(self._folder / CATALOGUE, json.dumps({"clips": self._entries}, sort_keys=True) + "\n")
            self._changed = False

    def _look(self, path: Path) -> dict[str, str]:
        entry = self._entries.get(path.name)
        try:
            stat = path.stat()
        except FileNotFoundError:
            # An entry without a file is that of a clip that cannot be encoded.
            return dict(entry["metadata"]) if entry is not None and entry["size"] == -1 else {}
        if entry is not None and (entry["size"], entry["time"]) == (stat.st_size, stat.st_mtime_ns):
            return dict(entry["metadata"])
        found = _header(path)
        if found:
            self._entries[path.name] = {"size": stat.st_size, "time": stat.st_mtime_ns, "metadata": found}
            self._changed = True
        return found


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(read_text(path))["clips"]
        return {
            str(name): {"size": int(entry["size"]), "time": int(entry["time"]), "metadata": _texts(entry["metadata"])}
            for name, entry in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        # Made of the files, and made anew of them.
        return {}


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(item) for name, item in value.items()}


def _header(path: Path) -> dict[str, str]:
    try:
        with safe_open(str(path), framework="pt") as stream:
            return {**(stream.metadata() or {}), SHAPE: json.dumps(list(stream.get_slice("video").get_shape()[1:]))}
    except (OSError, SafetensorError):
        return {}
