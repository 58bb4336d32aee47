"""From scores to what may be claimed: estimates, paired comparisons, tie groups, slices, power. Pure: no disk, no clock.

The estimand is fixed: video score -> prompt score (mean over seeds) -> model score (mean over prompts, equal weights); the
cluster is the prompt, or the scene where several prompts share one. What has no answer is in every claim at its worst and at its
best, and a mean over the rest orders nothing. Names of runs, thresholds and seeds come in as arguments.
"""

from intergeneval.stats.clustered import Moments, clustered, within_bounds
from intergeneval.stats.comparisons import (
    adjust,
    compare_metrics,
    compare_paired,
    left_out,
    paired_bounds,
    prompt_differences,
    slice_comparisons,
    standing,
    tie_groups,
    unanswered_text,
    undecided_text,
)
from intergeneval.stats.contrast import CHANCE, compare_twins, contrast, twin_estimate, twin_estimates
from intergeneval.stats.controls import controls, controls_json, controls_text
from intergeneval.stats.differences import unanswered_pairs
from intergeneval.stats.estimates import estimate, estimates, slices
from intergeneval.stats.power import (
    Spread,
    clusters_to_detect,
    minimum_detectable,
    prompts_to_decide,
    seed_spread,
    unchanged_pass_share,
)
from intergeneval.stats.prompts import (
    ALLOWED_UNSCORED,
    METRICS,
    PRIMARY,
    THIN,
    ScoreTable,
    allowed_unscored,
    clusters_of,
    completeness,
    judged,
    labels_of,
    mean_span,
    metric_name,
    prompt_bounds,
    prompt_scores,
    score_value,
)
from intergeneval.stats.signflip import FLIPS, holm, sign_flip
from intergeneval.stats.twin_scores import twin_scores
from intergeneval.stats.undone import undone, undone_json, undone_text

__all__ = [
    "ALLOWED_UNSCORED",
    "CHANCE",
    "FLIPS",
    "METRICS",
    "PRIMARY",
    "THIN",
    "Moments",
    "ScoreTable",
    "Spread",
    "adjust",
    "allowed_unscored",
    "clustered",
    "clusters_of",
    "clusters_to_detect",
    "compare_metrics",
    "compare_paired",
    "compare_twins",
    "completeness",
    "contrast",
    "controls",
    "controls_json",
    "controls_text",
    "estimate",
    "estimates",
    "holm",
    "judged",
    "labels_of",
    "left_out",
    "mean_span",
    "metric_name",
    "minimum_detectable",
    "paired_bounds",
    "prompt_bounds",
    "prompt_differences",
    "prompt_scores",
    "prompts_to_decide",
    "score_value",
    "seed_spread",
    "sign_flip",
    "slice_comparisons",
    "slices",
    "standing",
    "tie_groups",
    "twin_estimate",
    "twin_estimates",
    "twin_scores",
    "unanswered_pairs",
    "unanswered_text",
    "unchanged_pass_share",
    "undecided_text",
    "undone",
    "undone_json",
    "undone_text",
    "within_bounds",
]
