"""CogVideoX (2B and 5B, image to video): joint attention over text and video, text first, v-prediction.

Condition tensors: ``text`` (B, T, C) and, for image models, ``image`` (B, C, F, H, W): the first frame's latent, zeros after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from torch import Tensor, nn

from intergeneval.errors import ConfigError
from matrix_train.backbones import AttentionCall, Grid, MapKind, Noising, Part, argument
from matrix_train.backbones.transformer import DiffusersBackbone, inputs


class CogVideoX(DiffusersBackbone):
    """The CogVideoX transformer behind the backbone protocol; latents go in and out as (B, C, F, H, W)."""

    name = "cogvideox"
    kinds = frozenset(MapKind)
    projection = "patch_embed.proj"
    block_lists: tuple[str, ...] = ("transformer_blocks",)
    channel_axis = 2
    # The strength that the training scripts of diffusers and of the model's authors draw: exp of a normal number.
    image_noise = (-3.0, 0.5)
    image_dropout = 0.05

    def __init__(self, transformer: CogVideoXTransformer3DModel, noising: Noising) -> None:
        super().__init__(transformer, noising)
        if self._config.patch_size_t is not None:
            raise ConfigError("CogVideoX 1.5 patches time as well and is not supported; use CogVideoX-2B or 5B image to video")

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return int(self._config.num_layers)

    @property
    def patch(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns of one token."""
        return 1, int(self._config.patch_size), int(self._config.patch_size)

    def grid(self, shape_FHW: tuple[int, int, int]) -> Grid:
        """Return the token grid; learned positions allow one size only."""
        if self._config.use_learned_positional_embeddings:
            wanted = (self._config.sample_height, self._config.sample_width)
            if shape_FHW[1:] != wanted:
                raise ConfigError(
                    f"this CogVideoX has learned positions for latents of {wanted[0]}x{wanted[1]} and cannot take "
                    f"{shape_FHW[1]}x{shape_FHW[2]}; set data.height = {wanted[0] * 8} and data.width = {wanted[1] * 8}"
                )
        return super().grid(shape_FHW)

    def attention(self, layer: int, kind: MapKind) -> nn.Module:  # noqa: ARG002  # one joint attention holds every kind
        """Return the joint attention of a block."""
        return cast(nn.Module, self._model.transformer_blocks[layer].attn1)

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AttentionCall:
        """Read the arguments of the joint attention."""
        return AttentionCall(
            video_BNC=argument(args, kwargs, 0, "hidden_states"),
            text_BTC=argument(args, kwargs, 1, "encoder_hidden_states"),
            rotary=kwargs.get("image_rotary_emb"),
        )

    def parts(self, kind: MapKind) -> tuple[Part, ...]:  # noqa: ARG002  # one softmax for every kind
        """Text first, then video."""
        return "text", "video"

    def taps(self, attention: Any) -> tuple[nn.Module, nn.Module] | None:
        """Return the norms of queries and keys: the library turns the video's part of their output in place."""
        return None if attention.norm_q is None or attention.norm_k is None else (attention.norm_q, attention.norm_k)

    def lora_targets(self, layer: int) -> tuple[str, ...]:
        """Return q, k, v and out of the joint attention."""
        return tuple(f"transformer_blocks.{layer}.attn1.{name}" for name in ("to_q", "to_k", "to_v", "to_out.0"))

    def predict(self, noisy: Tensor, time_B: Tensor, condition: Mapping[str, Tensor]) -> Tensor:
        """Run the transformer; `time_B` are whole steps."""
        latents_BFCHW = inputs(noisy, condition, condition["text"].dtype).transpose(1, 2)
        output = self._model(
            hidden_states=latents_BFCHW,
            encoder_hidden_states=condition["text"],
            timestep=time_B.long(),
            image_rotary_emb=self._rotary(self.grid((noisy.shape[2], noisy.shape[3], noisy.shape[4])), noisy.device),
            return_dict=False,
        )[0]
        return cast(Tensor, output.transpose(1, 2))

    def _rotary(self, grid: Grid, device: torch.device) -> tuple[Tensor, Tensor] | None:
        if not self._config.use_rotary_positional_embeddings:
            return None
        patch = self._config.patch_size
        crops = crop((grid.height, grid.width), (self._config.sample_height // patch, self._config.sample_width // patch))
        tables = get_3d_rotary_pos_embed(
            embed_dim=self._config.attention_head_dim,
            crops_coords=crops,
            grid_size=(grid.height, grid.width),
            temporal_size=grid.frames,
            device=torch.device("cpu") if device.type == "meta" else device,
        )
        return tables[0].to(device), tables[1].to(device)


def crop(size: tuple[int, int], trained: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first and last corner (row, column) of the largest rectangle of a grid's shape in the middle of the trained one.

    Both grids are (rows, columns) in tokens, and the corners are where positions begin and end. The pipeline's own function
    does the same; its module loads text encoders, which training from a cache does without.
    """
    scale = min(long / own for long, own in zip(trained, size, strict=True))
    inner = [min(long, round(own * scale)) for long, own in zip(trained, size, strict=True)]
    first = [round((long - own) / 2) for long, own in zip(trained, inner, strict=True)]
    return (first[0], first[1]), (first[0] + inner[0], first[1] + inner[1])
