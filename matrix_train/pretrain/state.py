"""What a stage of pretraining leaves behind every few minutes, and how it goes on from there."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from intergeneval.errors import ConfigError
from intergeneval.records.disk import growing, write_atomically
from matrix_train.pretrain.config import dump, load

STATE = "state.pt"
LOSS = "loss.csv"
CONFIG = "config.toml"


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write a stage's state; it appears under its name only when it is whole."""
    with growing(folder / STATE) as path:
        torch.save(dict(state), path)


def load_state(folder: Path) -> dict[str, Any] | None:
    """Read a stage's state, or None where there is none; nothing but tensors and numbers is accepted. Raises ConfigError."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError):
        raise ConfigError(f"{path}: is damaged; delete it to start this stage anew") from None
    return state


def check_same(folder: Path, text: str, may_change: tuple[str, ...]) -> None:
    """Keep a stage's config beside its state, and refuse to go on under another. Raises ConfigError naming the line."""
    path = folder / CONFIG
    if path.is_file() and (folder / STATE).is_file():
        # Read and written again, so that a field that came later counts with its default.
        before, now = _lines(dump(load(path))), _lines(text)
        for name in now:
            if before.get(name) != now[name] and name not in may_change:
                raise ConfigError(
                    f"{folder}: {name} was {before.get(name)} and is now {now.get(name)}; "
                    "a stage goes on with the config it began with, so give --out another folder"
                )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def _lines(text: str) -> dict[str, str]:
    found, section = {}, ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line:
            name, _, value = line.partition("=")
            found[f"{section}.{name.strip()}"] = value.strip()
    return found


class LossLog:
    """The loss curve, one CSV line a step; lines after the state that is gone on from are dropped."""

    def __init__(self, folder: Path, names: tuple[str, ...], done: int, file: str = LOSS) -> None:
        path, kept = folder / file, []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as stream:
                kept = [row for row in csv.reader(stream) if row and row[0].isdigit() and int(row[0]) <= done]
        rows = io.StringIO(newline="")
        csv.writer(rows).writerows([["step", *names], *kept])
        write_atomically(path, rows.getvalue())
        self._path = path
        self._rows: list[list[str]] = []

    def add(self, step: int, values: tuple[float, ...]) -> None:
        """Take in one step."""
        self._rows.append([str(step), *(f"{value:.6g}" for value in values)])

    def flush(self) -> None:
        """Write what was taken in."""
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(self._rows)
        self._rows.clear()
