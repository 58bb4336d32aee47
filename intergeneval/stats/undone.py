"""Interactions that nobody does: a judge says so once, at question 8, and 9 and 10 follow from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from intergeneval.records import Answer, AnswerStatus, AnswerValue, Undone

NOBODY = "nobody"
"""What the reason of question 8 begins with where nobody does the deed to anybody; the question itself asks for the word."""
IDS = (8, 9, 10)
"""Questions that are no then, by one and the same failure."""
_QUOTES = "“”\"'‘’«»*`( "


def undone(answers: Iterable[Answer]) -> Undone | None:
    """Return which interactions nobody does, as the answers say; None where no interaction has answers to 8, 9 and 10.

    Of an interaction with a yes to 9 or 10 the judge contradicts itself, and it is none of them. Later askings do not count, and
    what is asked about twins neither where it is left out of `answers`.
    """
    found: dict[tuple[str, int, int], dict[int, Answer]] = {}
    for item in answers:
        if item.question_id in IDS and item.repeat == 0 and item.status is AnswerStatus.OK:
            found.setdefault((item.sample_id, item.seed, item.interaction), {})[item.question_id] = item
    whole = {place: told for place, told in found.items() if len(told) == len(IDS)}
    if not whole:
        return None
    where = sorted(place for place, told in whole.items() if _nobody(told))
    return Undone(asked=len(whole), undone=len(where), where=tuple(where))


def _nobody(told: Mapping[int, Answer]) -> bool:
    said = told[IDS[0]].reason.lstrip(_QUOTES).lower()
    return said.startswith(NOBODY) and all(item.value is not AnswerValue.YES for item in told.values())


def undone_text(found: Undone | None) -> str:
    """Return the line that tells of them; empty where there are none."""
    if found is None or not found.undone:
        return ""
    where = f"in {found.undone} of {found.asked} interactions"
    return f"nobody does it, as the judge says, {where}: no to 8, 9 and 10 is one failure there"


def undone_json(found: Undone | None) -> dict[str, Any]:
    """Return the entry of a JSON object that tells of them; empty where 8, 9 and 10 have no answers."""
    return {} if found is None else {"undone": found.to_json()}
