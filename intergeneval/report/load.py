"""A run folder as the report reads it: the latest record of every item, and what is large by video, when it is asked for."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from intergeneval.errors import RecordError, UsageError
from intergeneval.gate.run_scores import run_twins, written_scores
from intergeneval.records import Answer, Consistency, Question, RunHeader, Sample, Score, Tracks, TwinScore, Video
from intergeneval.report.overlay import Overlay, overlay_of
from intergeneval.stats import ScoreTable
from intergeneval.store import RunStore, read_doubts

TakeKey = tuple[str, int]
"""Sample id and seed."""
AT_HAND = 16
"""Videos of a run whose records stay in memory: a sample's page asks for the same few again and again."""


class _Brief(msgspec.Struct):
    """What a leaderboard wants of an answer."""

    interaction: int
    question_id: int
    repeat: int = 0
    video: str = ""
    usage: dict[str, Any] = {}  # msgspec copies it


_BRIEF = msgspec.json.Decoder(_Brief)


class Stages:
    """What is large in a run folder, read from disk video by video when it is asked for; the latest few stay at hand."""

    def __init__(self, store: RunStore, samples: Mapping[str, Sample], videos: Mapping[TakeKey, Video]) -> None:
        self._samples, self._videos = samples, videos
        self._questions = store.index("questions", Question, alike=True)
        self._answers = store.index("answers", Answer)
        self._checks = store.index("consistency", Consistency)
        self._tracks = store.index("tracks", Tracks)
        self.answers = lru_cache(AT_HAND)(self._read_answers)
        self.consistency = lru_cache(AT_HAND)(self._read_consistency)
        self.drawn = lru_cache(AT_HAND)(self._draw)

    @property
    def asked(self) -> Iterator[str]:
        """Ids of the samples that have questions."""
        return (name for name, _ in self._questions)

    def told(self, key: TakeKey, question_ids: Container[int]) -> tuple[list[Mapping[str, Any]], list[Answer]]:
        """Return what each answer that counts took, and the answers to some questions, both by interaction and question id.

        A leaderboard wants no more of the answers, and whole they are read again for the page of their sample.
        """
        found: dict[tuple[int, int], tuple[Mapping[str, Any], bytes]] = {}
        for line in self._answers.lines(key):
            try:
                brief = _BRIEF.decode(line)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                # What is wrong with it is said where it is read whole.
                answers = self._read_answers(key)
                return [item.usage for item in answers], [item for item in answers if item.question_id in question_ids]
            if brief.repeat == 0 and self._current(key, brief.video):
                found[brief.interaction, brief.question_id] = brief.usage, line
        ordered = sorted(found.items(), key=lambda entry: entry[0])
        chosen = [line for (_, question_id), (_, line) in ordered if question_id in question_ids]
        return [usage for _, (usage, _) in ordered], [self._answers.decode(line, key) for line in chosen]

    def questions(self, sample_id: str) -> tuple[Question, ...]:
        """Return the questions of a sample, by interaction and question id."""
        found = {(item.interaction, item.question_id): item for item in self._questions.read((sample_id, 0))}
        return tuple(item for _, item in sorted(found.items()))

    def tracks(self, key: TakeKey) -> Tracks | None:
        """Return the tracks of a video as it is now; None where it has none, or they speak of another version of it."""
        found = [item for item in self._tracks.read(key) if self._current(key, item.video)]
        return found[-1] if found else None

    def _read_answers(self, key: TakeKey) -> tuple[Answer, ...]:
        found = {
            (item.interaction, item.question_id): item
            for item in self._answers.read(key)
            if item.repeat == 0 and self._current(key, item.video)
        }
        return tuple(item for _, item in sorted(found.items()))

    def _read_consistency(self, key: TakeKey) -> Consistency | None:
        found = [item for item in self._checks.read(key) if self._current(key, item.video)]
        return found[-1] if found else None

    def _draw(self, key: TakeKey) -> tuple[Overlay | None, str]:
        """Return outlines and timelines, or why there are none."""
        tracks = self.tracks(key) if key[0] in self._samples else None
        if tracks is None:
            return None, ""
        if tracks.status != "ok":
            return None, tracks.reason or "the tracker gave up"
        try:
            return overlay_of(tracks, self._videos[key].sampled, self._samples[key[0]]), ""
        except RecordError as error:
            # One damaged mask must not keep the other pages from being written; its own page says what is wrong.
            return None, str(error)

    def _current(self, key: TakeKey, sha256: str) -> bool:
        """Return whether a record speaks of the video file as it is now."""
        video = self._videos.get(key)
        return video is not None and video.sha256 == sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One video of one model with all that is known of it; what is large is read when it is asked for."""

    video: Video
    """The video."""
    score: Score
    """Its score, or why it has none."""
    stages: Stages
    """Where the rest of it lies."""

    @property
    def key(self) -> TakeKey:
        """Sample id and seed."""
        return self.video.sample_id, self.video.seed

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers that count, by interaction and question id."""
        return self.stages.answers(self.key)

    def told(self, question_ids: Container[int]) -> tuple[list[Mapping[str, Any]], list[Answer]]:
        """Return what each answer took, and the answers to some questions."""
        return self.stages.told(self.key, question_ids)

    @property
    def consistency(self) -> Consistency | None:
        """Emergence and disappearance; None where not assessed yet."""
        return self.stages.consistency(self.key)

    @property
    def tracks(self) -> Tracks | None:
        """Its tracks; None where there are none."""
        return self.stages.tracks(self.key)

    @property
    def overlay(self) -> Overlay | None:
        """Outlines and timelines; None where there are no tracks."""
        return self.stages.drawn(self.key)[0]

    @property
    def tracking(self) -> str:
        """Why there are no tracks, in one sentence; empty where there are some or nobody said."""
        return self.stages.drawn(self.key)[1]


class Questions(Mapping[str, tuple[Question, ...]]):
    """The questions of a run by sample id, read when they are asked for."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._known = dict.fromkeys(stages.asked)

    def __getitem__(self, sample_id: str) -> tuple[Question, ...]:
        if sample_id not in self._known:
            raise KeyError(sample_id)
        return self._stages.questions(sample_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRun:
    """One run, ready to be shown."""

    label: str
    """Name of the model on the page; unique in the report."""
    folder: Path
    """The run folder."""
    header: RunHeader
    """``run.json``."""
    samples: Mapping[str, Sample]
    """By id, in the run's order."""
    questions: Mapping[str, tuple[Question, ...]]
    """By sample id, by interaction and question id."""
    scores: tuple[Score, ...]
    """All score lines, in the run's order."""
    takes: Mapping[TakeKey, Take]
    """All videos that have a score line."""
    by_sample: Mapping[str, tuple[Take, ...]]
    """The same by sample id, in the order of seeds."""
    doubts: Mapping[TakeKey, tuple[str, ...]] = field(default_factory=dict)
    """What is doubted about first-frame masks, in words."""
    twins: tuple[TwinScore, ...] = ()
    """One score a pair of twins and seed; empty where the benchmark has no twins."""


def load_runs(folders: Sequence[Path]) -> list[LoadedRun]:
    """Read run folders; models that share a name are told apart by their folders' names.

    Raises UsageError for a folder that is no run or has no scores, RecordError for damaged lines.
    """
    resolved = [folder.resolve() for folder in folders]
    for place, folder in enumerate(resolved):
        if folder in resolved[:place]:
            raise UsageError(f"{folders[place]}: named twice; name each run once")
    known: dict[str, Sample] = {}
    runs = [_load(folder, known) for folder in folders]
    names = [run.header.model for run in runs]
    labelled: list[LoadedRun] = []
    taken: set[str] = set()
    for run, folder in zip(runs, resolved, strict=True):
        label = run.header.model
        if names.count(label) > 1:
            label = f"{label} ({folder.parent.name}/{folder.name})"
        number = 2
        while label in taken:
            label, number = f"{run.header.model} #{number}", number + 1
        taken.add(label)
        labelled.append(replace(run, label=label))
    return labelled


def _load(folder: Path, known: dict[str, Sample]) -> LoadedRun:
    """Read one run; `known` are samples of other runs, which are kept once where they are the same."""
    store = RunStore.open(folder)
    written, header = written_scores(store)
    scores = {(score.sample_id, score.seed): score for score in written}
    if not scores:
        raise UsageError(f"{folder}: has no scores yet; finish it with the same 'intergeneval run' command")
    samples = {sample.id: sample for sample in store.read("samples", Sample)}
    samples = {name: same if (same := known.setdefault(name, sample)) == sample else sample for name, sample in samples.items()}
    unknown = next((key for key, _ in scores if key not in samples), None)
    if unknown is not None:
        raise UsageError(
            f"{folder}/scores.jsonl: sample {unknown!r} is not in samples.jsonl; the same 'intergeneval run' writes both anew"
        )
    videos = {(video.sample_id, video.seed): video for video in store.read("videos", Video)}
    stages = Stages(store, samples, videos)
    takes = {key: Take(video=videos[key], score=score, stages=stages) for key, score in scores.items() if key in videos}
    by_sample: dict[str, list[Take]] = {}
    for (name, _), take in sorted(takes.items(), key=lambda item: item[0][1]):
        by_sample.setdefault(name, []).append(take)
    return LoadedRun(
        label=header.model,
        folder=folder,
        header=header,
        samples=samples,
        questions=Questions(stages),
        scores=ScoreTable(scores.values()),
        takes=takes,
        doubts=_doubts(folder),
        twins=run_twins(store, written, samples.values()),
        by_sample={name: tuple(found) for name, found in by_sample.items()},
    )


def _doubts(folder: Path) -> dict[TakeKey, tuple[str, ...]]:
    found: dict[TakeKey, list[str]] = {}
    for item in read_doubts(folder):
        found.setdefault((item.sample_id, item.seed), []).append(f"{item.instance_id}: {item.problem}")
    return {key: tuple(texts) for key, texts in found.items()}
