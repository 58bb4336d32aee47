"""First-frame id map: every instance in a fixed colour, through the VAE, into channels that the input projection grows.

New channels start at zero and are summed beside the old product, so at step 0 the model's output equals the base bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # torch's own name for it

from intergeneval.errors import ConfigError
from intergeneval.masks import COLOUR_RGB, Mask
from intergeneval.records import BOX_COLOURS
from matrix_train.config import ConditionConfig

MASK_CHANNELS = 4
"""Channels of the mask that the release puts in front of its id map, one for each of the frames in a latent frame."""
Picture = npt.NDArray[np.uint8]
"""RGB picture, shape (H, W, 3)."""


def palette_picture(masks: Sequence[Mask]) -> Picture:
    """Paint each instance's first-frame mask (H, W) in its colour on black, the largest first so that none is hidden.

    The colour belongs to the instance's place in the list. Raises ConfigError for more instances than colours.
    """
    if len(masks) > len(BOX_COLOURS):
        raise ConfigError(f"{len(masks)} instances in one clip; the id map has {len(BOX_COLOURS)} colours")
    picture = np.zeros((*masks[0].shape, 3), dtype=np.uint8)
    for index in sorted(range(len(masks)), key=lambda item: -int(masks[item].sum())):
        picture[masks[index]] = COLOUR_RGB[BOX_COLOURS[index]]
    return picture


def target_picture(mask: Mask) -> Picture:
    """Paint one target's first-frame mask (H, W) white on black."""
    return np.repeat(mask[:, :, None], 3, axis=2).astype(np.uint8) * 255


class GrownProjection(nn.Module):
    """An input projection with further input channels; weights may be fp32 masters, the product runs in the input's type."""

    def __init__(self, base: nn.Conv2d | nn.Conv3d, extra: int) -> None:
        super().__init__()
        self.inputs = base.in_channels
        self.stride = base.stride
        self.weight = nn.Parameter(base.weight.detach().clone())
        self.bias = None if base.bias is None else nn.Parameter(base.bias.detach().clone())
        shape = (base.out_channels, extra, *base.kernel_size)
        self.grown = nn.Parameter(torch.zeros(shape, dtype=base.weight.dtype, device=base.weight.device))
        self._product: Any = F.conv2d if isinstance(base, nn.Conv2d) else F.conv3d

    def forward(self, latents: Tensor) -> Tensor:
        """Project (B, C + extra, ...) latents; without the extra channels it is the old projection."""
        dtype = latents.dtype
        bias = None if self.bias is None else self.bias.to(dtype)
        old = self._product(latents[:, : self.inputs], self.weight.to(dtype), bias, stride=self.stride)
        if latents.shape[1] == self.inputs:
            return cast(Tensor, old)
        return cast(Tensor, old + self._product(latents[:, self.inputs :], self.grown.to(dtype), stride=self.stride))


def grow(transformer: nn.Module, name: str, extra: int) -> GrownProjection:
    """Replace the projection called `name` by one with `extra` further input channels, zero at first."""
    parent, _, leaf = name.rpartition(".")
    owner = transformer.get_submodule(parent)
    base = getattr(owner, leaf)
    if isinstance(base, GrownProjection):
        raise ConfigError("this transformer's input projection has been grown already; load a fresh base model")
    if not isinstance(base, nn.Conv2d | nn.Conv3d):
        raise ConfigError(f"the input projection {name} is a {type(base).__name__}; only convolutions can be grown")
    grown = GrownProjection(base, extra)
    setattr(owner, leaf, grown)
    return grown


def id_map_channels(config: ConditionConfig, latent_channels: int) -> int:
    """Return the channels an id map adds to the transformer's input: its latent's, and four of a mask where that is wanted."""
    return latent_channels + (MASK_CHANNELS if config.id_map_mask else 0)


def with_mask(latent_BCFHW: Tensor) -> Tensor:
    """Put the release's four mask channels in front of an id map: one on the first latent frame, zero after it."""
    mask = latent_BCFHW.new_zeros(latent_BCFHW.shape[0], MASK_CHANNELS, *latent_BCFHW.shape[2:])
    mask[:, :, :1] = 1
    return torch.cat([mask, latent_BCFHW], dim=1)


def on_first_frame(latent_BC1HW: Tensor, frames: int) -> Tensor:
    """Put a latent picture on the first latent frame, zeros after it: (B, C, F, H, W)."""
    return F.pad(latent_BC1HW, (0, 0, 0, 0, 0, frames - 1))


class IdMapInput:
    """Hands an id map to a transformer that a pipeline drives: it is appended to the channels of every call.

    Set `latent` to (1, C, F, H, W) before the pipeline runs; None appends zeros, which is the base's input. With `unset` a call
    before it was set at all raises ConfigError with that text, since zeros nobody asked for show another model.
    """

    def __init__(self, transformer: nn.Module, channel_axis: int, channels: int, unset: str = "") -> None:
        self._latent: Tensor | None = None
        self._unset = unset
        self._axis, self._channels = channel_axis, channels
        self._hook = transformer.register_forward_pre_hook(self._append, with_kwargs=True)

    @property
    def latent(self) -> Tensor | None:
        """The id map of the next video."""
        return self._latent

    @latent.setter
    def latent(self, latent: Tensor | None) -> None:
        self._latent, self._unset = latent, ""

    def remove(self) -> None:
        """Take the hook off the transformer."""
        self._hook.remove()

    def _append(
        self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._unset:
            raise ConfigError(self._unset)
        hidden: Tensor = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        if self.latent is None:
            shape = list(hidden.shape)
            shape[self._axis] = self._channels
            extra = hidden.new_zeros(shape)
        else:
            extra = self.latent.to(device=hidden.device, dtype=hidden.dtype)
            if extra.shape[1] + MASK_CHANNELS == self._channels:
                extra = with_mask(extra)
            if self._axis == 2:
                extra = extra.transpose(1, 2)
            extra = extra.expand(hidden.shape[0], *extra.shape[1:])
        joined = torch.cat([hidden, extra], dim=self._axis)
        if "hidden_states" in kwargs:
            return args, {**kwargs, "hidden_states": joined}
        return (joined, *args[1:]), kwargs
