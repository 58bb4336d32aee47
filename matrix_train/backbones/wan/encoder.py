"""Wan 2.1: UMT5 text with zeroed padding, a CLIP image branch where there is one, first-frame mask and latent on channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from intergeneval.errors import ConfigError
from matrix_train.backbones.encoder import Frames, PipelineEncoder, TextCode, plain_offsets
from matrix_train.backbones.wan.transformer import TEXT_TOKENS
from matrix_train.roles import Span


class WanEncoder(PipelineEncoder):
    """The encoders of a Wan 2.1 pipeline."""

    parts = ("vae", "text_encoder", "tokenizer", "image_encoder", "image_processor")

    @property
    def text_tokens(self) -> int:
        """Length of the text sequence."""
        return TEXT_TOKENS

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return mean and inverse deviation of each channel."""
        return torch.tensor(self._vae.config.latents_mean), 1.0 / torch.tensor(self._vae.config.latents_std)

    @torch.no_grad()
    def text(self, caption: str, first: Frames) -> TextCode:  # noqa: ARG002  # the picture goes through a branch of its own
        """Encode a caption with the pipeline's own call."""
        offsets = cleaned_offsets(self._folder, self._pipeline.tokenizer, caption)
        embeds, _ = self._pipeline.encode_prompt(
            caption, do_classifier_free_guidance=False, max_sequence_length=TEXT_TOKENS, device=self._device
        )
        return TextCode(tensors={"text": embeds[0].cpu()}, offsets=offsets)

    @torch.no_grad()
    def first_frame(self, frame: Frames, frames: int, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Return mask and latent of the first frame followed by black, and the image branch's embedding."""
        grey = np.full((frames - 1, *frame.shape), 127, dtype=np.uint8)
        pixels = self._pixels(np.concatenate([frame[None], grey]), noise)
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


def cleaned_offsets(folder: Path, tokenizer: Any, caption: str) -> tuple[Span, ...]:
    """Return the characters of each text token. Raises ConfigError where the pipeline would change the caption first."""
    from diffusers.pipelines.wan.pipeline_wan_i2v import prompt_clean

    cleaned: str = prompt_clean(caption)
    if cleaned != caption:
        raise ConfigError(f"the text encoder would change the caption {caption!r} to {cleaned!r}; write it that way")
    return plain_offsets(folder, tokenizer, caption, TEXT_TOKENS)
