"""Options that several verbs share, and how a verb speaks: results on stdout, messages on stderr."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

overrides_option = click.option(
    "--set", "overrides", multiple=True, metavar="SECTION.FIELD=VALUE", help="Override one value of the config; may be repeated."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def say(line: str) -> None:
    """Tell the user something that is no result."""
    click.echo(line, err=True)


def answer(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print a verb's result, as JSON or in words."""
    click.echo(json.dumps(result) if as_json else text)


@contextmanager
def importing() -> Iterator[None]:
    """Keep Python's garbage collector still while libraries load, and have it pass over what they are made of from then on.

    They make some hundred thousand functions and classes that all stay; going through them again and again took a fifth of a
    start's time. For a verb's own process alone: nothing that is there at the end of the block is ever collected.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
