"""The judge's part of a run: asked where the video is seen, or by several threads of the parent where a judge waits for a server.

Threads let the requests of many videos be in flight at once while workers go on decoding and tracking; each video's answers are
handed on the moment they are there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from intergeneval.errors import BackendError, DeferredError
from intergeneval.judges import AssessesConsistency, Defers, Judge, Judgement, JudgeRequest
from intergeneval.records import Answer, AnswerStatus, Consistency, Question, TrackState
from intergeneval.run.attempt import Failure, attempt
from intergeneval.run.job import Pending, Result
from intergeneval.run.thread_pool import ThreadPool


def concurrency(judge: Judge) -> int:
    """Return how many requests a judge takes at once in the parent process; 0: it is asked where videos are seen."""
    return int(getattr(judge, "concurrency", 0))


def ask(judge: Judge, request: JudgeRequest) -> tuple[list[Answer], Consistency | None]:
    """Ask every question of a request; a judge that fails as a whole has failed every one of them.

    Raises BudgetError, RefusedError, and DeferredError where it replies later.
    """
    given = attempt(lambda: _judge(judge, request))
    if isinstance(given, Failure):
        return failed(judge, request, given.text)
    by_question = {(item.interaction, item.question_id): _allowed(judge, request, item) for item in given.answers}
    nothing = "the judge gave no answer to this question"
    return [
        replace(
            by_question.get((question.interaction, question.question_id)) or _failed_answer(judge, request, question, nothing),
            video=request.video.sha256,
        )
        for question in request.questions
    ], given.consistency and replace(_marked(judge, request, given.consistency), video=request.video.sha256)


def _marked(judge: Judge, request: JudgeRequest, said: Consistency) -> Consistency:
    """Return the statement, or a failed one where frames were to be marked and one is not: no mark would pass for plausible."""
    if not request.bodies or said.status is not AnswerStatus.OK:
        return said
    marks = said.implausible
    silent = said.frames if marks is None else [frame for frame, mark in zip(said.frames, marks, strict=True) if mark is None]
    if not silent:
        return said
    shown = ", ".join(map(str, silent))
    reason = f"the judge {judge.id} did not say whether frames {shown} show a body that cannot be, as it was asked to"
    return replace(said, status=AnswerStatus.FAILED, reason=reason)


def _allowed(judge: Judge, request: JudgeRequest, answer: Answer) -> Answer:
    """Return the answer, or a failed one for an "unanswerable" that the protocol does not allow.

    It is allowed where the judge declares it for such a question before it has seen a video, which is written into the answer,
    where a track is lost, or for a judge that sees nothing but tracks and says so (``undecided``): a judge that can see and finds
    nothing answers no.
    """
    if answer.status is not AnswerStatus.UNANSWERABLE:
        return answer
    asked = {(item.interaction, item.question_id): item for item in request.questions}
    question = asked.get((answer.interaction, answer.question_id))
    declined = question is not None and judge.declines(question) is not None
    # What replays a run knows its answers, those to single videos too: whether they were declared stands in them.
    if declined and not getattr(judge, "replays", False):
        return replace(answer, declined=True)
    if question is None or declined or _somebody_lost(request) or getattr(judge, "undecided", False):
        return answer
    reason = f"the judge said unanswerable of a question it does not decline, with no track lost: {answer.reason}"
    return replace(answer, status=AnswerStatus.FAILED, reason=reason)


def _somebody_lost(request: JudgeRequest) -> bool:
    tracked = {track.instance_id: track for track in request.tracks.tracks}
    return any(
        instance.id not in tracked or TrackState.LOST in tracked[instance.id].states for instance in request.sample.instances
    )


def failed(judge: Judge, request: JudgeRequest, reason: str) -> tuple[list[Answer], Consistency | None]:
    """Return what is recorded when nothing of a request was answered."""
    answers = [
        replace(_failed_answer(judge, request, question, reason), video=request.video.sha256) for question in request.questions
    ]
    base = request.assess
    if base is None:
        return answers, None
    status, version = AnswerStatus.FAILED, request.video.sha256
    return answers, replace(base, states=None, assessors={}, reasons=(), status=status, reason=reason, video=version)


def _judge(judge: Judge, request: JudgeRequest) -> Judgement:
    if request.assess is None:
        return Judgement(answers=judge.answer(request))
    assert isinstance(judge, AssessesConsistency)
    judgement = judge.judge(request)
    if judgement.consistency is None:
        raise BackendError("the judge made no statement on what emerged and disappeared")
    return judgement


def _failed_answer(judge: Judge, request: JudgeRequest, question: Question, reason: str) -> Answer:
    return request.reply(question, judge.id, AnswerStatus.FAILED, reason=reason)


class JudgeStage:
    """Asks a judge from several threads and calls `done`, from them and under a lock, with what it said of each video."""

    def __init__(self, judge: Judge, threads: int, lock: threading.Lock, done: Callable[[Result], None]) -> None:
        self._judge = judge
        self._defers = judge if isinstance(judge, Defers) else None
        self._lock = lock
        self._done = done
        self._pool: ThreadPool[Pending] = ThreadPool(threads, self._ask, "judge")

    @property
    def stopped(self) -> str:
        """Why no further video is asked about; empty as long as there is no reason."""
        return self._pool.stopped

    @property
    def refused(self) -> bool:
        """Whether that reason is a server that refuses everything by now."""
        return self._pool.refused

    def submit(self, pending: Pending) -> bool:
        """Line a video up, waiting while the line is long; False once nothing more is asked. Raises what `done` raised."""
        return self._pool.submit(pending)

    def finish(self) -> None:
        """Wait until every video in line was asked about. Raises what `done` raised."""
        self._pool.finish()

    def abandon(self) -> None:
        """Let go of everything at once: requests in flight come to nothing, and `done` is not called again."""
        with self._lock:
            self._pool.abandon()

    def _ask(self, pending: Pending) -> None:
        try:
            answers, assessed = ask(self._judge, pending.request)
        except DeferredError:
            # Nothing to record: asked again when its reply is there.
            return
        with self._lock:
            if self._pool.abandoned:
                return
            self._done(Result(sample_id=pending.sample_id, seed=pending.seed, answers=answers, consistency=assessed))
        if self._defers is not None:
            self._defers.recorded(pending.request)
