"""Judges that do not judge: always yes, by chance, by the words, and broken; registered like anybody's plug-ins."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from intergeneval.errors import BackendError
from intergeneval.judges import JudgeRequest
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Question

YES, NO = AnswerValue.YES, AnswerValue.NO


class FakeJudge:
    """Answers every question by a rule of its own."""

    revision = "1"
    needs_truth = False

    def __init__(self, name: str, rule: Callable[[Question, JudgeRequest], AnswerValue | None], *, looks: bool = False) -> None:
        self.id = name
        self.needs_frames = looks
        self._rule = rule

    def declines(self, question: Question) -> str | None:
        return None

    def answer(self, request: JudgeRequest) -> list[Answer]:
        if self.needs_frames:
            assert request.frames is not None
            assert sorted(request.frames()) == list(request.video.sampled)
        found = []
        for question in request.questions:
            value = self._rule(question, request)
            found.append(
                Answer(
                    sample_id=question.sample_id,
                    seed=request.video.seed,
                    interaction=question.interaction,
                    question_id=question.question_id,
                    status=AnswerStatus.FAILED if value is None else AnswerStatus.OK,
                    value=value,
                    reason="<script>alert(1)</script> & that is why",
                    judge=self.id,
                    repeat=request.repeat,
                    usage={"tokens": 3},
                )
            )
        return found


def constant(argument: str, settings: object) -> FakeJudge:
    return FakeJudge("constant", lambda question, request: YES)


def chance(argument: str, settings: object) -> FakeJudge:
    def rule(question: Question, request: JudgeRequest) -> AnswerValue:
        # A coin of its own for each video, question and asking; the policy shows in the tracks, so twins differ too.
        key = (question.sample_id, question.interaction, question.question_id, request.video.sha256, request.repeat)
        return YES if random.Random(repr(key)).random() < 0.6 else NO

    return FakeJudge("chance", rule, looks=True)


def literal(argument: str, settings: object) -> FakeJudge:
    """Say yes, and no to a question turned round: consistent, and blind."""
    return FakeJudge(
        "literal", lambda question, request: NO if "answers the following question" in question.text else YES, looks=True
    )


def broken(argument: str, settings: object) -> FakeJudge:
    def rule(question: Question, request: JudgeRequest) -> AnswerValue:
        raise BackendError("the judge has no current")

    return FakeJudge("broken", rule)


@pytest.fixture(scope="session")
def fake_judges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the judges above as a distribution on the path, and return its folder."""
    folder = tmp_path_factory.mktemp("fakes")
    info = folder / "exam_fakes-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: exam-fakes\nVersion: 1\n")
    names = "\n".join(f"{name} = tests.exam.fake_judges:{name}" for name in ("constant", "chance", "literal", "broken"))
    (info / "entry_points.txt").write_text(f"[intergeneval.judges]\n{names}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
