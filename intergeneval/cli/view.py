"""`intergeneval view`: a page on this machine that lists runs and follows one that is going on."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from intergeneval.cli.terminal import echo
from intergeneval.errors import UsageError


@click.command("view")
@click.argument("place", default="runs")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; default any that is free.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def command(place: str, port: int, *, no_browser: bool) -> None:
    """List the runs below PLACE (default runs), with their samples by status and answer; one that is going on is followed."""
    from intergeneval.pages.view import ViewServer

    if not Path(place).is_dir():
        raise UsageError(f"{place}: there is no such folder of runs")
    try:
        server = ViewServer(Path(place), port)
    except OSError as error:
        raise UsageError(f"--port {port}: cannot be listened on ({error.strerror}); give another, or none") from None
    with server:
        echo(server.url)
        echo("served on this machine alone; Ctrl-C ends it", err=True)
        if not no_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            echo("closed", err=True)
