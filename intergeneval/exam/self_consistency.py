"""Asking a second time, and asking the other way round, to see whether the judge stands by what it says.

The same seeded share of every policy's videos is asked twice; answers lie in ``rounds.jsonl`` in the run folder, so that a
resumed exam does not pay for them again.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intergeneval import videos
from intergeneval.errors import IntergenevalError
from intergeneval.ids import canonical_json, sha256_bytes
from intergeneval.judges import Frame, Judge, JudgeRequest, UsesServices
from intergeneval.records import (
    CONTROL_ID,
    Answer,
    AnswerStatus,
    AnswerValue,
    Question,
    Record,
    Sample,
    Tracks,
    Truth,
    Video,
    VideoStatus,
)
from intergeneval.records.disk import read_text
from intergeneval.store import RunStore, write_atomically

FILE = "rounds.jsonl"
AGAIN = frozenset({AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED})
"""Statuses that a resumed exam asks again."""
NEGATION = "Someone answers the following question about the video with “no”: “{text}” Is that answer right?"
"""How a question is turned round: whoever says yes to the one says no to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain(Record):
    """One question that was asked twice, or asked the other way round; one line of ``rounds.jsonl``."""

    round: str
    """``again`` or ``negated``."""
    sample_id: str
    """The scene."""
    first: AnswerValue | None
    """The answer that counts."""
    second: AnswerValue | None
    """The answer in this round; None: none came."""
    status: AnswerStatus = AnswerStatus.OK
    """Why none came."""
    reason: str = ""
    """Its reason."""

    @property
    def stands(self) -> bool | None:
        """Whether both say the same thing about the video; None where one is missing."""
        if self.first is None or self.second is None:
            return None
        same = (self.first is AnswerValue.YES) == (self.second is AnswerValue.YES)
        return same if self.round == "again" else not same


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """What came of one policy's second askings."""

    asked: tuple[AskedAgain, ...]
    """Every question asked again."""
    negatable: bool
    """Whether the judge reads the words of a question, so that turning them round means anything."""


def reads_words(judge: Judge) -> bool:
    """Return whether a judge answers from the words of a question: it says so in `reads_words`, else every judge that looks does.

    A judge that evaluates a question's predicate, or looks the answer up, would answer a question turned round as if it stood
    straight, and that would say nothing of it.
    """
    return bool(getattr(judge, "reads_words", judge.needs_frames))


def ask_again(store: RunStore, judge: Judge, share: float) -> Rounds:
    """Ask about a seeded share of a run's videos once more; what was answered before is kept, what failed is asked anew.

    Raises RecordError for a damaged file, OSError when it cannot be written.
    """
    path = store.folder / FILE
    text = read_text(path).splitlines() if path.exists() else []
    found = [AskedAgain.from_line(line, where=f"{path}:{number}") for number, line in enumerate(text, start=1)]
    broken = {item.sample_id for item in found if item.status in AGAIN}
    kept = [item for item in found if item.sample_id not in broken]
    try:
        asked = _ask(store, judge, share, {item.sample_id for item in kept})
    finally:
        if isinstance(judge, UsesServices):
            judge.close()
    if asked or not path.exists():
        write_atomically(path, "".join(canonical_json(item.to_json()) + "\n" for item in [*kept, *asked]))
    return Rounds(asked=tuple(kept + asked), negatable=reads_words(judge))


def chosen(sample_id: str, model: str, share: float) -> bool:
    """Return whether a video is among the share that is asked again: by the hash of its names, so always the same ones."""
    return int(sha256_bytes(f"{model}/{sample_id}".encode())[:8], 16) < share * 2**32


def _ask(store: RunStore, judge: Judge, share: float, done: Collection[str]) -> list[AskedAgain]:
    samples = {item.id: item for item in store.read("samples", Sample)}
    tracks = {item.sample_id: item for item in store.read("tracks", Tracks)}
    truths = {item.sample_id: item for item in store.read("truth", Truth)} if judge.needs_truth else {}
    asked: dict[str, list[Question]] = {}
    for question in store.read("questions", Question):
        if question.question_id == CONTROL_ID:
            continue
        asked.setdefault(question.sample_id, []).append(question)
    first = {
        (item.sample_id, item.interaction, item.question_id): item for item in store.read("answers", Answer) if not item.repeat
    }
    found: list[AskedAgain] = []
    for video in {item.sample_id: item for item in store.read("videos", Video)}.values():
        name = video.sample_id
        if name in done or video.status is not VideoStatus.OK or not chosen(name, store.header.model, share):
            continue
        request = _request(store.folder, judge, samples[name], video, tracks[name], asked[name], truths.get(name))
        found += _round("again", request, judge, first)
        if reads_words(judge):
            turned = [replace(item, text=NEGATION.format(text=item.text), predicate=None) for item in asked[name]]
            found += _round("negated", replace(request, questions=turned), judge, first)
    return found


def _round(name: str, request: JudgeRequest, judge: Judge, first: Mapping[tuple[str, int, int], Answer]) -> list[AskedAgain]:
    """Ask all questions of a request; a judge that fails as a whole has given none of the answers, with its reason."""
    try:
        answers, reason = judge.answer(request), ""
    except IntergenevalError as error:
        answers, reason = [], str(error)
    by_question = {(item.interaction, item.question_id): item for item in answers}
    asked = []
    for question in request.questions:
        before = first.get((question.sample_id, question.interaction, question.question_id))
        after = by_question.get((question.interaction, question.question_id))
        asked.append(
            AskedAgain(
                round=name,
                sample_id=question.sample_id,
                first=before.verdict if before is not None and before.status is AnswerStatus.OK else None,
                second=after.verdict if after is not None else None,
                status=after.status if after is not None else AnswerStatus.FAILED,
                reason=after.reason if after is not None else reason or "the judge gave no answer",
            )
        )
    return asked


def _request(
    folder: Path,
    judge: Judge,
    sample: Sample,
    video: Video,
    tracks: Tracks,
    asked: Sequence[Question],
    truth: Truth | None,
) -> JudgeRequest:
    @functools.cache
    def kept() -> Mapping[int, Frame]:
        reader = videos.Reader(folder / video.path, size=sample.size)
        for _ in reader:
            pass
        return reader.kept

    def frames() -> dict[int, Frame]:
        return videos.outlined_frames(kept(), tracks, colours)

    def plain() -> Frame:
        return kept()[0]

    colours = {item.id: item.colour for item in sample.instances}
    clip = None
    if getattr(judge, "wants_clip", False):
        walk = videos.outlined_clip(videos.Reader(folder / video.path, size=sample.size), tracks, colours)
        clip = videos.video_bytes(walk, tracks.fps, video.times)

    return JudgeRequest(
        sample=sample,
        video=video,
        tracks=tracks,
        questions=asked,
        frames=frames if judge.needs_frames else None,
        plain=plain if judge.needs_frames else None,
        clip=clip,
        truth=truth if judge.needs_truth else None,
        repeat=1,
    )
