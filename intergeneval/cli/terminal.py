"""The one way of words to a terminal: whatever a file, a folder's name or a server says, it moves no cursor and sets no title."""

from __future__ import annotations

import re

import click

_ACTS = re.compile(
    # Control characters but line ends and tabs, halves of characters, what turns the direction of reading or ends a line unseen.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def plain(text: str) -> str:
    """Return a text in which every character that acts on a terminal is written out by its number, as JSON would."""
    return _ACTS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text, on standard error with `err`; all that a verb says goes through here."""
    click.echo(plain(str(text)), err=err, nl=nl)
