"""Published figures as reference rows: shown beside measured ones, ranked with them only where everything was made alike.

The paper's tables come with the package (published.json); a user's own file of the same shape is read the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import bounded_json
from intergeneval.records import Comparability, Profile, Record
from intergeneval.records.disk import MOST_SETTINGS, read_text
from intergeneval.records.limits import Measure

_SHIPPED = "published.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow(Record):
    """One model's figures as somebody printed them: means without error bars, rounded as printed."""

    model: str
    """Name of the model in the source."""
    source: str
    """Where the figures are printed."""
    table: str
    """Which of the source's tables, such as ``models`` or ``ablation``."""
    bench: str
    """What was asked, in words."""
    bench_hash: str | None
    """Hash of the benchmark, as `Comparability.bench`; None where nobody published the files, and then nothing matches."""
    judge: str
    """The judge, as `Comparability.judge` names it."""
    sampling: str
    """How frames were sampled, as `Comparability.sampling` names it."""
    profile: Profile
    """Score profile of the figures."""
    prompts: int
    """Number of prompts behind each mean."""
    metrics: Mapping[str, Measure]
    """Metric -> printed mean; ``kisa``, ``sgi``, ``if`` are ours, others keep the name (lower case) and scale of the source."""

    def differences(self, run: Comparability) -> tuple[str, ...]:
        """Return the fields in which a run was made differently, or cannot be shown to have been made alike.

        Only a row without any difference may be ranked with the run.
        """
        pairs = {
            "bench": (self.bench_hash, run.bench),
            "judge": (self.judge, run.judge),
            "sampling": (self.sampling, run.sampling),
            "profile": (self.profile, run.profile),
            "samples": ("all", run.samples),
            "partial": ((), run.partial),
        }
        return tuple(name for name, (printed, measured) in pairs.items() if printed != measured)


def published_rows(table: str | None = None) -> tuple[PublishedRow, ...]:
    """Return the rows that come with the package, in the order printed; of one table where one is named.

    Raises UsageError for a table that is not there.
    """
    text = resources.files("intergeneval").joinpath(_SHIPPED).read_text(encoding="utf-8")
    rows = _rows(text, _SHIPPED)
    if table is None:
        return rows
    chosen = tuple(row for row in rows if row.table == table)
    if not chosen:
        raise UsageError(f"published table {table!r}: there are {', '.join(dict.fromkeys(row.table for row in rows))}")
    return chosen


def read_published(path: Path) -> tuple[PublishedRow, ...]:
    """Read a file of published rows: ``{"shared": {fields of all rows}, "rows": [{the others}]}``.

    Raises UsageError where it cannot be read, RecordError naming file, row and field where it is damaged.
    """
    try:
        text = read_text(path, MOST_SETTINGS)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    return _rows(text, str(path))


def _rows(text: str, where: str) -> tuple[PublishedRow, ...]:
    try:
        content: Any = bounded_json(text)
    except ValueError as error:
        raise RecordError(f"{where}: not JSON ({error})") from None
    if not isinstance(content, dict) or not isinstance(content.get("rows"), list):
        raise RecordError(f"{where}: expected an object with a list 'rows'")
    shared = content.get("shared", {})
    if not isinstance(shared, dict) or not all(isinstance(row, dict) for row in content["rows"]):
        raise RecordError(f"{where}: 'shared' and every entry of 'rows' must be objects")
    return tuple(
        PublishedRow.from_json({**shared, **row}, where=f"{where}: rows[{index}]") for index, row in enumerate(content["rows"])
    )
