"""Grading: what the run folder of one policy says, held against the truth of its videos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from intergeneval.errors import BackendError
from intergeneval.exam import tracking
from intergeneval.records import (
    CONTROL_ID,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Profile,
    Question,
    Sample,
    Score,
    Tracks,
    TrackState,
    TrueAnswer,
    Truth,
    Video,
    VideoStatus,
    counted,
)
from intergeneval.staged.truth import true_scores
from intergeneval.store import RunStore

EVENT, SAMPLED = "event", "sampled"
"""The layers of the truth: all frames seen, or only the sampled ones."""
Key = tuple[str, int]
R = TypeVar("R", Answer, Consistency, Score, Tracks, Truth, Video)


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedAnswer:
    """One answer beside the true one."""

    interaction: int
    """Index of the key interaction."""
    question_id: int
    """1 to 10."""
    verb: str
    """Verb of the interaction."""
    category: str
    """Category of the interaction."""
    text: str
    """The question."""
    truth: AnswerValue
    """The true answer in the layer that counts."""
    true_frames: tuple[int, ...]
    """Frames that decide it."""
    layers_differ: bool
    """Whether all frames and the sampled ones have different true answers, yes or no."""
    status: AnswerStatus
    """Status of the answer."""
    given: AnswerValue | None
    """The answer."""
    frame: int | None
    """Its decisive frame."""
    reason: str
    """Its reason."""

    @property
    def right(self) -> bool | None:
        """Whether both say yes or both say no; None without an answer."""
        if self.given is None:
            return None
        return (self.given is AnswerValue.YES) == (self.truth is AnswerValue.YES)


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedVideo:
    """One video, graded."""

    policy: str
    """The policy that played it."""
    sample_id: str
    """The scene."""
    faults: tuple[str, ...]
    """Faults that were dialled in; empty: none."""
    path: str
    """The video file, relative to the run folder."""
    answers: tuple[GradedAnswer, ...]
    """Its answers."""
    true_if: float
    """True IF, profile ``bounded``, in the layer that counts."""
    measured_if: float | None
    """Measured IF; None where it has none."""
    score_status: str
    """Status of the measured score."""
    frames: tuple[int, ...]
    """The sampled frames after frame 0."""
    disappearance: tuple[tuple[bool, bool | None], ...]
    """(true, measured) per sampled frame after frame 0; None: no statement."""
    emergence: tuple[tuple[bool, bool | None], ...] | None
    """The same of emergence; None: not assessed."""
    teleports: int | None
    """Instances whose track jumps; None without tracks."""
    drift: float | None
    """Largest colour drift over instances; None where not measured."""
    overlap: tracking.Overlap | None
    """How well the tracks fit the true masks; None where tracking failed."""
    usage: Mapping[str, float]
    """Sums over the answers' usage: seconds, tokens and the like."""

    @property
    def scored(self) -> tuple[GradedAnswer, ...]:
        """Its answers without those to control questions, which count for no figure but their own."""
        return tuple(item for item in self.answers if item.question_id != CONTROL_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Observed:
    """The records of one video."""

    sample: Sample
    video: Video
    truth: Truth
    asked: tuple[Question, ...]
    answers: Mapping[tuple[int, int], Answer]
    tracks: Tracks | None
    seen: Consistency | None
    scored: Score


def grade_run(store: RunStore, policy: str, layer: str) -> list[GradedVideo]:
    """Mark every video of a policy's run folder, in the order of its samples. Raises BackendError where truth is missing."""
    samples = {item.id: item for item in store.read("samples", Sample)}
    asked: dict[str, list[Question]] = {}
    for question in store.read("questions", Question):
        asked.setdefault(question.sample_id, []).append(question)
    given: dict[tuple[str, int, int, int], Answer] = {
        (item.sample_id, item.seed, item.interaction, item.question_id): item
        for item in store.read("answers", Answer)
        if item.repeat == 0
    }
    truths, tracks = _latest(store.read("truth", Truth)), _latest(store.read("tracks", Tracks))
    videos, seen = _latest(store.read("videos", Video)), _latest(store.read("consistency", Consistency))
    scored = _latest(store.read("scores", Score))
    graded = []
    places = {name: place for place, name in enumerate(samples)}
    for key, video in sorted(videos.items(), key=lambda item: (places[item[0][0]], item[0][1])):
        truth = truths.get(key)
        if truth is None or truth.frames != video.sampled:
            why = video.reason or "its truth does not speak of the sampled frames"
            ended = video.status is VideoStatus.FAILED
            way_out = "the same command looks at it again" if ended else "remove the folder and validate again"
            raise BackendError(f"{store.folder}: {key[0]} cannot be graded: {why}; {way_out}")
        answers = {(item[2], item[3]): answer for item, answer in given.items() if item[:2] == key}
        observed = _Observed(
            sample=samples[key[0]],
            video=video,
            truth=truth,
            asked=tuple(asked[key[0]]),
            answers=answers,
            tracks=tracks.get(key),
            seen=seen.get(key),
            scored=scored[key],
        )
        graded.append(_video(policy, layer, observed))
    return graded


def _latest(records: Iterable[R]) -> dict[Key, R]:
    return {(item.sample_id, item.seed): item for item in records}


def _video(policy: str, layer: str, observed: _Observed) -> GradedVideo:
    sample, truth, seen, tracks = observed.sample, observed.truth, observed.seen, observed.tracks
    true = truth.event if layer == EVENT else truth.sampled
    known = seen if seen is not None and seen.status is AnswerStatus.OK else None
    drifts = [item.appearance_drift for item in known.diagnostics if item.appearance_drift is not None] if known else []
    spi = true_scores(true, len(sample.interactions), truth.emergence, truth.disappearance)[Profile.BOUNDED.value]["spi"]
    return GradedVideo(
        policy=policy,
        sample_id=sample.id,
        faults=truth.faults,
        path=observed.video.path,
        answers=tuple(_answers(layer, observed)),
        true_if=_true_if(sample, true, spi),
        measured_if=observed.scored.if_,
        score_status=observed.scored.status.value,
        frames=truth.frames[1:],
        disappearance=tuple(zip(truth.disappearance, _told_of(truth, known, _vanished(known)), strict=True)),
        emergence=None
        if known is None or known.emergence is None
        else tuple(zip(truth.emergence, _told_of(truth, known, known.emergence), strict=True)),
        teleports=sum(bool(item.teleports) for item in known.diagnostics) if known else None,
        drift=max(drifts, default=None),
        overlap=tracking.overlap(tracks, truth.visible, truth.frames[1:])
        if tracks is not None and tracks.status == "ok"
        else None,
        usage=_usage(observed.answers.values()),
    )


def _true_if(sample: Sample, true: Iterable[TrueAnswer], spi: float) -> float:
    """Return the true IF over the questions that profile ``bounded`` counts, as a run is scored."""
    yes = {(item.interaction, item.question_id) for item in true if item.value is AnswerValue.YES}
    raws = []
    for part in (0, 1):
        shares = []
        for index, item in enumerate(sample.interactions):
            ids = counted(item, Profile.BOUNDED)[part]
            shares.append(sum((index, number) in yes for number in ids) / len(ids))
        raws.append(sum(shares) / len(shares))
    return (raws[0] * spi + raws[1] * spi) / 2.0


def _answers(layer: str, observed: _Observed) -> Iterable[GradedAnswer]:
    truth = observed.truth
    event, sampled = _by_question(truth.event + truth.control_event), _by_question(truth.sampled + truth.control_sampled)
    for question in observed.asked:
        key = (question.interaction, question.question_id)
        true = (event if layer == EVENT else sampled)[key]
        given = observed.answers.get(key)
        interaction = observed.sample.interactions[question.interaction]
        yield GradedAnswer(
            interaction=question.interaction,
            question_id=question.question_id,
            verb=question.verb,
            category=interaction.category.value if interaction.category else "",
            text=question.text,
            truth=true.value,
            true_frames=true.frames,
            layers_differ=(event[key].value is AnswerValue.YES) != (sampled[key].value is AnswerValue.YES),
            status=given.status if given else AnswerStatus.FAILED,
            given=given.verdict if given else None,
            frame=given.frame if given else None,
            reason=given.reason if given else "the question was not asked: the video is missing",
        )


def _by_question(answers: Iterable[TrueAnswer]) -> dict[tuple[int, int], TrueAnswer]:
    return {(item.interaction, item.question_id): item for item in answers}


def _told_of(truth: Truth, seen: Consistency | None, said: Iterable[bool | None]) -> list[bool | None]:
    """Return a statement for each frame that the truth speaks of; None where no such frame was looked at."""
    told = dict(zip(seen.frames, said, strict=True)) if seen is not None else {}
    return [told.get(frame) for frame in truth.frames[1:]]


def _vanished(seen: Consistency | None) -> Sequence[bool | None]:
    """Return per frame looked at whether an instance has vanished; None where there is no statement."""
    if seen is None:
        return ()
    if seen.states is None:
        return seen.disappearance or (None,) * len(seen.frames)
    found: list[bool | None] = []
    for states in zip(*seen.states.values(), strict=True):
        gone = TrackState.VANISHED in states
        found.append(None if TrackState.LOST in states and not gone else gone)
    return found


def _usage(answers: Iterable[Answer]) -> dict[str, float]:
    total: dict[str, float] = {}
    for answer in answers:
        for name, value in answer.usage.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                total[name] = total.get(name, 0.0) + value
    return total
