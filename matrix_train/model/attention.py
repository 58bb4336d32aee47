"""Exact softmax columns and rows of attention without the N x N matrix, with exact gradients.

Everything runs over blocks of query rows whose size is bounded by a budget of elements, so memory is O(N). Shapes: queries
(B, heads, M, D), keys (B, heads, N, D), `valid_BN` says which keys the softmax runs over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor

BUDGET = 1 << 26
"""Elements of one block of scores (256 MiB in fp32)."""


def _work(tensor: Tensor) -> Tensor:
    """Half precision is computed in fp32; float64 stays."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _blocks(queries: Tensor, keys: Tensor, budget: int) -> Iterator[slice]:
    rows = max(1, budget // (queries.shape[0] * queries.shape[1] * keys.shape[2]))
    for start in range(0, queries.shape[2], rows):
        yield slice(start, start + rows)


def _scores(queries: Tensor, keys: Tensor, valid_BN: Tensor | None, scale: float) -> Tensor:
    scores = (queries * scale) @ keys.transpose(-1, -2)
    return scores if valid_BN is None else scores.masked_fill(~valid_BN[:, None, None, :], float("-inf"))


def _gradients(
    ctx: Any, queries: Tensor, keys: Tensor, valid_BN: Tensor | None, of_scores: Callable[[slice, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the gradients of queries and keys; `of_scores` turns a block's rows and scores into the gradient of those scores."""
    q, k = _work(queries), _work(keys)
    d_q, d_k = torch.empty_like(q), torch.zeros_like(k)
    for rows in _blocks(q, k, ctx.budget):
        d_scores = ctx.scale * of_scores(rows, _scores(q[:, :, rows], k, valid_BN, ctx.scale))
        d_q[:, :, rows] = d_scores @ k
        d_k += d_scores.transpose(-1, -2) @ q[:, :, rows]
    return d_q.to(queries.dtype), d_k.to(keys.dtype)


class _LogSumExp(torch.autograd.Function):
    """lse_i = log sum_j exp(s q_i . k_j); d lse_i / d q_i = s sum_j p_ij k_j and d lse_i / d k_j = s p_ij q_i."""

    @staticmethod
    def forward(  # the class says it
        ctx: Any, queries: Tensor, keys: Tensor, valid_BN: Tensor | None, scale: float, budget: int
    ) -> Tensor:
        q, k = _work(queries), _work(keys)
        lse = torch.cat(
            [torch.logsumexp(_scores(q[:, :, rows], k, valid_BN, scale), dim=-1) for rows in _blocks(q, k, budget)], dim=2
        )
        ctx.save_for_backward(queries, keys, lse, valid_BN)
        ctx.scale, ctx.budget = scale, budget
        return lse

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # the class says it
        queries, keys, lse, valid_BN = ctx.saved_tensors

        def of_scores(rows: slice, scores: Tensor) -> Tensor:
            return torch.exp(scores - lse[:, :, rows, None]) * grads[0][:, :, rows, None]

        return (*_gradients(ctx, queries, keys, valid_BN, of_scores), None, None, None)


def logsumexp(queries: Tensor, keys: Tensor, valid_BN: Tensor | None = None, *, scale: float, budget: int = BUDGET) -> Tensor:
    """Return the log-sum-exp of each query row over all keys, shape (B, heads, M), differentiable in queries and keys."""
    apply: Any = _LogSumExp.apply
    return cast(Tensor, apply(queries, keys, valid_BN, scale, budget))


class _RowMeans(torch.autograd.Function):
    """map_rj = 1/heads sum_h sum_i w_ri p_hij; through the softmax, dS = P o (dP - rowsum(dP o P))."""

    @staticmethod
    def forward(  # the class says it
        ctx: Any,
        queries: Tensor,
        keys: Tensor,
        weights_BRM: Tensor,
        valid_BN: Tensor | None,
        scale: float,
        budget: int,
    ) -> Tensor:
        q, k, weights = _work(queries), _work(keys), _work(weights_BRM).to(_work(queries).dtype)
        maps = q.new_zeros(q.shape[0], weights.shape[1], k.shape[2])
        for rows in _blocks(q, k, budget):
            attention = torch.softmax(_scores(q[:, :, rows], k, valid_BN, scale), dim=-1)
            maps += weights[:, :, rows] @ attention.mean(dim=1)
        ctx.save_for_backward(queries, keys, weights_BRM, valid_BN)
        ctx.scale, ctx.budget = scale, budget
        return maps

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # the class says it
        queries, keys, weights_BRM, valid_BN = ctx.saved_tensors

        def of_scores(rows: slice, scores: Tensor) -> Tensor:
            attention = torch.softmax(scores, dim=-1)
            weights = weights_BRM[:, :, rows].to(scores.dtype)
            outer: Tensor = (weights.transpose(1, 2) @ grads[0])[:, None] / queries.shape[1]
            d_scores: Tensor = attention * (outer - (outer * attention).sum(dim=-1, keepdim=True))
            return d_scores

        return (*_gradients(ctx, queries, keys, valid_BN, of_scores), None, None, None, None)


def row_means(
    queries: Tensor,
    keys: Tensor,
    weights_BRM: Tensor,
    valid_BN: Tensor | None = None,
    *,
    scale: float,
    budget: int = BUDGET,
) -> Tensor:
    """Return weighted means of softmax rows over heads and queries, shape (B, R, N); weights (B, R, M)."""
    apply: Any = _RowMeans.apply
    return cast(Tensor, apply(queries, keys, weights_BRM, valid_BN, scale, budget))


def column_means(queries: Tensor, token_keys: Tensor, lse_BHN: Tensor, weights_BRT: Tensor, *, scale: float) -> Tensor:
    """Return weighted means of softmax columns over heads and tokens, shape (B, R, N): p_it = exp(s q_i . k_t - lse_i).

    `token_keys` (B, heads, T, D) are the few keys whose columns are wanted, `weights_BRT` their weights.
    """
    columns = torch.exp(_scores(_work(queries), _work(token_keys), None, scale) - lse_BHN[..., None])
    return weights_BRT.to(columns.dtype) @ columns.mean(dim=1).transpose(1, 2)
