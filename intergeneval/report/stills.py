"""Posters and strips in a report: copied from run folders that hold them, made from the videos of those that do not."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from intergeneval.errors import MediaError
from intergeneval.ids import sha256_bytes
from intergeneval.records import Fit, Sample, Stills, VideoStatus
from intergeneval.records.disk import read_bytes, write_new
from intergeneval.report.load import LoadedRun, Take
from intergeneval.report.media import MediaFolder, data_uri
from intergeneval.store import RunStore
from intergeneval.videos import Pictures, Reader, pictures, still_paths, strip_frames

FOLDER = "stills"
"""Folder of the pictures inside a report."""
_MOST = 4 << 20
"""Most bytes of a poster or strip that is taken from a run folder."""
_KIND = "image/webp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """Poster and strip of one video in the report."""

    poster: str = ""
    """Address of the poster: a relative path or a data URI; empty where there is none."""
    strip: str = ""
    """Address of the strip; empty where there is none."""
    poster_size: tuple[int, int] = (0, 0)
    """Height and width of the poster, in pixels."""
    strip_size: tuple[int, int] = (0, 0)
    """Height and width of the strip, in pixels."""
    frame: int = 0
    """Frame that the poster shows."""
    frames: tuple[int, ...] = ()
    """Frames that the strip shows."""


@dataclass(slots=True, kw_only=True)
class Making:
    """What was made here because a run folder had none."""

    count: int = 0
    """Videos whose pictures were made."""
    seconds: float = 0.0
    """Wall time of that."""
    failed: list[str] = field(default_factory=list)
    """Why pictures could not be made, a line a video that is there and should decode."""


class StillsFolder:
    """Puts posters and strips into ``stills/`` of a report, named as the videos' anchors; without a folder it makes data URIs."""

    def __init__(self, folder: Path | None, media: MediaFolder, *, make: bool = True) -> None:
        """`make`: decode the videos of runs whose folders hold no pictures."""
        self._folder = folder
        self._media = media
        self._make = make
        self._ready = False
        self._records: dict[Path, dict[tuple[str, int], Stills]] = {}
        self.making = Making()

    def show(self, name: str, sample: Sample, run: LoadedRun, take: Take) -> Still:
        """Return the pictures of a video, after putting them in place under `name`; an empty one where there are none."""
        if take.video.status in (VideoStatus.MISSING, VideoStatus.UNDECODABLE) or not take.video.sha256:
            return Still()
        found = self._stored(run, take) or (self._made(sample, run, take) if self._make else None)
        if found is None:
            return Still()
        return Still(
            poster=self._put(f"{name}.webp", found.poster),
            strip=self._put(f"{name}.strip.webp", found.strip),
            poster_size=found.record.poster_size,
            strip_size=found.record.strip_size,
            frame=found.record.frame,
            frames=found.record.strip,
        )

    def _stored(self, run: LoadedRun, take: Take) -> Pictures | None:
        """Return what the run folder holds of this very version of the video: files whose hashes it states."""
        if run.folder not in self._records:
            known = RunStore(run.folder, run.header).read("stills", Stills)
            self._records[run.folder] = {(item.sample_id, item.seed): item for item in known}
        record = self._records[run.folder].get((take.video.sample_id, take.video.seed))
        if record is None or record.video != take.video.sha256:
            return None
        contents = []
        for path, digest in zip(
            still_paths(run.folder, record.sample_id, record.seed), (record.poster_sha256, record.strip_sha256), strict=True
        ):
            try:
                content = read_bytes(path, _MOST) if _inside(path, run.folder) else b""
            except OSError:
                return None
            if sha256_bytes(content) != digest or not _is_webp(content):
                return None
            contents.append(content)
        return Pictures(record=record, poster=contents[0], strip=contents[1])

    def _made(self, sample: Sample, run: LoadedRun, take: Take) -> Pictures | None:
        """Return pictures made from the video itself, where it lies in a folder that the report may show from."""
        began = time.perf_counter()
        try:
            path = self._media.source_of(take.video, run.header, run.folder)
            if path is None or not take.video.sampled:
                return None
            wanted = tuple(sorted(set(strip_frames(take.video.sampled))))
            fit = "crop" if take.video.fit is Fit.CROP else "scale"
            reader = Reader(path, size=sample.size, fit=fit, sampled=wanted)
            for _ in reader:
                pass
            made = pictures(reader.kept, (take.video.sample_id, take.video.seed), take.video.sha256)
        except (MediaError, ValueError) as error:
            self.making.failed.append(f"{run.label}, {take.video.sample_id}: {error}")
            return None
        finally:
            self.making.seconds += time.perf_counter() - began
        self.making.count += 1
        return made

    def _put(self, name: str, content: bytes) -> str:
        if self._folder is None:
            return data_uri(content, _KIND)
        if not self._ready:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._ready = True
        write_new(self._folder / name, content)
        return f"{FOLDER}/{name}"


def _inside(path: Path, folder: Path) -> bool:
    """Return whether a picture lies in a run folder: one that is somebody else's may hold a link to a file of this machine."""
    steps = [path, *itertools.islice(path.parents, len(path.parts) - len(folder.parts) - 1)]
    # Few hold links, and to resolve ten thousand paths takes longer than to copy what lies there.
    return not any(map(os.path.islink, steps)) or path.resolve().is_relative_to(folder.resolve())


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"
