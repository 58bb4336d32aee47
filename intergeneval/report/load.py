"""A run folder as the report reads it: the latest record of every item, tracks already turned into outlines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from intergeneval.errors import RecordError, UsageError
from intergeneval.gate.run_scores import run_twins, written_scores
from intergeneval.records import Answer, Consistency, Question, RunHeader, Sample, Score, Tracks, TwinScore, Video
from intergeneval.report.overlay import Overlay, overlay_of
from intergeneval.store import RunStore, read_doubts

TakeKey = tuple[str, int]
"""Sample id and seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One video of one model with all that is known of it."""

    video: Video
    """The video."""
    score: Score
    """Its score, or why it has none."""
    answers: tuple[Answer, ...]
    """The answers that count, by interaction and question id."""
    consistency: Consistency | None
    """Emergence and disappearance; None where not assessed yet."""
    overlay: Overlay | None
    """Outlines and timelines; None where there are no tracks."""
    tracking: str
    """Why there are no tracks, in one sentence; empty where there are some or nobody said."""


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
    runs = [_load(folder) for folder in folders]
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


def _load(folder: Path) -> LoadedRun:
    store = RunStore.open(folder)
    written, header = written_scores(store)
    scores = {(score.sample_id, score.seed): score for score in written}
    if not scores:
        raise UsageError(f"{folder}: has no scores yet; finish it with the same 'intergeneval run' command")
    samples = {sample.id: sample for sample in store.read("samples", Sample)}
    unknown = next((key for key, _ in scores if key not in samples), None)
    if unknown is not None:
        raise UsageError(
            f"{folder}/scores.jsonl: sample {unknown!r} is not in samples.jsonl; the same 'intergeneval run' writes both anew"
        )
    videos = {(video.sample_id, video.seed): video for video in store.read("videos", Video)}
    asked = _latest_questions(store.read("questions", Question))
    answers = _latest_answers(store.read("answers", Answer), videos)
    checks = {
        (item.sample_id, item.seed): item
        for item in store.read("consistency", Consistency)
        if _current(videos, item.sample_id, item.seed, item.video)
    }
    overlays, failed = _overlays(store.read("tracks", Tracks), samples, videos)
    takes = {
        key: Take(
            video=videos[key],
            score=score,
            answers=answers.get(key, ()),
            consistency=checks.get(key),
            overlay=overlays.get(key),
            tracking=failed.get(key, ""),
        )
        for key, score in scores.items()
        if key in videos
    }
    by_sample: dict[str, list[Take]] = {}
    for (name, _), take in sorted(takes.items(), key=lambda item: item[0][1]):
        by_sample.setdefault(name, []).append(take)
    return LoadedRun(
        label=header.model,
        folder=folder,
        header=header,
        samples=samples,
        questions=asked,
        scores=tuple(scores.values()),
        takes=takes,
        doubts=_doubts(folder),
        twins=run_twins(store, written),
        by_sample={name: tuple(found) for name, found in by_sample.items()},
    )


def _doubts(folder: Path) -> dict[TakeKey, tuple[str, ...]]:
    found: dict[TakeKey, list[str]] = {}
    for item in read_doubts(folder):
        found.setdefault((item.sample_id, item.seed), []).append(f"{item.instance_id}: {item.problem}")
    return {key: tuple(texts) for key, texts in found.items()}


def _current(videos: Mapping[TakeKey, Video], sample_id: str, seed: int, sha256: str) -> bool:
    """Return whether a record speaks of the video file as it is now."""
    video = videos.get((sample_id, seed))
    return video is not None and video.sha256 == sha256


def _latest_questions(questions: Iterable[Question]) -> dict[str, tuple[Question, ...]]:
    found: dict[str, dict[tuple[int, int], Question]] = {}
    for question in questions:
        found.setdefault(question.sample_id, {})[question.interaction, question.question_id] = question
    return {sample_id: tuple(item for _, item in sorted(by_id.items())) for sample_id, by_id in found.items()}


def _latest_answers(answers: Iterable[Answer], videos: Mapping[TakeKey, Video]) -> dict[TakeKey, tuple[Answer, ...]]:
    found: dict[TakeKey, dict[tuple[int, int], Answer]] = {}
    for answer in answers:
        if answer.repeat == 0 and _current(videos, answer.sample_id, answer.seed, answer.video):
            found.setdefault((answer.sample_id, answer.seed), {})[answer.interaction, answer.question_id] = answer
    return {key: tuple(item for _, item in sorted(by_id.items())) for key, by_id in found.items()}


def _overlays(
    all_tracks: Iterable[Tracks], samples: Mapping[str, Sample], videos: Mapping[TakeKey, Video]
) -> tuple[dict[TakeKey, Overlay], dict[TakeKey, str]]:
    latest = {
        (tracks.sample_id, tracks.seed): tracks
        for tracks in all_tracks
        if tracks.sample_id in samples and _current(videos, tracks.sample_id, tracks.seed, tracks.video)
    }
    overlays: dict[TakeKey, Overlay] = {}
    failed = {key: tracks.reason or "the tracker gave up" for key, tracks in latest.items() if tracks.status != "ok"}
    for key, tracks in latest.items():
        if key in failed:
            continue
        try:
            overlays[key] = overlay_of(tracks, videos[key].sampled, samples[key[0]])
        except RecordError as error:
            # One damaged mask must not keep the other pages from being written; its own page says what is wrong.
            failed[key] = str(error)
    return overlays, failed
