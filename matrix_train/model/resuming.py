"""The checkpoints of a run, and how it goes on from one: the adapter's folder and ``trainer_state.pt``.

That file is read with ``weights_only``. Nothing is pickled that could run code, and equal trainings give equal files.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from intergeneval.errors import ConfigError
from intergeneval.records.disk import growing
from matrix_train import config as configs
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.checkpoint import CONFIG, MARK, save

STATE = "trainer_state.pt"
MAY_CHANGE = {
    *("model.path", "model.gradient_checkpointing", "data.path", "data.cache", "decoder.maps_per_call"),
    *("train.steps", "train.save_every", "train.validate_every", "train.validate_clips", "train.log_every"),
    *("train.skip_limit", "train.trackers", "data.prefetch", "data.bad_limit", "heldout.every", "heldout.timesteps"),
}
"""What a resumed run may set anew: where things lie, how long it goes on, and what leaves the losses as they are."""


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


_OWN = ("step", "skipped", "processes", "asked")
"""What a state holds of the progress; beside it lie the optimiser's state and what other parts of the loop keep."""


def save_checkpoint(
    model: AlignedModel,
    out: Path,
    progress: Progress,
    optimiser: torch.optim.Optimizer,
    more: Mapping[str, Any] | None = None,
    *,
    shown: AbstractContextManager[None] | None = None,
    held_out: Sequence[str] = (),
) -> Path:
    """Write a checkpoint of a run and return its folder; those that a signal had asked for before it are removed.

    `more` is what other parts of the loop keep, by name; `shown` puts the weights that the adapter is made of into the model for
    as long as it is written; `held_out` are the lines of its card.
    """
    folder = out / f"checkpoint-{progress.step:07d}"
    # The state says that all else is there, so it leaves first and comes last.
    (folder / STATE).unlink(missing_ok=True)
    with shown or nullcontext():
        save(model, folder, progress.step, held_out=held_out)
    _save_state(folder, progress, optimiser, more or {})
    for path in sorted(out.glob(f"checkpoint-*/{STATE}")):
        if path.parent < folder and read_progress(path.parent).asked:
            path.unlink()
            shutil.rmtree(path.parent)
    return folder


def _save_state(folder: Path, progress: Progress, optimiser: torch.optim.Optimizer, more: Mapping[str, Any]) -> None:
    """Write what a resumed run needs beside the tensors; everything random follows from the step."""
    state = {name: getattr(progress, name) for name in _OWN}
    with growing(folder / STATE) as path, path.open("wb") as stream:
        # Through an open file: the archive inside would be called by the name of the file, which is a passing one.
        torch.save(_alike({**state, "optimiser": optimiser.state_dict(), **more}), stream)


def _alike(value: Any) -> Any:
    """Return the same value of objects that share nothing but words: a pickle says which are one, and a loaded one has others."""
    if isinstance(value, dict):
        return {sys.intern(key) if isinstance(key, str) else key: _alike(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_alike(item) for item in value])
    return value


def load_state(folder: Path, optimiser: torch.optim.Optimizer) -> tuple[Progress, dict[str, Any]]:
    """Put the optimiser back; return how far the run had come, and what other parts of the loop kept."""
    state = _read_state(folder)
    optimiser.load_state_dict(state["optimiser"])
    return _progress(state), {name: item for name, item in state.items() if name not in (*_OWN, "optimiser")}


def read_progress(folder: Path) -> Progress:
    """Return how far the run of a checkpoint had come, without reading the tensors beside it."""
    return _progress(_read_state(folder, mmap=True))


def _progress(state: Mapping[str, Any]) -> Progress:
    known = {name: state[name] for name in ("skipped", "processes", "asked") if name in state}
    return Progress(step=int(state["step"]), **known)


def _read_state(folder: Path, *, mmap: bool = False) -> dict[str, Any]:
    path = folder / STATE
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except (OSError, EOFError, RuntimeError, UnpicklingError):
        raise ConfigError(f"{path}: is damaged; delete {folder} to go on from the checkpoint before it") from None
    return state


def check_config(folder: Path, config: configs.Config, processes: int = 1) -> list[str]:
    """Return the fields that differ from a checkpoint's config and may. Raises ConfigError for any other difference.

    Another number of `processes` is one, unless train.batch makes up for it: the clips of a step are then the same.
    """
    before, changed = _written(folder), []
    began = read_progress(folder).processes if (folder / STATE).is_file() else None
    even = began is not None and _is_even(before, began, config, processes)
    if began is not None and began != processes and not even:
        raise ConfigError(
            f"{folder}: the run began on {began} processes of {before.train.batch} clips and is now to go on with {processes} of "
            f"{config.train.batch}; {_why_not(before, began, processes)}"
        )
    for name, was, now in configs.differences(before, config):
        if name.startswith("heldout.") and not before.heldout.share and not config.heldout.share:
            # How many clips are held out cannot matter where none is.
            continue
        changed.append(name)
        # Before clips had a rate, a study's own were taken one by one, which is the rate that it names now.
        named = began is None and name == "data.fps"
        if name not in MAY_CHANGE and not named and not (name == "train.batch" and even and began != processes):
            raise ConfigError(
                f"{folder}: {name} was {was!r} and is now {now!r}; "
                "a run goes on with the config it began with, so give --out another folder"
            )
    return changed


def _is_even(before: configs.Config, began: int, config: configs.Config, processes: int) -> bool:
    """Whether another number of processes goes on as the first would have: the clips of a step, and what its weights rest on."""
    balanced = before.loss.balance > 0 and began != processes
    return before.train.batch * began == config.train.batch * processes and not balanced


def _why_not(before: configs.Config, began: int, processes: int) -> str:
    if before.loss.balance > 0:
        return f"loss.balance measures gradients process by process, so start {began} processes"
    clips = before.train.batch * began
    fix = f", or train.batch = {clips // processes}" if clips % processes == 0 else ""
    return f"other clips would be in its steps, so start {began} processes{fix}"


def _written(folder: Path) -> configs.Config:
    """Return a checkpoint's config. One from before clips were held out held none out."""
    table = configs.read_table(folder / CONFIG)
    return _holding(configs.parse(table, where=str(folder / CONFIG)), table)


def holding_as_begun(config: configs.Config, out: Path) -> configs.Config:
    """Return the config of a run that goes on: one that began before clips were held out goes on with all of them."""
    found = latest(out)
    return config if found is None else _holding(config, configs.read_table(found / CONFIG))


def _holding(config: configs.Config, table: Mapping[str, Any]) -> configs.Config:
    return config if "heldout" in table else replace(config, heldout=replace(config.heldout, share=0.0))


def step_of(folder: Path) -> int:
    """Return the number of finished steps of a checkpoint, as its folder is called."""
    return int(folder.name.rpartition("-")[2])


def latest(out: Path) -> Path | None:
    """Return the newest whole checkpoint of a run, or None."""
    found = sorted(path.parent for path in out.glob(f"checkpoint-*/{STATE}") if (path.parent / MARK).is_file())
    return found[-1] if found else None
