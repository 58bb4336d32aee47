"""Attention with entries taken out after the softmax, without the matrix: what stays is not rescaled.

The row's log-sum-exp over all keys is what the kernel returns, so p_ij = exp(s q_i . k_j - lse_i) is exact for any few entries.
Taking out role tokens subtracts p_it v_t at the rows of their region. Taking out other frames leaves, for each frame, attention
over the text and that frame, times exp(lse_block - lse_all). Shapes: B clips, H heads, N tokens, D channels of a head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from matrix_train.backbones import Grid, Part
from matrix_train.model.kernel import attend


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCut:
    """Which text tokens are hidden from which video tokens."""

    rows_R: Tensor
    """Video tokens that lie in a region, rising."""
    tokens_T: Tensor
    """Text tokens of the roles, rising."""
    cut_RT: Tensor
    """True where that row does not see that token."""
    text: int
    """Length of the text in which the tokens are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What is taken out of one attention, and where in its key sequence text and video lie."""

    parts: tuple[Part, ...]
    """Pieces of the key sequence, in order."""
    grid: Grid
    """Extent of the video tokens."""
    text: int = 0
    """Text tokens of the sequence, told by the prompt's embedding when the video is made."""
    tokens: TokenCut | None = None
    """Role tokens to take out (CMG)."""
    frames: bool = False
    """Whether other frames are taken out (CAG)."""

    @property
    def keys(self) -> int:
        """Length of the key sequence, by which this attention is told from another one in the same module."""
        return sum(self._length(part) for part in self.parts)

    def _length(self, part: Part) -> int:
        return self.grid.tokens if part == "video" else self.text

    def start(self, part: Part) -> int:
        """Return where a piece of the key sequence begins."""
        return sum(self._length(item) for item in self.parts[: self.parts.index(part)])

    def rows(self, queries: int) -> int:
        """Return where the video's queries begin: cross-attention has no others."""
        return 0 if queries == self.grid.tokens else self.start("video")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What an attention kernel is handed."""

    q: Tensor
    """Queries (B, H, M, D)."""
    k: Tensor
    """Keys (B, H, N, D)."""
    v: Tensor
    """Values (B, H, N, D)."""
    scale: float
    """Factor of the scores."""
    valid_N: Tensor | None = None
    """Keys that take part, one mask for all clips, since a guided pass holds one prompt; None: all."""

    def kept(self, part: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Return the keys and values of a part that take part."""
        k, v = self.k[:, :, part], self.v[:, :, part]
        if self.valid_N is None:
            return k, v
        valid = self.valid_N[part]
        return k[:, :, valid], v[:, :, valid]


def cut_attention(product: Product, cut: Cut) -> Tensor:
    """Return attention (B, H, M, D) without the entries of `cut`."""
    first = cut.rows(product.q.shape[2])
    out, lse = attend(product.q, *product.kept(), scale=product.scale)
    rows = slice(first, first + cut.grid.tokens)
    if cut.frames:
        out = out.clone()
        out[:, :, rows] = _within_frames(product, cut, rows, lse[:, :, rows])
    if cut.tokens is not None:
        taken = _taken(product, cut, cut.tokens, lse[:, :, rows])
        chosen = cut.tokens.rows_R.to(out.device) + first
        out = out.index_copy(2, chosen, (out[:, :, chosen].to(taken.dtype) - taken).to(out.dtype))
    return out


def _within_frames(product: Product, cut: Cut, rows: slice, lse: Tensor) -> Tensor:
    """Return for each frame its attention over the text and itself, with the weights it has among all keys."""
    grid, clips = cut.grid, product.q.shape[0]
    start = cut.start("video")
    video = slice(start, start + grid.tokens)

    def frames(item: Tensor) -> Tensor:
        return item.reshape(*item.shape[:2], grid.frames, grid.cells, *item.shape[3:]).transpose(1, 2).flatten(0, 1)

    keys, values = frames(product.k[:, :, video]), frames(product.v[:, :, video])
    if "text" in cut.parts:
        beside = [
            item[:, None].expand(-1, grid.frames, -1, -1, -1).flatten(0, 1)
            for item in product.kept(slice(cut.start("text"), cut.start("text") + cut.text))
        ]
        keys, values = torch.cat([beside[0], keys], dim=2), torch.cat([beside[1], values], dim=2)
    out, own = attend(frames(product.q[:, :, rows]), keys, values, scale=product.scale)
    scaled = (out * torch.exp(own - frames(lse))[..., None]).to(out.dtype)
    return scaled.reshape(clips, grid.frames, *scaled.shape[1:]).transpose(1, 2).flatten(2, 3)


def _taken(product: Product, cut: Cut, tokens: TokenCut, lse: Tensor) -> Tensor:
    """Return the sum of p_it v_t over the tokens that each row of `tokens` does not see, (B, H, R, D), at least in fp32."""
    device, work = product.q.device, torch.promote_types(product.q.dtype, torch.float32)
    rows, keys = tokens.rows_R.to(device), tokens.tokens_T.to(device) + cut.start("text")
    queries = product.q[:, :, rows + cut.rows(product.q.shape[2])].to(work)
    scores = (queries * product.scale) @ product.k[:, :, keys].to(work).transpose(-1, -2)
    weights = torch.exp(scores - lse[:, :, rows, None].to(work)) * tokens.cut_RT.to(device=device, dtype=work)
    if product.valid_N is not None:
        # Padding has no weight that could be taken away.
        weights = weights * product.valid_N[keys].to(work)
    return weights @ product.v[:, :, keys].to(work)
