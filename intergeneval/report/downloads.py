"""The numbers behind a report as files: leaderboard and scores as CSV, everything estimated as JSON; unrounded."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from intergeneval import stats
from intergeneval.report.page import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file offered on the page."""

    name: str
    """File name."""
    text: str
    """What is in it."""
    content: str
    """The file."""
    href: str = ""
    """Address on the page."""


def downloads(report: Report) -> list[Download]:
    """Return the files offered on the page: leaderboards and scores as CSV, and everything estimated as JSON, unrounded."""
    return [
        Download(name="leaderboard.csv", text="every metric of every model, with its interval", content=_leaderboard_csv(report)),
        Download(name="scores.csv", text="one line a video", content=_scores_csv(report)),
        Download(
            name="report.json", text="estimates, slices and comparisons", content=json.dumps(report_json(report), indent=1) + "\n"
        ),
    ]


def report_json(report: Report) -> dict[str, Any]:
    """Return the numbers of a report as plain JSON values."""
    return {
        "schema": 1,
        "title": report.title,
        "groups": [
            {
                "comparability": group.comparability.to_json(),
                "key": group.comparability.key,
                "partial": list(group.partial),
                "models": [
                    {
                        "model": row.label,
                        "tie_group": row.tie_group,
                        "estimates": {metric: item.to_json() for metric, item in row.estimates.items()},
                        "completeness": row.completeness.to_json(),
                        **({"twins": {metric: item.to_json() for metric, item in row.twins.items()}} if row.twins else {}),
                        **stats.controls_json(row.controls),
                        **stats.undone_json(row.undone),
                    }
                    for row in group.rows
                ],
                "slices": [
                    {
                        "dimension": item.dimension,
                        "label": item.label,
                        "thin": item.thin,
                        "models": {
                            row.label: estimate.to_json() if estimate else None
                            for row, estimate in zip(group.rows, item.estimates, strict=True)
                        },
                    }
                    for item in group.slices
                ],
                "comparisons": [item.to_json() for pair in group.pairs for item in pair.comparisons],
            }
            for group in report.groups
        ],
        "published": [row.to_json() for table in report.published for row in table.rows],
    }


def _leaderboard_csv(report: Report) -> str:
    named = "key model tie_group metric mean low high se prompts clusters coverage partial bounds_low bounds_high open"
    rows: list[list[Any]] = [[*named.split(), "controls_yes", "controls_answered", "controls_share"]]
    for group in report.groups:
        for row in group.rows:
            for metric, item in (*row.estimates.items(), *row.twins.items()):
                numbers = [item.mean, item.low, item.high, item.se, item.prompts, item.clusters, item.coverage]
                told = [" ".join(item.partial), *(item.bounds or (None, None)), item.open]
                asked = row.controls
                told += [None, None, None] if asked is None else [asked.yes, asked.answered, asked.share]
                rows.append([group.comparability.key, row.label, row.tie_group, metric, *numbers, *told])
    return _csv(rows)


def _scores_csv(report: Report) -> str:
    named = "key model sample_id seed status if kisa sgi spi kisa_raw sgi_raw answered partial reason"
    bounds = [f"{name}_{end}" for name in ("if", "spi", "kisa_raw", "sgi_raw") for end in ("low", "high")]
    rows: list[list[Any]] = [[*named.split(), *bounds]]
    for group in report.groups:
        for row in group.rows:
            for item in row.run.scores:
                numbers = [item.if_, item.kisa, item.sgi, item.spi, item.kisa_raw, item.sgi_raw]
                told = [item.answered, " ".join(item.partial), item.reason]
                spans = (item.if_bounds, item.spi_bounds, item.kisa_bounds, item.sgi_bounds)
                ends = [end for span in spans for end in span or (None, None)]
                named_by = [group.comparability.key, row.label, item.sample_id, item.seed, item.status.value]
                rows.append([*named_by, *numbers, *told, *ends])
    return _csv(rows)


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([[_cell(value) for value in row] for row in rows])
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell; a text that a spreadsheet would run as a formula gets a quote in front."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return repr(value) if isinstance(value, float) else value
