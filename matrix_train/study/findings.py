"""The page of a binding study: what was found of each arm, in words that its intervals allow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matrix_train.binding.outcomes import CHANCE_OBJECT, CHANCE_SUBJECT
from matrix_train.study.effects import METRICS, ArmEffects, Effect, Word
from matrix_train.study.plan import OutcomesPlan, StudyPlan
from matrix_train.study.table import markdown_table


def markdown(
    plan: StudyPlan,
    own: OutcomesPlan,
    found: Sequence[ArmEffects],
    registration: str,
    gate: float,
    seeds: Sequence[int],
    note: str = "",
) -> str:
    """Return the page.

    `seeds` are the training seeds that were measured, `registration` is the hash of what was written down before, `gate` the
    base's share of right objects, `note` what is to be known first of all.
    """
    parts = [
        f"# {plan.title or plan.name}: binding",
        *([f"**{note}**"] if note else []),
        f"{own.scenes} held-out scenes (seed {own.seed}), two videos each, {own.steps} sampling steps; training seeds "
        f"{', '.join(map(str, seeds))}. "
        f"The base has {gate:.3f} right objects (gate {own.least:.2f} to {own.most:.2f}; chance {CHANCE_OBJECT:.2f}). "
        f"Written down before the first arm: `registration.json`, sha256 {registration}.",
        _verdict(own, found),
        _arms(found),
        "## Differences",
        _differences(own, found),
        _reading(own, len(seeds)),
    ]
    return "\n\n".join(parts) + "\n"


def _verdict(own: OutcomesPlan, found: Sequence[ArmEffects]) -> str:
    control = _primary(next(item for item in found if item.arm == own.control))
    if control.word not in (Word.HELPS, Word.HARMS):
        return (
            f"**Void: the positive control does not differ.** {own.control} against {own.reference}: {_signed(control)}. "
            "What follows shows that the machinery works, and nothing about arms."
        )
    head = f"The positive control differs: {own.control} less {own.reference} is {_signed(control)}."
    others = [item for item in found if item.effects and item.arm != own.control]
    return "\n".join([head, "", *(f"- **{item.arm}**: {_said(_primary(item), own)}" for item in others)])


def _said(item: Effect, own: OutcomesPlan) -> str:
    if item.word is Word.NONE:
        return f"no difference beyond {own.bound} in right objects, {_signed(item)}"
    return f"{item.word} in right objects, {_signed(item)}"


def _primary(item: ArmEffects) -> Effect:
    return item.effects[METRICS.index("object")]


def _signed(item: Effect) -> str:
    return f"{item.difference:+.3f} [{item.low:+.3f}, {item.high:+.3f}]"


def _arms(found: Sequence[ArmEffects]) -> str:
    chance = {"object": f" (chance {CHANCE_OBJECT:.2f})", "subject": f" (chance {CHANCE_SUBJECT:.2f})"}
    rows = [[item.arm, *(f"{item.means[name]:.3f}" for name in METRICS), str(item.scenes)] for item in found]
    return markdown_table(["arm", *(name + chance.get(name, "") for name in METRICS), "scenes x seeds"], rows)


def _differences(own: OutcomesPlan, found: Sequence[ArmEffects]) -> str:
    head = ["arm", "outcome", f"difference to {own.reference}", "se over scenes", "spread over seeds", "by seed", "says"]
    rows = []
    for item in found:
        for effect in item.effects:
            spread = "–" if effect.spread is None else f"{effect.spread:.3f}"
            by_seed = ", ".join(f"{value:+.3f}" for value in effect.by_seed)
            # The others have no bound of their own: of them only a direction is said.
            says = effect.word if effect.metric == "object" or effect.word is not Word.NONE else Word.OPEN
            rows.append([item.arm, effect.metric, _signed(effect), f"{effect.se_scenes:.3f}", spread, by_seed, says])
    return markdown_table(head, rows)


def _reading(own: OutcomesPlan, seeds: int) -> str:
    alone = (
        " With one training seed the spread over seeds is not known, and intervals are of these very trainings."
        if seeds < 2
        else ""
    )
    return (
        "Differences are paired by scene and two-sided; intervals hold for all arms together at 95 % and allow for other scenes "
        f"and other training seeds.{alone} Denoising is minus the logarithm of the error on true held-out videos, so that a "
        "difference of .01 is an error 1 % smaller; of every outcome more is better. No difference means that the whole interval "
        f"lies within plus and minus {own.bound}; what is not decided may be anything that its interval holds."
    )


def csv_rows(found: Sequence[ArmEffects]) -> list[list[Any]]:
    """Return the differences as rows, unrounded, with a head."""
    rows: list[list[Any]] = [["arm", "metric", "mean", "difference", "se_scenes", "spread", "low", "high", "word"]]
    for item in found:
        for effect in item.effects:
            figures = (effect.mean, effect.difference, effect.se_scenes, effect.spread, effect.low, effect.high)
            rows.append([item.arm, effect.metric, *figures, effect.word.value])
        if not item.effects:
            rows += [[item.arm, name, item.means[name], "", "", "", "", "", ""] for name in METRICS]
    return rows
