"""A page on this machine, from a verb's port and browser options to its end by Ctrl-C."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from intergeneval.cli.terminal import echo
from intergeneval.errors import UsageError

if TYPE_CHECKING:
    from intergeneval.pages.loopback import LoopbackServer

F = TypeVar("F", bound=Callable[..., Any])


def page_options(command: F) -> F:
    """Add the options of every verb that serves a page."""
    quiet = click.option("--no-browser", is_flag=True, help="Only print the address.")(command)
    port = click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; default any that is free.")
    return port(quiet)


def serve(
    make: Callable[[int], LoopbackServer], port: int, *, browser: bool, opened: str, ends: str, ended: Callable[[], str]
) -> None:
    """Serve a page until Ctrl-C: `opened` stands before its address, `ends` after how it ends, and `ended` is said then.

    Raises UsageError for a port that cannot be had.
    """
    try:
        server = make(port)
    except OSError as error:
        raise UsageError(f"--port {port}: cannot be listened on ({error.strerror}); give another, or none") from None
    with server:
        echo(f"{opened}{server.url}")
        echo(f"served on this machine alone; Ctrl-C ends it{ends}", err=True)
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            echo(ended(), err=True)
