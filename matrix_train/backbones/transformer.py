"""What all backbones share: a transformer of diffusers, its settings, and how its attention makes queries and keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, cast

import torch
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor, nn

from matrix_train.backbones import AttentionCall, Grid, MapKind, Noising, Part, patched

Which = Literal["q", "k"]
"""A query or a key projection."""


class DiffusersBackbone(ABC):
    """A diffusers transformer behind the backbone protocol; each architecture adds what is its own."""

    image_noise: tuple[float, float] | None = None
    image_dropout: float = 0.0
    text_holds_picture: bool = False

    def __init__(self, transformer: Any, noising: Noising) -> None:
        self._model = transformer
        self._config: Any = transformer.config
        self._noising = noising

    @property
    def transformer(self) -> nn.Module:
        """The transformer."""
        return cast(nn.Module, self._model)

    @property
    def noising(self) -> Noising:
        """Its training objective."""
        return self._noising

    @property
    def latent_channels(self) -> int:
        """Channels of the video latent."""
        return int(self._config.out_channels)

    @property
    @abstractmethod
    def patch(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns of one token."""

    @property
    def strides(self) -> tuple[int, int]:
        """Four frames and eight pixels of the VAE, times the patch."""
        return 4 * self.patch[0], 8 * self.patch[1]

    def grid(self, shape_FHW: tuple[int, int, int]) -> Grid:
        """Return the token grid; any size that can be patched will do."""
        return patched(shape_FHW, self.patch)

    def parts(self, kind: MapKind) -> tuple[Part, ...]:  # noqa: ARG002  # one softmax for every kind
        """Return the pieces of the joint softmax: video first, then text."""
        return "video", "text"

    def queries(self, attention: nn.Module, call: AttentionCall, part: Part, first: int | None = None) -> Tensor:
        """Return normalised, rotated queries (B, heads, N, D)."""
        return self._tokens(attention, call, part, first, "q")

    def keys(self, attention: nn.Module, call: AttentionCall, part: Part) -> Tensor:
        """Return normalised, rotated keys (B, heads, N, D)."""
        return self._tokens(attention, call, part, None, "k")

    def taps(self, attention: nn.Module) -> tuple[nn.Module, nn.Module] | None:  # noqa: ARG002  # few architectures have such
        """Return None: what the kernel sees is made anew."""
        return None

    def _tokens(self, attention: nn.Module, call: AttentionCall, part: Part, first: int | None, which: Which) -> Tensor:
        hidden = call.video_BNC if part == "video" else call.text_BTC
        assert hidden is not None
        projected = self._heads(attention, hidden[:, :first], part, which)
        if part == "text" or call.rotary is None:
            return projected
        length = projected.shape[2]
        return cast(Tensor, apply_rotary_emb(projected, (call.rotary[0][:length], call.rotary[1][:length])))

    def _heads(self, attention: Any, hidden_BNC: Tensor, part: Part, which: Which) -> Tensor:
        """Return projected and normalised heads (B, heads, N, D): heads are split first and each is normalised."""
        linear, norm = self._layers(attention, part, which)
        projected: Tensor = linear(hidden_BNC).unflatten(2, (attention.heads, -1)).transpose(1, 2)
        return projected if norm is None else norm(projected)

    def _layers(self, attention: Any, part: Part, which: Which) -> tuple[Any, Any]:  # noqa: ARG002  # one pair for both parts
        """Return the projection and the norm that make queries or keys of a part."""
        return (attention.to_q, attention.norm_q) if which == "q" else (attention.to_k, attention.norm_k)


def inputs(noisy: Tensor, condition: Mapping[str, Tensor], dtype: torch.dtype) -> Tensor:
    """Return noisy latents, image condition and id map (whichever there are) on the channel axis, (B, C, F, H, W)."""
    pieces = [noisy, *(condition[name] for name in ("image", "id_map") if name in condition)]
    return torch.cat([piece.to(dtype) for piece in pieces], dim=1)
