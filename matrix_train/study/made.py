"""What doing a piece came to, and how it speaks meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Say = Callable[[str], None]
"""Takes one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What doing a piece came to."""

    digest: str
    """Hash of what was made; empty: the piece is not finished."""
    units: int
    """Units that this sitting did."""
    notes: Mapping[str, Any]
    """What it has to say."""
