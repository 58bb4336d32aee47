"""What works on this machine: Python, video codecs, and every registered backend with what it needs."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from intergeneval import plugins
from intergeneval.errors import IntergenevalError
from intergeneval.records import Record

CODECS: tuple[tuple[str, Literal["r", "w"], str], ...] = (("h264", "r", "most generated videos"), ("vp9", "r", "webm"), ("libx264", "w", "overlay and rendered videos"))
"""Codec, r(ead) or w(rite), and what it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Record):
    """One thing that was looked at."""

    kind: str
    """``python``, ``codec``, or a kind of plug-in such as ``tracker``."""
    name: str
    """What was looked at."""
    ok: bool
    """Whether it works here."""
    detail: str
    """Version, or what is missing and how to get it."""


def check() -> list[Check]:
    """Look at everything; imports each backend, so it takes as long as their libraries take to load."""
    return [*_python(), *_codecs(), *_plugins()]


def _python() -> Iterator[Check]:
    ok = sys.version_info >= (3, 11)
    yield Check(
        kind="python", name=platform.python_version(), ok=ok, detail=platform.platform() if ok else "3.11 or newer is needed"
    )


def _codecs() -> Iterator[Check]:
    import av

    for name, mode, purpose in CODECS:
        try:
            found = av.codec.Codec(name, mode).long_name
        except ValueError:  # what PyAV raises for a codec its FFmpeg was built without
            yield Check(kind="codec", name=name, ok=False, detail=f"missing from this build of PyAV; needed for {purpose}")
        else:
            yield Check(kind="codec", name=name, ok=True, detail=f"{found}; for {purpose}")


def _plugins() -> Iterator[Check]:
    for kind in plugins.KINDS:
        for name in plugins.names(kind):
            yield _plugin(kind, name)


def _plugin(kind: str, name: str) -> Check:
    single = kind[:-1]
    try:
        factory = plugins.load(kind, name)
    except IntergenevalError as error:
        return Check(kind=single, name=name, ok=False, detail=str(error))
    except Exception as error:  # noqa: BLE001  # somebody else's module broke; saying so is this command's purpose
        return Check(kind=single, name=name, ok=False, detail=f"its module fails to import: {type(error).__name__}: {error}")
    module = sys.modules.get(getattr(factory, "__module__", ""))
    about = (getattr(module, "__doc__", None) or "").strip().splitlines()
    return Check(kind=single, name=name, ok=True, detail=about[0] if about else "loads")
