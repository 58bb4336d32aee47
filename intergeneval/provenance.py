"""Where numbers come from: commit, versions, and the command with its secrets replaced."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from intergeneval.plugins import secrets

PACKAGES = ("intergeneval", "av", "numpy", "opencv-python-headless", "scipy", "torch", "transformers", "diffusers", "sam2")
"""Libraries whose versions can move a number; those not installed are left out."""

_URL_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_GIT_SECONDS = 10


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and the installed libraries that touch numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit(folder: Path) -> str:
    """Return the git commit of a folder with ``+dirty`` when it has changes; empty outside a checkout or without git."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return ""
    return head + ("+dirty" if _git(folder, "status", "--porcelain") else "")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # fixed words and no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607  # the user's own git
            capture_output=True,
            text=True,
            check=True,
            timeout=_GIT_SECONDS,
            # Asked for its status, git would write the index anew in passing.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def redact(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    """Return a command line as one text in which values of secret options, of secret variables and in URLs are ``***``."""
    known = secrets.values(environ)
    words, hide_next = [], False
    for word in argv:
        name, equals, _ = word.partition("=")
        is_secret_option = name.startswith("-") and bool(secrets.SECRET_NAME.search(name))
        if hide_next:
            shown = secrets.HIDDEN
        elif is_secret_option and equals:
            shown = f"{name}={secrets.HIDDEN}"
        else:
            shown = secrets.blanked(_URL_USER.sub(secrets.HIDDEN, word), known)
        hide_next = is_secret_option and not equals
        words.append(shown)
    return shlex.join(words)


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()
