"""The table of backbones, one row each; a new one is a folder beside these, a line here, and a line in setup.cfg."""

from __future__ import annotations

from matrix_train.backbones import cogvideox, hunyuan, wan
from matrix_train.backbones.family import Family

FAMILIES: tuple[Family, ...] = (cogvideox.FAMILY, wan.FAMILY, hunyuan.FAMILY)


def by_name(name: str) -> Family:
    """Return the row of a backbone by its name. Raises KeyError."""
    return {row.name: row for row in FAMILIES}[name]


def by_pipeline(name: str) -> Family | None:
    """Return the row of a pipeline's class, None for one that we know nothing of."""
    return {row.pipeline: row for row in FAMILIES}.get(name)
