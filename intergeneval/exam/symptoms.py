"""The one table of what each fault must show: the score of its ROC-AUC, fixed beforehand, the same for every judge.

A score grows with the evidence for the fault. A question without an answer shows nothing: it counts as not flipped.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from intergeneval.exam.marks import MarkedVideo
from intergeneval.records import AnswerStatus, AnswerValue

DISAPPEARANCE, EMERGENCE, TELEPORTS, DRIFT = "disappearance", "emergence", "teleports", "drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
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
        """The symptom in words."""
        if self.questions:
            return f"questions {', '.join(map(str, self.questions))} not answered yes"
        return {
            DISAPPEARANCE: "share of frames in which an instance has vanished",
            EMERGENCE: "share of frames in which something emerged",
            TELEPORTS: "number of instances whose track jumps to another place",
            DRIFT: "largest distance between an instance's colours and those of frame 0",
        }[self.diagnostic]


SYMPTOMS = {
    "no-action": Symptom(questions=(2, 3, 4, 5, 6, 7, 8, 9, 10)),
    "stops-short": Symptom(questions=(3, 4, 5, 6, 8, 9, 10)),
    "wrong-agent": Symptom(questions=(2, 3, 4, 5, 7, 8, 9)),
    "wrong-recipient": Symptom(questions=(3, 4, 5, 6, 8, 9, 10)),
    "roles-swapped": Symptom(questions=(2, 3, 4, 5, 6, 7, 8, 9, 10)),
    "no-contact": Symptom(questions=(3, 4, 5, 8, 9, 10)),
    "outcome-missing": Symptom(questions=(6,), categories=("force", "transport")),
    "pre-state": Symptom(questions=(1,)),
    "vanishes": Symptom(diagnostic=DISAPPEARANCE),
    "flickers": Symptom(diagnostic=DISAPPEARANCE),
    "duplicate": Symptom(diagnostic=EMERGENCE, exempt="needs a detector"),
    "foreign": Symptom(diagnostic=EMERGENCE, exempt="needs a detector"),
    "identity-swap": Symptom(diagnostic=TELEPORTS),
    "drift": Symptom(diagnostic=DRIFT, exempt="masks do not show looks"),
    "fused": Symptom(questions=(4, 5), exempt="masks do not show whether two bodies are one"),
    "limbs": Symptom(questions=(7,), exempt="masks do not show how many limbs a body has"),
}
"""Fault -> symptom."""


_BROKEN = frozenset({AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED})


def score(video: MarkedVideo, fault: str) -> float | None:
    """Return the score of a video for a fault; None where the diagnostic was not measured or an answer it needs broke."""
    symptom = SYMPTOMS[fault]
    if symptom.diagnostic == DISAPPEARANCE:
        return _share(video.disappearance)
    if symptom.diagnostic == EMERGENCE:
        return None if video.emergence is None else _share(video.emergence)
    if symptom.diagnostic == TELEPORTS:
        return None if video.teleports is None else float(video.teleports)
    if symptom.diagnostic == DRIFT:
        return video.drift
    if any(item.status in _BROKEN and item.question_id in symptom.questions for item in video.answers):
        return None
    flipped: dict[int, int] = defaultdict(int)
    for item in video.answers:
        wrong = item.status is AnswerStatus.OK and item.given is not AnswerValue.YES
        flipped[item.interaction] += item.question_id in symptom.questions and wrong
    return max(flipped.values(), default=0) / len(symptom.questions)


def _share(frames: tuple[tuple[bool, bool | None], ...]) -> float | None:
    said = [given for _, given in frames if given is not None]
    return sum(said) / len(said) if said else None
