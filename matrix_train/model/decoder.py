"""The light mask decoder: one attention map on the token grid in, mask logits at the frame rate out.

It mirrors a causal video VAE: each latent frame after the first becomes four frames, the first stays alone, and space is doubled
until the wanted scale. No convolution looks ahead in time, and nothing clamps the logits.

A free decoder learns to read whatever is there, a hole in the map as well as a peak. A monotone one has no negative weight, no
norm and rising activations only: the standardised map, brought to the output's size and scaled, and what convolutions add to it.
More attention at a place raises the logits around it and lowers none, so that to fit the mask the adapter must move.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # torch's own name for it
from torch.utils.checkpoint import checkpoint

from intergeneval.errors import ConfigError
from matrix_train.backbones import Grid
from matrix_train.config import DecoderConfig

_OWN = 0.8
"""Share of a rising convolution's sum that a voxel has in itself at first."""
_SLOPE = 0.2
"""Slope of rising activations below zero."""


class _CausalConv(nn.Module):
    """3 x 3 x 3 convolution that sees this frame and the two before it; the first frame is repeated in front.

    With `rising` its weights are softplus of the parameters, and begin as a soft copy: most of a voxel is itself.
    """

    def __init__(self, inputs: int, outputs: int, *, rising: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=(0, 1, 1))
        self._rising = rising
        if rising:
            with torch.no_grad():
                weight = torch.rand_like(self.conv.weight) * (2 * (1 - _OWN) / (26 * inputs))
                weight[:, :, 2, 1, 1] = (0.5 + torch.rand(outputs, inputs)) * (_OWN / inputs)
                self.conv.weight.copy_(torch.log(torch.expm1(weight.clamp_min(1e-6))))

    def forward(self, maps_MCFHW: Tensor) -> Tensor:
        front = maps_MCFHW[:, :, :1].expand(-1, -1, 2, -1, -1)
        padded = torch.cat([front, maps_MCFHW], dim=2)
        if padded.device.type == "cpu":
            # Convolutions of few channels run up to a third faster there with channels innermost.
            padded = padded.contiguous(memory_format=torch.channels_last_3d)
        if not self._rising:
            return cast(Tensor, self.conv(padded))
        return F.conv3d(padded, F.softplus(self.conv.weight), self.conv.bias, padding=(0, 1, 1))


class _ChannelNorm(nn.Module):
    """Root-mean-square over channels, voxel by voxel: a norm over time would let frames see the future."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))

    def forward(self, maps_MCFHW: Tensor) -> Tensor:
        scale = torch.rsqrt(maps_MCFHW.square().mean(dim=1, keepdim=True) + 1e-6)
        return maps_MCFHW * scale * self.gain.view(1, -1, 1, 1, 1)


def _norm(channels: int, *, rising: bool) -> nn.Module:
    # A norm over channels would let one channel's rise lower the others.
    return nn.Identity() if rising else _ChannelNorm(channels)


class _Stage(nn.Module):
    """Upsample, then two causal convolutions."""

    def __init__(self, inputs: int, outputs: int, *, time: bool, space: bool, rising: bool = False) -> None:
        super().__init__()
        self.time, self.space, self._rising = time, space, rising
        self.first, self.norm1 = _CausalConv(inputs, outputs, rising=rising), _norm(outputs, rising=rising)
        self.second, self.norm2 = _CausalConv(outputs, outputs, rising=rising), _norm(outputs, rising=rising)

    def forward(self, maps: Tensor) -> Tensor:
        if self.time and maps.shape[2] > 1:
            maps = torch.cat([maps[:, :, :1], maps[:, :, 1:].repeat_interleave(2, dim=2)], dim=2)
        if self.space:
            maps = F.interpolate(maps, scale_factor=(1, 2, 2), mode="nearest")
        if self._rising:
            # SiLU falls before it rises.
            return F.leaky_relu(self.second(F.leaky_relu(self.first(maps), _SLOPE)), _SLOPE)
        maps = F.silu(self.norm1(self.first(maps)))
        return F.silu(self.norm2(self.second(maps)))


class MaskDecoder(nn.Module):
    """Decodes maps (M, F, H, W) to logits (M, 1 + stride (F - 1), scale H, scale W).

    `stride` is the backbone's temporal stride. `gain` is the first value of the learned factor on the map.
    """

    def __init__(self, config: DecoderConfig, stride: int, gain: float = 1.0) -> None:
        super().__init__()
        times, spaces = _halvings(stride, "the temporal stride"), _halvings(config.scale, "decoder.scale")
        stages = max(times, spaces)
        if len(config.widths) < 1 + stages:
            raise ConfigError(
                f"decoder.widths has {len(config.widths)} entries; scale {config.scale} and a temporal stride of {stride} "
                f"need {1 + stages}"
            )
        self._config, self._stride = config, stride
        self._rising = rising = config.shape == "monotone"
        self.gain = nn.Parameter(torch.tensor(math.log(math.expm1(gain)) if rising else gain))
        self.bias = nn.Parameter(torch.zeros(()))
        widths = config.widths
        self.entry = _CausalConv(1, widths[0], rising=rising)
        self.stages = nn.ModuleList([_Stage(widths[0], widths[0], time=False, space=False, rising=rising)])
        for index in range(stages):
            time, space = index < times, index < spaces
            self.stages.append(_Stage(widths[index], widths[index + 1], time=time, space=space, rising=rising))
        self.exit = _CausalConv(widths[stages], 1, rising=rising)
        if rising:
            self.slope = nn.Parameter(torch.tensor(math.log(math.expm1(2.0))))
            self.level = nn.Parameter(torch.tensor(-1.0))

    def output(self, grid: Grid) -> tuple[int, int, int]:
        """Return frames, height and width of the logits for a token grid."""
        scale = self._config.scale
        return 1 + self._stride * (grid.frames - 1), grid.height * scale, grid.width * scale

    def forward(self, maps_MFHW: Tensor) -> Tensor:
        """Return mask logits in fp32, unbounded."""
        piece = self._config.maps_per_call
        if not piece or maps_MFHW.shape[0] <= piece:
            return self._decode(maps_MFHW)
        # One map at full resolution holds about a gigabyte of activations; those of the others are recomputed.
        return torch.cat([cast(Tensor, checkpoint(self._decode, part, use_reentrant=False)) for part in maps_MFHW.split(piece)])

    def _decode(self, maps_MFHW: Tensor) -> Tensor:
        maps, gain = maps_MFHW.to(self.gain.dtype), F.softplus(self.gain) if self._rising else self.gain
        if self._config.standardised:
            maps = standardised(maps)
        hidden = self.entry((maps * gain + self.bias)[:, None])
        for stage in self.stages:
            hidden = stage(hidden)
        logits = cast(Tensor, self.exit(hidden))[:, 0]
        if not self._rising:
            return logits
        # Activations flatten what is below the mean; the map itself keeps the background apart.
        later = maps[:, 1:].repeat_interleave(self._stride, dim=1)
        whole = torch.cat([maps[:, :1], later], dim=1)
        for axis in (2, 3):
            whole = whole.repeat_interleave(self._config.scale, dim=axis)
        return logits + F.softplus(self.slope) * whole + self.level


def standardised(maps_MFHW: Tensor) -> Tensor:
    """Return each map with mean 0 and deviation 1 over its tokens; one that is the same everywhere is 0."""
    centred = maps_MFHW - maps_MFHW.mean(dim=(1, 2, 3), keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(dim=(1, 2, 3), keepdim=True).clamp_min(1e-16))


def _halvings(number: int, what: str) -> int:
    if number < 1 or number & (number - 1):
        raise ConfigError(f"{what} is {number}; it must be a power of two")
    return number.bit_length() - 1
