"""The judge stage: threads of the parent that ask, and what becomes of them when something goes wrong."""

import threading
import time

import pytest

from intergeneval.errors import BudgetError, StoreError
from intergeneval.judges import JudgeRequest
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Question, Sample, Stage, Tracks, Video, VideoStatus
from intergeneval.run.job import Pending
from intergeneval.run.judge_stage import JudgeStage, ask


class Judge:
    """Says yes, after `wait` seconds, or raises."""

    id, revision, needs_frames, needs_truth = "test", "1", False, False

    def __init__(self, wait=0.0, error=None):
        self.wait = wait
        self.error = error
        self.asked = []

    def declines(self, question):
        return None

    def answer(self, request):
        self.asked.append(request.sample.id)
        time.sleep(self.wait)
        if self.error is not None and len(self.asked) > 1:
            raise self.error
        return [
            Answer(
                sample_id=request.sample.id,
                seed=0,
                interaction=0,
                question_id=question.question_id,
                status=AnswerStatus.OK,
                value=AnswerValue.YES,
                frame=0,
            )
            for question in request.questions
            if question.question_id != 3
        ]


def pending(name, questions=2):
    asked = [
        Question(sample_id=name, interaction=0, question_id=number, stage=Stage.PRE, text="?", names=(), verb="pushes")
        for number in range(1, questions + 1)
    ]
    video = Video(sample_id=name, seed=0, status=VideoStatus.OK, sha256=f"sha of {name}")
    tracks = Tracks(sample_id=name, seed=0, tracker="t", size=(4, 4), tracks=())
    sample = Sample(id=name, prompt="", instances=(), interactions=())
    return Pending(request=JudgeRequest(sample=sample, video=video, tracks=tracks, questions=asked, jpegs={}))


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("judge-") and thread.is_alive()]


def test_every_video_is_asked_about_once_and_handed_on_when_it_is_there():
    judge, done = Judge(wait=0.05), []
    stage = JudgeStage(judge, 4, threading.Lock(), done.append)
    began = time.monotonic()
    assert all(stage.submit(pending(str(number))) for number in range(20))
    stage.finish()
    assert time.monotonic() - began < 20 * 0.05
    assert sorted(item.sample_id for item in done) == sorted(judge.asked) == sorted(map(str, range(20)))
    assert {answer.video for item in done for answer in item.answers} == {f"sha of {number}" for number in range(20)}
    assert threads() == []


def test_a_question_the_judge_passed_over_is_failed():
    answers, _ = ask(Judge(), pending("a", questions=3).request)
    assert [answer.status for answer in answers] == [AnswerStatus.OK, AnswerStatus.OK, AnswerStatus.FAILED]


def test_at_the_cost_limit_no_further_video_is_asked_about_and_none_is_recorded():
    judge, done = Judge(error=BudgetError("too dear")), []
    stage = JudgeStage(judge, 1, threading.Lock(), done.append)
    taken = [stage.submit(pending(str(number))) for number in range(8)]
    stage.finish()
    assert stage.stopped == "too dear"
    assert taken[-1] is False
    assert (len(done), len(judge.asked)) == (1, 2)


def test_what_ends_the_run_is_raised_where_it_goes_on_and_the_threads_end():
    stage = JudgeStage(Judge(error=StoreError("disk full")), 2, threading.Lock(), lambda _: None)

    def submit_many():
        for number in range(50):
            stage.submit(pending(str(number)))
        stage.finish()

    with pytest.raises(StoreError, match="disk full"):
        submit_many()
    stage.abandon()
    until = time.monotonic() + 5
    while threads() and time.monotonic() < until:
        time.sleep(0.01)
    assert threads() == []


def test_an_abandoned_stage_hands_nothing_on():
    done = []
    stage = JudgeStage(Judge(wait=0.2), 2, threading.Lock(), done.append)
    for number in range(4):
        stage.submit(pending(str(number)))
    stage.abandon()
    time.sleep(0.4)
    assert done == []
