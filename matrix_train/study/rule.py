"""When an order of two arms counts: the one rule of the study, pure, on score records.

The training seed is a factor. A video is paired with that of the same scene, noise seed and training seed in the other arm; an
arm without a training seed (the base) is paired with each. The difference of the seed mean has an interval clustered by prompt
that holds it whatever the missing answers are. An order is resolved when that interval excludes 0 and the differences of all
training seeds have its sign; nothing is said where the arms differ by over five points in the share of videos without a score.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intergeneval.records import Comparison, Profile, Record, Score
from intergeneval.stats import PRIMARY, adjust, clusters_to_detect, compare_paired, score_value
from matrix_train.study.plan import FEWEST_SEEDS

MOST_UNSCORED = 0.05
"""Largest difference in the share of unscored videos at which arms may be told apart."""
_ROUNDING = 1e-9

Seeds = Mapping[int | None, Sequence[Score]]
"""Training seed -> scores of that training's videos; None alone for an arm that nothing was trained for."""


class Verdict(enum.StrEnum):
    """What a comparison of two arms came to."""

    RESOLVED = "resolved"
    """The order that was asked for holds."""
    REVERSED = "reversed"
    """The opposite order holds by the same rule."""
    UNRESOLVED = "not resolved"
    """Neither holds."""
    BARRED = "no claim"
    """The arms must not be compared: their unscored shares are too far apart, or nothing pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmScores:
    """All scores of one arm."""

    name: str
    """The arm."""
    seeds: Seeds
    """By training seed."""

    @property
    def videos(self) -> tuple[Score, ...]:
        """Every video once."""
        return tuple(score for scores in self.seeds.values() for score in scores)

    @property
    def unscored(self) -> float:
        """Share of videos without a value of the primary outcome, 0 to 1."""
        videos = self.videos
        return sum(score_value(score, PRIMARY) is None for score in videos) / len(videos) if videos else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedDifference(Record):
    """The paired difference of one training seed."""

    seed: int | None
    """The training seed; None where neither arm has one."""
    comparison: Comparison
    """Second arm minus first, this seed's videos alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Record):
    """What is known of `better` scoring above `worse`."""

    better: str
    """Arm that was expected to score higher."""
    worse: str
    """Arm that was expected to score lower."""
    verdict: Verdict
    """The rule's word."""
    reason: str
    """The verdict in one sentence with its numbers."""
    mean: Comparison
    """Better minus worse of the seed mean, clustered by prompt."""
    seeds: tuple[SeedDifference, ...]
    """The same for each training seed."""
    unscored: tuple[float, float]
    """Share of unscored videos of better and worse, 0 to 1."""
    scenes_needed: int | None
    """Scenes with which 80 % of repeats would find a difference like this; None where resolved, or where scenes do not help."""


def order(better: ArmScores, worse: ArmScores, clusters: Mapping[str, str], profile: Profile = Profile.BOUNDED) -> Order:
    """Apply the rule to two arms; `clusters` gives each sample's cluster. Raises ComparabilityError as `compare_paired` does."""
    pairs = _paired(better, worse)

    def compared(low: Sequence[Score], high: Sequence[Score]) -> Comparison:
        return compare_paired(low, high, clusters, names=(worse.name, better.name), profile=profile)

    mean = compared(pool([low for _, _, low in pairs]), pool([high for _, high, _ in pairs]))
    seeds = tuple(SeedDifference(seed=seed, comparison=compared(low, high)) for seed, high, low in pairs)
    verdict, reason = _judged(mean, seeds, (better.unscored, worse.unscored))
    return Order(
        better=better.name,
        worse=worse.name,
        verdict=verdict,
        reason=reason,
        mean=mean,
        seeds=seeds,
        unscored=(better.unscored, worse.unscored),
        scenes_needed=_scenes(mean) if verdict is Verdict.UNRESOLVED else None,
    )


def adjusted(orders: Sequence[Order]) -> tuple[Order, ...]:
    """Return the orders with the p of their means adjusted after Holm, as one family."""
    means = adjust([item.mean for item in orders])
    return tuple(dataclasses.replace(item, mean=mean) for item, mean in zip(orders, means, strict=True))


def pool(runs: Sequence[Sequence[Score]]) -> tuple[Score, ...]:
    """Return the scores of several trainings as one run: each (training, noise seed) becomes a seed of its own."""
    noises = sorted({score.seed for scores in runs for score in scores})
    places = {seed: place for place, seed in enumerate(noises)}
    return tuple(
        dataclasses.replace(score, seed=number * len(noises) + places[score.seed])
        for number, scores in enumerate(runs)
        for score in scores
    )


def spread_over(arm: ArmScores, seeds: Sequence[int | None]) -> tuple[Score, ...]:
    """Return an arm's scores pooled over training seeds; an arm without one counts under each, so that arms pair."""
    return pool([arm.seeds[seed] if seed in arm.seeds else arm.seeds[None] for seed in seeds])


def groups(
    arms: Sequence[ArmScores],
    clusters: Mapping[str, str],
    means: Mapping[str, float],
    profile: Profile = Profile.BOUNDED,
) -> dict[str, int]:
    """Return the tie group of each arm, 1 for the best; `means` are the middles of the arms' bounds.

    Arms are gone through by falling middle; one joins the open group unless the order of the group's leader above it is resolved
    by the rule. Arms of which nothing was judged are in no group.
    """
    found: dict[str, int] = {}
    leader: ArmScores | None = None
    for place, arm in enumerate(sorted((item for item in arms if item.name in means), key=lambda item: -means[item.name]), 1):
        if leader is None or order(leader, arm, clusters, profile).verdict is Verdict.RESOLVED:
            leader, group = arm, place
        found[arm.name] = group
    return found


def _paired(better: ArmScores, worse: ArmScores) -> list[tuple[int | None, Sequence[Score], Sequence[Score]]]:
    """Return (training seed, scores of better, scores of worse) for each seed that both have."""
    if None in better.seeds and None in worse.seeds:
        return [(None, better.seeds[None], worse.seeds[None])]
    if None in better.seeds:
        return [(seed, better.seeds[None], scores) for seed, scores in worse.seeds.items()]
    if None in worse.seeds:
        return [(seed, scores, worse.seeds[None]) for seed, scores in better.seeds.items()]
    return [(seed, better.seeds[seed], worse.seeds[seed]) for seed in better.seeds if seed in worse.seeds]


def _judged(mean: Comparison, seeds: Sequence[SeedDifference], unscored: tuple[float, float]) -> tuple[Verdict, str]:
    if mean.difference is None or mean.low is None or mean.high is None:
        return Verdict.BARRED, f"there is no interval: {mean.caveat}"
    if abs(unscored[0] - unscored[1]) > MOST_UNSCORED + _ROUNDING:
        return Verdict.BARRED, (
            f"{unscored[0]:.1%} and {unscored[1]:.1%} of the videos have no score; arms that differ by over "
            f"{100 * MOST_UNSCORED:.0f} points are not compared"
        )
    sizes = [item.comparison.difference for item in seeds]
    shown = f"{mean.difference:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]"
    trained = seeds[0].seed is not None
    if trained and len(seeds) < FEWEST_SEEDS:
        return Verdict.UNRESOLVED, f"{shown}, but of {len(seeds)} training seeds; an order needs {FEWEST_SEEDS}"
    if mean.low <= 0 <= mean.high:
        return Verdict.UNRESOLVED, f"the interval holds 0: {shown}"
    sign = 1 if mean.low > 0 else -1
    if any(size is None or size * sign <= 0 for size in sizes):
        return Verdict.UNRESOLVED, f"{shown}, but the training seeds do not agree in sign"
    agreed = f", all {len(seeds)} training seeds agree" if trained else ""
    return (Verdict.RESOLVED if sign > 0 else Verdict.REVERSED), f"{shown}{agreed}"


def _scenes(mean: Comparison) -> int | None:
    """Return the scenes that would resolve a difference like this one, at bounds as wide as they are.

    None where only further training seeds or answers would, and where the spread of so few scenes says nothing (no smallest
    difference is told then either).
    """
    if mean.se is None or mean.difference is None or mean.low is None or mean.high is None:
        return None
    if not mean.low <= 0 <= mean.high or mean.minimum_detectable is None:
        return None
    lowest = mean.difference if mean.lowest is None else mean.lowest
    highest = mean.difference if mean.highest is None else mean.highest
    found = clusters_to_detect(mean.se * math.sqrt(mean.clusters), max(lowest, -highest, 0.0))
    return None if found is None else math.ceil(found * mean.prompts_total / mean.clusters)
