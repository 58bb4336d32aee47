"""Benchmarks: what is asked. `Benchmark` is what every reader of a layout returns.

Readers register under entry points of group ``intergeneval.benchmarks``: a callable without argument that returns a Benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intergeneval.records import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A named, versioned, ordered set of samples with the folder its files lie in."""

    name: str
    """Name in tables and folder names."""
    version: str
    """Version text."""
    root: Path
    """Folder that the samples' paths are relative to."""
    samples: tuple[Sample, ...]
    """The samples, in benchmark order."""
    hash: str
    """sha256 over samples and the bytes of every file they name."""
    licence: str = ""
    """Licence of the data, with attribution."""
    description: str = ""
    """One sentence."""
    layout: str = "own"
    """``own`` or ``official``."""
    videos: str | None = None
    """Folder of reference videos inside `root`, named by sample id, where the benchmark has them."""
