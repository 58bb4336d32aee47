"""CogVideoX, image to video: its row in the table of backbones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from intergeneval.errors import ConfigError
from intergeneval.plugins.video_models import TRANSFORMER, VAE, own_size
from intergeneval.records.disk import read_text
from matrix_train.backbones import Backbone, MapKind
from matrix_train.backbones.encoder import Encoder, plain_offsets, transformer_settings
from matrix_train.backbones.family import Family, Shape
from matrix_train.backbones.files import load_tokenizer
from matrix_train.backbones.noising import PREDICTIONS
from matrix_train.roles import Span


def _wrap(transformer: Any, scheduler: Any) -> Backbone:
    from matrix_train.backbones.cogvideox.transformer import CogVideoX

    kind = scheduler.config.prediction_type
    if kind not in PREDICTIONS:
        raise ConfigError(f"scheduler.prediction_type is {kind!r}; CogVideoX trains with {' or '.join(PREDICTIONS)}")
    return CogVideoX(transformer, PREDICTIONS[kind](scheduler.alphas_cumprod))


def _encoder(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    from matrix_train.backbones.cogvideox.encoder import CogVideoXEncoder

    return CogVideoXEncoder(folder, pipeline, device)


def _offsets(folder: Path) -> Callable[[str], tuple[Span, ...]]:
    tokenizer, length = load_tokenizer(folder), int(transformer_settings(folder)["max_text_seq_length"])
    return lambda caption: plain_offsets(folder, tokenizer, caption, length)


def _told_shape(folder: Path) -> Shape:
    told = transformer_settings(folder)
    vae = json.loads(read_text(folder / "vae" / "config.json"))
    return int(told.get("sample_frames", 0)), own_size({TRANSFORMER: told, VAE: vae})


FAMILY = Family(
    name="cogvideox",
    pipeline="CogVideoXImageToVideoPipeline",
    transformer="CogVideoXTransformer3DModel",
    lora="CogVideoXLoraLoaderMixin",
    wrap=_wrap,
    encoder=_encoder,
    offsets=_offsets,
    told_shape=_told_shape,
    # CogVideoX-5B
    dominant={MapKind.V2T: (7, 11), MapKind.V2V: (12,)},
    dominant_depth=42,
    modules=("matrix_train.backbones.cogvideox.linear",),
)
