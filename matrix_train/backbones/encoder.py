"""What an encoder must do, and what those of all backbones share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.records.disk import read_text
from matrix_train.backbones.files import describe
from matrix_train.roles import Span

Frames = npt.NDArray[np.uint8]
"""RGB frames, shape (F, H, W, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCode:
    """One encoded caption."""

    tensors: Mapping[str, Tensor]
    """Condition tensors of the backbone, without the batch axis."""
    offsets: tuple[Span, ...]
    """Characters of each token of the model's text sequence; special, padding and image tokens have empty ranges."""


class Encoder(Protocol):
    """Turns captions and frames into what the transformer reads."""

    def describe(self) -> dict[str, Any]:
        """Return what the output depends on beside its input, part of a cache's key: files, type of the weights, text length."""

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return shift and factor of each latent channel: scaled = (raw - shift) * factor."""

    def text(self, caption: str, first: Frames) -> TextCode:
        """Encode a caption beside its first frame (H, W, 3). Raises ConfigError where the encoder would change its characters."""

    def video(self, frames: Frames) -> Tensor:
        """Return means and log-variances of the latent, (2 C, F, H, W), unscaled fp32."""

    def picture(self, frame: Frames) -> Tensor:
        """Return the scaled latent (C, 1, H, W) of one picture (H, W, 3), the mode of its distribution."""

    def first_frame(self, frame: Frames, frames: int, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Return the condition tensors that the first frame gives, without the batch axis.

        `noise` (3, H, W) is added to its pixels, which lie between -1 and 1.
        """


class PipelineEncoder(ABC):
    """The text and video encoders of a diffusers pipeline."""

    parts: tuple[str, ...] = ("vae", "text_encoder", "tokenizer")
    """Folders of the pipeline that decide what comes out."""

    def __init__(self, folder: Path, pipeline: Any, device: torch.device) -> None:
        self._folder, self._pipeline, self._device = folder, pipeline, device
        self._settings = transformer_settings(folder)

    @property
    def _vae(self) -> Any:
        return self._pipeline.vae

    @property
    @abstractmethod
    def text_tokens(self) -> int:
        """Length of the model's text sequence."""

    @abstractmethod
    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return shift and factor of each latent channel."""

    def describe(self) -> dict[str, Any]:
        """Return a hash of the encoders' files, the type they run in and the length of the text sequence."""
        files = describe(self._folder, self.parts)
        # One that is loaded when it is needed knows the type it will have.
        dtype = getattr(self._pipeline, "late_dtype", None) or self._vae.dtype
        return {"encoders": files, "dtype": str(dtype).removeprefix("torch."), "text_tokens": self.text_tokens}

    def video(self, frames: Frames) -> Tensor:
        """Return means and log-variances of the latent."""
        return self._moments(frames)

    def picture(self, frame: Frames) -> Tensor:
        """Return the scaled latent of one picture."""
        return self._latent(frame)

    def _latent(self, frame: Frames, noise: Tensor | None = None) -> Tensor:
        return self._scaled(self._moments(frame[None], noise).chunk(2)[0])

    def _scaled(self, latent: Tensor) -> Tensor:
        shift, factor = (item.view(-1, 1, 1, 1) for item in self.scaling())
        return (latent - shift) * factor

    def _pixels(self, frames: Frames, noise: Tensor | None = None) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(self._device).float() / 127.5 - 1
        pixels = pixels.permute(3, 0, 1, 2)[None]
        if noise is not None:
            pixels[:, :, 0] += noise.to(self._device)
        return pixels.to(self._vae.dtype)

    @torch.no_grad()
    def _moments(self, frames: Frames, noise: Tensor | None = None) -> Tensor:
        return cast(Tensor, self._vae.encode(self._pixels(frames, noise)).latent_dist.parameters[0].float().cpu())


def transformer_settings(folder: Path) -> dict[str, Any]:
    """Return the config of a pipeline folder's transformer."""
    settings: dict[str, Any] = json.loads(read_text(folder / "transformer" / "config.json"))
    return settings


def plain_offsets(folder: Path, tokenizer: Any, caption: str, length: int) -> tuple[Span, ...]:
    """Return the characters of each of `length` text tokens, those of padding and special tokens empty. Raises ConfigError."""
    check_fast(folder, tokenizer)
    found = tokenizer(caption, padding="max_length", max_length=length, truncation=True, return_offsets_mapping=True)
    pairs = zip(found["offset_mapping"], found["attention_mask"], strict=True)
    return tuple((int(span[0]), int(span[1])) if kept else (0, 0) for span, kept in pairs)


def check_fast(folder: Path, tokenizer: Any) -> None:
    """Raise ConfigError for a tokenizer that does not tell which characters a token is made of."""
    if not tokenizer.is_fast:
        raise ConfigError(f"{folder}: its tokenizer gives no character offsets; roles cannot be found in captions")
