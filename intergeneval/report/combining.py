"""How answers combine that seem to contradict each other, in words for the page of a sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from intergeneval.records import Answer, AnswerValue, Consistency, Sample, TrackState
from intergeneval.report.formats import who

RULE = (
    "Every answer counts as it stands, and none overrules another: KISA raw is the share of yes among questions 1 to 6, SGI raw "
    "among 7 to 10. What vanishes or appears out of nothing lowers SPI, which multiplies both."
)
"""What holds of all answers."""


def combining(answers: Sequence[Answer], check: Consistency | None, sample: Sample) -> tuple[str, ...]:
    """Return how answers combine that a reader of one video would take for a contradiction; empty where none would be."""
    found: dict[int, dict[int, Answer]] = {}
    for answer in answers:
        if answer.interaction < len(sample.interactions):
            found.setdefault(answer.interaction, {})[answer.question_id] = answer
    several = len(sample.interactions) > 1
    told = [
        f"Interaction {number + 1}: {text}" if several else text
        for number, mine in sorted(found.items())
        for text in _of_roles(mine)
    ]
    return (*told, *_of_gone(answers, check, sample))


def _of_roles(mine: Mapping[int, Answer]) -> Iterable[str]:
    """Give how questions 8, 9 and 10 of one interaction go together where they differ."""
    verdicts = {number: mine[number].verdict for number in (8, 9, 10) if number in mine}
    yes = [number for number, verdict in verdicts.items() if verdict is AnswerValue.YES]
    no = [number for number, verdict in verdicts.items() if verdict in {AnswerValue.NO, AnswerValue.IMPLAUSIBLE}]
    if 10 in yes and no:
        yield (
            f"Question 10 is yes and {_listed(no)} no: 10 asks of the object alone, so it is yes whoever acts on it; 8 and 9 ask "
            "for the subject as well. Each counts as answered, as one of SGI's four."
        )
    elif yes and no:
        yield (
            f"{_listed(yes)} yes and {_listed(no)} no: 8 asks that nobody else does it, 9 that it is done to nothing else, 10 "
            "that the object undergoes it. Each counts as answered, as one of SGI's four."
        )


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


def _of_gone(answers: Sequence[Answer], check: Consistency | None, sample: Sample) -> Iterable[str]:
    """Give that a yes stands although somebody or something vanishes."""
    yes = [item for item in answers if item.verdict is AnswerValue.YES and item.interaction < len(sample.interactions)]
    if check is None or not yes:
        return
    vanished = {
        name: [frame for frame, state in zip(check.frames, states, strict=False) if state is TrackState.VANISHED]
        for name, states in (check.states or {}).items()
    }
    told = {who(name, sample): frames for name, frames in vanished.items() if frames}
    if not told:
        frames = [frame for frame, value in zip(check.frames, check.disappearance or (), strict=False) if value]
        told = {"an instance": frames} if frames else {}
    if told:
        gone = "; ".join(f"{name} gone in {len(frames)} of {len(check.frames)} frames" for name, frames in told.items())
        yield f"{gone[0].upper()}{gone[1:]}: a yes stands on the frame that decides it, and the loss is counted once, in SPI."
