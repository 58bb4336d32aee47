"""Tell the benchmark from the videos, where ``run --model`` stands alone: by the manifest, or by matching sample ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intergeneval import bench, bench_paths
from intergeneval.bench import Benchmark
from intergeneval.errors import IntergenevalError, UsageError
from intergeneval.sources.folder import FolderSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A benchmark that a folder's videos might answer."""

    benchmark: Benchmark
    """The benchmark."""
    matched: int
    """How many of its samples the folder has a video of."""

    @property
    def told(self) -> str:
        """The candidate in a few words."""
        return f"{self.benchmark.name} ({self.matched} of its {len(self.benchmark.samples)} samples)"


def infer_benchmark(folder: Path) -> Benchmark:
    """Return the benchmark that a folder of videos answers, as `benchmark_of` does."""
    return benchmark_of(FolderSource(folder), str(folder))


def benchmark_of(source: FolderSource, folder: str) -> Benchmark:
    """Return the benchmark that videos answer; `folder` is what they are called in messages.

    The manifest's word counts first; else the one benchmark whose sample ids match, or of several the one that accounts for more
    of the folder's videos than any other. Raises UsageError listing the candidates when it cannot be told.
    """
    if source.bench:
        return _stated(source.bench, folder)
    broken: list[str] = []
    found = candidates(source, broken)
    if found and (len(found) == 1 or found[0].matched > found[1].matched):
        return found[0].benchmark
    known = ", ".join(bench.names()) or "none"
    remarks = f"; could not be loaded: {', '.join(broken)}" if broken else ""
    if found:
        told = ", ".join(item.told for item in found)
        raise UsageError(f"{folder}: several benchmarks match: {told}; say which with --bench{remarks}")
    held = ", ".join(source.sample_ids()[:6]) or "no video"
    raise UsageError(
        f"{folder}: no benchmark has samples of these names ({held}); say which with --bench: {known}, or a path{remarks}"
    )


def candidates(source: FolderSource, broken: list[str] | None = None) -> list[Candidate]:
    """Return the known benchmarks with a sample that the folder has a video of, the best match first.

    Names of benchmarks that cannot be loaded are added to `broken`.
    """
    found = []
    for name in bench.names():
        try:
            benchmark = bench.load(name)
        except IntergenevalError:
            if broken is not None:
                broken.append(name)
            continue
        matched = sum(source.has(sample) for sample in benchmark.samples)
        if matched:
            found.append(Candidate(benchmark=benchmark, matched=matched))
    return sorted(found, key=lambda item: (-item.matched, item.benchmark.name))


def _stated(name: str, folder: str) -> Benchmark:
    """Load the benchmark that a manifest names; a manifest comes with the videos, so it may name one but not a path."""
    if not bench_paths.is_name(name):
        raise UsageError(f"{folder}: its manifest names the benchmark by a path ({name!r}); give that path as --bench yourself")
    return bench.load(name)
