"""What a run takes from a judge, whoever wrote it."""

from intergeneval import questions
from intergeneval.judges import JudgeRequest
from intergeneval.masks import empty
from intergeneval.records import (
    Answer,
    AnswerStatus,
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


def statuses(state):
    tracks = tuple(
        Track(instance_id=name, masks=(empty((2, 2)),), boxes=(None,), areas=(0,), confidence=(0.0,), states=(state,))
        for name in ("id1", "id2")
    )
    request = JudgeRequest(
        sample=SAMPLE,
        video=Video(sample_id="s", seed=0, status=VideoStatus.OK, frames=1),
        tracks=Tracks(sample_id="s", seed=0, tracker="t", size=(2, 2), tracks=tracks),
        questions=questions.questions_for(SAMPLE),
    )
    return [answer.status for answer in ask(Shrugging(), request)[0]]


def test_a_judge_that_can_see_may_not_shrug():
    found = statuses(TrackState.VISIBLE)
    assert found == [AnswerStatus.UNANSWERABLE] + [AnswerStatus.FAILED] * 9


def test_with_a_lost_track_it_may():
    assert set(statuses(TrackState.LOST)) == {AnswerStatus.UNANSWERABLE}
