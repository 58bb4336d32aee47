"""The gate: a paired comparison and a tolerance make a verdict. Pure.

Tested in this order: the interval of (lowest run minus highest baseline) ends above ``-tolerance``: pass; that of (highest run
minus lowest baseline) ends below 0: regression; else inconclusive, with the number of prompts that would decide and of the videos
without an answer. So a run that leaves more unanswered never passes for it, nor does it fail for it alone. "Any drop" fails half
of all reruns of an unchanged model; an interval fails a fortieth. A pass needs the prompts as well: where fewer than nine in ten
are in both runs it is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from intergeneval.errors import EXIT_INCOMPLETE, EXIT_INCONCLUSIVE, EXIT_OK, EXIT_REGRESSION, UsageError
from intergeneval.records import TWIN_METRICS, Comparison, Completeness, Outcome, Profile, Score, Verdict
from intergeneval.stats import adjust, compare_metrics, prompts_to_decide, unanswered_text, unchanged_pass_share

TOLERANCE = 0.02
"""Loss that is accepted unless asked otherwise, on the scale of IF."""
COVERAGE = 0.9
"""Least share of the prompts that must be in both runs for a pass, 0 to 1."""
_OUTCOMES = (Outcome.INCONCLUSIVE, Outcome.REGRESSION, Outcome.PASS)


def verdict_codes(
    low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], tolerance: float = TOLERANCE
) -> npt.NDArray[np.int64]:
    """Return 2 (pass), 1 (regression) or 0 (inconclusive) for each interval of run minus baseline; NaN is inconclusive."""
    codes: npt.NDArray[np.int64] = np.where(low > -tolerance, 2, np.where(high < 0, 1, 0)).astype(np.int64)
    return codes


def outcome_of(low: float, high: float, tolerance: float = TOLERANCE) -> Outcome:
    """Return the outcome of one interval of run minus baseline; NaN is inconclusive."""
    return _OUTCOMES[int(verdict_codes(np.array(low), np.array(high), tolerance))]


def decide(comparison: Comparison, tolerance: float = TOLERANCE) -> Verdict:
    """Return the verdict on a comparison (baseline first). Raises UsageError for a tolerance that is not a number from 0 up."""
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise UsageError(f"--tolerance {tolerance}: must be a number from 0 up, on the scale of the metric, such as {TOLERANCE}")
    low = math.nan if comparison.low is None else comparison.low
    high = math.nan if comparison.high is None else comparison.high
    outcome = outcome_of(low, high, tolerance)
    undecided = outcome is Outcome.INCONCLUSIVE
    needed = prompts_to_decide(comparison, tolerance) if undecided else None
    if needed is not None:
        # The plan takes the plain t interval, which near an end of the range is narrower than the one that did not decide.
        needed = max(needed, comparison.prompts + 1)
    # More prompts would not help a run whose videos drop out, so none are asked for.
    dropped = outcome is Outcome.PASS and comparison.coverage < COVERAGE
    outcome = Outcome.INCONCLUSIVE if dropped else outcome
    share = None
    if comparison.se is not None:
        share = unchanged_pass_share(comparison.se, comparison.clusters, tolerance, comparison.level)
    return Verdict(
        outcome=outcome,
        tolerance=tolerance,
        reason=_dropped(comparison) if dropped else _reason(outcome, comparison, tolerance, needed, share),
        comparison=comparison,
        prompts_needed=needed,
        unchanged_pass_share=share,
    )


def gate(
    run: Sequence[Score],
    baseline: Sequence[Score],
    clusters: Mapping[str, str],
    tolerance: float = TOLERANCE,
    names: tuple[str, str] = ("baseline", "run"),
    profile: Profile = Profile.BOUNDED,
    *,
    same: bool = False,
) -> tuple[Verdict, tuple[Comparison, ...]]:
    """Return the verdict on IF, and the comparisons of all metrics (`names` are baseline and run); the caller checks keys.

    `same` says that run and baseline are one run.
    """
    comparisons = compare_metrics(baseline, run, clusters, names, profile=profile, same=same)
    return decide(comparisons[0], tolerance), comparisons


def gate_contrast(
    comparisons: Sequence[Comparison], twins: Sequence[Comparison], tolerance: float = TOLERANCE
) -> tuple[Verdict, tuple[Comparison, ...]]:
    """Return the verdict on contrast, and all comparisons with it first and not adjusted; the others become secondary.

    `comparisons` are those of the metrics of single videos, `twins` those of contrast and sensitivity. Raises UsageError where
    run or baseline has no twins.
    """
    if not twins:
        raise UsageError("--metric contrast: run and baseline must both hold twins; use a benchmark such as whodoes")
    first = replace(twins[0], secondary=False, p_adjusted=twins[0].p, family=1)
    rest = adjust([replace(item, secondary=True) for item in (*comparisons, *twins[1:])])
    return decide(first, tolerance), (first, *rest)


def exit_code(verdict: Verdict, complete: Completeness, *, strict: bool) -> int:
    """Return the exit code: 3 for an incomplete run before all else, then 4, 5 (with `strict`), or 0."""
    if not complete.complete:
        return EXIT_INCOMPLETE
    if verdict.outcome is Outcome.REGRESSION:
        return EXIT_REGRESSION
    return EXIT_INCONCLUSIVE if strict and verdict.outcome is Outcome.INCONCLUSIVE else EXIT_OK


def _reason(outcome: Outcome, comparison: Comparison, tolerance: float, needed: int | None, share: float | None) -> str:
    if comparison.difference is None:
        nothing = "no pair of twins has a value" if _of_twins(comparison) else "no video is scored"
        return f"{nothing} in both runs ({_without_score(comparison)}), so nothing can be said"
    if comparison.low is None or comparison.high is None:
        return f"difference {_signed(comparison.difference)}, but there is no interval: {comparison.caveat}"
    ends = f"{100 * comparison.level:g} % interval {_signed(comparison.low)} to {_signed(comparison.high)}"
    found = f"{_difference(comparison)}, {ends} over {comparison.prompts} {units(comparison)}"
    if outcome is Outcome.PASS:
        return f"{found}: a loss of more than {tolerance:g} is excluded"
    if outcome is Outcome.REGRESSION:
        return f"{found}: the run is worse"
    chance = "" if share is None else f"; an unchanged model would pass in {100 * share:.0f} % of runs with this spread"
    enough = (
        f"no number of {units(comparison)} would decide" if needed is None else f"about {needed} {units(comparison)} would decide"
    )
    if comparison.unanswered:
        count = unanswered_text(comparison.unanswered)
        enough = f"{count} could turn it alone" if needed is None else f"{enough}, with {count}"
    return f"{found}: neither a loss of {tolerance:g} nor a difference of 0 is excluded; {enough}{chance}"


def units(comparison: Comparison) -> str:
    """Return what a comparison is made over, in words."""
    return "pairs of twins" if _of_twins(comparison) else "prompts"


def _of_twins(comparison: Comparison) -> bool:
    return comparison.metric in TWIN_METRICS


def _difference(comparison: Comparison) -> str:
    """Return the difference, or the bounds it lies in where answers are missing."""
    if not comparison.unanswered or comparison.lowest is None or comparison.highest is None:
        return f"difference {_signed(comparison.difference or 0.0)}"
    bounds = f"{_signed(comparison.lowest)} to {_signed(comparison.highest)}"
    return f"difference between {bounds}, with {unanswered_text(comparison.unanswered)}"


def _dropped(comparison: Comparison) -> str:
    """Return why a comparison that would pass decides nothing: it speaks of too few of the prompts."""
    return (
        f"only {comparison.prompts} of {comparison.prompts_total} {units(comparison)} are in both runs,"
        f" a pass needs {100 * COVERAGE:g} %:"
        f" {comparison.only_baseline} {_made(comparison)} only in the baseline, {comparison.only_candidate} only in the run"
    )


def _without_score(comparison: Comparison) -> str:
    """Return how many of the videos, or pairs of videos, that both runs hold have no score in either."""
    lack = "value" if _of_twins(comparison) else "score"
    counts = comparison.unscored_candidate, comparison.unscored_baseline
    return f"{counts[0]} {_made(comparison)} without a {lack} in the run, {counts[1]} in the baseline"


def _made(comparison: Comparison) -> str:
    """Return what a comparison counts that was made of its prompts, or of its pairs of twins."""
    return "pairs of videos" if _of_twins(comparison) else "videos"


def _signed(value: float) -> str:
    return f"{round(value, 4) + 0.0:+.4f}"  # adding 0.0 turns -0.0 into 0.0
