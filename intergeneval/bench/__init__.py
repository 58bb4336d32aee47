"""Benchmarks: what is asked. `load` finds one by name or path, `check` names every fault of one.

Readers of further benchmarks register under entry points of group ``intergeneval.benchmarks``: a callable without argument
that returns a `Benchmark`.
"""

from intergeneval.bench.benchmark import IMAGE_TO_VIDEO, TEXT_TO_VIDEO, UNSTATED, Benchmark
from intergeneval.bench.checking import check, check_made
from intergeneval.bench.doubting import benchmark_doubts, doubts_of_sets
from intergeneval.bench.doubts import Doubt, doubts
from intergeneval.bench.drawn import Fit, fits
from intergeneval.bench.faults import Fault
from intergeneval.bench.files import (
    load_first_frame,
    load_mask,
    load_masks,
    load_own_masks,
    masks_for,
    sample_mask_faults,
    with_hashes,
)
from intergeneval.bench.lookup import folder_of, is_made, load, names
from intergeneval.bench.own_masks import MASKS, OwnMasks, model_folder, models_with_masks, own_masks_hash, sets_of
from intergeneval.bench.promise import Suite
from intergeneval.bench.suite import SuiteReport, check_suite

__all__ = [
    "IMAGE_TO_VIDEO",
    "MASKS",
    "TEXT_TO_VIDEO",
    "UNSTATED",
    "Benchmark",
    "Doubt",
    "Fault",
    "Fit",
    "OwnMasks",
    "Suite",
    "SuiteReport",
    "benchmark_doubts",
    "check",
    "check_made",
    "check_suite",
    "doubts",
    "doubts_of_sets",
    "fits",
    "folder_of",
    "is_made",
    "load",
    "load_first_frame",
    "load_mask",
    "load_masks",
    "load_own_masks",
    "masks_for",
    "model_folder",
    "models_with_masks",
    "names",
    "own_masks_hash",
    "sample_mask_faults",
    "sets_of",
    "with_hashes",
]
