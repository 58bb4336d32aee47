"""Text and video encoders of each backbone, through its own pipeline's components; needed once, for the cache."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intergeneval.errors import ConfigError
from matrix_train.backbones.loading import architecture, architecture_of, describe, load_pipeline
from matrix_train.backbones.wan import TEXT_TOKENS
from matrix_train.roles import Span

Frames = npt.NDArray[np.uint8]
"""RGB frames, shape (F, H, W, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCode:
    """One encoded caption."""

    tensors: Mapping[str, Tensor]
    """Condition tensors of the backbone, without the batch axis."""
    offsets: tuple[Span, ...]
    """Characters of each text token of the model's sequence; special and padding tokens have empty ranges."""


class Encoder(Protocol):
    """Turns captions and frames into what the transformer reads."""

    def fingerprint(self) -> str:
        """Return a hash of the encoders, part of the cache's key."""

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return shift and factor of each latent channel: scaled = (raw - shift) * factor."""

    def text(self, caption: str) -> TextCode:
        """Encode a caption. Raises ConfigError where the encoder would change its characters."""

    def video(self, frames: Frames) -> Tensor:
        """Return means and log-variances of the latent, (2 C, F, H, W), unscaled fp32."""

    def picture(self, frame: Frames) -> Tensor:
        """Return the scaled latent (C, 1, H, W) of one picture (H, W, 3), the mode of its distribution."""

    def first_frame(self, frame: Frames, frames: int) -> dict[str, Tensor]:
        """Return the condition tensors that the first frame gives, without the batch axis."""


def load_encoder(folder: Path, dtype: torch.dtype, device: torch.device) -> Encoder:
    """Load the encoders of a pipeline folder. Raises ConfigError for a backbone whose encoders are not supported."""
    check_supported(architecture(folder))
    # The transformer stays on the disk: its config is all that encoding needs.
    pipeline = load_pipeline(folder, dtype, transformer=None)
    for part in ("vae", "text_encoder", "image_encoder"):
        if getattr(pipeline, part, None) is not None:
            getattr(pipeline, part).to(device).eval().requires_grad_(False)
    return encoder_of(folder, pipeline, device)


def check_supported(name: str) -> None:
    """Raise ConfigError for a backbone whose text and video cannot be encoded here."""
    if name not in ENCODERS:
        raise ConfigError(f"clips and id maps can be encoded for {' and '.join(ENCODERS)}, not for {name}")


def encoder_of(folder: Path, pipeline: Any, device: torch.device) -> Encoder:
    """Put a loaded pipeline's encoders behind the protocol. Raises ConfigError."""
    name = architecture_of(pipeline)
    check_supported(name)
    return ENCODERS[name](folder, pipeline, device)


def _offsets_of(folder: Path, tokenizer: Any, caption: str, length: int) -> tuple[Span, ...]:
    if not tokenizer.is_fast:
        raise ConfigError(f"{folder}: its tokenizer gives no character offsets; roles cannot be found in captions")
    found = tokenizer(caption, padding="max_length", max_length=length, truncation=True, return_offsets_mapping=True)
    pairs = zip(found["offset_mapping"], found["attention_mask"], strict=True)
    return tuple((int(span[0]), int(span[1])) if kept else (0, 0) for span, kept in pairs)


def load_offsets(folder: Path) -> Callable[[str], tuple[Span, ...]]:
    """Return what gives the characters of each text token of a caption, from the tokenizer alone. Raises ConfigError."""
    from transformers import AutoTokenizer

    name = architecture(folder)
    check_supported(name)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder / "tokenizer")
    settings = json.loads((folder / "transformer" / "config.json").read_text(encoding="utf-8"))
    length = int(settings["max_text_seq_length"]) if name == "cogvideox" else TEXT_TOKENS
    return lambda caption: _offsets_of(folder, tokenizer, caption, length)


class _Encoder:
    """What both encoders share."""

    parts: tuple[str, ...] = ("vae", "text_encoder", "tokenizer")

    def __init__(self, folder: Path, pipeline: Any, device: torch.device) -> None:
        self._folder, self._pipeline, self._device = folder, pipeline, device
        self._vae = pipeline.vae
        self._settings = json.loads((folder / "transformer" / "config.json").read_text(encoding="utf-8"))

    def fingerprint(self) -> str:
        """Return a hash of the encoders' files."""
        return describe(self._folder, self.parts)

    def _pixels(self, frames: Frames) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(self._device).float() / 127.5 - 1
        return pixels.permute(3, 0, 1, 2)[None].to(self._vae.dtype)

    @torch.no_grad()
    def _moments(self, frames: Frames) -> Tensor:
        return cast(Tensor, self._vae.encode(self._pixels(frames)).latent_dist.parameters[0].float().cpu())

    def video(self, frames: Frames) -> Tensor:
        """Return means and log-variances of the latent."""
        return self._moments(frames)

    def _offsets(self, caption: str, length: int) -> tuple[Span, ...]:
        return _offsets_of(self._folder, self._pipeline.tokenizer, caption, length)


class CogVideoXEncoder(_Encoder):
    """T5 text, padded to a fixed length whose padding attends; the first frame's latent beside the video's."""

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return no shift and the VAE's factor."""
        channels = int(self._vae.config.latent_channels)
        return torch.zeros(channels), torch.full((channels,), float(self._vae.config.scaling_factor))

    @torch.no_grad()
    def text(self, caption: str) -> TextCode:
        """Encode a caption with the pipeline's own call."""
        length = int(self._settings["max_text_seq_length"])
        offsets = self._offsets(caption, length)
        embeds, _ = self._pipeline.encode_prompt(
            caption, do_classifier_free_guidance=False, max_sequence_length=length, device=self._device
        )
        return TextCode(tensors={"text": embeds[0].cpu()}, offsets=offsets)

    def picture(self, frame: Frames) -> Tensor:
        """Return the latent of one picture, with the factor the image branch was trained with."""
        factor = float(self._vae.config.scaling_factor)
        mean = self._moments(frame[None]).chunk(2)[0]
        return mean / factor if self._vae.config.invert_scale_latents else mean * factor

    def first_frame(self, frame: Frames, frames: int) -> dict[str, Tensor]:
        """Return the first frame's latent with zeros after it."""
        latent = self.picture(frame)
        later = latent.new_zeros(latent.shape[0], (frames - 1) // 4, *latent.shape[2:])
        return {"image": torch.cat([latent, later], dim=1)}


class WanEncoder(_Encoder):
    """UMT5 text with zeroed padding, a CLIP image branch where the model has one, first-frame mask and latent on channels."""

    parts = ("vae", "text_encoder", "tokenizer", "image_encoder", "image_processor")

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return mean and inverse deviation of each channel."""
        return torch.tensor(self._vae.config.latents_mean), 1.0 / torch.tensor(self._vae.config.latents_std)

    @torch.no_grad()
    def text(self, caption: str) -> TextCode:
        """Encode a caption with the pipeline's own call."""
        from diffusers.pipelines.wan.pipeline_wan_i2v import prompt_clean

        cleaned: str = prompt_clean(caption)
        if cleaned != caption:
            raise ConfigError(f"the text encoder would change the caption {caption!r} to {cleaned!r}; write it that way")
        offsets = self._offsets(caption, TEXT_TOKENS)
        embeds, _ = self._pipeline.encode_prompt(
            caption, do_classifier_free_guidance=False, max_sequence_length=TEXT_TOKENS, device=self._device
        )
        return TextCode(tensors={"text": embeds[0].cpu()}, offsets=offsets)

    def _scaled(self, latent: Tensor) -> Tensor:
        shift, factor = (item.view(-1, 1, 1, 1) for item in self.scaling())
        return (latent - shift) * factor

    def picture(self, frame: Frames) -> Tensor:
        """Return the scaled latent of one picture."""
        return self._scaled(self._moments(frame[None]).chunk(2)[0])

    @torch.no_grad()
    def first_frame(self, frame: Frames, frames: int) -> dict[str, Tensor]:
        """Return mask and latent of the first frame followed by black, and the image branch's embedding."""
        black = np.full((frames - 1, *frame.shape), 127, dtype=np.uint8)
        pixels = self._pixels(np.concatenate([frame[None], black]))
        # The pipeline pads with zeros in the range -1..1, which no eight-bit grey hits.
        pixels[:, :, 1:] = 0
        mode = self._vae.encode(pixels).latent_dist.mode()[0].float().cpu()
        latent = self._scaled(mode)
        known = latent.new_zeros(4, *latent.shape[1:])
        known[:, 0] = 1
        found = {"image": torch.cat([known, latent])}
        if self._settings.get("image_dim") is not None:
            from PIL import Image

            found["image_embeds"] = self._pipeline.encode_image(Image.fromarray(frame), self._device)[0].float().cpu()
        return found


ENCODERS: dict[str, Callable[[Path, Any, torch.device], Encoder]] = {"cogvideox": CogVideoXEncoder, "wan": WanEncoder}
"""Backbone -> its encoder."""
