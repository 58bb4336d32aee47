"""Options that several verbs share, and how a verb speaks: results on stdout, messages on stderr."""

from __future__ import annotations

import gc
import json
import time
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


class Pace:
    """Says how far a verb is that opens many videos: a line every so many seconds, with the rate and what is left."""

    def __init__(self, every: float = 10.0) -> None:
        self._every, self._begun, self._said = every, time.monotonic(), time.monotonic()

    def __call__(self, done: int, count: int, name: str) -> None:
        """Take how many of all are done, and which was the last."""
        now = time.monotonic()
        if now - self._said < self._every:
            return
        self._said, rate = now, done / (now - self._begun)
        say(f"{done}/{count}, {rate:.3g} a second, {(count - done) / rate:.0f} s left, last {name}")


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
