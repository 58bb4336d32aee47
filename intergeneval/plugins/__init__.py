"""Named backends: sources, painters, benchmarks, trackers, detectors and judges register under entry points.

A spec on the command line is ``name`` or ``name:argument``; the part before the first colon picks the entry point of group
``intergeneval.<kind>``, which is a callable that takes the argument (an empty text where there is none) and a settings mapping.
One for a benchmark takes nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from intergeneval.errors import BackendError, MissingDependencyError, UnknownPluginError

KINDS = ("sources", "painters", "benchmarks", "trackers", "detectors", "judges")

Factory = Callable[[str, Mapping[str, Any]], Any]
"""(argument, settings) -> backend."""


def names(kind: str) -> tuple[str, ...]:
    """Return the registered names of a kind, sorted. Nothing is imported."""
    return tuple(sorted({point.name for point in _points(kind)}))


def split_spec(spec: str) -> tuple[str, str]:
    """Split ``name:argument`` at the first colon; the argument is empty where there is none."""
    name, _, argument = spec.partition(":")
    return name, argument


def load(kind: str, name: str) -> Factory:
    """Import the factory registered as `name`.

    Raises UnknownPluginError with the registered names, and MissingDependencyError when its import needs an absent package, and
    BackendError when its module is broken.
    """
    for point in _points(kind):
        if point.name == name:
            try:
                factory: Factory = point.load()
            except ModuleNotFoundError as error:
                raise _missing(kind, name, error) from None
            except (ImportError, AttributeError) as error:
                raise BackendError(f"{kind[:-1]} {name!r} ({point.value}) does not load: {error}") from error
            return factory
    known = ", ".join(names(kind)) or "none"
    raise UnknownPluginError(f"no {kind[:-1]} is called {name!r}; registered are: {known}")


def build(kind: str, spec: str, settings: Mapping[str, Any] | None = None) -> Any:
    """Make the backend that a spec names. Raises what `load` and the factory raise."""
    name, argument = split_spec(spec)
    factory = load(kind, name)
    try:
        return factory(argument, settings or {})
    except ModuleNotFoundError as error:
        # A factory may import what it needs only when it is asked for something.
        raise _missing(kind, name, error) from None


def needed(factory: Factory) -> tuple[str, ...]:
    """Return the packages that a factory imports only when it makes something, and that are not installed; by ``NEEDS``."""
    module = sys.modules.get(getattr(factory, "__module__", ""))
    return tuple(name for name in getattr(module, "NEEDS", ()) if not _installed(name))


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):  # what a package that was blocked or half removed gives
        return False


def lacking(kind: str, name: str, package: str) -> str:
    """Return what to say of a plug-in that lacks a package."""
    point = next(point for point in _points(kind) if point.name == name)
    return f"{kind[:-1]} {name!r} needs the package {package!r}, which is not installed; {_way_out(point, package)}"


def _missing(kind: str, name: str, error: ModuleNotFoundError) -> MissingDependencyError:
    return MissingDependencyError(lacking(kind, name, (error.name or "").partition(".")[0]))


_REQUIREMENT = re.compile(r"([\w.-]+)(?:.*;.*\bextra *== *[\"']([\w.-]+))?")
_TRAINING = "matrix_train"


def _way_out(point: EntryPoint, package: str) -> str:
    """Return the command that installs a missing package: the extra of the plug-in's own distribution that names it."""
    if point.dist is None:
        return f"install {package}"
    extras = []
    for line in point.dist.requires or ():
        found = _REQUIREMENT.match(line)
        # A distribution may be called after its package with something behind it: hydra-core brings hydra.
        if found and f"{_plain(found[1])}-".startswith(f"{_plain(package)}-") and found[2] != "test":
            extras.append(found[2])
    if not extras:
        return f"install {package}"
    extra = "train" if "train" in extras and point.module.partition(".")[0] == _TRAINING else extras[0]
    wanted = f"'{point.dist.name}[{extra}]'" if extra else f"--force-reinstall {point.dist.name}"
    return f"pip install {wanted}"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _points(kind: str) -> list[EntryPoint]:
    return list(entry_points(group=f"intergeneval.{kind}"))
