"""The Benchmark that every reader of a layout returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intergeneval.bench.promise import Suite
from intergeneval.errors import UsageError
from intergeneval.ids import sha256_json
from intergeneval.masks import Mask
from intergeneval.records import Sample

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""

IMAGE_TO_VIDEO = "image-to-video"
TEXT_TO_VIDEO = "text-to-video"
TASKS = (IMAGE_TO_VIDEO, TEXT_TO_VIDEO)
UNSTATED = "not stated"
"""Licence of a benchmark that was built without one."""


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
    task: str = IMAGE_TO_VIDEO
    """What a model is given: a first frame and a prompt, or (``text-to-video``) the prompt alone; then samples have no masks."""
    layout: str = "own"
    """``own`` or ``official``, or what a plug-in calls its own."""
    videos: str | None = None
    """Folder of reference videos inside `root`, named by sample id, where the benchmark has them."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """sha256 of further files that no sample names, such as the reference videos, by path."""
    own_masks: tuple[str, ...] = ()
    """Names of the folders below ``masks/`` with first-frame masks of single models; no part of the hash (`bench.own_masks`)."""
    suite: Suite | None = None
    """What its author promises of all samples together; no part of the hash."""
    first_look: Callable[[Sample], tuple[Frame, Mapping[str, Mask]]] | None = None
    """Makes a sample's first frame, RGB uint8 (H, W, 3), and its instances' masks, bool (H, W), by id: for benchmarks that render
    them and have no files. A function of a module, since benchmarks travel between processes."""

    @property
    def plain(self) -> Benchmark:
        """The benchmark without the optional fields of interactions, and with the hash it had before it was given any."""
        samples = tuple(item.plain for item in self.samples)
        if samples == self.samples:
            return self
        return replace(self, samples=samples, hash=sha256_json([item.to_json() for item in samples]))

    def sample(self, sample_id: str) -> Sample:
        """Return the sample with that id. Raises KeyError."""
        for item in self.samples:
            if item.id == sample_id:
                return item
        raise KeyError(sample_id)

    def narrow(self, ids: Sequence[str] | None = None, limit: int | None = None) -> Benchmark:
        """Return the benchmark with only the samples in `ids`, of those the first `limit`, in benchmark order; the hash stays.

        Raises UsageError for an id the benchmark does not have, and for a limit below 1.
        """
        kept = self.samples
        if ids is not None:
            known = {item.id for item in self.samples}
            for wanted in ids:
                if wanted not in known:
                    shown = ", ".join(sorted(known)[:12]) + (", ..." if len(known) > 12 else "")
                    raise UsageError(f"benchmark {self.name!r} has no sample {wanted!r}; it has {len(known)}: {shown}")
            chosen = set(ids)
            kept = tuple(item for item in kept if item.id in chosen)
        if limit is not None:
            if limit < 1:
                raise UsageError(f"a limit of {limit} samples leaves nothing to score; give 1 or more")
            kept = kept[:limit]
        return replace(self, samples=kept)
