"""A cache filled from a config alone: load the encoders, encode what is missing, tell what training will leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from matrix_train.backbones.files import resolve
from matrix_train.backbones.load_encoders import late_encoder
from matrix_train.backbones.loading import load_outline, shape_notes
from matrix_train.config import Config
from matrix_train.data.cache import CacheState, fill, folder_of
from matrix_train.data.encoding import sizes_of
from matrix_train.data.reading import read_dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A cache that holds every clip of a config."""

    folder: Path
    """Where it lies."""
    clips: int
    """Clips in it."""
    encoded: int
    """Clips that were encoded now; the others were there."""
    notes: tuple[str, ...]
    """What is to be said of the shape, and what training will leave out, one line each, named by clip."""
    bad: tuple[tuple[str, str], ...] = ()
    """Clips that cannot be trained on, each with the reason."""


def fill_cache(
    config: Config, report: Callable[[int, int, str], None] = lambda *_: None, shard: tuple[int, int] = (1, 1)
) -> Filled:
    """Encode every clip of a config's dataset that is not cached yet; `report` is told (done, all, clip id).

    `shard` (I, N) takes every N-th clip, from the I-th on: machines that share the cache fill it together, and a call without one
    afterwards says what is lacking. Nothing is loaded before the first clip that is to be encoded. Raises ConfigError for a stale
    cache and for more clips that cannot be trained on than `data.bad_limit` allows.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype, base = getattr(torch, config.model.dtype), resolve(config.model.path)
    said = shape_notes(base, config.data.frames, sizes_of(config))
    first, count = shard
    clips, folder = read_dataset(Path(config.data.path))[first - 1 :: count], folder_of(config)
    state = fill(config, clips, late_encoder(base, dtype, device), load_outline(base), report, again=True)
    notes = (*said, *state_notes(config, state))
    return Filled(folder=folder, clips=len(clips), encoded=state.encoded, notes=notes, bad=state.bad)


def state_notes(config: Config, state: CacheState) -> list[str]:
    """Return what is to be said of a filled cache: clips left out and why, clips of another rate in one line, roles left out."""
    found = [f"{name} is left out: {reason}" for name, reason in state.bad]
    if state.resampled:
        shown = f"{config.data.fps:g}" if config.data.fps else "the base model's own"
        found.append(
            f"{state.resampled} of {len(state.clips)} clips have another frame rate than data.fps ({shown}); "
            "their frames and masks are taken by time"
        )
    return [*found, *state.notes]
