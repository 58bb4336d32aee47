"""Wan 2.1 (image to video): self-attention over video, then cross-attention to text with an image branch beside it.

Condition tensors: ``text`` (B, 512, C); ``text_length`` (B,) real tokens; ``image`` (B, C + 4, F, H, W): first-frame mask and
latent as the pipeline builds them; ``image_embeds`` (B, 257, C), where the model has an image branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from diffusers import WanTransformer3DModel
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor, nn

from matrix_train.backbones import AttentionCall, Grid, MapKind, Noising, Part, argument, patched

TEXT_TOKENS = 512
"""Length of the text context; the library splits image and text tokens at this fixed number."""


class Wan:
    """The Wan 2.1 transformer behind the backbone protocol."""

    name = "wan"
    kinds = frozenset({MapKind.V2T, MapKind.V2V})
    projection = "patch_embedding"
    channel_axis = 1

    def __init__(self, transformer: WanTransformer3DModel, noising: Noising) -> None:
        self._model = transformer
        self._config: Any = transformer.config
        self._noising = noising

    @property
    def transformer(self) -> nn.Module:
        """The transformer."""
        return cast(nn.Module, self._model)

    @property
    def noising(self) -> Noising:
        """Flow matching."""
        return self._noising

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return int(self._config.num_layers)

    @property
    def strides(self) -> tuple[int, int]:
        """Four frames and eight pixels of the VAE, times the patch."""
        return 4 * int(self._config.patch_size[0]), 8 * int(self._config.patch_size[1])

    @property
    def latent_channels(self) -> int:
        """Channels of the video latent."""
        return int(self._config.out_channels)

    def grid(self, shape_FHW: tuple[int, int, int]) -> Grid:
        """Return the token grid; any size that can be patched will do."""
        return patched(shape_FHW, cast(tuple[int, int, int], tuple(self._config.patch_size)))

    def attention(self, layer: int, kind: MapKind) -> nn.Module:
        """Return self-attention for video maps, cross-attention for text maps."""
        block = self._model.blocks[layer]
        return cast(nn.Module, block.attn1 if kind is MapKind.V2V else block.attn2)

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AttentionCall:
        """Read the arguments of self- or cross-attention; image tokens in front of the text are cut off."""
        text = argument(args, kwargs, 1, "encoder_hidden_states")
        return AttentionCall(
            video_BNC=argument(args, kwargs, 0, "hidden_states"),
            text_BTC=None if text is None else text[:, -TEXT_TOKENS:],
            rotary=argument(args, kwargs, 3, "rotary_emb"),
        )

    def parts(self, kind: MapKind) -> tuple[Part, ...]:
        """Each attention has a softmax of its own; the image branch has a third one."""
        return ("video",) if kind is MapKind.V2V else ("text",)

    def queries(self, attention: nn.Module, call: AttentionCall, part: Part, first: int | None = None) -> Tensor:
        """Return normalised, rotated queries (B, heads, N, D)."""
        assert part == "video"
        return _project(attention, call.video_BNC[:, :first], call.rotary, which="q")

    def keys(self, attention: nn.Module, call: AttentionCall, part: Part) -> Tensor:
        """Return normalised keys (B, heads, N, D), rotated in self-attention only."""
        hidden = call.video_BNC if part == "video" else call.text_BTC
        assert hidden is not None
        return _project(attention, hidden, call.rotary, which="k")

    def lora_targets(self, layer: int) -> tuple[str, ...]:
        """Return q, k, v and out of self- and cross-attention."""
        return tuple(
            f"blocks.{layer}.{attention}.{name}"
            for attention in ("attn1", "attn2")
            for name in ("to_q", "to_k", "to_v", "to_out.0")
        )

    def predict(self, noisy: Tensor, time_B: Tensor, condition: Mapping[str, Tensor]) -> Tensor:
        """Run the transformer."""
        dtype = condition["text"].dtype
        pieces = [noisy] + [condition[name] for name in ("image", "id_map") if name in condition]
        return cast(
            Tensor,
            self._model(
                hidden_states=torch.cat([piece.to(dtype) for piece in pieces], dim=1),
                timestep=time_B,
                encoder_hidden_states=condition["text"],
                encoder_hidden_states_image=condition.get("image_embeds"),
                return_dict=False,
            )[0],
        )


def _project(attention: Any, hidden_BNC: Tensor, rotary: Any, *, which: str) -> Tensor:
    linear, norm = (attention.to_q, attention.norm_q) if which == "q" else (attention.to_k, attention.norm_k)
    # The norm runs across all heads, before they are split.
    projected = norm(linear(hidden_BNC)).unflatten(2, (attention.heads, -1)).transpose(1, 2)
    if rotary is not None:
        length = projected.shape[2]
        tables = (rotary[0][0, :length, 0], rotary[1][0, :length, 0])
        projected = apply_rotary_emb(projected, tables)
    return cast(Tensor, projected)
