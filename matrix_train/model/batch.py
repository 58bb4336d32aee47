"""What one training step works on: latents, noise, conditions, and the roles that are supervised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor

from matrix_train.model.readout import RoleWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntry:
    """One supervised role of one interaction of one clip."""

    clip: int
    """Place of the clip in the batch."""
    slot: int
    """Row of the role in the clip's weights."""
    interaction: int
    """Index of the interaction in its clip."""
    role: str
    """sub, obj or verb."""
    has_text: bool
    """Whether the caption names it."""
    has_cells: bool
    """Whether its first-frame mask covers a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything one training step needs, drawn and collated."""

    clips: tuple[str, ...]
    """Clip ids."""
    clean: Tensor
    """Latents (B, C, F, H, W)."""
    noise: Tensor
    """Noise of that shape, fp32."""
    time_B: Tensor
    """Timesteps, in the transformer's unit."""
    condition: Mapping[str, Tensor]
    """What the backbone conditions on, by its own names."""
    weights: RoleWeights
    """Tokens and cells of the roles."""
    entries: tuple[RoleEntry, ...]
    """Roles that have a mask."""
    targets: Tensor
    """Mask of each entry, (M, F, H, W) uint8: at the decoders' grid, or the token grid where there is no decoder."""

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Move to a device; floating conditions take the transformer's type."""
        condition = {
            name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
            for name, value in self.condition.items()
        }
        weights = RoleWeights(**{item.name: getattr(self.weights, item.name).to(device) for item in fields(self.weights)})
        moved = {name: getattr(self, name).to(device) for name in ("clean", "noise", "time_B", "targets")}
        return replace(self, condition=condition, weights=weights, **moved)
