"""Pages of one file that open from a disk and load nothing: their style, and the script with which a person decides on them.

A template of another room includes ``sheet.css`` and ``sheet.js`` and calls `sheet` of the latter with what is its own: what a
decision says, what is wrong with one, and how the file is called that is saved.
"""

from __future__ import annotations

import base64

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""What a browser lets such a page do: nothing that leaves it."""


def environment(package: str) -> Environment:
    """Return the templates of a package, beside those that all pages share; everything is escaped, and nothing may be missing."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("intergeneval.sheet")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["policy"] = POLICY
    return made


def data_uri(content: bytes, kind: str = "image/jpeg") -> str:
    """Return a file's bytes as an address that a page can hold in itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
