"""What a run folder already holds, so that a run does only what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

from intergeneval.ids import few
from intergeneval.records import (
    Answer,
    AnswerStatus,
    Consistency,
    Detections,
    Grounding,
    Question,
    Sample,
    Stills,
    Tracks,
    Truth,
    Video,
    VideoStatus,
)
from intergeneval.run.job import FAILED, Job
from intergeneval.run.plan import Plan
from intergeneval.store import RunStore
from intergeneval.store.line_index import LineIndex

_SHOWN = 5
_AGAIN = (AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED)
"""What is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """What a run folder already holds, by item; failed parts count as absent, so that they are tried again."""

    samples: frozenset[str]
    """Ids of the samples in it."""
    videos: dict[tuple[str, int], Video]
    """(sample, seed) -> video."""
    questions: LineIndex[Question]
    """The questions in it, and so on: read video by video, as all of a large run are more than it should hold."""
    truth: LineIndex[Truth]
    """Truths."""
    stills: LineIndex[Stills]
    """Posters and strips."""
    grounding: LineIndex[Grounding]
    """Where instances stand in first frames."""
    tracks: LineIndex[Tracks]
    """Tracks."""
    detections: LineIndex[Detections]
    """Detections."""
    consistency: LineIndex[Consistency]
    """What vanished and emerged."""
    answers: LineIndex[Answer]
    """Answers."""

    @classmethod
    def read(cls, store: RunStore) -> RunState:
        """Read the stage files, as they are now. Raises RecordError naming file and line, for some lines when they are read."""
        latest = {(item.sample_id, item.seed): item for item in store.each("videos", Video)}
        return cls(
            samples=frozenset(item.id for item in store.each("samples", Sample)),
            videos={key: item for key, item in latest.items() if item.status is not VideoStatus.FAILED},
            questions=store.index("questions", Question),
            truth=store.index("truth", Truth),
            stills=store.index("stills", Stills),
            grounding=store.index("grounding", Grounding),
            tracks=store.index("tracks", Tracks),
            detections=store.index("detections", Detections),
            consistency=store.index("consistency", Consistency),
            answers=store.index("answers", Answer),
        )

    def questions_of(self, name: str) -> frozenset[tuple[int, int]]:
        """Return (interaction, question id) of the questions about a sample that are in it."""
        return frozenset((item.interaction, item.question_id) for item in self.questions.read((name, 0)))

    def tracks_of(self, name: str, seed: int) -> Tracks | None:
        """Return the tracks of the present version of a video; None where there are none, or where the tracker failed."""
        found = self.tracks.last((name, seed), _stands)
        return None if found is None or found.video != self._version(name, seed) else found

    def job(self, sample: Sample, seed: int, asked: tuple[Question, ...]) -> Job:
        """Return the job for one video, with everything recorded about its present version."""
        key, version = (sample.id, seed), self._version(sample.id, seed)
        tracks = self.tracks_of(sample.id, seed)
        detections = self.detections.last(key, _stands)
        assessed = self.consistency.last(key, lambda item: item.status not in _AGAIN)
        grounding = self.grounding.last(key, _stands)
        answered = self._answered(sample.id, seed)
        return Job(
            sample=sample,
            seed=seed,
            video=self.videos.get(key),
            grounding=None if grounding is None or grounding.video != version else grounding,
            tracks=tracks,
            detections=None if detections is None or detections.video != version else detections,
            # An assessment that failed rests on tracks or detections that failed; where one is made anew, so is the assessment.
            consistency=None if assessed is None or assessed.video != version or tracks is None else assessed,
            truth=self.truth.last(key),
            stills=self.stills.last(key),
            questions=tuple(item for item in asked if (item.interaction, item.question_id) not in answered),
            all_questions=asked,
        )

    def _version(self, name: str, seed: int) -> str:
        """Return the sha256 of a video as it was seen last; empty where it was not."""
        video = self.videos.get((name, seed))
        return video.sha256 if video is not None else ""

    def _answered(self, name: str, seed: int) -> frozenset[tuple[int, int]]:
        """Return (interaction, question id) of what has an answer about the present version of a video."""
        version = self._version(name, seed)
        latest = {
            (item.interaction, item.question_id): item.status
            for item in self.answers.read((name, seed))
            if item.repeat == 0 and item.video == version
        }
        return frozenset(key for key, status in latest.items() if status not in _AGAIN)


class Jobs(Sequence[Job]):
    """The jobs of one pass over videos, each made when it is its turn: what is known of all videos is too much to hold."""

    def __init__(
        self, plan: Plan, state: RunState, videos: Sequence[tuple[Sample, int]], asked: Mapping[str, tuple[Question, ...]]
    ) -> None:
        self._plan = plan
        self._state = state
        self._videos = videos
        self._asked = asked

    def __len__(self) -> int:
        """Return the number of videos."""
        return len(self._videos)

    @overload
    def __getitem__(self, at: int) -> Job: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Job]: ...
    def __getitem__(self, at: int | slice) -> Job | Sequence[Job]:
        """Return the job of a video with the masks that it begins with, or those of some videos."""
        if isinstance(at, slice):
            return Jobs(self._plan, self._state, self._videos[at], self._asked)
        (sample, seed), masks = self._videos[at], self._plan.masks
        job = self._state.job(sample, seed, self._asked[sample.id])
        return replace(job, own=masks.own(sample, seed), masks=masks.of(sample, seed) if job.tracks is None else None)


def _stands(item: Tracks | Detections | Grounding) -> bool:
    return item.status != FAILED


def replaced(state: RunState, store: RunStore) -> list[str]:
    """Return a line on the videos that are other files than those scored before, whose results are written over."""
    now = {(item.sample_id, item.seed): item for item in store.read("videos", Video)}
    other = [
        f"{name}/{seed}"
        for (name, seed), was in state.videos.items()
        if was.sha256 and now[name, seed].sha256 != was.sha256 and now[name, seed].status is not VideoStatus.FAILED
    ]
    if not other:
        return []
    what = "1 video is not the file that was" if len(other) == 1 else f"{len(other)} videos are not the files that were"
    return [f"{what} scored before ({few(other, _SHOWN)}): the results are written over; another --out keeps both"]
