"""The share of yes among control questions, which must be no: how much a judge says yes to whatever it is asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from intergeneval.records import CONTROL_ID, Answer, AnswerStatus, AnswerValue, Controls

LIMIT = 0.1
"""Share of yes above which a judge flatters; that many a video may have earned, by doing it with other roles."""
SURE = 0.05
"""The lower end of the interval must lie above it too, so that one yes among three controls is no verdict."""


def controls(answers: Iterable[Answer]) -> Controls | None:
    """Return what the answers to control questions say of their judge; None where none was asked. Later askings do not count."""
    asked = [item for item in answers if item.question_id == CONTROL_ID and item.repeat == 0]
    if not asked:
        return None
    told = [item for item in asked if item.status is AnswerStatus.OK]
    yes = sum(item.value is AnswerValue.YES for item in told)
    if not told:
        return Controls(asked=len(asked), answered=0, yes=0)
    # Only here: the library takes longer to import than most commands do.
    from scipy.stats import binomtest

    ends = binomtest(yes, len(told)).proportion_ci(confidence_level=0.95, method="wilson")
    share = yes / len(told)
    return Controls(
        asked=len(asked),
        answered=len(told),
        yes=yes,
        share=share,
        low=float(ends.low),
        high=float(ends.high),
        limit=LIMIT,
        flatters=share > LIMIT and float(ends.low) > SURE,
    )


def controls_text(found: Controls | None) -> str:
    """Return the line that tells of controls; empty where none was asked."""
    if found is None:
        return ""
    if found.share is None:
        return f"controls (questions that must be no): none of {found.asked} answered"
    text = (
        f"controls (questions that must be no): {found.yes} of {found.answered} answered yes, "
        f"{found.share:.3f} [{found.low:.3f}, {found.high:.3f}]"
    )
    if not found.flatters:
        return text
    return f"{text}\nTHE JUDGE FLATTERS: more than {found.limit:.0%} of the controls are yes; read its scores as too high"


def controls_json(found: Controls | None) -> dict[str, Any]:
    """Return the entry of a JSON object that tells of controls; empty where none was asked."""
    return {} if found is None else {"controls": found.to_json()}
