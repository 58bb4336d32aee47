"""How far a judge may be believed: a line for beside the leaderboard, and the figures of its card with what they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intergeneval.report.card import JudgeCard
from intergeneval.report.formats import counted, num, percent
from intergeneval.report.leaderboard import Group

GENERATED_ORDER = ("On generated video", "Accuracy", "Answerable", '"Yes" found', '"No" found', "Order of the videos")
"""How the figures on generated video begin, in the order in which they are read: of what, how right, what is missed."""
_GENERATED = ", generated video"
_NAMES = {"On generated video": "Held against"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a reader of a score should know of who gave it."""

    verdict: str
    """It in three words."""
    text: str
    """It with numbers, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How well one fault was detected."""

    name: str
    """The fault."""
    auc: float | None
    """Area under the ROC curve, 0 to 1; None where the fault could not be examined."""
    scenes: int | None
    """Scenes it was examined on; None where the card does not say."""


def worth_of(group: Group) -> Worth:
    """Return how far a leaderboard's judge agreed with what is true, and whether it was examined with masks such as these."""
    card, key = group.card, group.comparability
    if card is None:
        text = "How often it is right is not known: no judge card is about this judge, revision and question templates."
        return Worth(verdict="Never examined.", text=text)
    told = f"{_staged(card)} {_generated(card) or 'It was never held against generated video.'}".strip()
    foreign = card.elsewhere(key)
    if not foreign:
        return Worth(verdict="Examined with these masks.", text=told)
    used = f"These runs have tracker {key.tracker}, detector {key.detector}; its exam had {', '.join(foreign)}."
    return Worth(verdict="Never examined with these masks.", text=f"{used} {told}")


def _staged(card: JudgeCard) -> str:
    accuracy, answerable, ends = card.figure("accuracy"), card.figure("answerable"), card.interval("accuracy")
    if accuracy is None:
        return ""
    asked = asked_of(card)
    of = f" of {counted(asked, 'question')}" if asked else ""
    silent = f"answered {percent(answerable)}{of}, " if answerable is not None else ""
    between = f" ({percent(ends[0])} to {percent(ends[1])})" if ends else ""
    return f"On staged video with known truth it {silent}{percent(accuracy)}{between} of these rightly."


def _generated(card: JudgeCard) -> str:
    found = card.content.get("generated")
    told: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    accuracy, answered, noes = (_share(told.get(name)) for name in ("accuracy", "answered", "no_found"))
    videos, labels = (_count(told.get(name)) for name in ("videos", "labels"))
    if accuracy is None or videos is None or labels is None:
        return ""
    silent = f"answered {percent(answered)} of {counted(labels, 'question')}, " if answered is not None else ""
    missed = f", and said no to {percent(noes)} of what should be no" if noes is not None else ""
    return f"On {counted(videos, 'generated video')} it {silent}{percent(accuracy)} of these as labelled{missed}."


def asked_of(card: JudgeCard) -> int | None:
    """Return how many questions of known truth the exam asked; None where the card does not say."""
    return _count(_exam(card).get("answers"))


def staged_facts(card: JudgeCard) -> list[tuple[str, str]]:
    """Return the figures on staged video, each with its interval and with what it is of."""
    asked, videos = asked_of(card), _count(_exam(card).get("videos"))
    share = card.figure("answerable")
    answered = None if asked is None or share is None else round(asked * share)
    paper = _exam(card).get("paper")
    policies = paper.get("policies") if isinstance(paper, Mapping) else None
    models = len(policies) if isinstance(policies, list) else None
    in_videos = f" in {counted(videos, 'video')}" if videos else ""
    of = {
        "accuracy": ("Accuracy", answered and f"of {counted(answered, 'answer')}"),
        "kappa": ("Cohen's kappa", answered and f"over {counted(answered, 'answer')}"),
        "answerable": (
            "Answerable",
            asked and f"of {counted(asked, 'question')}{in_videos}",
        ),
        "spearman": ("Order of the models' IF, Spearman", models and f"over {counted(models, 'staged model')}"),
        "kendall": ("Order of the models' IF, Kendall", models and f"over {counted(models, 'staged model')}"),
    }
    facts = []
    for name, (said, what) in of.items():
        value, ends = card.figure(name), card.interval(name)
        if value is not None:
            between = f" [{num(ends[0])}, {num(ends[1])}]" if ends else ""
            facts.append((said, f"{num(value)}{between}" + (f" {what}" if what else "")))
    return facts


def generated_facts(card: JudgeCard) -> list[tuple[str, str]]:
    """Return what is known of it on generated video, first of what it is known; empty where the card says nothing."""

    def place(name: str) -> int:
        return next((rank for rank, start in enumerate(GENERATED_ORDER) if name.startswith(start)), len(GENERATED_ORDER))

    ordered = sorted(card.generated, key=lambda fact: (place(fact[0]), fact[0]))
    return [(_NAMES.get(name, name.removesuffix(_GENERATED)), value) for name, value in ordered]


def faults_of(card: JudgeCard) -> list[Fault]:
    """Return the faults, those that are detected worst first, what could not be examined last."""
    detail = card.content.get("detail")
    told = detail.get("faults") if isinstance(detail, Mapping) else None
    known: Mapping[str, Any] = told if isinstance(told, Mapping) else {}

    def scenes(name: str) -> int | None:
        one = known.get(name)
        return _count(one.get("scenes")) if isinstance(one, Mapping) else None

    found = [Fault(name=name, auc=auc, scenes=scenes(name)) for name, auc in card.faults]
    return sorted(found, key=lambda fault: (fault.auc is None, fault.auc or 0.0, fault.name))


def _exam(card: JudgeCard) -> Mapping[str, Any]:
    found = card.content.get("exam")
    return found if isinstance(found, Mapping) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1 else None
