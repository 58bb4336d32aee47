"""What a run folder already holds, so that a run does only what is missing."""

from __future__ import annotations

from dataclasses import dataclass

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
from intergeneval.store import RunStore

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """What a run folder already holds, by item; failed parts count as absent, so that they are tried again."""

    samples: frozenset[str]
    """Ids of the samples in it."""
    questions: frozenset[tuple[str, int, int]]
    """(sample, interaction, question id) of the questions in it."""
    truth: dict[tuple[str, int], Truth]
    """(sample, seed) -> truth; the others likewise."""
    stills: dict[tuple[str, int], Stills]
    """Posters and strips."""
    videos: dict[tuple[str, int], Video]
    """Videos."""
    grounding: dict[tuple[str, int], Grounding]
    """Where instances stand in first frames."""
    tracks: dict[tuple[str, int], Tracks]
    """Tracks."""
    detections: dict[tuple[str, int], Detections]
    """Detections."""
    consistency: dict[tuple[str, int], Consistency]
    """What vanished and emerged."""
    answered: frozenset[tuple[str, int, str, int, int]]
    """(sample, seed, sha256 of the video, interaction, question id) of what has an answer."""

    @classmethod
    def read(cls, store: RunStore) -> RunState:
        """Read the stage files. Raises RecordError naming file and line."""
        again = (AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED)
        answers: dict[tuple[str, int, str, int, int], Answer] = {
            (item.sample_id, item.seed, item.video, item.interaction, item.question_id): item
            for item in store.read("answers", Answer)
            if item.repeat == 0
        }
        latest = {(item.sample_id, item.seed): item for item in store.read("videos", Video)}
        return cls(
            samples=frozenset(item.id for item in store.read("samples", Sample)),
            questions=frozenset(
                (item.sample_id, item.interaction, item.question_id) for item in store.read("questions", Question)
            ),
            truth={(item.sample_id, item.seed): item for item in store.read("truth", Truth)},
            stills={(item.sample_id, item.seed): item for item in store.read("stills", Stills)},
            videos={key: item for key, item in latest.items() if item.status is not VideoStatus.FAILED},
            grounding={(item.sample_id, item.seed): item for item in store.read("grounding", Grounding) if item.status != FAILED},
            tracks={(item.sample_id, item.seed): item for item in store.read("tracks", Tracks) if item.status != FAILED},
            detections={
                (item.sample_id, item.seed): item for item in store.read("detections", Detections) if item.status != FAILED
            },
            consistency={
                (item.sample_id, item.seed): item for item in store.read("consistency", Consistency) if item.status not in again
            },
            answered=frozenset(key for key, item in answers.items() if item.status not in again),
        )

    def job(self, sample: Sample, seed: int, asked: tuple[Question, ...]) -> Job:
        """Return the job for one video, with everything recorded about its present version."""
        key = (sample.id, seed)
        video = self.videos.get(key)
        version = video.sha256 if video is not None else ""
        tracks, detections, assessed = self.tracks.get(key), self.detections.get(key), self.consistency.get(key)
        grounding = self.grounding.get(key)
        # An assessment that failed rests on tracks or detections that failed; where one is made anew, so is the assessment.
        stale_tracks = tracks is None or tracks.video != version
        stale_detections = detections is None or detections.video != version
        return Job(
            sample=sample,
            seed=seed,
            video=video,
            grounding=None if grounding is None or grounding.video != version else grounding,
            tracks=None if stale_tracks else tracks,
            detections=None if stale_detections else detections,
            consistency=None if assessed is None or assessed.video != version or stale_tracks else assessed,
            truth=self.truth.get(key),
            stills=self.stills.get(key),
            questions=tuple(
                item for item in asked if (sample.id, seed, version, item.interaction, item.question_id) not in self.answered
            ),
            all_questions=asked,
        )


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
