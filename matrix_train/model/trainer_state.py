"""What a resumed run needs beside the adapter: how far it had come, the optimiser, and what other parts of the loop keep."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from intergeneval.errors import ConfigError
from intergeneval.records.disk import growing

STATE = "trainer_state.pt"
_OWN = ("step", "skipped", "processes", "asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run had come at a checkpoint."""

    step: int = 0
    """Finished steps, skipped ones included."""
    skipped: int = 0
    """Steps that were skipped because loss or gradient was not finite."""
    processes: int | None = None
    """Processes that it ran on; None: a checkpoint from before this was noted."""
    asked: bool = False
    """Whether a signal asked for it: the next checkpoint of its own accord takes its place."""


def save_state(folder: Path, progress: Progress, optimiser: torch.optim.Optimizer, more: Mapping[str, Any] | None = None) -> None:
    """Write progress and optimiser; everything random follows from the step.

    `more` is what other parts of the loop keep, by name; tensors, numbers and mappings of those.
    """
    state = {**{name: getattr(progress, name) for name in _OWN}, "optimiser": optimiser.state_dict(), **(more or {})}
    with growing(folder / STATE) as path, path.open("wb") as stream:
        # Through an open file: the archive inside would be called by the name of the file, which is a passing one.
        torch.save(_alike(state), stream)


def _alike(value: Any) -> Any:
    """Return the same value of objects that share nothing but words: a pickle says which are one, and a loaded one has others."""
    if isinstance(value, Mapping):
        return {sys.intern(key) if isinstance(key, str) else key: _alike(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_alike(item) for item in value])
    return value


def load_state(folder: Path, optimiser: torch.optim.Optimizer, more: dict[str, Any] | None = None) -> Progress:
    """Put the optimiser back and return how far the run had come; what else was kept is put into `more`."""
    state = _read(folder)
    optimiser.load_state_dict(state["optimiser"])
    if more is not None:
        more.update({name: item for name, item in state.items() if name not in (*_OWN, "optimiser")})
    return _progress(state)


def read_progress(folder: Path) -> Progress:
    """Return how far the run of a checkpoint had come."""
    return _progress(_read(folder))


def _progress(state: Mapping[str, Any]) -> Progress:
    known = {name: state[name] for name in _OWN[1:] if name in state}
    return Progress(step=int(state["step"]), **known)


def _read(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError):
        raise ConfigError(f"{path}: is damaged; delete {folder} to go on from the checkpoint before it") from None
    return state
