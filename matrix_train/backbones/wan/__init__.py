"""Wan 2.1, image to video: its row in the table of backbones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from matrix_train.backbones import Backbone, MapKind
from matrix_train.backbones.encoder import Encoder
from matrix_train.backbones.family import Family
from matrix_train.backbones.files import load_tokenizer
from matrix_train.backbones.noising import FlowMatching, shift_of
from matrix_train.backbones.original_names import of_wan
from matrix_train.roles import Span


def _wrap(transformer: Any, scheduler: Any) -> Backbone:
    from matrix_train.backbones.wan.transformer import Wan

    return Wan(transformer, FlowMatching(shift_of(scheduler)))


def _encoder(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    from matrix_train.backbones.wan.encoder import WanEncoder

    return WanEncoder(folder, pipeline, device)


def _offsets(folder: Path) -> Callable[[str], tuple[Span, ...]]:
    from matrix_train.backbones.wan.encoder import cleaned_offsets

    tokenizer = load_tokenizer(folder)
    return lambda caption: cleaned_offsets(folder, tokenizer, caption)


FAMILY = Family(
    name="wan",
    pipeline="WanImageToVideoPipeline",
    transformer="WanTransformer3DModel",
    lora="WanLoraLoaderMixin",
    wrap=_wrap,
    encoder=_encoder,
    offsets=_offsets,
    original=of_wan,
    # Wan 2.1 14B
    dominant={MapKind.V2T: (20, 21, 22, 23, 24), MapKind.V2V: (6, 7, 8)},
    dominant_depth=40,
)
