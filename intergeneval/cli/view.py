"""`intergeneval view`: a page on this machine that lists runs and follows one that is going on."""

from __future__ import annotations

from pathlib import Path

import click

from intergeneval.cli.serving import page_options, serve
from intergeneval.errors import UsageError


@click.command("view")
@click.argument("place", default="runs")
@page_options
def command(place: str, port: int, *, no_browser: bool) -> None:
    """List the runs below PLACE (default runs), with their samples by status and answer; one that is going on is followed."""
    from intergeneval.pages.view import ViewServer

    if not Path(place).is_dir():
        raise UsageError(f"{place}: there is no such folder of runs")
    serve(lambda at: ViewServer(Path(place), at), port, browser=not no_browser, opened="", ends="", ended=lambda: "closed")
