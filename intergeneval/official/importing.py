"""The release's ``SCORE_RESULTS`` (and its mask tracks) into run folders, one a model.

Sample ids follow the rule of the release's benchmarks: ``000`` where the results are of one type, ``synthetic-000`` where they
are of several. Nothing is scored here: `score` does that from the records, under either profile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from intergeneval.bench import official
from intergeneval.bench.official import COLOURS, sample_id
from intergeneval.bench_paths import META
from intergeneval.errors import StoreError, UsageError
from intergeneval.official import hallucination, verification
from intergeneval.official.hallucination import Assessed
from intergeneval.official.heading import Asked, Part, common_questions, run_header
from intergeneval.official.layout import EVAL_DATA, EVAL_RESULTS, ResultFiles, find_results, read_entries, results_root
from intergeneval.official.telling import told
from intergeneval.official.tracks import read_tracks
from intergeneval.official.verification import Verified
from intergeneval.records import (
    BOX_COLOURS,
    Answer,
    Consistency,
    Instance,
    Question,
    RunHeader,
    Sample,
    Tracks,
    Video,
    VideoStatus,
)
from intergeneval.records.disk import growing_folder
from intergeneval.scores import score_videos
from intergeneval.store import RunStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What the release's files hold about one model."""

    header: RunHeader
    """Header of the run to be."""
    samples: tuple[Sample, ...]
    """One an entry of either file."""
    videos: tuple[Video, ...]
    """One a sample; the files themselves are not looked at."""
    questions: tuple[Question, ...]
    """Ten an interaction, as they were asked."""
    answers: tuple[Answer, ...]
    """Ten an interaction, with a status where there is no answer."""
    consistency: tuple[Consistency, ...]
    """One a sample."""
    tracks: tuple[Tracks, ...] = ()
    """Of the samples that have some."""
    notes: tuple[str, ...] = ()
    """What a reader should know, one sentence each."""


def import_results(path: Path, out: Path, *, tracks: Path | None = None, command: Sequence[str] = ()) -> list[RunStore]:
    """Write one run folder a model below `out` and return them.

    `tracks` is the release's ``EVAL_RESULTS``; by default the one beside the results, where there is one. Raises UsageError when
    there is nothing to import or a folder holds another run already; the same run is left as it is. Raises StoreError when `out`
    cannot be written.
    """
    models = read_results(path, tracks=tracks, command=command)
    for item in models:
        _check_free(out / item.header.model, item)
    try:
        return [_write(item, out / item.header.model) for item in models]
    except OSError as error:
        raise StoreError(f"{error.filename or out}: cannot be written ({error.strerror})") from None


def _check_free(folder: Path, item: Imported) -> None:
    if not folder.exists():
        return
    found = RunStore.open(folder).header
    if (found.key, found.source, found.source_hash) != (item.header.key, item.header.source, item.header.source_hash):
        raise UsageError(f"{folder}: exists already and holds another run; choose another --out or remove it")


def _write(item: Imported, folder: Path) -> RunStore:
    """Write a run beside its place and move it there when it is whole, so that what was cut off is never taken for a run."""
    if folder.exists():
        return RunStore.open(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with growing_folder(folder) as place:
        store = RunStore.create(place, item.header)
        with store.writer() as writer:
            writer.append("samples", item.samples)
            writer.append("questions", item.questions)
            writer.append("videos", item.videos)
            writer.append("tracks", item.tracks)
            writer.append("consistency", item.consistency)
            writer.append("answers", item.answers)
        profile = item.header.comparability.profile
        store.write_scores(score_videos(item.samples, item.videos, item.answers, item.consistency, profile))
    return RunStore.open(folder)


def read_results(path: Path, *, tracks: Path | None = None, command: Sequence[str] = ()) -> list[Imported]:
    """Return what the release's files hold, a model each, sorted by name; writes nothing.

    Raises UsageError naming the file for files that are not in the release's layout. What a single entry lacks becomes the status
    of its records instead.
    """
    root = results_root(path)
    files = find_results(root)
    several = len({item.kind for item in files}) > 1
    if tracks is None and (root.parent / EVAL_RESULTS).is_dir():
        tracks = root.parent / EVAL_RESULTS
    elif tracks is not None and not tracks.is_dir():
        raise UsageError(f"{tracks}: there is no such folder of tracks")
    readers = [
        _ModelReader(root, model, tracks, [item for item in files if item.model == model], several=several)
        for model in dict.fromkeys(item.model for item in files)
    ]
    common = common_questions([reader.parts for reader in readers])
    return [reader.imported(common, command) for reader in readers]


class _ModelReader:
    """Reads the files of one model."""

    def __init__(self, root: Path, model: str, tracks: Path | None, files: Sequence[ResultFiles], *, several: bool) -> None:
        self._root = root
        self._model = model
        self._tracks = tracks
        self._files = files
        self._notes: list[str] = []
        self.parts = [part for item in files for part in self._parts(item, several=several)]

    def imported(self, common: Mapping[str, Asked], command: Sequence[str]) -> Imported:
        tracks = [found for part in self.parts if (found := self._tracks_of(part)) is not None]
        return Imported(
            header=run_header(self._model, self._root, self._files, self.parts, common, command),
            samples=tuple(part.sample for part in self.parts),
            videos=tuple(_video(part) for part in self.parts),
            questions=_all(self.parts, verification.questions),
            answers=_all(self.parts, verification.answers),
            consistency=tuple(part.consistency for part in self.parts),
            tracks=tuple(tracks),
            notes=tuple(self._notes),
        )

    def _parts(self, files: ResultFiles, *, several: bool) -> list[Part]:
        verified = read_entries(files.verification) if files.verification else {}
        assessed = read_entries(files.hallucination) if files.hallucination else {}
        asked = _asked(self._root.parent / EVAL_DATA / files.kind)
        parts = []
        # The release leaves a video out of its results when judging it failed; the set it was asked with still has it.
        for number in dict.fromkeys([*verified, *assessed, *asked]):
            name = sample_id(files.kind, number, several=several)
            answered = (
                verification.parse(verified[number])
                if number in verified
                else verification.unverified(_absent(files.verification, "question_verification.json", number))
            )
            seen = hallucination.parse(assessed[number], name, len(answered.frames)) if number in assessed else None
            if answered.note:
                self._notes.append(f"{self._model}, sample {name}: {answered.note}")
            made = _sample(name, files.kind, answered, seen, asked.get(number))
            sample, notes = told(made, answered, asked.get(number), lambda twin: sample_id(files.kind, twin, several=several))
            self._notes += [f"{self._model}, sample {name}: {note}" for note in notes]
            nobody = hallucination.without_file(name, _absent(files.hallucination, "_emergence_disappearance.json", number))
            parts.append(
                Part(
                    kind=files.kind,
                    number=number,
                    sample=sample,
                    verified=answered,
                    assessed=seen,
                    consistency=seen.consistency if seen else nobody,
                )
            )
        return parts

    def _tracks_of(self, part: Part) -> Tracks | None:
        if self._tracks is None:
            return None
        folder = self._tracks / self._model / part.kind / "tracks"
        found, note = read_tracks(folder, part.number, part.sample)
        if note:
            self._notes.append(f"{self._model}, sample {part.sample.id}: {note}")
        return found


def _all(parts: Iterable[Part], make: Callable[[Verified, str], list[T]]) -> tuple[T, ...]:
    return tuple(record for part in parts for record in make(part.verified, part.sample.id))


def _asked(folder: Path) -> dict[str, Sample]:
    """Return the samples of the release's ``EVAL_DATA/{type}`` beside the results by number, or none where it is not there.

    It only adds to what the results say, so a damaged one is read as far as it goes.
    """
    return {sample.id: sample for sample in official.read(folder).samples} if (folder / META).is_file() else {}


def _sample(name: str, kind: str, verified: Verified, assessed: Assessed | None, asked: Sample | None) -> Sample:
    """Make the sample from what the result files know of it, and appearances from the set where they agree on the classes.

    It names no masks and no first frame: a run folder does not hold them.
    """
    entity = assessed.entity if assessed else ()
    colours, renamed = _colours(assessed.colours if assessed else (), len(entity))
    instances = tuple(
        Instance(id=f"id{index}", class_=noun, appearance=noun, colour=colour)
        for index, (noun, colour) in enumerate(zip(entity, colours, strict=False), start=1)
    )
    known = asked.instances if asked else ()
    if not instances:
        instances = tuple(replace(item, mask=None) for item in known)
    elif [item.class_ for item in known] == [item.class_ for item in instances]:
        instances = tuple(replace(item, appearance=told.appearance) for item, told in zip(instances, known, strict=True))
    prompts = (verified.prompt, assessed.prompt if assessed else "", asked.prompt if asked else "")
    return Sample(
        id=name,
        prompt=next((prompt for prompt in prompts if prompt), ""),
        instances=instances,
        interactions=verification.interactions(verified),
        tags=(*(asked.tags if asked else (f"type:{kind}",)), *renamed),
    )


def _colours(stated: Sequence[str], count: int) -> tuple[list[str], list[str]]:
    """Return a known colour an instance; a tag tells of each that the file calls otherwise."""
    usual = [*COLOURS, *(colour for colour in BOX_COLOURS if colour not in COLOURS)]
    free = [colour for colour in usual if colour not in stated]
    colours, tags = [], []
    for index in range(min(count, len(usual))):
        said = stated[index] if index < len(stated) else ""
        if said in BOX_COLOURS and said not in colours:
            colours.append(said)
            continue
        colours.append(free.pop(0))
        if said:
            tags.append(f"box of id{index + 1}: {said}")
    return colours, tags


def _video(part: Part) -> Video:
    blank = part.verified.blank or (part.assessed.blank if part.assessed else "")
    frames = part.verified.frames or ((0, *part.consistency.frames) if part.consistency.frames else ())
    return Video(
        sample_id=part.sample.id,
        seed=0,
        status=VideoStatus.UNDECODABLE if blank else VideoStatus.OK,
        reason=blank,
        frames=frames[-1] + 1 if frames else 0,
        sampled=frames,
        notes=(part.verified.note,) if part.verified.note else (),
    )


def _absent(path: Path | None, name: str, number: str) -> str:
    return f"there is no {name} for this type" if path is None else f"{name} has no entry for video {number!r}"
