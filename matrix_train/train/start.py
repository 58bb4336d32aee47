"""What a run does before its first step: fill the cache, see that there is something to align, take up the log where it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from intergeneval.errors import ConfigError
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.backbones.load_encoders import late_encoder
from matrix_train.config import Config
from matrix_train.data.cache import CacheState, Entry, fill
from matrix_train.data.clips import Clip
from matrix_train.data.precompute import state_notes
from matrix_train.data.reading import read_dataset
from matrix_train.model.aligned import loss_weights, supervised
from matrix_train.model.batch import RoleEntry

Say = Callable[[str], None]
"""Takes one line for the user."""


def prepare_cache(config: Config, folder: Path, backbone: Any, accelerator: Accelerator, say: Say) -> tuple[Clip, ...]:
    """Encode what is not cached yet, on the first process, and return the clips that can be trained on.

    Where all is cached no encoder is loaded.
    """
    clips = read_dataset(Path(config.data.path))
    encoder = late_encoder(folder, getattr(torch, config.model.dtype), accelerator.device)

    def filled() -> CacheState:
        return fill(config, clips, encoder, backbone)

    if accelerator.is_main_process:
        state = filled()
        say(f"{state.encoded} of {len(clips)} clips encoded, the others were cached")
        for note in state_notes(config, state):
            say(f"note: {note}")
    accelerator.wait_for_everyone()
    # What the first process wrote is there now, so that the others only read.
    return (state if accelerator.is_main_process else filled()).clips


def check_supervised(config: Config, clips: Sequence[Sequence[Entry]]) -> list[str]:
    """Return what is to be said of clips without a role to align with; `clips` are the roles of each.

    Raises ConfigError for a loss that no clip has a role for: the run would be one without it, under its name.
    """
    notes = []
    for name, weight in loss_weights(config).items():
        bare = sum(1 for entries in clips if not supervised(_roles(entries), name, config))
        roles = ", ".join(getattr(config.loss, f"{name}_roles"))
        lacks = "text in the caption and a mask" if name == "sga" else "a mask in the first frame"
        if bare == len(clips):
            raise ConfigError(
                f"loss.{name} is {weight:g} and none of the {len(clips)} training clips has a role "
                f"({roles}) with {lacks}, so nothing would be aligned; 'matrix-train check' says why, "
                f"and loss.{name} = 0 trains without it"
            )
        if bare:
            notes.append(f"{bare} of {len(clips)} training clips have no role ({roles}) with {lacks}; {name} leaves them out")
    return notes


def _roles(entries: Sequence[Entry]) -> list[RoleEntry]:
    return [
        RoleEntry(
            clip=0, slot=slot, interaction=item.interaction, role=item.role, has_text=bool(item.tokens), has_cells=item.has_cells
        )
        for slot, item in enumerate(entries)
    ]


def take_up_log(path: Path, done: int) -> None:
    """Drop the lines of steps after `done`, and one that a kill tore: they are done again, and a step stands in a log once."""
    if not path.is_file():
        return
    kept = [line for line in read_text(path).splitlines() if _step_of(line) <= done]
    write_atomically(path, "".join(f"{line}\n" for line in kept))


def _step_of(line: str) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        # Torn by a kill: it belongs to no step that is done.
        return float("inf")
