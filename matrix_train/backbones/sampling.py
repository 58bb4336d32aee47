"""One call of a pipeline: first frames and prompts in, videos out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intergeneval.videos import Frame
from matrix_train.backbones.loading import sampled_frames


def sample_videos(
    pipeline: Any,
    firsts: Sequence[Frame],
    prompts: Sequence[str],
    *,
    frames: int,
    steps: int,
    seeds: Sequence[int],
    guidance: float | None = None,
) -> npt.NDArray[np.uint8]:
    """Run a pipeline from first frames (H, W, 3) of one size, a prompt and a seed each; return RGB frames (N, F, H, W, 3).

    All are made in one batch. Noise is drawn on the CPU, each video's from its own seed.
    """
    from PIL import Image

    extra: dict[str, Any] = {} if guidance is None else {"guidance_scale": guidance}
    text_length = getattr(pipeline.transformer.config, "max_text_seq_length", None)
    if text_length:
        # A pipeline pads captions to the length of the largest model of its kind unless it is told.
        extra["max_sequence_length"] = int(text_length)
    height, width = firsts[0].shape[:2]
    alone = len(firsts) == 1
    pictures = [Image.fromarray(first) for first in firsts]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    videos = pipeline(
        image=pictures[0] if alone else pictures,
        prompt=prompts[0] if alone else list(prompts),
        height=height,
        width=width,
        num_frames=sampled_frames(pipeline, frames),
        num_inference_steps=steps,
        generator=generators[0] if alone else generators,
        output_type="np",
        **extra,
    ).frames
    return np.asarray(np.clip(np.asarray(videos) * 255, 0, 255).round(), dtype=np.uint8)
