"""A judge card as text for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def card_text(card: Mapping[str, Any]) -> str:
    """Return a card's main figures as lines of text."""
    exam, detail = card["exam"], card["detail"]
    lines = [
        f"{card['judge']} (revision {card['judge_revision']}) with {card['tracker']}, {card['detector']}",
        f"{exam['videos']} videos, {exam['answers']} questions, truth of {_LAYERS[exam['layer']]}",
        "",
    ]
    for name, said in _NAMES.items():
        lines.append(f"{said:<26}{number(card[name])}  {ends(card['intervals'][name])}")
    tracker, scores = detail["tracker"], detail["scores"]
    lines.append(f"{'Tracks, J and F':<26}{number(tracker['region']['value'])} and {number(tracker['boundary']['value'])}")
    lines.append(
        f"{'Measured on true IF':<26}slope {number(scores['slope']['value'])}, intercept {number(scores['intercept']['value'])}"
    )
    for what, found in detail["frames"].items():
        if found is None:
            lines.append(f"{what.capitalize():<26}not assessed")
        else:
            precision, recall = number(found["precision"]["value"]), number(found["recall"]["value"])
            lines.append(f"{what.capitalize() + ' by frame':<26}precision {precision}, recall {recall}")
    flips, negation = detail["rounds"]["flips"], detail["rounds"]["negation"]
    lines.append(f"{'Flips on a second asking':<26}{number(flips['value'])}  {ends(flips['interval'])} of {flips['count']}")
    turned = (
        f"{number(negation['value'])}  {ends(negation['interval'])}"
        if negation["applicable"]
        else f"not applicable: {negation['why']}"
    )
    lines += [
        f"{'Questions turned round':<26}{turned}",
        "",
        "Fault                                 AUC  95 % interval     scenes",
    ]
    for name, found in detail["faults"].items():
        exempt = f"  no target: {found['exempt']}" if found["exempt"] else ""
        lines.append(f"{name:<36}{number(found['auc']):>5}  {ends(found['interval']):<16}{found['scenes']:>6}{exempt}")
    lines += _controls(detail["controls"]) + _labels(card.get("labels"))
    if not card["complete"]:
        lines.append("INCOMPLETE: answers are missing; the same command asks again")
    return "\n".join(lines)


def _controls(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return []
    wrong = found["yes_where_no"]
    told = f"{number(wrong['value'])}  {ends(wrong['interval'])} of {wrong['count']}"
    return ["", f"{'Controls, yes where no':<26}{told}"]


def _labels(found: Mapping[str, Any] | None) -> list[str]:
    """Return how a judge stands to a user's own labels."""
    if found is None:
        return []
    accuracy, kappa, answered = found["accuracy"], found["kappa"], found["answered"]
    lines = [
        "",
        f"Against {found['labels']} labels of {found['file']}, of which {found['not_asked']} not asked",
        f"{'Accuracy':<26}{number(accuracy['value'])}  {ends(accuracy['interval'])} of {accuracy['count']}",
        f"{'Kappa':<26}{number(kappa['value'])}  {ends(kappa['interval'])}",
        f"{'Answered':<26}{number(answered['value'])}  {ends(answered['interval'])}",
        "question   right   kappa  labels",
    ]
    for name, row in found["questions"].items():
        right, count = row["accuracy"]["value"], row["accuracy"]["count"]
        lines.append(f"{name:<9}{number(right):>7}{number(row['kappa']['value']):>8}{count:>8}")
    if not found["complete"]:
        lines.append("INCOMPLETE: labelled videos lack answers; the same command asks again")
    return lines


_NAMES = {
    "accuracy": "Accuracy",
    "kappa": "Cohen's kappa",
    "answerable": "Answerable",
    "spearman": "Spearman, model IF",
    "kendall": "Kendall, model IF",
}
_LAYERS = {"event": "all frames", "sampled": "the sampled frames"}


def number(value: float | None) -> str:
    """Return a figure with three digits; a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def ends(interval: tuple[float, float] | None) -> str:
    """Return an interval in brackets; empty where there is none."""
    return "" if interval is None else f"[{interval[0]:.3f}, {interval[1]:.3f}]"
