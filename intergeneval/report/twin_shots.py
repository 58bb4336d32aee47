"""Twins side by side: for each pair and model the two videos, and whether each shows its own deed rather than its twin's."""

from __future__ import annotations

from dataclasses import dataclass

from intergeneval.records import Profile, TwinScore
from intergeneval.report.gallery import Gallery
from intergeneval.report.leaderboard import Group
from intergeneval.report.shots import Shot, Tile

SHOWN = 12
"""Pairs on the page, those that most models get wrong first; every pair's pages show the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinTile:
    """One model's two videos of a pair."""

    label: str
    """Model name."""
    tiles: tuple[Tile | None, Tile | None]
    """The videos of both, None where there is none."""
    shares: tuple[tuple[float, float] | None, tuple[float, float] | None]
    """For each video the share of yes about its own deed and about its twin's; None without a value."""
    verdict: str
    """``both right``, ``one right``, ``neither`` or ``a tie``; why there is no value, else."""
    right: bool
    """Whether both show their own deed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinShot:
    """One pair of twins with every model."""

    first: Shot
    """One sample."""
    second: Shot
    """The other: the same words, the roles exchanged."""
    seed: int
    """The seed of both videos."""
    rows: tuple[TwinTile, ...]
    """Models, in leaderboard order."""
    right: float
    """Mean contrast over the models that have a value, 0 to 1."""


def twin_shots(group: Group, gallery: Gallery) -> tuple[TwinShot, ...]:
    """Return the pairs to show, those with the lowest contrast first; one seed of each."""
    shots = {shot.id: shot for shot in gallery.shots}
    pairs: dict[tuple[str, str], dict[str, TwinScore]] = {}
    for row in group.rows:
        for score in row.run.twins:
            key = (score.first.sample_id, score.second.sample_id)
            if set(key) <= shots.keys():
                # Of several seeds, and of several deeds of one pair, the first is shown.
                pairs.setdefault(key, {}).setdefault(row.label, score)
    profile = group.comparability.profile
    found = [_pair(shots[first], shots[second], by_label, profile) for (first, second), by_label in pairs.items()]
    return tuple(sorted(found, key=lambda item: (item.right, item.first.place))[:SHOWN])


def _pair(first: Shot, second: Shot, by_label: dict[str, TwinScore], profile: Profile) -> TwinShot:
    values = [value for score in by_label.values() if (value := score.value("contrast", profile)) is not None]
    return TwinShot(
        first=first,
        second=second,
        seed=next(iter(by_label.values())).seed,
        rows=tuple(_row(label, score, (first, second), profile) for label, score in by_label.items()),
        right=sum(values) / len(values) if values else 2.0,
    )


def _row(label: str, score: TwinScore, shots: tuple[Shot, Shot], profile: Profile) -> TwinTile:
    shares = (score.first.shares(), score.second.shares())
    return TwinTile(
        label=label,
        tiles=(_tile(shots[0], label), _tile(shots[1], label)),
        shares=shares,
        verdict=_verdict(*shares) or score.reason or "no value",
        right=score.value("contrast", profile) == 1.0,
    )


def _verdict(first: tuple[float, float] | None, second: tuple[float, float] | None) -> str:
    """Return what the shares of two videos say; empty where one of them has none, such as a missing video, which is wrong."""
    if first is None or second is None:
        return ""
    ahead = [own > other for own, other in (first, second)]
    if any(own == other for own, other in (first, second)):
        return "a tie"
    return ("neither right", "one right", "both right")[sum(ahead)]


def _tile(shot: Shot, label: str) -> Tile | None:
    return next((tile for tile in shot.tiles if tile.label == label), None)
