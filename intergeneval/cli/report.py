"""`intergeneval report`: pages that show runs, down to the frame."""

from __future__ import annotations

import json
from pathlib import Path

import click

from intergeneval.cli.help_sections import Command, more
from intergeneval.cli.terminal import echo

_FAILURES = 5
"""Videos without a picture that are named, with the reason."""


@click.command("report", cls=Command)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path, file_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder, or one file that ends in .html.")
@click.option("--reference", default="", metavar="MODEL", help="Model that differences are taken to; default: the best.")
@click.option("--title", default="", help="Title of the page.")
@click.option(
    "--card",
    "cards",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Judge card (card.json) of 'validate'; default: those in runs/exams.",
)
@click.option("--columns", multiple=True, metavar="[MODEL=]FILE", help="Numbers of other suites: CSV, or a VBench result file.")
@click.option("--published", multiple=True, metavar="NAME|FILE", help="Published table as reference rows, such as models.")
@click.option(
    "--media",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder to take first frames and videos from beside the RUN folders, such as the benchmark's.",
)
@more("--failures", is_flag=True, help="Write a picture and a clip of each costly failure, into failures/ of the report.")
@more(
    "--stills/--no-stills",
    default=True,
    help="Make posters and strips of the videos of runs that hold none, which decodes them; runs write their own by now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def command(  # noqa: PLR0913, PLR0917  # one argument an option
    runs: tuple[Path, ...],
    out: Path,
    reference: str,
    title: str,
    cards: tuple[Path, ...],
    columns: tuple[str, ...],
    published: tuple[str, ...],
    media: tuple[Path, ...],
    failures: bool,
    *,
    stills: bool,
    as_json: bool,
) -> None:
    """Write leaderboard, pairs and a page for each sample of some RUN folders; reads only."""
    from intergeneval.cli.text_table import interval, marked
    from intergeneval.report import ReportOptions, report_json, write_report
    from intergeneval.report.formats import counted

    options = ReportOptions(
        title=title,
        reference=reference,
        cards=cards,
        columns=columns,
        published=published,
        media=media,
        failures=failures,
        stills=stills,
    )
    written = write_report(runs, out, options)
    if as_json:
        echo(json.dumps({**report_json(written.report), "path": str(written.path)}, indent=1, ensure_ascii=False))
        return
    for group in written.report.groups:
        for row in group.rows:
            sign = "<= " if group.partial and row.main.mean is not None else ""
            mean = "no score" if row.main.mean is None else f"IF {sign}{row.main.mean:.3f}"
            if row.main.open and row.main.bounds is not None:
                mean = f"{marked(mean, row.main.open)}, bounds {interval(*row.main.bounds)}"
            standing = written.report.standing(group, row)
            told = counted(row.main.prompts, "prompt") + (f"; {standing}" if standing else "")
            echo(f"{row.tie_group or '-'}  {row.label}  {mean}  ({told})")
    made = written.making
    if made.count:
        # Timed apart: it is work that the run leaves to the report only where it wrote no pictures itself.
        echo(f"posters and strips of {counted(made.count, 'video')} made from the videos in {made.seconds:.1f} s")
    for reason in made.failed[:_FAILURES]:
        echo(f"no picture: {reason}", err=True)
    if len(made.failed) > _FAILURES:
        echo(f"no picture of {len(made.failed) - _FAILURES} more videos", err=True)
    echo(f"{written.path}  ({counted(written.pages, 'sample page')})")
