"""Text and video encoders of each backbone, through its own pipeline's components: for the cache, and for noisy first frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from matrix_train.backbones.encoder import Encoder, Frames
from matrix_train.backbones.loading import architecture, architecture_of, load_pipeline, load_vae
from matrix_train.backbones.table import by_name
from matrix_train.roles import Span

__all__ = ["Encoder", "Frames", "encoder_of", "late_encoder", "load_encoder", "load_image_encoder", "load_offsets"]

ENCODING_PARTS = ("vae", "text_encoder", "text_encoder_2", "image_encoder")
"""Components that encode and have weights."""


def load_encoder(folder: Path, dtype: torch.dtype, device: torch.device) -> Encoder:
    """Load the encoders of a pipeline folder. Raises ConfigError."""
    # The transformer stays on the disk: its config is all that encoding needs.
    return _ready(folder, load_pipeline(folder, dtype, transformer=None), device)


def late_encoder(folder: Path, dtype: torch.dtype, device: torch.device) -> Encoder:
    """Return the encoders of a pipeline folder, of which nothing is loaded before something is encoded. Raises ConfigError."""
    return by_name(architecture(folder)).encoder(folder, _LatePipeline(folder, dtype, device), device)


class _LatePipeline:
    """A pipeline's encoders, loaded when one of its parts is asked for."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: torch.device) -> None:
        self.late_dtype = dtype
        self._asked = (folder, dtype, device)
        self._loaded: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._loaded is None:
            folder, dtype, device = self._asked
            self._loaded = _placed(load_pipeline(folder, dtype, transformer=None), device)
        return getattr(self._loaded, name)


def load_image_encoder(folder: Path, dtype: torch.dtype, device: torch.device) -> Encoder:
    """Load what encodes frames, the VAE alone; its `text` cannot be called. Raises ConfigError."""
    return by_name(architecture(folder)).encoder(folder, _placed(_FramesAlone(load_vae(folder, dtype)), device), device)


@dataclass(frozen=True, slots=True)
class _FramesAlone:
    """A pipeline of which nothing is there but what frames pass through."""

    vae: Any


def _ready(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    return encoder_of(folder, _placed(pipeline, device), device)


def _placed(pipeline: Any, device: torch.device) -> Any:
    for part in ENCODING_PARTS:
        if getattr(pipeline, part, None) is not None:
            getattr(pipeline, part).to(device).eval().requires_grad_(False)
    return pipeline


def encoder_of(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    """Put a loaded pipeline's encoders behind the protocol. Raises ConfigError."""
    return by_name(architecture_of(pipeline)).encoder(folder, pipeline, device)


def load_offsets(folder: Path) -> Callable[[str], tuple[Span, ...]]:
    """Return what gives the characters of each text token of a caption, from the tokenizer alone. Raises ConfigError."""
    return by_name(architecture(folder)).offsets(folder)
