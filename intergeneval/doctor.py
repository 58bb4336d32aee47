"""What works on this machine: Python, video codecs, GPUs, and every registered backend with what it needs.

A backend that is named with its weights is tried for real: they are loaded, and one tiny forward pass is made (its `probe`).
A judge behind a server is sent one small request, and its reply is read as a run reads it.
"""

from __future__ import annotations

import importlib
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from intergeneval import plugins
from intergeneval.config import RunConfig
from intergeneval.errors import IntergenevalError
from intergeneval.records import Record

CODECS: tuple[tuple[str, Literal["r", "w"], str], ...] = (
    ("h264", "r", "most generated videos"),
    ("vp9", "r", "webm"),
    ("libx264", "w", "overlay and rendered videos"),
)
"""Codec, r(ead) or w(rite), and what it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Record):
    """One thing that was looked at."""

    kind: str
    """``python``, ``codec``, ``device``, or a kind of plug-in such as ``tracker``."""
    name: str
    """What was looked at."""
    ok: bool
    """Whether it works here."""
    detail: str
    """Version, or what is missing and how to get it."""


def check() -> list[Check]:
    """Look at everything; imports each backend, so it takes as long as their libraries take to load."""
    return [*_python(), *_codecs(), *_devices(), *_plugins()]


def check_backends(config: RunConfig, specs: Mapping[str, str]) -> list[Check]:
    """Build each backend of `specs` (kind such as ``trackers`` -> spec) with the settings of `config`; try those with weights."""
    assess = config.consistency == "judge"
    found = (_tried(kind, spec, config.settings_for(spec, kind[:-1]), assess=assess) for kind, spec in specs.items())
    return [*_devices(), *found]


def _tried(kind: str, spec: str, settings: Mapping[str, Any], *, assess: bool) -> Check:
    single, began = kind[:-1], time.perf_counter()
    try:
        backend = plugins.build(kind, spec, settings)
        # A judge may be tried for what a run with consistency "judge" asks of it beside the questions.
        probe = (getattr(backend, "probe_assessing", None) if assess else None) or getattr(backend, "probe", None)
        if probe is None:
            return Check(kind=single, name=spec, ok=True, detail="can be built; it has no weights to try")
        told = probe()
    except IntergenevalError as error:
        return Check(kind=single, name=spec, ok=False, detail=str(error))
    except Exception as error:  # noqa: BLE001  # whatever a backend's library raises is what the user wants to hear
        return Check(kind=single, name=spec, ok=False, detail=f"{type(error).__name__}: {error}")
    return Check(kind=single, name=spec, ok=True, detail=f"{told}, {time.perf_counter() - began:.1f} s with loading, {_peak()}")


def _peak() -> str:
    """Return the most memory this process has taken so far, on the GPU where one is used."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB of GPU memory at most"
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30:.1f} GiB of memory at most"


def _devices() -> Iterator[Check]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield Check(kind="device", name="cpu", ok=True, detail=f"{os.cpu_count()} cores, {memory:.1f} GiB")
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        yield Check(
            kind="device",
            name="gpu",
            ok=False,
            detail="torch is not installed; needed for learned models: pip install intergeneval[models]",
        )
        return
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        yield Check(
            kind="device", name=f"cuda:{index}", ok=True, detail=f"{name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
        )
    if not torch.cuda.device_count():
        yield Check(
            kind="device",
            name="gpu",
            ok=False,
            detail=f"torch {torch.__version__} sees none; learned models run on the CPU, slowly",
        )


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
    if lacks := plugins.needed(factory):
        return Check(kind=single, name=name, ok=False, detail=plugins.lacking(kind, name, lacks[0]))
    module = sys.modules.get(getattr(factory, "__module__", ""))
    about = (getattr(module, "__doc__", None) or "").strip().splitlines()
    return Check(kind=single, name=name, ok=True, detail=about[0].replace("``", "") if about else "loads")
