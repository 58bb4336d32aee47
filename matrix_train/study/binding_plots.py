"""Plots of a binding study: each arm's difference to the reference, and how it grows with the dose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix_train.analysis.plots import BLUE, GREY, ORANGE, panels, write
from matrix_train.config import Config
from matrix_train.study.effects import ArmEffects, Effect, Word

_COLOURS = {Word.HELPS: BLUE, Word.HARMS: ORANGE, Word.NONE: GREY, Word.OPEN: GREY}


def effects_plot(path: Path, found: Sequence[ArmEffects], reference: str, bound: float) -> None:
    """Draw each arm's difference in right objects with its interval, and each training seed's as a dot."""
    arms = [item for item in found if item.effects]
    figure, (axis,) = panels(1, width=8, height=0.9 + 0.32 * len(arms))
    for row, arm in enumerate(reversed(arms)):
        effect = arm.effects[0]
        axis.plot([effect.low, effect.high], [row, row], color=_COLOURS[effect.word], linewidth=3, solid_capstyle="butt")
        axis.plot(effect.by_seed, [row] * len(effect.by_seed), ".", color=GREY, markersize=4)
        axis.plot([effect.difference], [row], "o", color=_COLOURS[effect.word])
    axis.axvspan(-bound, bound, color=GREY, alpha=0.15, linewidth=0)
    axis.axvline(0, color=GREY, linewidth=1)
    axis.set_yticks(range(len(arms)), [arm.arm for arm in reversed(arms)])
    axis.set_xlabel(f"difference to {reference} in the share of right objects")
    write(figure, path)


def doses(configs: Mapping[str, Config]) -> list[list[str]]:
    """Return the groups of arms that differ in `loss.balance` alone, each by rising dose, of two arms or more."""
    groups: dict[str, list[str]] = {}
    for name, config in configs.items():
        if config.loss.balance > 0:
            table = config.to_json()
            table["loss"].pop("balance")
            groups.setdefault(repr(table), []).append(name)
    found = [sorted(group, key=lambda name: configs[name].loss.balance) for group in groups.values()]
    return [group for group in found if len(group) > 1]


def dose_plot(path: Path, found: Sequence[ArmEffects], configs: Mapping[str, Config], reference: str) -> bool:
    """Draw the difference in right objects over the dose, a curve a group; False, and nothing, where no arms differ so."""
    groups = doses(configs)
    if not groups:
        return False
    effects: dict[str, Effect] = {item.arm: item.effects[0] for item in found if item.effects}
    figure, (axis,) = panels(1, width=8, height=3)
    axis.axhline(0, color=GREY, linewidth=1)
    for group, colour in zip(groups, (BLUE, ORANGE, GREY) * len(groups), strict=False):
        own = [effects[name] for name in group]
        middles = [item.difference for item in own]
        below, above = ([abs(getattr(item, end) - item.difference) for item in own] for end in ("low", "high"))
        places = [configs[name].loss.balance for name in group]
        axis.errorbar(places, middles, yerr=(below, above), fmt="o-", color=colour, capsize=4, label=", ".join(group))
    axis.set_xlabel("gradient of the alignment over that of denoising (loss.balance)")
    axis.set_ylabel(f"difference to {reference}\nin right objects")
    axis.legend(frameon=False)
    write(figure, path)
    return True
