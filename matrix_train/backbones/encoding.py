"""Text and video encoders of each backbone, through its own pipeline's components: for the cache, and for noisy first frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from matrix_train.backbones.cogvideox.encoder import CogVideoXEncoder
from matrix_train.backbones.encoder import Encoder, Frames, TextCode, plain_offsets, transformer_settings
from matrix_train.backbones.files import load_tokenizer
from matrix_train.backbones.hunyuan.encoder import HunyuanVideoEncoder, image_tokens, stream_offsets
from matrix_train.backbones.loading import architecture, architecture_of, load_pipeline
from matrix_train.backbones.wan.encoder import WanEncoder, cleaned_offsets
from matrix_train.roles import Span

__all__ = ["Encoder", "Frames", "TextCode", "encoder_of", "load_encoder", "load_image_encoder", "load_offsets"]

ENCODERS: dict[str, Callable[[Path, Any, torch.device], Encoder]] = {
    "cogvideox": CogVideoXEncoder,
    "wan": WanEncoder,
    "hunyuan": HunyuanVideoEncoder,
}
"""Backbone -> its encoder."""
TEXT_PARTS = ("text_encoder", "text_encoder_2", "image_encoder")
"""Components that pictures of a video do not pass through."""


def load_encoder(folder: Path, dtype: torch.dtype, device: torch.device) -> Encoder:
    """Load the encoders of a pipeline folder. Raises ConfigError."""
    # The transformer stays on the disk: its config is all that encoding needs.
    return _ready(folder, load_pipeline(folder, dtype, transformer=None), device)


def load_image_encoder(folder: Path, dtype: torch.dtype, device: torch.device) -> Encoder:
    """Load what encodes frames, without the text encoders; its `text` cannot be called. Raises ConfigError."""
    parts = [name for name in TEXT_PARTS if (folder / name).is_dir()]
    return _ready(folder, load_pipeline(folder, dtype, transformer=None, **dict.fromkeys(parts)), device)


def _ready(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    for part in ("vae", *TEXT_PARTS):
        if getattr(pipeline, part, None) is not None:
            getattr(pipeline, part).to(device).eval().requires_grad_(False)
    return encoder_of(folder, pipeline, device)


def encoder_of(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    """Put a loaded pipeline's encoders behind the protocol. Raises ConfigError."""
    return ENCODERS[architecture_of(pipeline)](folder, pipeline, device)


def load_offsets(folder: Path) -> Callable[[str], tuple[Span, ...]]:
    """Return what gives the characters of each text token of a caption, from the tokenizer alone. Raises ConfigError."""
    name, tokenizer, settings = architecture(folder), load_tokenizer(folder), transformer_settings(folder)
    if name == "hunyuan":
        images = image_tokens(settings.get("image_condition_type"))
        return lambda caption: stream_offsets(folder, tokenizer, caption, images)
    if name == "wan":
        return lambda caption: cleaned_offsets(folder, tokenizer, caption)
    length = int(settings["max_text_seq_length"])
    return lambda caption: plain_offsets(folder, tokenizer, caption, length)
