"""Reports to disk: one template, two writers. A folder with a page for each sample, or one file with everything in it."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from intergeneval import __version__
from intergeneval.errors import StoreError, UsageError
from intergeneval.records import CONTROL_ID
from intergeneval.records.disk import growing_folder, write_atomically, write_new
from intergeneval.report.card_links import CardLink, by_video
from intergeneval.report.combining import RULE
from intergeneval.report.downloads import Download, downloads
from intergeneval.report.formats import FILTERS
from intergeneval.report.gallery import glimpses
from intergeneval.report.media import MediaFolder
from intergeneval.report.page import Report, ReportOptions, SampleKey, check_reference, make_report
from intergeneval.report.rendering import Pages
from intergeneval.report.sample import SampleView, make_sample
from intergeneval.report.shots import NAMED, Glimpse
from intergeneval.report.stills import FOLDER as STILLS
from intergeneval.report.stills import Making, StillsFolder

MAX_SINGLE = 30
"""Most samples in a single file: their videos travel inside it."""
FAILURES = "failures"
"""Folder of a report that holds the pictures and clips of failures."""
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
    making: Making
    """Posters and strips that were made here, since the run folders hold none: how many, how long that took, and what failed."""


def write_report(folders: Sequence[Path], out: Path, options: ReportOptions | None = None) -> Written:
    """Write the report of some runs into a folder, or into one file where `out` ends in .html.

    Equal runs and options give equal bytes. An earlier report at `out` is replaced as a whole, anything else is left alone.
    Raises UsageError for runs that cannot be shown and for an `out` that holds something else, RecordError for damaged lines,
    StoreError when it cannot be written.
    """
    options = options or ReportOptions()
    single = out.suffix.lower() in (".html", ".htm")
    report = make_report(folders, options, single=single, command=_command(folders, options, single))
    check_reference(report, options.reference)
    try:
        pages, making = _write_file(report, out, options) if single else _write_folder(report, out, options)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from None
    return Written(path=out if single else out / "index.html", pages=pages, report=report, making=making)


def _command(folders: Sequence[Path], options: ReportOptions, single: bool) -> str:
    """Return the command that makes this report again; where it is written does not matter to its bytes.

    Of paths it keeps the end, with the folder above for runs: one that tells them apart, and none of the machine's own.
    """
    runs = [Path(*folder.resolve().parts[-2:]).as_posix() for folder in folders]
    words = ["intergeneval", "report", *runs, "-o", "report.html" if single else "report"]
    for name, value in (("title", options.title), ("reference", options.reference)):
        words += [f"--{name}", value] if value else []
    for item in options.columns:
        model, equals, path = item.partition("=")
        words += ["--columns", f"{model}={Path(path).name}" if equals else Path(item).name]
    words += [word for item in options.published for word in ("--published", Path(item).name)]
    words += [word for item in options.cards for word in ("--card", item.name)]
    words += [word for item in options.media for word in ("--media", item.resolve().name)]
    words += ["--failures"] if options.failures else []
    words += [] if options.stills else ["--no-stills"]
    return shlex.join(words)


def _write_file(report: Report, out: Path, options: ReportOptions) -> tuple[int, Making]:
    if options.failures:
        raise UsageError(f"-o {out}: --failures writes files beside the pages, which one file has no room for; name a folder")
    if len(report.samples) > MAX_SINGLE:
        raise UsageError(
            f"-o {out}: one file holds at most {MAX_SINGLE} samples, these runs have {len(report.samples)}; name a folder instead"
        )
    media = MediaFolder(None, options.media)
    stills = StillsFolder(None, media, make=options.stills)
    views = list(_views(report, media, stills))
    offered = [
        Download(name=item.name, text=item.text, content="", href=_data_uri(item.content, item.name))
        for item in downloads(report)
    ]
    seen = {key: glimpses(view, single=True) for key, view in zip(report.samples, views, strict=True)}
    page = _index(report, seen, samples=views, downloads=offered)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, _bytes(page))
    return len(views), stills.making


def _write_folder(report: Report, out: Path, options: ReportOptions) -> tuple[int, Making]:
    out = out.resolve()
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"-o {out}: holds something that is not a report; name a new folder, or one an earlier report wrote")
    out.parent.mkdir(parents=True, exist_ok=True)
    # The new report grows beside the old one and takes its place when it is whole.
    with growing_folder(out) as made:
        return _fill(report, made, options)


def _fill(report: Report, folder: Path, options: ReportOptions) -> tuple[int, Making]:
    (folder / "samples").mkdir()
    (folder / "data").mkdir()
    page, names = environment().get_template("sample.html"), list(report.names.values())
    cards = _cards(report, folder, options) if options.failures else ()
    linked = by_video(cards)
    home = {key: group.anchor for group in report.groups for key in _keys(report, group.comparability.bench)}
    media = MediaFolder(folder / "media", options.media)
    stills = StillsFolder(folder / STILLS, media, make=options.stills)
    seen: dict[SampleKey, tuple[Glimpse, ...]] = {}
    for place, (key, view) in enumerate(zip(report.samples, _views(report, media, stills), strict=True)):
        seen[key] = glimpses(view, single=False)
        _new(
            folder / "samples" / f"{view.name}.html",
            page.render(
                report=report,
                view=view,
                single=False,
                linked=linked,
                home=f"{home[key]}-samples",
                before=names[place - 1] if place else "",
                after=names[place + 1] if place + 1 < len(names) else "",
            ),
        )
    offered = []
    for item in downloads(report):
        _new(folder / "data" / item.name, item.content)
        offered.append(Download(name=item.name, text=item.text, content="", href=f"data/{item.name}"))
    _new(folder / "index.html", _index(report, seen, samples=[], downloads=offered, cards=cards))
    _new(folder / MARK, json.dumps({"intergeneval": __version__}) + "\n")
    return len(names), stills.making


def _cards(report: Report, folder: Path, options: ReportOptions) -> tuple[CardLink, ...]:
    """Write the cards, before the pages that lead to them."""
    # Only here: fonts and encoders are for cards alone.
    from intergeneval.report.failures import write_run_cards

    return write_run_cards(report.runs, folder / FAILURES, media=options.media, growing=True).links


def _keys(report: Report, bench: str) -> list[SampleKey]:
    return [key for key in report.samples if key[0] == bench]


def _views(report: Report, media: MediaFolder, stills: StillsFolder) -> Iterator[SampleView]:
    """Give the sample pages one at a time: a large report does not fit into memory at once."""
    for key, (sample, runs) in report.samples.items():
        yield make_sample(sample, report.names[key], runs, media, stills, report.columns)


def _data_uri(content: str, name: str) -> str:
    kind = "text/csv" if name.endswith(".csv") else "application/json"
    return f"data:{kind};base64,{base64.b64encode(content.encode('utf-8', 'surrogatepass')).decode('ascii')}"


def _new(path: Path, text: str) -> None:
    write_new(path, _bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _index(
    report: Report,
    seen: Mapping[SampleKey, Sequence[Glimpse]],
    *,
    samples: Sequence[SampleView],
    downloads: Sequence[Download],
    cards: Sequence[CardLink] = (),
) -> str:
    """Return the index page; `seen` are the videos of each sample, as their pages show them, `cards` what was drawn of losses."""
    galleries = {group.anchor: report.gallery(group, seen) for group in report.groups}
    page = environment().get_template("index.html")
    data = report.data(galleries)
    return page.render(
        report=report,
        data=data,
        galleries=galleries,
        samples=samples,
        downloads=downloads,
        single=report.single,
        named=NAMED,
        cards=cards,
        linked={},
    )


@cache
def environment() -> Environment:
    """Return the template environment: everything escaped, a misspelt name is an error."""
    made = Pages(
        loader=PackageLoader("intergeneval.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(FILTERS)
    folder = Path(__file__).parent / "static"
    css = "".join((folder / name).read_text(encoding="utf-8") for name in ("report.css", "gallery.css"))
    js = "".join((folder / name).read_text(encoding="utf-8") for name in ("report.js", "gallery.js"))
    # Style and script stand in the page itself: it opens from a disk, a mail or a web server alike. Both come from this package.
    made.globals.update(css=Markup(css), js=Markup(js), policy=_policy(css, js), control_id=CONTROL_ID, combining_rule=RULE)  # noqa: S704
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
