"""The oracle: a judge that reads the truth of a staged video. It is the ceiling, and the check of everything behind the judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.errors import BackendError, ConfigError
from intergeneval.judges import JudgeRequest
from intergeneval.records import Answer, AnswerStatus, Question


class OracleJudge:
    """Gives the true answers in the sampled layer."""

    id = "oracle"
    revision = "1"
    needs_frames = False
    needs_truth = True

    def declines(self, question: Question) -> str | None:  # noqa: ARG002  # it knows everything
        """Return None: nothing is unanswerable for it."""
        return None

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Read every answer from the truth. Raises BackendError where there is none."""
        truth = request.truth
        if truth is None:
            raise BackendError(f"{request.sample.id}: the oracle judge needs a staged video; use --model staged:POLICY")
        known = {(item.interaction, item.question_id): item for item in (*truth.sampled, *truth.control_sampled)}
        answers = []
        for question in request.questions:
            found = known.get((question.interaction, question.question_id))
            if found is None:
                raise BackendError(
                    f"{request.sample.id}: the truth holds no answer to question {question.question_id} "
                    f"of interaction {question.interaction}"
                )
            frame = found.frames[0] if found.frames else None
            answers.append(
                request.reply(question, self.id, AnswerStatus.OK, value=found.value, frame=frame, reason="read from the truth")
            )
        return answers


def create(argument: str, settings: Mapping[str, Any]) -> OracleJudge:
    """Make the oracle; it takes neither argument nor settings (ConfigError)."""
    if argument or settings:
        raise ConfigError(f"the oracle judge takes no argument and no settings, not {argument!r} and {dict(settings)!r}")
    return OracleJudge()
