"""The scores of a run folder: computed from its stage files, or as they were written where that says all that is needed now.

Scores written before there were bounds are computed anew from the same answers, so that runs of then may be compared with runs
of now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from intergeneval.records import Answer, AnswerStatus, Consistency, Profile, Question, RunHeader, Sample, Score, TwinScore, Video
from intergeneval.scores import score_videos
from intergeneval.stats import ALLOWED_UNSCORED, allowed_unscored, twin_scores
from intergeneval.store import RunStore
from intergeneval.store.line_index import LineIndex

_GEOMETRY = "geometry"
"""The judge that declared questions unanswerable before answers said so; it declines those that no predicate decides."""


def score_run(store: RunStore, samples: Sequence[Sample] | None = None, profile: Profile | None = None) -> list[Score]:
    """Score a run folder from its stage files, under its own profile or another; reads only."""
    header = store.header
    chosen = profile or header.comparability.profile
    # What a run leaves unassessed, it leaves so for every video, also for one that has no record of it.
    partial = [name for name in header.comparability.partial if name != "plausibility" or chosen is Profile.INFORMATIVE]
    videos: dict[str, list[Video]] = {}
    for video in store.read("videos", Video):
        videos.setdefault(video.sample_id, []).append(video)
    # Sample by sample: all answers of a large run at once would be most of what it holds in memory.
    answers, consistency = store.index("answers", Answer), store.index("consistency", Consistency)
    asked: LineIndex[Question] | None = None
    found: list[Score] = []
    for sample in samples if samples is not None else _unique(store.read("samples", Sample)):
        mine = videos.get(sample.id, [])
        keys = sorted({(sample.id, video.seed) for video in mine})
        given = [answer for key in keys for answer in answers.read(key)]
        if _silent(given):
            asked = asked or store.index("questions", Question)
            given = _with_declined(given, asked.read((sample.id, 0)))
        seen = [item for key in keys for item in consistency.read(key)]
        found += score_videos([sample], mine, given, seen, chosen, header.seeds, partial)
    return [
        replace(score, partial=tuple(sorted({*partial, *(score.partial if score.if_ is not None else ())}))) for score in found
    ]


def written_scores(store: RunStore) -> tuple[list[Score], RunHeader]:
    """Return the scores as they stand in the run folder, with the hashes of their videos, and the header with them.

    They are computed anew where they have no bounds yet.

    A folder of scores alone keeps what it says.
    """
    written = store.read("scores", Score)
    if not written or any(score.if_bounds is not None for score in written):
        return with_bytes(written, store), store.header
    header = of_before(store.header)
    keys = {(score.sample_id, score.seed) for score in written}
    anew = {(score.sample_id, score.seed): score for score in score_run(store)} if store.read("videos", Video) else {}
    if not keys <= anew.keys():
        return written, header
    return with_bytes([anew[score.sample_id, score.seed] for score in written], store), header


def with_bytes(scores: Iterable[Score], store: RunStore) -> list[Score]:
    """Return the scores with the hash of each video, by which two runs are known to speak of the same one."""
    scores = list(scores)
    if all(score.video for score in scores):
        return scores
    versions = {(video.sample_id, video.seed): video.sha256 for video in store.read("videos", Video)}
    return [score if score.video else replace(score, video=versions.get((score.sample_id, score.seed), "")) for score in scores]


def of_before(header: RunHeader) -> RunHeader:
    """Return the header of a run from before there were bounds: the share it allowed counted fewer kinds of unscored videos."""
    allowed = max(allowed_unscored(header), ALLOWED_UNSCORED)
    return replace(header, config={**header.config, "allowed_unscored": allowed})


def run_twins(store: RunStore, scores: Sequence[Score], samples: Iterable[Sample] | None = None) -> tuple[TwinScore, ...]:
    """Return what a run folder's pairs of twins come to; `scores` are those of the run, with the hashes of their videos.

    `samples` are the run's, where they are read already.
    """
    samples = _unique(store.read("samples", Sample) if samples is None else samples)
    if not any(act.twin_of for sample in samples for act in sample.interactions):
        return ()
    versions = {(video.sample_id, video.seed): video.sha256 for video in store.read("videos", Video)}
    current = [item for item in store.read("answers", Answer) if versions.get((item.sample_id, item.seed)) == item.video]
    if _silent(current):
        current = _with_declined(current, store.read("questions", Question))
    return twin_scores(samples, current, scores)[0]


def _silent(answers: Iterable[Answer]) -> list[Answer]:
    """Return what a geometry judge did not answer and may have declared before answers said so."""
    return [
        item
        for item in answers
        if item.status is AnswerStatus.UNANSWERABLE and not item.declined and item.judge.rpartition(":")[2] == _GEOMETRY
    ]


def _with_declined(answers: Sequence[Answer], questions: Iterable[Question]) -> list[Answer]:
    """Mark what the geometry judge had declared before answers said so; `questions` are those that were asked."""
    asked: Mapping[tuple[str, int, int], Question] = {
        (item.sample_id, item.interaction, item.question_id): item for item in questions
    }

    def declared(item: Answer) -> bool:
        question = asked.get((item.sample_id, item.interaction, item.question_id))
        return question is not None and question.predicate is None

    waiting = {id(item) for item in _silent(answers) if declared(item)}
    return [replace(item, declined=True) if id(item) in waiting else item for item in answers]


def _unique(samples: Iterable[Sample]) -> list[Sample]:
    return list({sample.id: sample for sample in samples}.values())
