"""From scores to what may be claimed: estimates, paired comparisons, tie groups, slices, power. Pure: no disk, no clock.

The estimand is fixed: video score -> prompt score (mean over seeds) -> model score (mean over prompts, equal weights); the
cluster is the prompt, or the scene where several prompts share one. Names of runs, thresholds and seeds come in as arguments.
"""

from intergeneval.stats.clustered import Moments, clustered
from intergeneval.stats.comparisons import (
    adjust,
    compare_metrics,
    compare_paired,
    left_out,
    prompt_differences,
    slice_comparisons,
    tie_groups,
)
from intergeneval.stats.contrast import contrast
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
    METRICS,
    PRIMARY,
    THIN,
    allowed_unscored,
    clusters_of,
    completeness,
    labels_of,
    metric_name,
    prompt_scores,
    score_value,
)
from intergeneval.stats.signflip import FLIPS, holm, sign_flip

__all__ = [
    "FLIPS",
    "METRICS",
    "PRIMARY",
    "THIN",
    "Moments",
    "Spread",
    "adjust",
    "allowed_unscored",
    "clustered",
    "clusters_of",
    "clusters_to_detect",
    "compare_metrics",
    "compare_paired",
    "completeness",
    "contrast",
    "estimate",
    "estimates",
    "holm",
    "labels_of",
    "left_out",
    "metric_name",
    "minimum_detectable",
    "prompt_differences",
    "prompt_scores",
    "prompts_to_decide",
    "score_value",
    "seed_spread",
    "sign_flip",
    "slice_comparisons",
    "slices",
    "tie_groups",
    "unchanged_pass_share",
]
