"""Reports to disk: one template, two writers. A folder with a page for each sample, or one file with everything in it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from intergeneval import __version__
from intergeneval.errors import StoreError, UsageError
from intergeneval.records import Sample
from intergeneval.report.formats import FILTERS
from intergeneval.report.load import LoadedRun
from intergeneval.report.media import MediaFolder
from intergeneval.report.page import Report, ReportOptions, SampleKey, check_reference, make_report
from intergeneval.report.sample import SampleView, make_sample

MAX_SINGLE = 30
"""Most samples in a single file: their videos travel inside it."""
MARK = "intergeneval-report.json"
"""File that tells a report's folder from any other; only such a folder is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written."""

    path: Path
    """The page to open."""
    pages: int
    """Sample pages, or parts of the one file."""
    report: Report
    """What the page shows."""


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


def write_report(folders: Sequence[Path], out: Path, options: ReportOptions | None = None) -> Written:
    """Write the report of some runs into a folder, or into one file where `out` ends in .html.

    Equal runs and options give equal bytes. An earlier report at `out` is replaced as a whole, anything else is left alone.
    Raises UsageError for runs that cannot be shown and for an `out` that holds something else, RecordError for damaged lines,
    StoreError when it cannot be written.
    """
    options = options or ReportOptions()
    single = out.suffix.lower() in (".html", ".htm")
    command = f"intergeneval report {' '.join(folder.name for folder in folders)} -o {out.name}"
    report = make_report(folders, options, single=single, command=command)
    check_reference(report, options.reference)
    try:
        pages = _write_file(report, out) if single else _write_folder(report, out)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from None
    return Written(path=out if single else out / "index.html", pages=pages, report=report)


def _write_file(report: Report, out: Path) -> int:
    if len(report.samples) > MAX_SINGLE:
        raise UsageError(
            f"-o {out}: one file holds at most {MAX_SINGLE} samples, these runs have {len(report.samples)}; name a folder instead"
        )
    views = list(_views(report, MediaFolder(None)))
    offered = [
        Download(name=item.name, text=item.text, content="", href=_data_uri(item.content, item.name))
        for item in downloads(report)
    ]
    page = _index().render(report=report, data=report.data(), samples=views, downloads=offered, single=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    _write(out, page)
    return len(views)


def _write_folder(report: Report, out: Path) -> int:
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"-o {out}: holds something that is not a report; name a new folder, or one an earlier report wrote")
    out.parent.mkdir(parents=True, exist_ok=True)
    # The new report grows beside the old one and takes its place when it is whole.
    made = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        made.chmod(0o755)
        pages = _fill(report, made)
        if out.exists():
            shutil.rmtree(out)
        made.replace(out)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return pages


def _fill(report: Report, folder: Path) -> int:
    (folder / "samples").mkdir()
    (folder / "data").mkdir()
    page, names = environment().get_template("sample.html"), list(report.names.values())
    home = {key: group.anchor for group in report.groups for key in _keys(report, group.comparability.bench)}
    for place, (key, view) in enumerate(zip(report.samples, _views(report, MediaFolder(folder / "media")), strict=True)):
        _write(
            folder / "samples" / f"{view.name}.html",
            page.render(
                report=report,
                view=view,
                single=False,
                home=f"{home[key]}-samples",
                before=names[place - 1] if place else "",
                after=names[place + 1] if place + 1 < len(names) else "",
            ),
        )
    offered = []
    for item in downloads(report):
        _write(folder / "data" / item.name, item.content)
        offered.append(Download(name=item.name, text=item.text, content="", href=f"data/{item.name}"))
    _write(
        folder / "index.html",
        _index().render(report=report, data=report.data(), samples=[], downloads=offered, single=False),
    )
    _write(folder / MARK, json.dumps({"intergeneval": __version__}) + "\n")
    return len(names)


def _keys(report: Report, bench: str) -> list[SampleKey]:
    return [key for key in report.samples if key[0] == bench]


def _views(report: Report, media: MediaFolder) -> Iterator[SampleView]:
    """Give the sample pages one at a time: a large report does not fit into memory at once."""
    for key, (sample, runs) in report.samples.items():
        yield _view(sample, report.names[key], runs, media, report)


def _view(sample: Sample, name: str, runs: Sequence[LoadedRun], media: MediaFolder, report: Report) -> SampleView:
    return make_sample(sample, name, runs, media, report.columns)


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
    rows: list[list[Any]] = [
        ["key", "model", "tie_group", "metric", "mean", "low", "high", "se", "prompts", "clusters", "coverage", "partial"]
    ]
    for group in report.groups:
        for row in group.rows:
            for metric, item in row.estimates.items():
                numbers = [item.mean, item.low, item.high, item.se, item.prompts, item.clusters, item.coverage]
                rows.append([group.comparability.key, row.label, row.tie_group, metric, *numbers, " ".join(item.partial)])
    return _csv(rows)


def _scores_csv(report: Report) -> str:
    named = "key model sample_id seed status if kisa sgi spi kisa_raw sgi_raw answered partial reason"
    rows: list[list[Any]] = [named.split()]
    for group in report.groups:
        for row in group.rows:
            for item in row.run.scores:
                numbers = [item.if_, item.kisa, item.sgi, item.spi, item.kisa_raw, item.sgi_raw]
                told = [item.answered, " ".join(item.partial), item.reason]
                rows.append([group.comparability.key, row.label, item.sample_id, item.seed, item.status.value, *numbers, *told])
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


def _data_uri(content: str, name: str) -> str:
    kind = "text/csv" if name.endswith(".csv") else "application/json"
    return f"data:{kind};base64,{base64.b64encode(content.encode('utf-8', 'surrogatepass')).decode('ascii')}"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _index() -> Template:
    return environment().get_template("index.html")


@cache
def environment() -> Environment:
    """Return the template environment: everything escaped, a misspelt name is an error."""
    made = Environment(
        loader=PackageLoader("intergeneval.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(FILTERS)
    folder = Path(__file__).parent / "static"
    css = (folder / "report.css").read_text(encoding="utf-8")
    js = (folder / "report.js").read_text(encoding="utf-8")
    # Style and script stand in the page itself: it opens from a disk, a mail or a web server alike. Both come from this package.
    made.globals.update(css=Markup(css), js=Markup(js), policy=_policy(css, js))  # noqa: S704
    return made


def _policy(css: str, js: str) -> str:
    """Return the content security policy: only this style and this script run, whatever a caption holds; nothing is fetched."""
    local = "'self' file: data:"
    return (
        f"default-src 'none'; img-src {local}; media-src {local}; style-src '{_hash(css)}'; script-src '{_hash(js)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
