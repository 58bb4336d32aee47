"""Secrets by their value: what the environment holds under a secret's name is refused in settings and blanked in texts.

A key is not told by the name of the field that it was pasted into, so that every setting is held against the values themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

SECRET_NAME = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
"""What the name of a variable that holds a secret has in it."""
_SURELY = re.compile(r"(?:^|_)(?:(?:api)?key|token|secret|password|passwd|credentials?|auth)(?:_|$)", re.IGNORECASE)
"""As a word of its own: what is refused for it must not be somebody's name under ``GIT_AUTHOR_NAME``."""
LEAST = 8
"""Characters of a secret at least: blanking a shorter one, such as the dummy key of a local server, would spoil every text."""
HIDDEN = "***"


def values(environ: Mapping[str, str] | None = None, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the secrets of an environment, those named in `more` (variables) too, the longest first."""
    environ = os.environ if environ is None else environ
    named = {*more, *(name for name in environ if SECRET_NAME.search(name))}
    found = {environ.get(name, "").strip() for name in named}
    return tuple(sorted((value for value in found if len(value) >= LEAST and not value.startswith("/")), key=len, reverse=True))


def surely(environ: Mapping[str, str] | None = None, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Return those of the secrets that no setting may hold: of variables that are certainly secrets, or named in `more`."""
    environ = os.environ if environ is None else environ
    wanted = {*more, *(name for name in environ if _SURELY.search(name))}
    return values({name: text for name, text in environ.items() if name in wanted}, more)


def blanked(text: str, secrets: Iterable[str]) -> str:
    """Return a text with every secret in it replaced; done before a text is cut, so that no part of one is left."""
    for secret in secrets:
        if len(secret) >= LEAST:
            text = text.replace(secret, HIDDEN)
    return text


def place_of(value: Any, secrets: tuple[str, ...], place: str = "") -> str | None:
    """Return where in a plain JSON value a secret stands, as ``settings.openai.revision``; None where none does."""
    if isinstance(value, str):
        return place if any(secret in value for secret in secrets) else None
    if isinstance(value, list | tuple):
        inner = ((f"{place}[{index}]", item) for index, item in enumerate(value))
        return next((found for where, item in inner if (found := place_of(item, secrets, where)) is not None), None)
    for name, item in value.items() if isinstance(value, Mapping) else ():
        # A name may be the secret too, and then must not be told.
        where = f"{place}.{blanked(str(name), secrets)}".removeprefix(".")
        found = where if any(secret in str(name) for secret in secrets) else place_of(item, secrets, where)
        if found is not None:
            return found
    return None
