"""A cache filled from a config alone: load the encoders, encode what is missing, tell what training will leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from matrix_train.backbones.files import resolve
from matrix_train.backbones.load_encoders import load_encoder
from matrix_train.backbones.loading import load_backbone, shape_notes
from matrix_train.config import Config
from matrix_train.data.cache import folder_of, notes_of, precompute, sizes_of
from matrix_train.data.checking import read_dataset


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


def fill_cache(config: Config, report: Callable[[int, int, str], None] = lambda *_: None) -> Filled:
    """Encode every clip of a config's dataset that is not cached yet; `report` is told (done, all, clip id).

    Raises ConfigError for a stale cache and for the first clip that cannot be trained on.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype, base = getattr(torch, config.model.dtype), resolve(config.model.path)
    said = shape_notes(base, config.data.frames, sizes_of(config))
    clips, folder = read_dataset(Path(config.data.path)), folder_of(config)
    encoded = precompute(config, clips, load_encoder(base, dtype, device), load_backbone(base, dtype), report)
    return Filled(folder=folder, clips=len(clips), encoded=encoded, notes=(*said, *notes_of(folder, clips)))
