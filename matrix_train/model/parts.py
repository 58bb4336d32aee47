"""An adapter taken apart: the two matrices of each layer, for files in the names of other tools, and back.

Tools that name layers as a model's makers do have queries, keys and values in one layer. Several adapters become one there: their
first matrices one under another, their second ones in blocks, which is the same function and comes apart again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pair:
    """The adapter of one layer: what it adds is up @ down @ input, and `bias` where there is one."""

    down: Tensor
    """(rank, inputs, ...)"""
    up: Tensor
    """(outputs, rank, ...), with the scale in it."""
    bias: Tensor | None = None
    """(outputs,)"""

    @property
    def rank(self) -> int:
        """Rows of `down`."""
        return int(self.down.shape[0])


def joined(members: Sequence[str], pairs: Mapping[str, Pair], rows: Mapping[str, int]) -> Pair:
    """Return one pair for a layer in which the `members` stand one under another; `rows` are the outputs of each."""
    own = [name for name in members if name in pairs]
    if len(members) == 1:
        return pairs[members[0]]
    down = torch.cat([pairs[name].down for name in own])
    up = down.new_zeros(sum(rows[name] for name in members), len(down))
    row = column = 0
    for name in members:
        if name in pairs:
            up[row : row + rows[name], column : column + pairs[name].rank] = pairs[name].up
            column += pairs[name].rank
        row += rows[name]
    return Pair(down, up)


def parted(whole: Pair, members: Sequence[str], rows: Mapping[str, int]) -> dict[str, Pair]:
    """Undo `joined`: the pair of each member that the layer changes, of the rank that its rows use."""
    if len(members) == 1:
        return {members[0]: whole}
    found, row = {}, 0
    for name in members:
        up = whole.up[row : row + rows[name]]
        row += rows[name]
        used = torch.nonzero(up.any(dim=0))[:, 0]
        if len(used):
            found[name] = Pair(whole.down[used], up[:, used].contiguous())
    return found


def as_pair(change: Tensor, bias: Tensor | None) -> Pair:
    """Return a change of a weight (outputs, inputs, ...) as a pair of full rank: exact but for rounding."""
    flat = change.float().flatten(1)
    left, values, right = torch.linalg.svd(flat.double(), full_matrices=False)
    kept = max(1, int((values > values[0] * 1e-9).sum()))
    root = values[:kept].sqrt()
    down = (root[:, None] * right[:kept]).float().reshape(kept, *change.shape[1:])
    up = (left[:, :kept] * root).float().reshape(change.shape[0], kept, *(1,) * (change.ndim - 2))
    return Pair(down.contiguous(), up.contiguous(), bias)
