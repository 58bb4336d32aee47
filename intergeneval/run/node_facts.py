"""What must be alike on all machines that share one run, so that its bytes do not depend on who did what."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

import intergeneval
from intergeneval import provenance, videos
from intergeneval.ids import sha256_bytes, sha256_file, short

_SIDE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """One machine, as a worker on it sees it."""

    name: str
    """Its host name."""
    versions: Mapping[str, str]
    """Of Python and of the libraries that touch numbers, with hashes of the code that is run and of a small computation."""
    seen: Mapping[str, str]
    """Path -> ``folder``, or the hash of a file's bytes, or empty where there is nothing."""

    @classmethod
    def here(cls, places: Iterable[Path], job: type | None = None) -> Self:
        """Look at this machine; of the code counts what is this package's, and the package's that the class `job` belongs to."""
        found = {**provenance.versions(), "code": _code_hash(), "probe": _probe_hash()}
        name = "" if job is None else job.__module__.partition(".")[0]
        if name not in ("", intergeneval.__name__) and (roots := getattr(sys.modules.get(name), "__path__", None)):
            found[f"code of {name}"] = _code_hash(Path(next(iter(roots))))
        return cls(name=platform.node(), versions=found, seen={str(place): _seen(place) for place in places})

    def unlike(self, other: Self) -> list[str]:
        """Return what is not alike at another machine, each in words; empty where all is."""
        mine, theirs = self.versions, other.versions
        named = [
            f"{name} {theirs.get(name, 'absent')} there, {mine.get(name, 'absent')} here"
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        ]
        return named + [
            f"{place} is {'not visible' if not other.seen.get(place) else 'another file'} there"
            for place, what in self.seen.items()
            if other.seen.get(place, "") != what
        ]


def _seen(place: Path) -> str:
    if place.is_dir():
        return "folder"
    return sha256_file(place) if place.is_file() else ""


def _code_hash(root: Path = Path(intergeneval.__path__[0])) -> str:
    """Return a hash of a package's modules: two checkouts may bear one version."""
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        found.update(f"{path.relative_to(root)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


def _probe_hash() -> str:
    """Return a hash of what comes of a small video: codec, scaling and floating point in one."""
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE]
    waves = [np.sin(rows / 7 + index) * np.cos(columns / 5) * 120 + 128 for index in range(3)]
    frames = [np.repeat(wave[..., None], 3, axis=2).astype(np.uint8) for wave in waves]
    made = videos.video_bytes(frames, 8.0) + videos.encode_jpeg(frames[0]) + np.exp(waves[0] / 100).sum(axis=0).tobytes()
    return short(sha256_bytes(made), 12)
