"""HunyuanVideo: LLaVA text in a template beside tokens of the first frame, CLIP's pooled text, and the first frame's latent.

The transformer's text stream is image tokens, then the caption, then padding: the pipeline crops the template in front of the
caption and the header behind it. `stream_offsets` follows it token by token, so that a role's characters lead to its places in
that stream.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from torch import Tensor

from intergeneval.errors import ConfigError
from matrix_train.backbones.encoder import Frames, PipelineEncoder, TextCode, check_fast
from matrix_train.roles import Span, through_template

TEXT_TOKENS = 256
"""Tokens the pipeline reads after the template, the header behind the caption included."""
HEADER_TOKENS = 4
"""Tokens of the header behind the caption, which the pipeline takes out."""
INTERLEAVE = {"latent_concat": 2, "token_replace": 4}
"""Variant -> of how many image tokens the pipeline keeps one."""


def image_tokens(variant: str | None) -> int:
    """Return the number of image tokens in front of the text. Raises ConfigError for a model that takes no first frame."""
    if variant not in INTERLEAVE:
        raise ConfigError("this HunyuanVideo takes no first frame (it has no image_condition_type); use its image-to-video model")
    return -(-int(DEFAULT_PROMPT_TEMPLATE["image_emb_len"]) // INTERLEAVE[variant])


def stream_offsets(folder: Path, tokenizer: Any, caption: str, images: int) -> tuple[Span, ...]:
    """Return the characters of each token of the transformer's text stream; image, template and padding tokens are empty.

    Raises ConfigError where the tokenizer cuts the template into other pieces than the pipeline counts on.
    """
    check_fast(folder, tokenizer)
    template, crop = str(DEFAULT_PROMPT_TEMPLATE["template"]), int(DEFAULT_PROMPT_TEMPLATE["crop_start"])
    prefix = template.index("{}")
    found = tokenizer(
        template.format(caption),
        padding="max_length",
        max_length=TEXT_TOKENS + crop,
        truncation=True,
        return_offsets_mapping=True,
    )
    front = sum(1 for start, end in found["offset_mapping"] if start < end <= prefix) + (tokenizer.bos_token_id is not None)
    if found["offset_mapping"][crop - 1][1] != prefix or found["offset_mapping"][crop][0] < prefix:
        raise ConfigError(
            f"{folder}: its tokenizer puts {front} tokens in front of the caption where the pipeline counts on {crop}; "
            "load it as AutoTokenizer does, padded on the right"
        )
    header = tokenizer.convert_tokens_to_ids("<|end_header_id|>")
    headers = [place for place, token in enumerate(found["input_ids"]) if token == header]
    # A caption that fills the sequence leaves no header behind it; the pipeline then cuts off the last tokens.
    behind = 1 + (headers[-1] if len(headers) > 2 else len(found["input_ids"]) - 1)
    kept = [*range(crop, behind - HEADER_TOKENS), *range(behind, len(found["input_ids"]))]
    spans = [span if seen else (0, 0) for span, seen in zip(found["offset_mapping"], found["attention_mask"], strict=True)]
    return ((0, 0),) * images + through_template(spans, kept, prefix, len(caption))


class HunyuanVideoEncoder(PipelineEncoder):
    """The encoders of a HunyuanVideo image-to-video pipeline, of both variants."""

    parts = ("vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "image_processor")

    @property
    def _variant(self) -> str:
        return str(self._settings.get("image_condition_type"))

    @property
    def text_tokens(self) -> int:
        """Length of the text stream, image tokens included."""
        return image_tokens(self._variant) + TEXT_TOKENS - HEADER_TOKENS

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return no shift and the VAE's factor."""
        channels = int(self._vae.config.latent_channels)
        return torch.zeros(channels), torch.full((channels,), float(self._vae.config.scaling_factor))

    @torch.no_grad()
    def text(self, caption: str, first: Frames) -> TextCode:
        """Encode a caption and the first frame it speaks of with the pipeline's own call."""
        from PIL import Image

        offsets = stream_offsets(self._folder, self._pipeline.tokenizer, caption, image_tokens(self._variant))
        embeds, pooled, mask = self._pipeline.encode_prompt(
            image=Image.fromarray(first),
            prompt=caption,
            device=self._device,
            max_sequence_length=TEXT_TOKENS,
            image_embed_interleave=INTERLEAVE[self._variant],
        )
        if embeds.shape[1] != len(offsets):
            raise ConfigError(f"{self._folder}: the text stream has {embeds.shape[1]} tokens where {len(offsets)} were expected")
        tensors = {"text": embeds[0].cpu(), "text_mask": mask[0].long().cpu(), "pooled": pooled[0].cpu()}
        return TextCode(tensors=tensors, offsets=offsets)

    def first_frame(self, frame: Frames, frames: int, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Return the first frame's latent: alone where it replaces the noisy one, else with zeros after it and a mask channel."""
        latent = self._latent(frame, noise)
        if self._variant == "token_replace":
            return {"image": latent}
        known = torch.cat([latent, latent.new_ones(1, *latent.shape[1:])])
        later = known.new_zeros(known.shape[0], (frames - 1) // 4, *known.shape[2:])
        return {"image": torch.cat([known, later], dim=1)}
