"""One call of a pipeline: a first frame and a prompt in, frames out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intergeneval.videos import Frame
from matrix_train.backbones.loading import sampled_frames


def sample(
    pipeline: Any, first: Frame, prompt: str, *, frames: int, steps: int, seed: int, guidance: float | None = None
) -> npt.NDArray[np.uint8]:
    """Run a pipeline from a first frame (H, W, 3) and return RGB frames (F, H, W, 3); noise is drawn on the CPU."""
    from PIL import Image

    extra: dict[str, Any] = {} if guidance is None else {"guidance_scale": guidance}
    text_length = getattr(pipeline.transformer.config, "max_text_seq_length", None)
    if text_length:
        # A pipeline pads captions to the length of the largest model of its kind unless it is told.
        extra["max_sequence_length"] = int(text_length)
    video = pipeline(
        image=Image.fromarray(first),
        prompt=prompt,
        height=first.shape[0],
        width=first.shape[1],
        num_frames=sampled_frames(pipeline, frames),
        num_inference_steps=steps,
        generator=torch.Generator().manual_seed(seed),
        output_type="np",
        **extra,
    ).frames[0]
    return np.asarray(np.clip(np.asarray(video) * 255, 0, 255).round(), dtype=np.uint8)
