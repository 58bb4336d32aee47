"""Scores as people read them: the summary table after a run, and the JSON of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from intergeneval.cli.text_table import MARK, aligned, interval, marked
from intergeneval.records import Consistency, Profile, RunHeader, Score, ScoreStatus, Video

METRICS = ("kisa_raw", "sgi_raw", "spi", "kisa", "sgi", "if_")
_BOUNDED_ABOVE = {"emergence": frozenset({"spi", "kisa", "sgi", "if_"}), "plausibility": frozenset({"if_"})}
"""Part that was not assessed -> the numbers that are upper bounds without it."""


def number(score: Score, metric: str) -> str:
    """Return a metric with three decimals, ``<=`` before an upper bound, and a dash where there is none."""
    value = getattr(score, metric)
    if value is None:
        return "-"
    return f"{'<= ' if _is_bound(metric, score.partial) else ''}{value:.3f}"


def _is_bound(metric: str, partial: Sequence[str]) -> bool:
    return any(metric in _BOUNDED_ABOVE.get(part, _BOUNDED_ABOVE["emergence"]) for part in partial)


def score_table(scores: Sequence[Score]) -> str:
    """Return one line a video, then the means over prompts, as aligned plain text; a mean over what is left is marked."""
    head = ("sample", "seed", "KISA_raw", "SGI_raw", "SPI", "KISA", "SGI", "IF", "IF bounds", "answered", "status")
    rows = [
        (
            score.sample_id,
            str(score.seed),
            *(number(score, metric) for metric in METRICS),
            interval(*(score.if_bounds or (None, None))),
            score.answered,
            score.status.value,
        )
        for score in scores
    ]
    missing = sum(score.if_bounds is not None and score.if_bounds[0] < score.if_bounds[1] for score in scores)
    means = [marked(_mean_text(scores, metric), missing) for metric in METRICS]
    rows.append(("mean", "", *means, _mean_bounds(scores), "", f"{_ok(scores)} of {len(scores)} ok"))
    table = aligned([head, *rows])
    return f"{table}\n{MARK}" if missing and _ok(scores) else table


def unscored_text(scores: Sequence[Score]) -> str:
    """Return what was not scored and why, one line a video; empty when everything was."""
    lines = [
        f"  {score.sample_id} (seed {score.seed}): {score.status.value}: {score.reason}"
        for score in scores
        if score.status is not ScoreStatus.OK
    ]
    if not lines:
        return ""
    counts = Counter(score.status.value for score in scores if score.status is not ScoreStatus.OK)
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return "\n".join([f"not fully scored: {said}", *lines])


def remarks_text(videos: Iterable[Video], scores: Sequence[Score], checks: Iterable[Consistency] = ()) -> str:
    """Return what a reader should know of the videos of these scores, one line each; empty where there is nothing.

    `checks` are the statements on consistency; of those about an older version of a video nothing is told.
    """
    latest = {(video.sample_id, video.seed): video for video in videos}
    doubles = {(check.sample_id, check.seed): check for check in checks}
    lines = []
    for score in scores:
        key = (score.sample_id, score.seed)
        if key not in latest:
            continue
        remarks, check = list(latest[key].remarks), doubles.get(key)
        if check is not None and check.video == latest[key].sha256:
            remarks += [f"{sighting.text}; seen without a detector, not scored" for sighting in check.sightings]
        lines += [f"  {key[0]} (seed {key[1]}): {remark}" for remark in remarks]
    return "\n".join(["about the videos:", *lines]) if lines else ""


def mean_over_prompts(scores: Sequence[Score], metric: str) -> float | None:
    """Return the mean over prompts of the mean over seeds of a metric; None where no video was judged, or none has one."""
    return _over_prompts(scores, [getattr(score, metric) for score in scores])


def _over_prompts(scores: Sequence[Score], values: Sequence[float | None]) -> float | None:
    """Return the mean over prompts of the mean over seeds of `values`, one a score; None as `mean_over_prompts` says."""
    if not _ok(scores):
        return None
    by_sample: dict[str, list[float]] = {}
    for score, value in zip(scores, values, strict=True):
        if value is not None:
            by_sample.setdefault(score.sample_id, []).append(value)
    means = [sum(seeds) / len(seeds) for seeds in by_sample.values()]
    return sum(means) / len(means) if means else None


UNLOOKED = {
    "emergence": "without a detector nobody looked for things that emerge (--detector)",
    "plausibility": "nobody looked for bodies that cannot be (--consistency judge)",
}
"""Part that was not assessed -> what a reader should know of it."""


def bounds_text(scores: Sequence[Score]) -> str:
    """Return the line that explains ``<=`` under a table; empty where nothing was left unassessed."""
    parts = sorted({part for score in scores for part in score.partial})
    told = "; ".join(UNLOOKED.get(part, part) for part in parts)
    return f"<= marks upper bounds, of which the bounds of IF say nothing: {told}" if parts else ""


def scores_json(header: RunHeader, scores: Sequence[Score], profile: Profile) -> dict[str, Any]:
    """Return the object that ``score --json`` prints; numbers are unrounded."""
    judged = {name for score in scores for name in score.partial if name == "plausibility"}
    partial = tuple(sorted({*(set(header.comparability.partial) - {"plausibility"}), *judged}))
    comparability = replace(header.comparability, profile=profile, partial=partial)
    return {
        "profile": profile.value,
        "model": header.model,
        "comparability": {**comparability.to_json(), "key": comparability.key},
        **({"own_masks": list(header.own_masks)} if header.own_masks else {}),
        "samples": [score.to_json() for score in scores],
    }


def _mean_text(scores: Sequence[Score], metric: str) -> str:
    mean = mean_over_prompts(scores, metric)
    if mean is None:
        return "-"
    bound = any(_is_bound(metric, score.partial) for score in scores)
    return f"{'<= ' if bound else ''}{mean:.3f}"


def _mean_bounds(scores: Sequence[Score]) -> str:
    """Return the mean over all prompts of the bounds of IF; a dash where no video was judged, or a score has no bounds."""
    bounds = [score.if_bounds for score in scores if score.if_bounds is not None]
    if len(bounds) < len(scores):
        return interval(None, None)
    return interval(*(_over_prompts(scores, [span[end] for span in bounds]) for end in (0, 1)))


def _ok(scores: Sequence[Score]) -> int:
    return sum(score.status is ScoreStatus.OK for score in scores)
