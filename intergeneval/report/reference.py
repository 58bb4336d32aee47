"""Published figures as reference rows: marked as such, and never ranked with what was measured here.

A printed mean has no scores per prompt behind it, so not even a row made exactly alike could join a tie group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval.errors import UsageError
from intergeneval.published import PublishedRow, published_rows, read_published
from intergeneval.records import Comparability

METRICS = ("if", "kisa", "sgi", "spi")
"""Metrics that have a column of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """One table of a source."""

    rows: tuple[PublishedRow, ...]
    """Its rows, in the order printed; at least one."""

    @property
    def title(self) -> str:
        """Where it was printed, and which of the tables there it is."""
        return f"{self.rows[0].source}, {self.rows[0].table}"

    @property
    def made(self) -> str:
        """How its figures were made, in words."""
        first = self.rows[0]
        return f"{first.bench}; judge {first.judge}, frames {first.sampling}, profile {first.profile}; means without intervals"

    def differences(self, run: Comparability) -> tuple[str, ...]:
        """Return the fields in which a run was made differently from any row, or cannot be shown to have been made alike."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.differences(run)))


def published_tables(wanted: Sequence[str]) -> tuple[PublishedTable, ...]:
    """Return tables that come with the package, by name, or from files. Raises UsageError and RecordError for what is neither."""
    tables: dict[tuple[str, str], list[PublishedRow]] = {}
    for item in wanted:
        for row in read_published(Path(item)) if Path(item).is_file() else _shipped(item):
            tables.setdefault((row.source, row.table), []).append(row)
    return tuple(PublishedTable(rows=tuple(rows)) for rows in tables.values())


def _shipped(name: str) -> tuple[PublishedRow, ...]:
    try:
        return published_rows(name)
    except UsageError as error:
        raise UsageError(f"--published {name!r}: no such file, and {error}") from None
