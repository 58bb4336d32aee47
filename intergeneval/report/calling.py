"""What a sample of the grid is called: how hard it is, and whether it stands out as worst, best or most disputed. All pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from intergeneval import stats
from intergeneval.report.formats import shorten
from intergeneval.report.shots import Shot

EACH = 4
"""Most samples that are called worst, and best, and most disputed."""
MOST_ALIKE = 1 / 3
"""Share of the samples up to which those that share a value may be called by it."""
_DECLARED = re.compile(r"^(level|difficulty)[-:= ]\s*(.+)$", re.IGNORECASE)
_RATED = re.compile(r"^(contact|dynamism):([1-5])$")
_THIRDS = ("hardest third", "middle third", "easiest third")
_FEWEST_FOR_THIRDS = 9


def declared(tags: Sequence[str]) -> str:
    """Return how hard the benchmark says a sample is, by level or by its ratings of contact and dynamism; else empty."""
    for tag in tags:
        if found := _DECLARED.match(tag):
            return f"{found[1].lower()} {shorten(found[2], 24)}"
    rated = {found[1]: found[2] for tag in tags if (found := _RATED.match(tag))}
    return ", ".join(f"{name} {rated[name]}" for name in ("contact", "dynamism") if name in rated)


def with_levels(shots: Sequence[Shot]) -> list[Shot]:
    """Return the samples with thirds of what was measured as difficulty, where the benchmark declares none at all."""
    known = sorted((shot for shot in shots if shot.mean is not None), key=lambda shot: (shot.mean or 0.0, shot.place))
    if any(shot.level for shot in shots) or len(known) < _FEWEST_FOR_THIRDS:
        return list(shots)
    third = {shot.place: _THIRDS[3 * rank // len(known)] for rank, shot in enumerate(known)}
    return [replace(shot, level=third.get(shot.place, "")) for shot in shots]


def level_order(level: str) -> tuple[int, list[int | str]]:
    """Return the key by which difficulties are ordered: measured thirds first, then by the numbers in their words."""
    numbers = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", level)]
    return (_THIRDS.index(level) if level in _THIRDS else len(_THIRDS)), numbers


def called(shots: Sequence[Shot]) -> list[Shot]:
    """Return all samples, first those that are worst, best and most disputed, each once and called so, then the others.

    Among fewer prompts than a claim needs none stands out.
    """
    if len(shots) < stats.THIN:
        return list(shots)
    left = [shot for shot in shots if shot.mean is not None]
    found: list[Shot] = []
    kinds: tuple[tuple[str, Callable[[Shot], float]], ...] = (
        ("worst", lambda shot: shot.mean or 0.0),
        ("best", lambda shot: -(shot.mean or 0.0)),
        ("most disputed", lambda shot: -(shot.spread or 0.0)),
    )
    for badge, key in kinds:
        found += _standing_out(badge, [shot for shot in left if badge != "most disputed" or shot.spread], key)
        taken = {shot.place for shot in found}
        left = [shot for shot in left if shot.place not in taken]
    taken = {shot.place for shot in found}
    return [*found, *(shot for shot in shots if shot.place not in taken)]


def _standing_out(badge: str, shots: Sequence[Shot], key: Callable[[Shot], float]) -> list[Shot]:
    """Return the first few samples by a rising key, in what the page shows of it.

    Where the last of them share their value with others, they say among how many they are; where these are more than
    `MOST_ALIKE` of all, none of them stands out.
    """
    ranked = sorted(shots, key=lambda shot: (key(shot), shot.place))
    shown = [round(key(shot), 3) for shot in ranked]
    first = min(EACH, len(ranked))
    if first == 0 or first == len(ranked) or shown[first - 1] != shown[first]:
        return [replace(shot, badge=badge) for shot in ranked[:first]]
    clear, alike = shown.index(shown[first - 1]), shown.count(shown[first - 1])
    among = clear + alike
    found = [replace(shot, badge=badge) for shot in ranked[:clear]]
    if among <= MOST_ALIKE * len(ranked):
        found += [replace(shot, badge=badge, among=among) for shot in ranked[clear:first]]
    return found
