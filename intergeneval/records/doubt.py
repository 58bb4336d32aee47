"""What is doubted about first-frame masks."""

from __future__ import annotations

from dataclasses import dataclass

from intergeneval.records.codec import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtedMask(Record):
    """One reason to look at a first-frame mask of a run."""

    sample_id: str
    """The sample."""
    seed: int
    """The seed of the video."""
    instance_id: str
    """The instance."""
    kind: str
    """What was measured: see `intergeneval.bench.doubts`; ``video``: how far its first frame is the one that was drawn on."""
    problem: str
    """What was found, in words."""

    def __str__(self) -> str:
        """Return the doubt as one line."""
        return f"{self.sample_id} (seed {self.seed}) {self.instance_id}: {self.problem}"
