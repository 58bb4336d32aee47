"""CogVideoX: T5 text, padded to a fixed length whose padding attends; the first frame's latent beside the video's."""

from __future__ import annotations

import torch
from torch import Tensor

from matrix_train.backbones.encoder import Frames, PipelineEncoder, TextCode, plain_offsets


class CogVideoXEncoder(PipelineEncoder):
    """The encoders of a CogVideoX pipeline."""

    @property
    def text_tokens(self) -> int:
        """Length of the text sequence, a setting of the transformer."""
        return int(self._settings["max_text_seq_length"])

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return no shift and the VAE's factor."""
        channels = int(self._vae.config.latent_channels)
        return torch.zeros(channels), torch.full((channels,), float(self._vae.config.scaling_factor))

    @torch.no_grad()
    def text(self, caption: str, first: Frames) -> TextCode:  # noqa: ARG002  # the text knows nothing of the picture
        """Encode a caption with the pipeline's own call."""
        offsets = plain_offsets(self._folder, self._pipeline.tokenizer, caption, self.text_tokens)
        embeds, _ = self._pipeline.encode_prompt(
            caption, do_classifier_free_guidance=False, max_sequence_length=self.text_tokens, device=self._device
        )
        return TextCode(tensors={"text": embeds[0].cpu()}, offsets=offsets)

    def _scaled(self, latent: Tensor) -> Tensor:
        """Scale a picture's latent with the factor that the image branch was trained with; a checkpoint may turn it around."""
        factor = float(self._vae.config.scaling_factor)
        return latent / factor if self._vae.config.invert_scale_latents else latent * factor

    def first_frame(self, frame: Frames, frames: int, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Return the first frame's latent with zeros after it."""
        latent = self._latent(frame, noise)
        later = latent.new_zeros(latent.shape[0], (frames - 1) // 4, *latent.shape[2:])
        return {"image": torch.cat([latent, later], dim=1)}
