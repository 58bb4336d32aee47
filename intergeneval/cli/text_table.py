"""Plain text tables and numbers of the verbs that compare."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as columns two spaces apart; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """Return a number with so many digits, or a dash where there is none."""
    if value is None:
        return "-"
    rounded = round(value, digits) + 0.0  # turns -0.0 into 0.0
    return f"{rounded:+.{digits}f}" if sign else f"{rounded:.{digits}f}"


MARK = "* over the videos with a score alone: it orders nothing; what is claimed goes by the bounds and their interval"
"""The line under a table in which `marked` marks a number."""


def marked(text: str, missing: int) -> str:
    """Return a number with a mark where it is a mean over what is left."""
    return f"{text}*" if missing and text != "-" else text


def interval(low: float | None, high: float | None, *, sign: bool = False) -> str:
    """Return an interval as ``low to high``, or a dash where there is none."""
    return "-" if low is None or high is None else f"{number(low, sign=sign)} to {number(high, sign=sign)}"


def probability(value: float | None) -> str:
    """Return a p value, never as 0."""
    if value is None:
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
