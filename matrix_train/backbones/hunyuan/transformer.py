"""HunyuanVideo (image to video): joint attention, video first, padded text masked; dual-stream blocks, then single-stream ones.

Layers are counted through both kinds of block. Condition tensors: ``text`` (B, T, C), ``text_mask`` (B, T), ``pooled`` (B, C),
and ``image`` (B, C', F, H, W): latent and mask channels of the latent-concat variant, or the first frame's latent (B, C, 1, H, W)
of the token-replace variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from matrix_train.backbones import AttentionCall, MapKind, Part, argument
from matrix_train.backbones.transformer import DiffusersBackbone, Which, inputs

GUIDANCE = 1.0
"""Guidance scale the distilled model is told during training."""


class HunyuanVideo(DiffusersBackbone):
    """The HunyuanVideo transformer behind the backbone protocol."""

    name = "hunyuan"
    kinds = frozenset(MapKind)
    projection = "x_embedder.proj"
    block_lists: tuple[str, ...] = ("transformer_blocks", "single_transformer_blocks")
    channel_axis = 1
    text_holds_picture = True

    @property
    def layers(self) -> int:
        """Number of dual-stream and single-stream blocks together."""
        return int(self._config.num_layers) + int(self._config.num_single_layers)

    @property
    def replaces_first_frame(self) -> bool:
        """Whether the clean first frame takes the place of the noisy one, instead of lying beside the video on channels."""
        return bool(self._config.image_condition_type == "token_replace")

    @property
    def patch(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns of one token."""
        side = int(self._config.patch_size)
        return int(self._config.patch_size_t), side, side

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

    def _layers(self, attention: Any, part: Part, which: Which) -> tuple[Any, Any]:
        """Return projection and norm; dual-stream blocks have their own for text, single-stream blocks share them."""
        if part == "video" or attention.add_q_proj is None:
            return super()._layers(attention, part, which)
        added = {"q": (attention.add_q_proj, attention.norm_added_q), "k": (attention.add_k_proj, attention.norm_added_k)}
        return added[which]

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
        if self.replaces_first_frame:
            first = condition["image"].to(noisy.dtype)
            noisy = torch.cat([first, noisy[:, :, 1:]], dim=2)
            condition = {name: item for name, item in condition.items() if name != "image"}
        guidance = time_B.new_full((noisy.shape[0],), GUIDANCE * 1000.0).to(dtype) if self._config.guidance_embeds else None
        return cast(
            Tensor,
            self._model(
                hidden_states=inputs(noisy, condition, dtype),
                timestep=time_B,
                encoder_hidden_states=condition["text"],
                encoder_attention_mask=condition["text_mask"],
                pooled_projections=condition["pooled"],
                guidance=guidance,
                return_dict=False,
            )[0],
        )
