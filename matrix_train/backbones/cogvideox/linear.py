"""Fixed linear latents: an autoencoder that is one orthogonal transform, with the interface of CogVideoX's.

The first frame is coded alone, block by block; of each later group of frames, what has changed against the first frame. So a
latent of zeros means that nothing has moved, and a transformer over these latents predicts changes.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from torch import Tensor, nn

from intergeneval.errors import ConfigError

PIXELS, FRAMES = 8, 4
"""Side of a block in pixels, and frames of a group: the strides of CogVideoX's own autoencoder."""
_THERE = 0.05
"""Share of the largest code from which a block is not all backdrop."""
_CERTAIN = -30.0
"""Log-variance of a latent that has none; the least that the library keeps."""


class _Basis(nn.Module):
    """Directions and scales; the encoder's and, turned around, the decoder's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        block = 3 * PIXELS * PIXELS
        self.mean = nn.Parameter(torch.zeros(block), requires_grad=False)
        self.still = nn.Parameter(torch.zeros(channels, block), requires_grad=False)
        self.change = nn.Parameter(torch.zeros(channels, FRAMES * block), requires_grad=False)
        self.scales = nn.Parameter(torch.ones(2), requires_grad=False)


class LinearVideoAutoencoder(ModelMixin, ConfigMixin):  # type: ignore[misc]  # the library has no types
    """Blocks of pixels as coordinates in a fixed orthonormal basis.

    Pixels are (B, 3, F, H, W) in -1..1, F one more than a multiple of 4, H and W multiples of 8; latents
    (B, C, 1 + (F - 1) / 4, H / 8, W / 8). `latent_channels` is C, at most 192.
    """

    # The library keeps what this is called with as the config, which its pipeline reads.
    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        latent_channels: int = 32,
        scaling_factor: float = 1.0,  # noqa: ARG002
        invert_scale_latents: bool = False,  # noqa: ARG002
        temporal_compression_ratio: int = FRAMES,  # noqa: ARG002
        # The library's pipeline takes the stride from the number of levels.
        block_out_channels: tuple[int, ...] = (1, 1, 1, 1),  # noqa: ARG002
        sample_height: int = 80,  # noqa: ARG002
        sample_width: int = 80,  # noqa: ARG002
    ) -> None:
        super().__init__()
        self.encoder = _Basis(latent_channels)

    def encode(self, pixels: Tensor, return_dict: bool = True) -> Any:  # the library's signature
        """Return the distribution of a video's latent; it has no spread. Raises ConfigError for a shape that has no blocks."""
        frames, height, width = pixels.shape[2:]
        if frames % FRAMES != 1 or height % PIXELS or width % PIXELS:
            raise ConfigError(
                f"videos of {frames} frames of {height}x{width} have no linear latents: frames must be one more than a multiple "
                f"of {FRAMES}, height and width multiples of {PIXELS}"
            )
        basis = self.encoder
        first, later = pixels[:, :, :1], pixels[:, :, 1:]
        still = (_blocks(first) - basis.mean) @ basis.still.T * basis.scales[0]
        changes = (later - first).split(FRAMES, dim=2) if later.shape[2] else ()
        groups = [still, *(_blocks(group) @ basis.change.T * basis.scales[1] for group in changes)]
        latent = torch.stack(groups, dim=1).permute(0, 4, 1, 2, 3)
        found = DiagonalGaussianDistribution(torch.cat([latent, torch.full_like(latent, _CERTAIN)], dim=1))
        return AutoencoderKLOutput(latent_dist=found) if return_dict else (found,)

    def decode(self, latent: Tensor, return_dict: bool = True) -> Any:  # the library's signature
        """Return the pixels of a latent (B, C, F, H, W)."""
        basis = self.encoder
        codes = latent.permute(0, 2, 3, 4, 1)
        first = _pixels(codes[:, 0] / basis.scales[0] @ basis.still + basis.mean, 1)
        changes = [_pixels(codes[:, place] / basis.scales[1] @ basis.change, FRAMES) for place in range(1, codes.shape[1])]
        pixels = torch.cat([first, *(first + change for change in changes)], dim=2)
        return DecoderOutput(sample=pixels) if return_dict else (pixels,)


def _blocks(pixels: Tensor) -> Tensor:
    """Return the blocks (B, h, w, F * 64 * 3) of pixels (B, 3, F, H, W)."""
    count, _, frames, height, width = pixels.shape
    rows, columns = height // PIXELS, width // PIXELS
    parts = pixels.reshape(count, 3, frames, rows, PIXELS, columns, PIXELS).permute(0, 3, 5, 2, 4, 6, 1)
    return parts.reshape(count, rows, columns, -1)


def _pixels(blocks: Tensor, frames: int) -> Tensor:
    """Return the pixels (B, 3, F, H, W) of blocks (B, h, w, F * 64 * 3)."""
    count, rows, columns, _ = blocks.shape
    parts = blocks.reshape(count, rows, columns, frames, PIXELS, PIXELS, 3).permute(0, 6, 3, 1, 4, 2, 5)
    return parts.reshape(count, 3, frames, rows * PIXELS, columns * PIXELS)


def fitted(pixels: Tensor, channels: int) -> LinearVideoAutoencoder:
    """Return the autoencoder whose basis are the principal directions of clips (B, 3, F, H, W) in -1..1, five frames or more.

    Equal clips give equal bytes on one machine. Raises ConfigError where the clips do not have so many directions.
    """
    first, later = pixels[:, :, :1], pixels[:, :, 1:] - pixels[:, :, :1]
    still = _blocks(first).flatten(0, 2).double()
    change = torch.cat([_blocks(group) for group in later.split(FRAMES, dim=2)]).flatten(0, 2).double()
    model: LinearVideoAutoencoder = LinearVideoAutoencoder(
        latent_channels=channels, sample_height=pixels.shape[3], sample_width=pixels.shape[4]
    )
    basis = model.encoder
    if channels > min(basis.still.shape[1], len(still), len(change)):
        raise ConfigError(f"vae.latent is {channels}; {len(pixels)} clips in blocks of {PIXELS}x{PIXELS} have fewer directions")
    mean = still.mean(dim=0)
    with torch.no_grad():
        basis.mean.copy_(mean)
        for number, (into, values) in enumerate(((basis.still, still - mean), (basis.change, change))):
            directions = _principal(values, channels)
            into.copy_(directions)
            found = values @ directions.T
            # Where something is, a code deviates by about 1; backdrop, of which there is most, would make it far more.
            there = found.abs().amax(dim=1) > _THERE * found.abs().max()
            basis.scales[number] = 1 / found[there].std().clamp_min(1e-6)
    return model


def _principal(values: Tensor, count: int) -> Tensor:
    """Return the first principal directions (count, N) of values (M, N), the largest entry of each made positive."""
    _, vectors = torch.linalg.eigh(values.T @ values / len(values))
    directions = vectors.flip(1)[:, :count].T
    signs: Tensor = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True)).sign()
    found: Tensor = signs * directions
    return found
