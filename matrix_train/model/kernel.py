"""Attention with the log-sum-exp of its rows, from the very kernel that `F.scaled_dot_product_attention` would have chosen.

PyTorch hands out the output alone; the operators underneath return the log-sum-exp beside it, which turns any score into its
probability without a second pass over the keys. No gradient flows through it here: it is for reading and for guidance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F  # torch's own name for it
from torch.nn.attention import SDPBackend

from matrix_train.model.attention import BUDGET

_TOLERANCE = 0.05
"""Largest error a kernel may make when it is tried; half precision stays well under it, a wrong layout does not."""


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *, scale: float | None = None, budget: int = BUDGET
) -> tuple[Tensor, Tensor]:
    """Return the attention output (B, heads, M, D) and the natural log-sum-exp of each row's scores (B, heads, M), in fp32.

    `query` (B, heads, M, D), `key` and `value` (B, heads, N, D); `mask` broadcasts to (B, heads, M, N): booleans (True: attend)
    or an additive bias. `scale` defaults to 1 / sqrt(D). The output is that of the ordinary call bit for bit where the same
    kernel can be asked for its log-sum-exp; elsewhere the ordinary call is made and the log-sum-exp computed beside it over
    blocks of rows of at most `budget` scores. Never holds M x N scores.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    bias = _bias(mask, query)
    if query.device.type == "meta":
        # Shapes alone: the kernel's own count of operations, and no second way beside it.
        output = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scale)
        return output, query.new_empty(query.shape[:3], dtype=torch.float32)
    backend = torch._fused_sdp_choice(query, key, value, bias, 0.0, False, scale=scale)
    found = _fused(SDPBackend(backend), (query, key, value), bias, scale)
    if found is not None:
        return found
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scale)
    return output, row_logsumexp(query, key, bias, scale=scale, budget=budget)


def row_logsumexp(query: Tensor, key: Tensor, bias: Tensor | None = None, *, scale: float, budget: int = BUDGET) -> Tensor:
    """Return the log-sum-exp of the rows (B, heads, M) over blocks of rows; `bias` broadcasts to (B, heads, M, N)."""
    wide = query.dtype if query.dtype == torch.float64 else torch.float32
    turned = key.to(wide).transpose(-1, -2)
    step = max(1, budget // (query.shape[0] * query.shape[1] * key.shape[2]))
    found = []
    for start in range(0, query.shape[2], step):
        scores = (query[:, :, start : start + step].to(wide) * scale) @ turned
        if bias is not None:
            scores += bias if bias.shape[-2] == 1 else bias[..., start : start + step, :]
        found.append(torch.logsumexp(scores, dim=-1))
    return torch.cat(found, dim=2)


def _bias(mask: Tensor | None, like: Tensor) -> Tensor | None:
    if mask is None or mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=like.dtype, device=like.device).masked_fill_(~mask, float("-inf"))


def _fused(backend: SDPBackend, qkv: Sequence[Tensor], bias: Tensor | None, scale: float) -> tuple[Tensor, Tensor] | None:
    """Return output and log-sum-exp of a fused kernel; None where it cannot be asked, or is not right on this machine."""
    query = qkv[0]
    if not _proves(backend, query.device, query.dtype, query.shape[-1], biased=bias is not None):
        return None
    output, lse = _KERNELS[backend](*qkv, bias, scale)
    # Kernels differ in a trailing axis and in padding behind the last row.
    return output, lse.reshape(*lse.shape[:2], -1)[:, :, : query.shape[2]]


@cache
def _proves(backend: SDPBackend, device: torch.device, dtype: torch.dtype, width: int, *, biased: bool) -> bool:
    """Return whether a kernel gives the right log-sum-exp for a small draw, of a length that fits no block size."""
    if backend not in _KERNELS:
        return False
    draws = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, 2, length, width, generator=draws).to(device, dtype) for length in (75, 53, 53))
    bias = None
    if biased:
        bias = torch.zeros(1, 1, 1, 53, device=device, dtype=dtype)
        bias[..., 40:] = float("-inf")
    try:
        _, lse = _KERNELS[backend](query, key, value, bias, width**-0.5)
    except RuntimeError:
        return False
    wanted = row_logsumexp(query, key, bias, scale=width**-0.5)
    rows = lse.reshape(1, 2, -1)[:, :, :75].to(wanted.dtype)
    return rows.shape == wanted.shape and torch.allclose(rows, wanted, atol=_TOLERANCE, rtol=0)


def _flash(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> tuple[Tensor, Tensor]:
    if query.device.type == "cpu":
        found = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(query, key, value, attn_mask=bias, scale=scale)
        return found[0], found[1]
    width = query.shape[-1]
    # The kernel wants heads of a multiple of eight channels; zeros change neither scores nor output.
    padded = [F.pad(item, (0, -width % 8)) if width % 8 else item for item in (query, key, value)]
    found = torch.ops.aten._scaled_dot_product_flash_attention(*padded, scale=scale)
    return found[0][..., :width], found[1]


def _efficient(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> tuple[Tensor, Tensor]:
    if bias is not None:
        length = bias.shape[-1]
        # The kernel reads the bias in aligned pieces of sixteen; the slice keeps the wider rows underneath.
        bias = F.pad(bias, (0, -length % 16))[..., :length].expand(*query.shape[:3], length)
    found = torch.ops.aten._scaled_dot_product_efficient_attention(query, key, value, bias, True, scale=scale)
    return found[0], found[1]


def _cudnn(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> tuple[Tensor, Tensor]:
    found = torch.ops.aten._scaled_dot_product_cudnn_attention(query, key, value, bias, True, scale=scale)
    return found[0], found[1]


_KERNELS: Mapping[SDPBackend, Callable[..., tuple[Tensor, Tensor]]] = {
    SDPBackend.FLASH_ATTENTION: _flash,
    SDPBackend.EFFICIENT_ATTENTION: _efficient,
    SDPBackend.CUDNN_ATTENTION: _cudnn,
}
"""Kernels that can be asked for their log-sum-exp."""
