"""From a pipeline folder or hub id to a backbone, an encoder or a whole pipeline; the only place that picks an architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from intergeneval.errors import ConfigError
from matrix_train.backbones import Backbone
from matrix_train.backbones.cogvideox.transformer import CogVideoX
from matrix_train.backbones.files import load_tokenizer
from matrix_train.backbones.hunyuan.transformer import HunyuanVideo
from matrix_train.backbones.noising import FlowMatching, VPrediction
from matrix_train.backbones.wan.transformer import Wan

PIPELINES = {
    "CogVideoXImageToVideoPipeline": "cogvideox",
    "WanImageToVideoPipeline": "wan",
    "HunyuanVideoImageToVideoPipeline": "hunyuan",
}
"""Class of a pipeline's ``model_index.json`` -> backbone."""
SECOND = "transformer_2"
"""Component of a pipeline that hands the denoising over to a second transformer half-way."""
TWO_TRANSFORMERS = (
    "it has two transformers (as Wan 2.2 A14B does), one for noisy and one for clean steps, and an adapter would change only the "
    "first; use a pipeline with one, such as Wan 2.1"
)
OWN_TIMES = "it gives every token a timestep of its own (as Wan 2.2 TI2V 5B does), which is not supported; use Wan 2.1"
DROPPED = 4
"""Frames at the start that the HunyuanVideo pipeline samples and throws away in its latent-concat variant."""


def architecture(folder: Path) -> str:
    """Return the backbone's name of a pipeline folder. Raises ConfigError for one we cannot train."""
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    name = index.get("_class_name", "")
    if name not in PIPELINES:
        raise ConfigError(f"{folder}: a {name or 'nameless pipeline'} cannot be trained; supported are {', '.join(PIPELINES)}")
    if (index.get(SECOND) or [None])[0] is not None:
        raise ConfigError(f"{folder}: {TWO_TRANSFORMERS}")
    if index.get("expand_timesteps"):
        raise ConfigError(f"{folder}: {OWN_TIMES}")
    return PIPELINES[name]


def architecture_of(pipeline: Any) -> str:
    """Return the backbone's name of a loaded pipeline. Raises ConfigError for one that adapters cannot be put on."""
    name = type(pipeline).__name__
    if name not in PIPELINES:
        raise ConfigError(f"a {name} takes no adapter of ours; supported are {', '.join(PIPELINES)}")
    if getattr(pipeline, SECOND, None) is not None:
        raise ConfigError(f"this {name}: {TWO_TRANSFORMERS}")
    if pipeline.config.get("expand_timesteps"):
        raise ConfigError(f"this {name}: {OWN_TIMES}")
    return PIPELINES[name]


def wrap(name: str, transformer: Any, scheduler: Any) -> Backbone:
    """Put a loaded transformer behind the backbone protocol, with the objective its scheduler tells. Raises ConfigError."""
    if name == "cogvideox":
        if scheduler.config.prediction_type != "v_prediction":
            kind = scheduler.config.prediction_type
            raise ConfigError(f"scheduler.prediction_type is {kind!r}; CogVideoX trains with v_prediction")
        return CogVideoX(transformer, VPrediction(scheduler.alphas_cumprod))
    settings = scheduler.config
    shift = float(settings.get("flow_shift") or settings.get("shift") or 1.0)
    if name == "wan":
        return Wan(transformer, FlowMatching(shift))
    given = 1 if transformer.config.image_condition_type == "token_replace" else 0
    return HunyuanVideo(transformer, FlowMatching(shift, given_frames=given))


def load_backbone(folder: Path, dtype: torch.dtype) -> Backbone:
    """Load the transformer of a pipeline folder behind the protocol."""
    import diffusers

    name = architecture(folder)
    classes: dict[str, Any] = {
        "cogvideox": diffusers.CogVideoXTransformer3DModel,
        "wan": diffusers.WanTransformer3DModel,
        "hunyuan": diffusers.HunyuanVideoTransformer3DModel,
    }
    scheduler_class = json.loads((folder / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))["_class_name"]
    scheduler = getattr(diffusers, scheduler_class).from_pretrained(folder, subfolder="scheduler")
    transformer = classes[name].from_pretrained(folder, subfolder="transformer", dtype=dtype)
    return wrap(name, transformer, scheduler)


def load_pipeline(folder: Path, dtype: torch.dtype, **parts: Any) -> Any:
    """Load a pipeline for sampling; `parts` stand in for components of its own, None leaving one out."""
    import diffusers

    if architecture(folder) == "hunyuan":
        parts.setdefault("tokenizer", load_tokenizer(folder))
    pipeline: Any = diffusers.DiffusionPipeline
    return pipeline.from_pretrained(folder, dtype=dtype, **parts)


def sampled_frames(pipeline: Any, frames: int) -> int:
    """Return how many frames to ask a pipeline for, so that `frames` of them come out."""
    variant = getattr(pipeline.transformer.config, "image_condition_type", None)
    return frames + (DROPPED if variant == "latent_concat" else 0)


def save_lora(name: str, folder: Path, layers: dict[str, torch.Tensor], metadata: dict[str, Any]) -> None:
    """Write an adapter in diffusers' own format, rank and alpha in its metadata."""
    import diffusers

    kind = next(pipeline for pipeline, backbone in PIPELINES.items() if backbone == name)
    writer: Any = getattr(diffusers, kind)
    writer.save_lora_weights(folder, transformer_lora_layers=layers, transformer_lora_adapter_metadata=metadata)
