"""The geometry judge, built in and the default: it answers from instance tracks alone, without pixels or learned weights.

``thresholds`` holds every number it uses, ``predicates`` everything it can decide; docs/geometry-judge.md explains both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.judges.geometry.judge import GeometryJudge

__all__ = ["GeometryJudge", "create"]


def create(argument: str, settings: Mapping[str, Any]) -> GeometryJudge:
    """Build the judge; it takes neither argument nor settings. Raises ConfigError when given either."""
    if argument:
        raise ConfigError(f"judge geometry takes no argument, not {argument!r}; write 'geometry'")
    if settings:
        raise ConfigError(f"judge geometry has no settings, not {', '.join(sorted(settings))}; remove them")
    return GeometryJudge()
