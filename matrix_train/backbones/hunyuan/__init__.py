"""HunyuanVideo, image to video: its row in the table of backbones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from matrix_train.backbones import Backbone, MapKind
from matrix_train.backbones.encoder import Encoder, transformer_settings
from matrix_train.backbones.family import Family
from matrix_train.backbones.files import load_tokenizer
from matrix_train.backbones.noising import FlowMatching, shift_of
from matrix_train.backbones.original_names import of_hunyuan
from matrix_train.roles import Span


def _wrap(transformer: Any, scheduler: Any) -> Backbone:
    from matrix_train.backbones.hunyuan.transformer import HunyuanVideo

    given = 1 if transformer.config.image_condition_type == "token_replace" else 0
    return HunyuanVideo(transformer, FlowMatching(shift_of(scheduler), given_frames=given))


def _encoder(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    from matrix_train.backbones.hunyuan.encoder import HunyuanVideoEncoder

    return HunyuanVideoEncoder(folder, pipeline, device)


def _offsets(folder: Path) -> Callable[[str], tuple[Span, ...]]:
    from matrix_train.backbones.hunyuan.encoder import image_tokens, stream_offsets

    tokenizer = load_tokenizer(folder)
    images = image_tokens(transformer_settings(folder).get("image_condition_type"))
    return lambda caption: stream_offsets(folder, tokenizer, caption, images)


FAMILY = Family(
    name="hunyuan",
    pipeline="HunyuanVideoImageToVideoPipeline",
    transformer="HunyuanVideoTransformer3DModel",
    lora="HunyuanVideoLoraLoaderMixin",
    wrap=_wrap,
    encoder=_encoder,
    offsets=_offsets,
    original=of_hunyuan,
    tokenizer_by_file=True,
    dominant={MapKind.V2T: (6, 7, 9, 10), MapKind.V2V: (11, 26, 27, 29)},
    dominant_depth=60,
)
