"""HunyuanVideo (image to video): joint attention, video first, padded text masked; dual-stream blocks, then single-stream ones.

Layers are counted through both kinds of block. Condition tensors: ``text`` (B, T, C), ``text_mask`` (B, T), ``pooled`` (B, C),
and ``image`` (B, C', F, H, W): latent and mask channels of the latent-concat variant, or the first frame's latent (B, C, 1, H, W)
of the token-replace variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from diffusers import HunyuanVideoTransformer3DModel
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor, nn

from matrix_train.backbones import AttentionCall, Grid, MapKind, Noising, Part, argument, patched

GUIDANCE = 1.0
"""Guidance scale the distilled model is told during training."""


class HunyuanVideo:
    """The HunyuanVideo transformer behind the backbone protocol."""

    name = "hunyuan"
    kinds = frozenset(MapKind)
    projection = "x_embedder.proj"
    channel_axis = 1

    def __init__(self, transformer: HunyuanVideoTransformer3DModel, noising: Noising) -> None:
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
        """Number of dual-stream and single-stream blocks together."""
        return int(self._config.num_layers) + int(self._config.num_single_layers)

    @property
    def strides(self) -> tuple[int, int]:
        """Four frames and eight pixels of the VAE, times the patch."""
        return 4 * int(self._config.patch_size_t), 8 * int(self._config.patch_size)

    @property
    def latent_channels(self) -> int:
        """Channels of the video latent."""
        return int(self._config.out_channels)

    def grid(self, shape_FHW: tuple[int, int, int]) -> Grid:
        """Return the token grid; any size that can be patched will do."""
        patch = int(self._config.patch_size)
        return patched(shape_FHW, (int(self._config.patch_size_t), patch, patch))

    def attention(self, layer: int, kind: MapKind) -> nn.Module:  # noqa: ARG002  # one joint attention holds every kind
        """Return the joint attention of a dual- or single-stream block."""
        dual = int(self._config.num_layers)
        block = self._model.transformer_blocks[layer] if layer < dual else self._model.single_transformer_blocks[layer - dual]
        return cast(nn.Module, block.attn)

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AttentionCall:
        """Read the arguments of the joint attention; the mask (B, 1, 1, N) tells padded text."""
        mask = argument(args, kwargs, 2, "attention_mask")
        return AttentionCall(
            video_BNC=argument(args, kwargs, 0, "hidden_states"),
            text_BTC=argument(args, kwargs, 1, "encoder_hidden_states"),
            rotary=argument(args, kwargs, 3, "image_rotary_emb"),
            valid_BN=None if mask is None else mask[:, 0, 0],
        )

    def parts(self, kind: MapKind) -> tuple[Part, ...]:  # noqa: ARG002  # one softmax for every kind
        """Video first, then text."""
        return "video", "text"

    def queries(self, attention: nn.Module, call: AttentionCall, part: Part, first: int | None = None) -> Tensor:
        """Return normalised, rotated queries (B, heads, N, D)."""
        return _project(attention, call, part, first, which="q")

    def keys(self, attention: nn.Module, call: AttentionCall, part: Part) -> Tensor:
        """Return normalised, rotated keys (B, heads, N, D)."""
        return _project(attention, call, part, None, which="k")

    def lora_targets(self, layer: int) -> tuple[str, ...]:
        """Return q, k, v and out of the video stream, and of the text stream where it has its own; single blocks have no out."""
        dual = int(self._config.num_layers)
        if layer >= dual:
            return tuple(f"single_transformer_blocks.{layer - dual}.attn.{name}" for name in ("to_q", "to_k", "to_v"))
        names = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
        return tuple(f"transformer_blocks.{layer}.attn.{name}" for name in names)

    def predict(self, noisy: Tensor, time_B: Tensor, condition: Mapping[str, Tensor]) -> Tensor:
        """Run the transformer; the token-replace variant takes the clean first frame in place of the noisy one."""
        dtype = condition["text"].dtype
        video = noisy.to(dtype)
        pieces = [video]
        if self._config.image_condition_type == "token_replace":
            pieces = [torch.cat([condition["image"].to(dtype), video[:, :, 1:]], dim=2)]
        elif "image" in condition:
            pieces.append(condition["image"].to(dtype))
        if "id_map" in condition:
            pieces.append(condition["id_map"].to(dtype))
        guidance = time_B.new_full((noisy.shape[0],), GUIDANCE * 1000.0).to(dtype) if self._config.guidance_embeds else None
        return cast(
            Tensor,
            self._model(
                hidden_states=torch.cat(pieces, dim=1),
                timestep=time_B,
                encoder_hidden_states=condition["text"],
                encoder_attention_mask=condition["text_mask"],
                pooled_projections=condition["pooled"],
                guidance=guidance,
                return_dict=False,
            )[0],
        )


def _project(attention: Any, call: AttentionCall, part: Part, first: int | None, *, which: str) -> Tensor:
    hidden = call.video_BNC if part == "video" else call.text_BTC
    assert hidden is not None
    if first is not None:
        hidden = hidden[:, :first]
    # Dual-stream blocks have projections of their own for text; single-stream blocks share them.
    own = part == "text" and attention.add_q_proj is not None
    if which == "q":
        linear, norm = (attention.add_q_proj, attention.norm_added_q) if own else (attention.to_q, attention.norm_q)
    else:
        linear, norm = (attention.add_k_proj, attention.norm_added_k) if own else (attention.to_k, attention.norm_k)
    projected = linear(hidden).unflatten(2, (attention.heads, -1)).transpose(1, 2)
    if norm is not None:
        projected = norm(projected)
    if part == "video" and call.rotary is not None:
        length = projected.shape[2]
        projected = apply_rotary_emb(projected, (call.rotary[0][:length], call.rotary[1][:length]))
    return cast(Tensor, projected)
