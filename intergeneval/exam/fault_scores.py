"""The one table of what each fault must show: the score of its ROC-AUC, fixed beforehand, the same for every judge.

A score grows with the evidence for the fault. A question without an answer shows nothing: it counts as not flipped.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from intergeneval.exam.grading import GradedVideo
from intergeneval.records import AnswerStatus, AnswerValue

DISAPPEARANCE, EMERGENCE, TELEPORTS, DRIFT = "disappearance", "emergence", "teleports", "drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultScore:
    """What one fault must show."""

    questions: tuple[int, ...] = ()
    """Question ids that must not be answered yes; score: their share, in the interaction that shows most of it."""
    diagnostic: str = ""
    """Or: share of frames with ``disappearance`` or ``emergence``, instances with ``teleports``, largest ``drift`` of colours."""
    exempt: str = ""
    """Why no target is set for it; empty where one is."""
    categories: tuple[str, ...] = ()
    """The categories for which a target is set, examined on their own as well; empty: all."""

    @property
    def told(self) -> str:
        """What shows the fault, in words."""
        if self.questions:
            return f"questions {', '.join(map(str, self.questions))} not answered yes"
        return {
            DISAPPEARANCE: "share of frames in which an instance has vanished",
            EMERGENCE: "share of frames in which something emerged",
            TELEPORTS: "number of instances whose track jumps to another place",
            DRIFT: "largest distance between an instance's colours and those of frame 0",
        }[self.diagnostic]


FAULT_SCORES = {
    "no-action": FaultScore(questions=(2, 3, 4, 5, 6, 7, 8, 9, 10)),
    "stops-short": FaultScore(questions=(3, 4, 5, 6, 8, 9, 10)),
    "wrong-agent": FaultScore(questions=(2, 3, 4, 5, 7, 8, 9)),
    "wrong-recipient": FaultScore(questions=(3, 4, 5, 6, 8, 9, 10)),
    "roles-swapped": FaultScore(questions=(2, 3, 4, 5, 6, 7, 8, 9, 10)),
    "no-contact": FaultScore(questions=(3, 4, 5, 8, 9, 10)),
    "outcome-missing": FaultScore(questions=(6,), categories=("force", "transport")),
    "pre-state": FaultScore(questions=(1,)),
    "vanishes": FaultScore(diagnostic=DISAPPEARANCE),
    "flickers": FaultScore(diagnostic=DISAPPEARANCE),
    "duplicate": FaultScore(diagnostic=EMERGENCE, exempt="needs a detector"),
    "foreign": FaultScore(diagnostic=EMERGENCE, exempt="needs a detector"),
    "identity-swap": FaultScore(diagnostic=TELEPORTS),
    "drift": FaultScore(diagnostic=DRIFT, exempt="masks do not show looks"),
    "fused": FaultScore(questions=(4, 5), exempt="masks do not show whether two bodies are one"),
    "limbs": FaultScore(questions=(7,), exempt="masks do not show how many limbs a body has"),
}
"""Fault -> what shows it."""


_BROKEN = frozenset({AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED})


def score(video: GradedVideo, fault: str) -> float | None:
    """Return the score of a video for a fault; None where the diagnostic was not measured or an answer it needs broke."""
    chosen = FAULT_SCORES[fault]
    if chosen.diagnostic == DISAPPEARANCE:
        return _share(video.disappearance)
    if chosen.diagnostic == EMERGENCE:
        return None if video.emergence is None else _share(video.emergence)
    if chosen.diagnostic == TELEPORTS:
        return None if video.teleports is None else float(video.teleports)
    if chosen.diagnostic == DRIFT:
        return video.drift
    if any(item.status in _BROKEN and item.question_id in chosen.questions for item in video.answers):
        return None
    flipped: dict[int, int] = defaultdict(int)
    for item in video.answers:
        wrong = item.status is AnswerStatus.OK and item.given is not AnswerValue.YES
        flipped[item.interaction] += item.question_id in chosen.questions and wrong
    return max(flipped.values(), default=0) / len(chosen.questions)


def _share(frames: tuple[tuple[bool, bool | None], ...]) -> float | None:
    said = [given for _, given in frames if given is not None]
    return sum(said) / len(said) if said else None
