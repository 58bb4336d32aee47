"""What a run takes from a judge, whoever wrote it."""

from dataclasses import replace

import pytest

from intergeneval import questions
from intergeneval.judges import Judgement, JudgeRequest
from intergeneval.masks import empty
from intergeneval.records import (
    Answer,
    AnswerStatus,
    Consistency,
    Instance,
    Interaction,
    Sample,
    Track,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
)
from intergeneval.run.judge_stage import ask

SAMPLE = Sample(
    id="s",
    prompt="p",
    instances=(
        Instance(id="id1", class_="man", appearance="man", colour="red"),
        Instance(id="id2", class_="cup", appearance="cup", colour="blue"),
    ),
    interactions=(Interaction(subject="id1", verb="lifts", object="id2"),),
)


class Shrugging:
    """A judge that calls everything unanswerable, and declines only the first question."""

    id, revision, needs_frames, needs_truth = "shrugging", "1", False, False

    def declines(self, question):
        return "cannot know" if question.question_id == 1 else None

    def answer(self, request):
        return [
            Answer(
                sample_id="s", seed=0, interaction=0, question_id=item.question_id, status=AnswerStatus.UNANSWERABLE, value=None
            )
            for item in request.questions
        ]


def request_for(state):
    tracks = tuple(
        Track(instance_id=name, masks=(empty((2, 2)),), boxes=(None,), areas=(0,), confidence=(0.0,), states=(state,))
        for name in ("id1", "id2")
    )
    return JudgeRequest(
        sample=SAMPLE,
        video=Video(sample_id="s", seed=0, status=VideoStatus.OK, frames=1),
        tracks=Tracks(sample_id="s", seed=0, tracker="t", size=(2, 2), tracks=tracks),
        questions=questions.questions_for(SAMPLE),
    )


def statuses(state):
    return [answer.status for answer in ask(Shrugging(), request_for(state))[0]]


def test_a_judge_that_can_see_may_not_shrug():
    found = statuses(TrackState.VISIBLE)
    assert found == [AnswerStatus.UNANSWERABLE] + [AnswerStatus.FAILED] * 9


def test_with_a_lost_track_it_may():
    assert set(statuses(TrackState.LOST)) == {AnswerStatus.UNANSWERABLE}


class HalfMarking(Shrugging):
    """A judge that says it marks bodies that cannot be, and then speaks of the first frame only, or of none."""

    bodies_revision = "1"

    def __init__(self, marks):
        self.marks = marks

    def judge(self, request):
        return Judgement(answers=self.answer(request), consistency=replace(request.assess, implausible=self.marks))


@pytest.mark.parametrize(("marks", "silent"), [(None, "5, 9"), ((False, None), "9")])
def test_a_judge_that_was_to_mark_bodies_and_is_silent_of_a_frame_has_failed_and_nothing_is_plausible(marks, silent):
    asked = request_for(TrackState.LOST)
    base = Consistency(sample_id="s", seed=0, frames=(5, 9), disappearance=(False, False), emergence=(False, False))
    answers, stated = ask(HalfMarking(marks), replace(asked, assess=base, bodies=True))
    assert stated.status is AnswerStatus.FAILED
    assert f"did not say whether frames {silent} show a body that cannot be" in stated.reason
    assert {answer.status for answer in answers} == {AnswerStatus.UNANSWERABLE}
    assert ask(HalfMarking(marks), replace(asked, assess=base))[1].status is AnswerStatus.OK
