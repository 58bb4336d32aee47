"""Video files and first frames: found in the folders a run names, checked by hash, copied into the report."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval import bench_paths
from intergeneval.errors import MediaError
from intergeneval.ids import sha256_bytes, sha256_file
from intergeneval.records import Fit, RunHeader, Sample, Video, VideoStatus
from intergeneval.records.disk import copy, read_bytes, read_toml, write_atomically
from intergeneval.videos import Reader, encode_jpeg, video_sha256

PLAYABLE = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime"}
"""What browsers play with their own controls, by extension."""
PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
"""What browsers show as a first frame, by extension."""
_NAME = 32
"""Hex digits of a file's name."""
_CHANGED = "the file has changed since it was scored, so it is not shown"
_NOTHING_TO_SEE = (VideoStatus.MISSING, VideoStatus.UNDECODABLE, VideoStatus.FAILED)
"""A video of any other status plays, whether it has a score or not: one looks at it to see why it has none."""
_MAKERS = ("staged", "diffusers")
"""Kinds of models whose argument names what makes the videos, not where they lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows of one video file."""

    href: str = ""
    """Address in the report: a relative path or a data URI; empty where there is nothing to play."""
    kind: str = ""
    """Media type."""
    note: str = ""
    """Why there is nothing to play, in one sentence."""


class MediaFolder:
    """Puts files into ``media/`` of a report, each once, named by its content; without a folder it makes data URIs."""

    def __init__(self, folder: Path | None, named: Sequence[Path] = ()) -> None:
        """`named` are the folders that the user named to look in, beside the runs' own."""
        self._folder = folder
        self._named = [path for path in named if path.is_dir()]
        self._done: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._known: dict[tuple[str, str, Path], list[Path]] = {}

    def show(self, video: Video, header: RunHeader, run: Path) -> Shown:
        """Return how a page shows a video, after putting its file in place."""
        if video.status in _NOTHING_TO_SEE:
            return Shown(note=video.reason or f"the video is {video.status}")
        if not video.path:
            return Shown(note="the run came without its videos")
        notes = []
        for path in _found(video.path, self._roots(header, run)):
            note = _unplayable(path, video)
            if not note:
                kind = PLAYABLE[path.suffix.lower()]
                return Shown(href=self._place(path, video.sha256, kind), kind=kind)
            notes.append(note)
        if not notes:
            return Shown(note=f"the file {video.path!r} is no longer where the run found it")
        # Another file of that name elsewhere does not mean that the video changed.
        return Shown(note=next((note for note in notes if note != _CHANGED), _CHANGED))

    def find(self, video: Video, header: RunHeader, run: Path) -> tuple[Path | None, str]:
        """Return where the video lies that was scored, or None and why it cannot be shown; a folder of frames counts too."""
        if video.status in _NOTHING_TO_SEE:
            return None, video.reason or f"the video is {video.status}"
        if not video.path:
            return None, "the run came without its videos"
        places = list(_found(video.path, self._roots(header, run)))
        for place in places:
            try:
                if video_sha256(place) == video.sha256:
                    return place, ""
            except (MediaError, OSError):
                continue
        return None, _CHANGED if places else f"the file {video.path!r} is no longer where the run found it"

    def first_frame(self, sample: Sample, takes: Sequence[tuple[Video, RunHeader, Path]]) -> str:
        """Return the address of a sample's first frame: the benchmark's picture, else frame 0 of the first video that decodes."""
        for _, header, run in takes if sample.image else ():
            for path in _found(sample.image or "", [run, *self._named, *_installed(header)]):
                kind = PICTURES.get(path.suffix.lower()) if path.is_file() else None
                # A run folder may be somebody else's and name any folder of this machine: its settings lead to no picture, and
                # of the folders that the user means only one whose content it knows is put into a page.
                stated = sample.hashes.get(sample.image or "")
                if kind and stated and sha256_file(path) == stated:
                    return self._place(path, stated, kind)
        for video, header, run in takes:
            fitting = self.find(video, header, run)[0] if video.status is VideoStatus.OK else None
            if fitting is None:
                continue
            try:
                read_by = "crop" if video.fit is Fit.CROP else "scale"
                frame = next(iter(Reader(fitting, size=sample.size, fit=read_by, keep=False)))
            except (MediaError, StopIteration):
                continue
            return self._store(encode_jpeg(frame, 85), ".jpg", "image/jpeg")
        return ""

    def _roots(self, header: RunHeader, run: Path) -> list[Path]:
        """Return the folders that a video's path may be relative to: those named, the run's, for made ones, or the model's."""
        model, bench = str(header.config.get("model") or ""), str(header.config.get("bench") or "")
        if (model, bench, run) not in self._known:
            roots = (root.resolve() for root in (*_roots(header, run), *self._named))
            self._known[model, bench, run] = list(dict.fromkeys(roots))
        return self._known[model, bench, run]

    def _place(self, path: Path, digest: str, kind: str) -> str:
        if self._folder is None:
            return data_uri(read_bytes(path), kind)
        if digest not in self._done:
            name = f"{self._short(digest)}{path.suffix.lower()}"
            self._folder.mkdir(parents=True, exist_ok=True)
            # A copy, never a link: a report stays what it was, and nobody writes into a user's file through it.
            copy(path.resolve(), self._folder / name)
            self._done[digest] = f"media/{name}"
        return self._done[digest]

    def _short(self, digest: str) -> str:
        """Return the part of a hash that a file is called by: half of it, all where that is taken."""
        half = digest[:_NAME]
        return half if self._names.setdefault(half, digest) == digest else digest

    def _store(self, content: bytes, suffix: str, kind: str) -> str:
        if self._folder is None:
            return data_uri(content, kind)
        name = f"{self._short(sha256_bytes(content))}{suffix}"
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._folder / name, content)
        return f"media/{name}"


def _unplayable(path: Path, video: Video) -> str:
    """Return why a page cannot play what lies at `path`; empty where it can."""
    if path.is_dir():
        return "a folder of frames; browsers play files only"
    if path.suffix.lower() not in PLAYABLE:
        return f"browsers do not play {path.suffix or 'this kind of'} files"
    if not path.is_file() or sha256_file(path) != video.sha256:
        return _CHANGED
    return ""


def _roots(header: RunHeader, run: Path) -> list[Path]:
    """Return the folders a video's path may be relative to: the run's, for videos that were made in the run, or the model's."""
    spec = str(header.config.get("model") or "")
    kind, _, argument = spec.partition(":")
    found = [run, *_places(spec, run), *(_places(argument, run) if kind not in _MAKERS else [])]
    if kind == "bench" and (bench := bench_paths.at_path(argument) or bench_paths.by_name(argument)):
        found.append(bench / _videos_of(bench))
    return found


def _installed(header: RunHeader) -> list[Path]:
    """Return the folder of an installed benchmark that a run names, if it does."""
    name = str(header.config.get("bench") or header.bench)
    known = bench_paths.by_name(name) if bench_paths.is_name(name) else None
    return [known] if known else []


def _places(text: str, run: Path) -> list[Path]:
    """Return the folders that a path of a run's settings may mean: from here, or from a folder above the run.

    A run is often shown from another folder than the one it was started in; what is found is checked by its hash anyway.
    """
    if not text or "\0" in text:
        return []
    bases = [Path(), *list(run.resolve().parents)[:4]]
    return [base / text for base in bases if _there(base / text) and (base / text).is_dir()]


def _there(path: Path) -> bool:
    """Whether something lies at a path; a name that the file system cannot even hold is not there."""
    try:
        return path.exists()
    except OSError:
        return False


def _videos_of(bench: Path) -> str:
    """Return the folder of a benchmark's own videos, relative to it; empty where it has none."""
    try:
        named = read_toml(bench / bench_paths.TOML).get("videos")
    except (OSError, ValueError):
        return ""
    return named if isinstance(named, str) else ""


def _found(path: str, roots: Sequence[Path]) -> Iterator[Path]:
    """Give the files and folders that `path` names under the roots, in their order, never one outside of them."""
    if not path or "\0" in path:
        return
    for root in roots:
        # Most roots hold no such file: one look each, before links are followed.
        if not os.path.lexists(f"{root}/{path}"):
            continue
        base = root.resolve()
        if not _there(base / path):
            continue
        found = (base / path).resolve()
        if found != base and found.is_relative_to(base):
            yield found


def data_uri(content: bytes, kind: str) -> str:
    """Return bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
