"""From score records to one number a prompt, and what was left out on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from intergeneval.errors import ComparabilityError, RecordError, UsageError
from intergeneval.records import (
    MISSING,
    TWIN_METRICS,
    UNSCORED,
    Completeness,
    Profile,
    RunHeader,
    Sample,
    Score,
    ScoreStatus,
    bounds_of,
)
from intergeneval.stats.clustered import Floats, Ints

PRIMARY = "if"
"""The primary outcome."""
METRICS = (PRIMARY, "kisa", "sgi", "spi", "kisa_raw", "sgi_raw")
"""All outcomes; those after the first are secondary."""
THIN = 20
"""Prompts under which a slice claims nothing."""
ALLOWED_UNSCORED = 0.1
"""Share of missing and unscored videos up to which a run counts as complete."""

Key = tuple[str, int]
"""Sample id and seed."""


def metric_name(metric: str) -> str:
    """Return a metric as people read it, such as ``KISA_raw``; contrast and sensitivity are words."""
    if metric in TWIN_METRICS:
        return metric
    head, _, tail = metric.partition("_")
    return f"{head.upper()}_{tail}" if tail else head.upper()


def score_value(score: Score, metric: str) -> float | None:
    """Return a video's value of one metric; None where it has none.

    Raises UsageError for an unknown metric, RecordError for a value that is NaN or infinite.
    """
    if metric not in METRICS:
        raise UsageError(f"metric {metric!r} is not one of {', '.join(METRICS)}")
    value: float | None = getattr(score, "if_" if metric == "if" else metric)
    if value is not None and not math.isfinite(value):
        raise RecordError(f"scores: sample {score.sample_id!r} seed {score.seed}: {metric} is {value}; no score is null")
    return value


class ScoreTable(tuple[Score, ...]):
    """The scores of a run, with what is asked of them again and again: by every metric, and against every other run."""

    def __new__(cls, scores: Iterable[Score]) -> ScoreTable:
        """Return the scores themselves where they are a table already."""
        return scores if isinstance(scores, cls) else super().__new__(cls, scores)

    @cached_property
    def by_key(self) -> Mapping[Key, Score]:
        """The scores by (sample id, seed). Raises RecordError where a video is scored twice."""
        return by_video(tuple(self))

    @cached_property
    def sample_ids(self) -> frozenset[str]:
        """All samples that have a score line."""
        return frozenset(score.sample_id for score in self)

    @cached_property
    def partial(self) -> tuple[str, ...]:
        """The parts not assessed in any video that was looked at."""
        return partial_of(tuple(self))

    @cached_property
    def judged(self) -> bool:
        """Whether any video was looked at and scored."""
        return any(score.status is ScoreStatus.OK for score in self)

    @cached_property
    def told(self) -> bool:
        """Whether anything was judged, so that shares may be told; a missing video was judged by not being there."""
        return any(score.status is ScoreStatus.OK or score.status in MISSING for score in self)

    def places(self, keys: Sequence[Key]) -> Ints:
        """Return where videos stand in the arrays below, (V,)."""
        return np.array([self._places[key] for key in keys], dtype=np.int64)

    def values(self, metric: str) -> Floats:
        """Return the value of each video, (V,), NaN where it has none; errors as in `score_value`."""
        if metric not in self._values:
            found = [score_value(score, metric) for score in self.by_key.values()]
            self._values[metric] = np.array([math.nan if value is None else value for value in found], dtype=np.float64)
        return self._values[metric]

    def bounds(self, metric: str, profile: Profile) -> Floats:
        """Return the lowest and the highest value of each video, (V, 2)."""
        if (metric, profile) not in self._bounds:
            found = [bounds_of(score, metric, profile) for score in self.by_key.values()]
            self._bounds[metric, profile] = np.array(found, dtype=np.float64).reshape(-1, 2)
        return self._bounds[metric, profile]

    @cached_property
    def _places(self) -> dict[Key, int]:
        return {key: place for place, key in enumerate(self.by_key)}

    @cached_property
    def _values(self) -> dict[str, Floats]:
        return {}

    @cached_property
    def _bounds(self) -> dict[tuple[str, Profile], Floats]:
        return {}


def prompt_scores(scores: Iterable[Score], metric: str = PRIMARY) -> dict[str, float]:
    """Return the prompt scores, means over the seeds that have a value, by rising sample id; prompts without any are absent."""
    seeds: dict[str, list[float]] = {}
    table = ScoreTable(scores)
    for (sample_id, _), value in zip(table.by_key, table.values(metric).tolist(), strict=True):
        if not math.isnan(value):
            seeds.setdefault(sample_id, []).append(value)
    return {sample_id: math.fsum(seeds[sample_id]) / len(seeds[sample_id]) for sample_id in sorted(seeds)}


def prompt_bounds(scores: Iterable[Score], metric: str, profile: Profile) -> dict[str, tuple[float, float]]:
    """Return the lowest and the highest prompt score, means over all seeds, by rising sample id.

    Every prompt with a score line has them, scored or not.
    """
    seeds: dict[str, list[tuple[float, float]]] = {}
    table = ScoreTable(scores)
    table.values(metric)  # refuses an unknown metric and what is no number
    for (sample_id, _), (low, high) in zip(table.by_key, table.bounds(metric, profile).tolist(), strict=True):
        seeds.setdefault(sample_id, []).append((low, high))
    return {sample_id: mean_span(seeds[sample_id]) for sample_id in sorted(seeds)}


def mean_span(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean of the lower and of the upper ends; the order they come in does not change a bit of it."""
    if len(spans) == 1:
        return spans[0]
    low, high = (math.fsum(ends) / len(spans) for ends in zip(*spans, strict=True))
    return low, high


def judged(scores: Iterable[Score]) -> bool:
    """Whether any video was looked at and scored; of a run without one there is neither mean nor rank."""
    return ScoreTable(scores).judged


def by_video(scores: Iterable[Score]) -> dict[Key, Score]:
    """Return the scores by (sample id, seed). Raises RecordError where a video is scored twice."""
    if isinstance(scores, ScoreTable):
        return dict(scores.by_key)
    found: dict[Key, Score] = {}
    for score in scores:
        key = (score.sample_id, score.seed)
        if key in found:
            raise RecordError(f"scores: sample {score.sample_id!r} seed {score.seed} is there twice; each video has one score")
        found[key] = score
    return found


def partial_of(scores: Iterable[Score]) -> tuple[str, ...]:
    """Return the parts not assessed in any video that was looked at; a missing video's 0 says nothing of parts."""
    if isinstance(scores, ScoreTable):
        return scores.partial
    return tuple(sorted({part for score in scores if score.status is ScoreStatus.OK for part in score.partial}))


def common_partial(names: Sequence[str], runs: Sequence[Sequence[Score]]) -> tuple[str, ...]:
    """Return the set of parts that none of the runs assessed. Raises ComparabilityError where the sets differ."""
    sets = [partial_of(scores) for scores in runs if judged(scores)]
    if len(set(sets)) > 1:
        shown = ", ".join(f"{name}: {list(partial_of(scores))}" for name, scores in zip(names, runs, strict=True))
        raise ComparabilityError(
            f"field 'partial' differs ({shown}): upper bounds are not compared with full scores; score both alike"
        )
    return sets[0] if sets else ()


def cluster_codes(ids: Sequence[str], clusters: Mapping[str, str]) -> Ints:
    """Return a whole number a cluster for each id, (P,). Raises RecordError for a sample without a cluster."""
    absent = next((sample_id for sample_id in ids if sample_id not in clusters), None)
    if absent is not None:
        raise RecordError(f"scores: sample {absent!r} is not in the list of samples, so its cluster is unknown")
    names = {name: code for code, name in enumerate(sorted({clusters[sample_id] for sample_id in ids}))}
    return np.array([names[clusters[sample_id]] for sample_id in ids], dtype=np.int64)


def clusters_of(samples: Iterable[Sample]) -> dict[str, str]:
    """Return the cluster of each sample: its scene, or itself; the two kinds of names cannot meet."""
    return {sample.id: f"sample:{sample.id}" if sample.scene is None else f"scene:{sample.scene}" for sample in samples}


def labels_of(samples: Iterable[Sample]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the slices each sample falls into, as (dimension, label).

    Dimensions are ``category`` and ``direction`` (a sample with several interactions falls into each of theirs),
    ``instances`` (how many) and ``tag``.
    """
    labels: dict[str, tuple[tuple[str, str], ...]] = {}
    for sample in samples:
        found = [("category", item.category.value) for item in sample.interactions if item.category is not None]
        found += [("direction", item.direction.value) for item in sample.interactions]
        found += [("instances", str(len(sample.instances)))]
        found += [("tag", tag) for tag in sample.tags]
        labels[sample.id] = tuple(dict.fromkeys(found))
    return labels


def allowed_unscored(header: RunHeader) -> float:
    """Return the share of missing and unscored videos that a run allowed itself, 0 to 1. Raises RecordError where it is none."""
    allowed = header.config.get("allowed_unscored", ALLOWED_UNSCORED)
    if isinstance(allowed, bool) or not isinstance(allowed, int | float) or not 0 <= allowed <= 1:
        raise RecordError(f"run.json of {header.model}: config.allowed_unscored is {allowed!r}, not a share from 0 to 1")
    return allowed


def completeness(
    scores: Sequence[Score], samples: Sequence[str] = (), seeds: Sequence[int] = (), allowed: float = ALLOWED_UNSCORED
) -> Completeness:
    """Return how much of a run is scored; `samples` and `seeds` are what was asked for, empty where that is not known.

    Without `seeds` every sample is expected once, and each further score line as well. Every video without a score counts,
    whatever the reason; one that is scored counts not, though some of its questions have no answer.
    """
    found = by_video(scores)
    per_sample = {sample_id for sample_id, _ in found}
    absent = sum((sample_id, seed) not in found for sample_id in samples for seed in seeds)
    if not seeds:
        absent = sum(sample_id not in per_sample for sample_id in samples)
    missing = absent + sum(score.status in MISSING for score in scores)
    unscored = sum(score.status in UNSCORED for score in scores)
    expected = len(found) + absent
    complete = expected > 0 and missing + unscored <= allowed * expected
    return Completeness(expected=expected, missing=missing, unscored=unscored, allowed=allowed, complete=complete)
