"""Wan 2.1 (image to video): self-attention over video, then cross-attention to text with an image branch beside it.

Condition tensors: ``text`` (B, 512, C); ``image`` (B, C + 4, F, H, W): first-frame mask and
latent as the pipeline builds them; ``image_embeds`` (B, 257, C), where the model has an image branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn

from matrix_train.backbones import AttentionCall, MapKind, Part, argument
from matrix_train.backbones.transformer import DiffusersBackbone, Which, inputs

TEXT_TOKENS = 512
"""Length of the text context; the library splits image and text tokens at this fixed number."""


class Wan(DiffusersBackbone):
    """The Wan 2.1 transformer behind the backbone protocol."""

    name = "wan"
    kinds = frozenset({MapKind.V2T, MapKind.V2V})
    projection = "patch_embedding"
    block_lists: tuple[str, ...] = ("blocks",)
    channel_axis = 1

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return int(self._config.num_layers)

    @property
    def patch(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns of one token."""
        return cast(tuple[int, int, int], tuple(self._config.patch_size))

    def attention(self, layer: int, kind: MapKind) -> nn.Module:
        """Return self-attention for video maps, cross-attention for text maps."""
        block = self._model.blocks[layer]
        return cast(nn.Module, block.attn1 if kind is MapKind.V2V else block.attn2)

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AttentionCall:
        """Read the arguments of self- or cross-attention; image tokens in front of the text are cut off."""
        text = argument(args, kwargs, 1, "encoder_hidden_states")
        tables = argument(args, kwargs, 3, "rotary_emb")
        return AttentionCall(
            video_BNC=argument(args, kwargs, 0, "hidden_states"),
            text_BTC=None if text is None else text[:, -TEXT_TOKENS:],
            rotary=None if tables is None else (tables[0][0, :, 0], tables[1][0, :, 0]),
        )

    def parts(self, kind: MapKind) -> tuple[Part, ...]:
        """Each attention has a softmax of its own; the image branch has a third one."""
        return ("video",) if kind is MapKind.V2V else ("text",)

    def _heads(self, attention: Any, hidden_BNC: Tensor, part: Part, which: Which) -> Tensor:
        """Return projected heads (B, heads, N, D); the norm runs across all heads, before they are split."""
        linear, norm = self._layers(attention, part, which)
        split: Tensor = norm(linear(hidden_BNC)).unflatten(2, (attention.heads, -1))
        return split.transpose(1, 2)

    def lora_targets(self, layer: int) -> tuple[str, ...]:
        """Return q, k, v and out of self- and cross-attention."""
        return tuple(
            f"blocks.{layer}.{attention}.{name}"
            for attention in ("attn1", "attn2")
            for name in ("to_q", "to_k", "to_v", "to_out.0")
        )

    def predict(self, noisy: Tensor, time_B: Tensor, condition: Mapping[str, Tensor]) -> Tensor:
        """Run the transformer."""
        return cast(
            Tensor,
            self._model(
                hidden_states=inputs(noisy, condition, condition["text"].dtype),
                timestep=time_B,
                encoder_hidden_states=condition["text"],
                encoder_hidden_states_image=condition.get("image_embeds"),
                return_dict=False,
            )[0],
        )
