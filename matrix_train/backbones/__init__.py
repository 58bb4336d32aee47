"""Backbones: what the rest of the package may know of a video diffusion transformer, and nothing more.

Tensor names carry their shape: B batch, C channels, F H W latent frames, rows, columns; N tokens, D channels of a head.
Video tokens run frame by frame, row by row, in every backbone.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from intergeneval.errors import ConfigError

Part = Literal["video", "text"]
"""A piece of a key sequence, in the order in which the softmax runs over it."""


class MapKind(enum.StrEnum):
    """Which attention a map is read from: queries of the first letter, keys of the last."""

    V2T = "v2t"
    V2V = "v2v"
    T2V = "t2v"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Extent of the video tokens."""

    frames: int
    """Latent frames after temporal patching."""
    height: int
    """Token rows."""
    width: int
    """Token columns."""

    @property
    def cells(self) -> int:
        """Tokens of one frame."""
        return self.height * self.width

    @property
    def tokens(self) -> int:
        """Tokens of the whole video."""
        return self.frames * self.cells


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCall:
    """What an attention module was called with, kept from one forward pass."""

    video_BNC: Tensor
    """Normalised hidden states of the video tokens."""
    text_BTC: Tensor | None
    """Normalised hidden states of the text tokens; None in self-attention over video alone."""
    rotary: tuple[Tensor, Tensor] | None
    """Rotary tables of the video tokens, cosine and sine, (N, D) each; None where none are used."""
    valid_BN: Tensor | None = None
    """Which keys the softmax runs over, in key order; None: all."""


class Noising(Protocol):
    """How clean latents are mixed with noise, and what the transformer is asked to predict."""

    def draw(self, generator: torch.Generator) -> float:
        """Return a timestep drawn on the CPU, in the transformer's own unit (0 to 1000)."""

    def mix(self, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:
        """Return the noisy latents of shape (B, C, F, H, W)."""

    def loss(self, predicted: Tensor, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:
        """Return the denoising loss of each clip, shape (B,), in fp32."""

    def weight(self, time_B: Tensor) -> Tensor:
        """Return how much the training recipe lets each timestep weigh, shape (B,), fp32, with a mean of 1 over all timesteps."""


class Backbone(Protocol):
    """One video diffusion transformer with everything the alignment must know of it."""

    @property
    def name(self) -> str:
        """Name in configs and adapter folders, such as ``cogvideox``."""

    @property
    def transformer(self) -> nn.Module:
        """The transformer itself."""

    @property
    def noising(self) -> Noising:
        """Its training objective."""

    @property
    def image_noise(self) -> tuple[float, float] | None:
        """Mean and deviation of the logarithm of the noise that its recipe puts on first frames (-1..1); None: it puts none."""

    @property
    def image_dropout(self) -> float:
        """Share of clips whose first frame its recipe leaves away."""

    @property
    def text_holds_picture(self) -> bool:
        """Whether its text sequence holds tokens of the clip's first frame."""

    @property
    def layers(self) -> int:
        """Number of blocks; layer indices run from 0."""

    @property
    def kinds(self) -> frozenset[MapKind]:
        """Attention maps this architecture has."""

    @property
    def strides(self) -> tuple[int, int]:
        """Temporal and spatial stride from video tokens to pixels, patching included."""

    @property
    def latent_channels(self) -> int:
        """Channels of the video latent."""

    @property
    def projection(self) -> str:
        """Dotted name of the input projection inside the transformer."""

    @property
    def block_lists(self) -> tuple[str, ...]:
        """Names of the transformer's lists of blocks, in the order in which layers are counted through them."""

    @property
    def channel_axis(self) -> int:
        """Axis of the channels in the transformer's own latent input."""

    def grid(self, shape_FHW: tuple[int, int, int]) -> Grid:
        """Return the token grid of a latent of that shape. Raises ConfigError where it cannot be patched."""

    def attention(self, layer: int, kind: MapKind) -> nn.Module:
        """Return the attention module in which the maps of that kind live."""

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AttentionCall:
        """Read the arguments of an attention module's forward."""

    def parts(self, kind: MapKind) -> tuple[Part, ...]:
        """Return the pieces the softmax of that kind of map runs over, in order."""

    def queries(self, attention: nn.Module, call: AttentionCall, part: Part, first: int | None = None) -> Tensor:
        """Return queries (B, heads, N, D) as the kernel sees them, of the first `first` tokens of a part or of all."""

    def keys(self, attention: nn.Module, call: AttentionCall, part: Part) -> Tensor:
        """Return keys (B, heads, N, D) as the kernel sees them, of one part."""

    def taps(self, attention: nn.Module) -> tuple[nn.Module, nn.Module] | None:
        """Return the modules whose output becomes what the kernel sees of queries and of keys, in place; None: there are none.

        Their output is (B, heads, tokens, D), all parts of the softmax in its order.
        """

    def lora_targets(self, layer: int) -> tuple[str, ...]:
        """Return the dotted names of the q, k, v and out projections of one layer's attention."""

    def predict(self, noisy: Tensor, time_B: Tensor, condition: Mapping[str, Tensor]) -> Tensor:
        """Run the transformer on noisy latents (B, C, F, H, W) and return its prediction of that shape."""


def check_layer(backbone: Backbone, layer: int, kind: MapKind) -> None:
    """Raise ConfigError when the backbone has no such layer or no such attention."""
    if kind not in backbone.kinds:
        raise ConfigError(
            f"{backbone.name} has no {kind.value} attention (it has {', '.join(sorted(backbone.kinds))}); "
            f"set layers.{kind.value} = []"
        )
    if not 0 <= layer < backbone.layers:
        raise ConfigError(
            f"layers.{kind.value}: layer {layer} does not exist; {backbone.name} has layers 0 to {backbone.layers - 1}"
        )


def patched(shape_FHW: tuple[int, int, int], patch: tuple[int, int, int]) -> Grid:
    """Return the token grid of a latent shape under a patch size. Raises ConfigError when it does not divide."""
    if any(size % step for size, step in zip(shape_FHW, patch, strict=True)):
        raise ConfigError(
            f"latents of {shape_FHW[0]}x{shape_FHW[1]}x{shape_FHW[2]} cannot be cut into patches of "
            f"{patch[0]}x{patch[1]}x{patch[2]}; choose data.frames, data.height and data.width accordingly"
        )
    return Grid(frames=shape_FHW[0] // patch[0], height=shape_FHW[1] // patch[1], width=shape_FHW[2] // patch[2])


def argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], position: int, name: str) -> Any:
    """Return an argument of a forward call, whether it was given by place or by name; None where it was not given."""
    return kwargs[name] if name in kwargs else args[position] if position < len(args) else None
