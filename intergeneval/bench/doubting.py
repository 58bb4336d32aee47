"""The doubts about all first-frame masks of a benchmark, its own and those of models.

What cannot be read is no doubt but a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intergeneval.bench.benchmark import Benchmark
from intergeneval.bench.doubts import Doubt, doubts
from intergeneval.bench.files import load_first_frame, load_masks, load_own_masks
from intergeneval.bench.own_masks import OwnMasks, model_of, sets_of
from intergeneval.errors import BenchError
from intergeneval.records import Sample


def benchmark_doubts(benchmark: Benchmark) -> Iterator[tuple[str, Doubt]]:
    """Yield (place, doubt) for every doubtful mask: of a sample, or of a model's own set, whose pictures are not looked at."""
    for sample in benchmark.samples:
        yield from ((sample.id, doubt) for doubt in _of_sample(benchmark, sample))
    for folder in benchmark.own_masks:
        try:
            sets = sets_of(benchmark, model_of(folder))
        except BenchError:
            continue  # a fault, which the check names
        yield from doubts_of_sets(benchmark, sets, model_of(folder))


def doubts_of_sets(benchmark: Benchmark, sets: Iterable[OwnMasks], model: str) -> Iterator[tuple[str, Doubt]]:
    """Yield (place, doubt) for a model's own masks, by their shapes and areas alone: their pictures are the model's videos."""
    known = {sample.id: sample for sample in benchmark.samples}
    for own in sets:
        if own.sample_id not in known:
            continue
        sample = known[own.sample_id]
        try:
            masks = load_own_masks(benchmark, sample, own, model)
        except BenchError:
            continue  # a fault, which the check names
        yield from ((f"{model}/{own.name}", doubt) for doubt in doubts(sample.instances, masks))


def _of_sample(benchmark: Benchmark, sample: Sample) -> tuple[Doubt, ...]:
    try:
        masks, frame = load_masks(benchmark, sample), load_first_frame(benchmark, sample)
    except BenchError:
        return ()  # a fault, which the check names
    return doubts(sample.instances, masks, frame)
