"""What ``[suite]`` in ``bench.toml`` promises of a benchmark as a whole; `suite` holds the samples against it.

| key | promise |
|---|---|
| ``twins = true`` | every sample has a twin, and both differ in nothing but roles |
| ``similar = 0.35`` | largest share of words that prompts of different scenes have in common |
| ``[suite.least]``, ``"category contact" = 0.15`` | label -> least share of the samples; ``"a | b"`` counts samples with either |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intergeneval.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite(Record):
    """What ``[suite]`` in ``bench.toml`` promises."""

    twins: bool = False
    """Whether every sample has a twin that differs in nothing but roles."""
    similar: float = 1.0
    """Largest share of words, 0 to 1, that prompts of different scenes may have in common."""
    least: Mapping[str, float] | None = None
    """Label, or several with `` | `` between them -> least share of the samples, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.similar <= 1:
            raise ValueError(f"similar is {self.similar}, a share lies between 0 and 1")
        for label, share in (self.least or {}).items():
            if not 0 <= share <= 1:
                raise ValueError(f"least: {label!r} is {share}, a share lies between 0 and 1")
