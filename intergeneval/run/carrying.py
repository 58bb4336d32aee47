"""Jobs for machines that see no common folder: what a video's job reads travels with it, and the files that it wrote come back.

With each job go the video, where it lies in a folder of the first process's machine, what is stored beside it where the tracker
reads that, and the sample's own files of the benchmark. Videos behind a URL, and those that a source makes, are fetched or made
by the worker. It works in a folder of its own that holds one job at a time.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from intergeneval.config import OFF, RunConfig
from intergeneval.records import Record, Sample
from intergeneval.records.disk import read_bytes, write_atomically
from intergeneval.run.attempt import Failure, attempt
from intergeneval.run.backends import Backends
from intergeneval.run.engine import Engine
from intergeneval.run.job import Job, Outcome, Result
from intergeneval.run.video import VideoPipeline
from intergeneval.run.video_setup import VideoSetup, limit_worker
from intergeneval.sources import Source, SourceVideo
from intergeneval.sources.folder import FolderSource
from intergeneval.sources.url import UrlSource
from intergeneval.store import writing
from intergeneval.trackers.stored import StoredTracker

R = TypeVar("R", bound=Record)
_MODEL, _BENCH, _RUN = "model", "bench", "run"
"""Folders of a worker's own: of the video, of the benchmark's files, and of what is written."""
_TOLD = ("video", "grounding", "tracks", "detections", "consistency")
"""Fields of a result whose records may say where something lay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A job as it arrives: with the content of the files that it reads."""

    job: Job
    """The job."""
    given: SourceVideo | None
    """What the source has, its path inside the worker's folder; None: the worker has the source itself."""
    folders: Mapping[str, str]
    """Folder of the worker -> the one that it stands for, as messages name it."""
    files: Mapping[str, bytes]
    """Path inside the worker's folder -> content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A job as it waits: it names the files that it reads, and takes them along when it is pickled, as `Opened`."""

    job: Job
    """The job."""
    source: Source | None
    """Who has the video; None: the worker has the source itself."""
    beside: bool
    """Whether what is stored beside the video is read."""
    bench: Path
    """Folder of the benchmark."""
    run: Path
    """Run folder."""

    def __reduce__(self) -> tuple[Callable[..., Opened], tuple[Any, ...]]:
        """Pack it with what its files hold now: a run of many videos holds those that are under way."""
        given, files, model = self._video()
        files |= _content({f"{_BENCH}/{name}": self.bench / name for name in _named(self.job)})
        recorded = self.job.video
        if recorded is not None and recorded.generated:
            made = self.run / recorded.path
            files |= _content({f"{_RUN}/{recorded.path}": made})
            stored = Path(recorded.path).with_suffix(".tracks.json")
            files |= _content({f"{_RUN}/{stored.as_posix()}": self.run / stored})
        folders = {_MODEL: model, _BENCH: str(self.bench), _RUN: str(self.run)}
        return _opened, (self.job, given, folders, files)

    def _video(self) -> tuple[SourceVideo | None, dict[str, bytes], str]:
        """Return what the source has, as the worker is told it, with the files of it, and the folder that they lie in."""
        source, job = self.source, self.job
        if source is None:
            return None, {}, ""
        found = attempt(lambda: source.video(job.sample, job.seed), due=SourceVideo)
        if isinstance(found, Failure):
            return SourceVideo(missing=f"the source failed: {found}"), {}, ""
        path = found.path
        if path is None:
            return found, {}, ""
        wanted = {path.name: path, **({} if not self.beside else _beside(path))}
        files = _content({f"{_MODEL}/{name}": place for name, place in wanted.items()})
        return replace(found, path=Path(_MODEL) / path.name), files, str(path.parent)


def _opened(job: Job, given: SourceVideo | None, folders: Mapping[str, str], files: Mapping[str, bytes]) -> Opened:
    return Opened(job=job, given=given, folders=folders, files=files)


def _named(job: Job) -> Iterator[str]:
    """Give the files of the benchmark that a job may read, relative to it."""
    sample = job.sample
    yield from filter(None, (sample.image, *(instance.mask for instance in sample.instances)))
    if job.own is not None:
        yield from job.own.paths.values()


def _beside(path: Path) -> dict[str, Path]:
    """Return what may be stored of a video beside it, by name: a record of tracks, and folders of mask images."""
    stem = path.name if path.is_dir() else path.stem
    names = [f"{stem}.tracks.json", f"{stem}.tracks", *([] if path.is_dir() else [stem])]
    return {name: path.with_name(name) for name in names}


def _content(places: Mapping[str, Path]) -> dict[str, bytes]:
    """Return what files hold, and the files below folders; what is not there is left out, and missed where it is looked for."""
    found = {}
    for name, place in places.items():
        inner = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in inner:
            with contextlib.suppress(OSError):
                if path.is_file():
                    content = read_bytes(path, path.stat().st_size)
                    found[name if path == place else f"{name}/{path.relative_to(place).as_posix()}"] = content
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What comes back of a job."""

    outcomes: tuple[Outcome, ...]
    """What came of it."""
    files: Mapping[str, bytes]
    """Path inside the run folder -> content of a file that was written."""


class GivenSource:
    """Gives the one video that came with a job."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.given = SourceVideo(missing="no video came with the job")

    @property
    def name(self) -> str:
        """Name of the model in tables."""
        return self._name

    def describe(self) -> Mapping[str, Any]:
        """Return nothing: the first process has the source."""
        return {}

    def seeds(self, sample: Sample, wanted: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002  # the protocol's signature
        """Return none: which seeds there are was settled before."""
        return ()

    def video(self, sample: Sample, seed: int) -> SourceVideo:  # noqa: ARG002  # the protocol's signature
        """Return what came with the job."""
        return self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrySetup:
    """The `Setup` of a run whose workers see nothing of the first process's folders."""

    within: VideoSetup
    """What they do."""
    name: str
    """Name of the model, where its videos come with the jobs; empty: workers have the source themselves."""

    @property
    def places(self) -> Sequence[Path]:
        """None: nothing must be seen."""
        return ()

    def build(self) -> Callable[[Any], Carried]:
        """Build the backends over a folder of the worker's own. Raises what they raise."""
        limit_worker(self.within.config)
        return _Elsewhere(self.within, self.name).run

    def lost(self, job: Parcel) -> Carried:
        """Return the record of a video that nothing is known of."""
        return Carried(outcomes=self.within.lost(job.job), files={})


class _Elsewhere:
    """Does jobs in a folder of its own, which is there while it is at one; one a worker."""

    def __init__(self, within: VideoSetup, name: str) -> None:
        self._home = Path(tempfile.gettempdir()).resolve() / f"intergeneval-{uuid.uuid4().hex}"
        # Tracks are kept where this machine keeps them: the place that was named is one of another.
        config = within.config if within.config.cache == OFF else replace(within.config, cache="")
        self._source = GivenSource(name) if name else None
        backends = Backends.build(config, self._home / _BENCH, self._source)
        self._pipeline = VideoPipeline(config, self._home / _RUN, backends, replace(within.bench, root=self._home / _BENCH))

    def run(self, opened: Opened) -> Carried:
        """Bring a video through the stages."""
        self._home.mkdir(mode=0o700)
        try:
            return self._run(opened)
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def _run(self, opened: Opened) -> Carried:
        for kind in (_MODEL, _BENCH, _RUN):
            (self._home / kind).mkdir()
        for name, content in opened.files.items():
            place = self._home / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        if self._source is not None and opened.given is not None:
            path = opened.given.path
            self._source.given = replace(opened.given, path=self._home / path) if path is not None else opened.given
        outcomes = self._pipeline.run(opened.job)
        written = _content({_RUN: self._home / _RUN})
        return Carried(
            outcomes=tuple(self._told(item, opened.folders) for item in outcomes),
            files={
                name.removeprefix(f"{_RUN}/"): content for name, content in written.items() if opened.files.get(name) != content
            },
        )

    def _told(self, outcome: Outcome, folders: Mapping[str, str]) -> Outcome:
        """Return an outcome whose reasons and notes name the first process's folders in place of the worker's."""

        def text(said: str) -> str:
            for kind, place in folders.items():
                said = said.replace(str(self._home / kind), place or kind)
            return said

        def told(record: R) -> R:
            changed = dict[str, Any]()
            for part in ("reason", "notes"):
                said = getattr(record, part, None)
                if said:
                    changed[part] = text(said) if isinstance(said, str) else tuple(map(text, said))
            return cast(R, replace(cast(Any, record), **changed)) if changed else record

        if isinstance(outcome, Result):
            for name in _TOLD:
                if (record := getattr(outcome, name)) is not None:
                    setattr(outcome, name, told(record))
            outcome.answers = [told(item) for item in outcome.answers]
            return outcome
        request = outcome.request
        assess = None if request.assess is None else told(request.assess)
        return replace(outcome, request=replace(request, video=told(request.video), tracks=told(request.tracks), assess=assess))


def carried(
    engine: Engine, setup: VideoSetup, backends: Backends, jobs: Iterable[Job]
) -> Generator[tuple[Outcome, ...], None, None]:
    """Give what comes of each job, as `Engine.outcomes` does, after the files that it wrote lie in the run folder."""
    source, config = backends.source, setup.config
    here = isinstance(source, FolderSource) and not isinstance(source, UrlSource)
    tracker = backends.tracker
    beside = isinstance(tracker, StoredTracker) and not _argument(config)
    parcels = [
        Parcel(job=job, source=source if here else None, beside=beside, bench=setup.bench.root, run=setup.folder) for job in jobs
    ]
    name = source.name if here else ""
    with contextlib.closing(engine.outcomes(CarrySetup(within=setup, name=name), parcels)) as given:
        for item in given:
            for place, content in item.files.items():
                target = setup.folder / place
                with writing(setup.folder):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(target, content)
            yield item.outcomes


def _argument(config: RunConfig) -> str:
    return config.tracker.partition(":")[2]
