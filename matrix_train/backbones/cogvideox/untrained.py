"""New, untrained CogVideoX parts of any size, and the pipeline folder that holds them once they are trained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXTransformer3DModel,
)
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.records.disk import read_text
from matrix_train.backbones.cogvideox.linear import LinearVideoAutoencoder
from matrix_train.backbones.noising import PREDICTIONS, VPrediction

DEFAULT_FACTOR = 1.15258426
"""Scaling factor that the library gives an autoencoder for which none was measured."""
_BLOCKS = 4
_PIXELS = 8
"""Spatial stride of the autoencoder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeShape:
    """Size of an autoencoder."""

    channels: tuple[int, ...]
    """Channels of the four levels, fine to coarse."""
    latent: int
    """Channels of the latent."""
    layers: int
    """Residual blocks a level."""
    groups: int
    """Groups of the group norms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DitShape:
    """Size of a transformer."""

    heads: int
    """Attention heads."""
    head_width: int
    """Channels of a head."""
    layers: int
    """Blocks."""
    time_width: int
    """Width of the timestep's embedding."""
    text_width: int
    """Width of a text token."""
    text_tokens: int
    """Length of the text sequence."""
    patch: int = 2
    """Side of a token in latent cells."""


def new_vae(shape: VaeShape, size: tuple[int, int]) -> Any:
    """Return an autoencoder with random weights, drawn from torch's global generator; `size` is height, width in pixels."""
    return AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * _BLOCKS,
        up_block_types=("CogVideoXUpBlock3D",) * _BLOCKS,
        block_out_channels=shape.channels,
        latent_channels=shape.latent,
        layers_per_block=shape.layers,
        norm_num_groups=shape.groups,
        sample_height=size[0],
        sample_width=size[1],
    )


def load_vae(folder: Path) -> Any:
    """Load an autoencoder's folder, a learned or a linear one, in single precision."""
    kind: Any = LinearVideoAutoencoder if is_linear(folder) else AutoencoderKLCogVideoX
    return kind.from_pretrained(folder, dtype=torch.float32)


def is_linear(folder: Path) -> bool:
    """Return whether an autoencoder's folder holds fixed linear latents."""
    return bool(json.loads(read_text(folder / "config.json")).get("_class_name") == LinearVideoAutoencoder.__name__)


@torch.no_grad()
def take_vae(vae: Any, folder: Path) -> None:
    """Put the weights of an autoencoder's folder into one of its shape that may have more latent channels.

    Channels that are new count for nothing in the decoder until they are learned. Raises ConfigError for another shape.
    """
    old = load_vae(folder)
    here, there = _shape_of(vae), _shape_of(old)
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            raise ConfigError(f"{folder}: is an autoencoder with {name} {there.get(name)}; the config asks for {here.get(name)}")
    if old.config.latent_channels > vae.config.latent_channels:
        raise ConfigError(f"{folder}: has {old.config.latent_channels} latent channels; the config asks for fewer")
    own = vae.state_dict()
    for name, values in old.state_dict().items():
        into = own[name]
        if into.shape == values.shape:
            into.copy_(values)
        elif name.startswith("encoder."):
            # The last layer gives means in its first half and log-variances in the second.
            for half, known in zip(into.chunk(2), values.chunk(2), strict=True):
                half[: len(known)] = known
        else:
            into.zero_()
            into[:, : values.shape[1]] = values


def _shape_of(vae: Any) -> dict[str, str]:
    """Return what of an autoencoder's config decides which weights there are and what they do, but for the latent's channels."""
    free = ("latent_channels", "sample_height", "sample_width", "scaling_factor", "shift_factor")
    return {name: json.dumps(value) for name, value in vae.config.items() if not name.startswith("_") and name not in free}


def load_parts(folder: Path) -> tuple[Any, Any, Any]:
    """Load tokenizer, text encoder and transformer of a pipeline folder in single precision, to train on from them."""
    pipeline: Any = CogVideoXImageToVideoPipeline.from_pretrained(folder, dtype=torch.float32, vae=None)
    return pipeline.tokenizer, pipeline.text_encoder, pipeline.transformer


def encode(vae: Any, pixels: Tensor) -> Tensor:
    """Return means and log-variances (B, 2 C, F, H, W) of pixels (B, 3, F, H, W) in -1..1."""
    moments: Tensor = vae.encode(pixels).latent_dist.parameters
    return moments


def decode(vae: Any, latent: Tensor) -> Tensor:
    """Return the pixels of an unscaled latent."""
    pixels: Tensor = vae.decode(latent).sample
    return pixels


def new_transformer(shape: DitShape, latent: int, size: tuple[int, int], frames: int) -> CogVideoXTransformer3DModel:
    """Return an image-to-video transformer with random weights whose blocks change nothing yet.

    The gates of all blocks and the last layer start at zero, as in DiT. `size` is height, width in pixels.
    """
    model = CogVideoXTransformer3DModel(
        num_attention_heads=shape.heads,
        attention_head_dim=shape.head_width,
        in_channels=2 * latent,
        out_channels=latent,
        time_embed_dim=shape.time_width,
        text_embed_dim=shape.text_width,
        num_layers=shape.layers,
        sample_height=size[0] // _PIXELS,
        sample_width=size[1] // _PIXELS,
        sample_frames=frames,
        patch_size=shape.patch,
        max_text_seq_length=shape.text_tokens,
        use_rotary_positional_embeddings=True,
    )
    blocks: Any = model.transformer_blocks
    for block in blocks:
        for layer in (block.norm1.linear, block.norm2.linear):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    last: Any = model.proj_out
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    return model


def prefer_near(model: CogVideoXTransformer3DModel, strength: float) -> None:
    """Let the first half of the heads start by looking at the same place in every frame.

    A constant in the queries and keys of rotated channels gives, after rotation, a score that falls with the distance; it is put
    on the rows' and columns' channels alone, so that all frames count alike. Later training may undo it.
    """
    if not strength:
        return
    config: Any = model.config
    width = int(config.attention_head_dim)
    in_time = width // 4
    blocks: Any = model.transformer_blocks
    for block in blocks:
        for norm in (block.attn1.norm_q, block.attn1.norm_k):
            with torch.no_grad():
                # Pairs of neighbouring channels turn together; the first of each pair carries the constant.
                norm.bias[in_time::2] = strength


def new_scheduler(prediction: str) -> CogVideoXDDIMScheduler:
    """Return CogVideoX's schedule, with zero terminal signal-to-noise ratio, for a transformer that predicts so (PREDICTIONS)."""
    return CogVideoXDDIMScheduler(
        prediction_type=prediction, rescale_betas_zero_snr=True, timestep_spacing="trailing", snr_shift_scale=1.0
    )


def objective(prediction: str) -> VPrediction:
    """Return the training objective of `new_scheduler`."""
    scheduler: Any = new_scheduler(prediction)
    return PREDICTIONS[prediction](scheduler.alphas_cumprod)


def write_pipeline(folder: Path, parts: dict[str, Any], factor: float, prediction: str) -> None:
    """Write an image-to-video pipeline folder of tokenizer, text_encoder, vae and transformer, weights in half precision.

    `factor` is what the transformer's latents were multiplied with.
    """
    pipeline = new_pipeline(parts, factor, prediction)
    pipeline.to(torch.float16)
    # Where the autoencoder lay on the machine that made this is nobody's business, and would make equal pipelines unequal.
    parts["vae"].register_to_config(_name_or_path="")
    pipeline.save_pretrained(folder)


def new_pipeline(parts: dict[str, Any], factor: float, prediction: str) -> Any:
    """Return an image-to-video pipeline of tokenizer, text_encoder, vae and transformer, as `write_pipeline` keeps it."""
    parts["vae"].register_to_config(scaling_factor=factor)
    return CogVideoXImageToVideoPipeline(**parts, scheduler=new_scheduler(prediction))
