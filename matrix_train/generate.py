"""Base plus adapter plus id map: videos from a first frame, a prompt and first-frame masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intergeneval.errors import ConfigError
from intergeneval.masks import Mask
from intergeneval.videos import Frame, write_video
from matrix_train.backbones.encoders import encoder_of
from matrix_train.backbones.loading import load_pipeline, resolve, sampled_frames
from matrix_train.checkpoint import load_matrix, read_info
from matrix_train.conditioning import on_first_frame, palette_picture, target_picture
from matrix_train.data.clips import read_mask, read_picture
from matrix_train.targets import resize
from matrix_train.validate import FPS, sample

DTYPES = ("bfloat16", "float16", "float32")
"""Types of weights that a pipeline may be sampled in."""


class Generator:
    """A pipeline with an adapter, ready to sample. Loading takes as long as loading the base model."""

    def __init__(self, adapter: Path, *, base: str = "", dtype: str = "bfloat16", device: str = "") -> None:
        self.info = read_info(adapter)
        self._folder = resolve(base or self.info.base)
        if dtype not in DTYPES:
            raise ConfigError(f"dtype is {dtype!r}; it must be one of {', '.join(DTYPES)}")
        chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._pipeline: Any = load_pipeline(self._folder, getattr(torch, dtype))
        self._adapted = load_matrix(self._pipeline, adapter)
        self._pipeline.to(chosen)
        self._pipeline.set_progress_bar_config(disable=True)
        self._encoder = encoder_of(self._folder, self._pipeline, chosen) if self.info.projection else None

    def frames(
        self, first: Frame, prompt: str, masks: Sequence[Mask], *, seed: int, steps: int = 50, guidance: float | None = None
    ) -> npt.NDArray[np.uint8]:
        """Return RGB frames (F, H, W, 3) of a video that starts from `first` (H, W, 3).

        `masks` are the instances' first-frame masks (H, W), in the order in which they take their colours; an adapter with a
        single target takes the last one. Raises ConfigError when masks are missing or of another size.
        """
        if self._encoder is not None:
            if not masks:
                raise ConfigError("this adapter was trained with an id map and needs first-frame masks of the instances")
            for mask in masks:
                if mask.shape != first.shape[:2]:
                    shown = f"{mask.shape[1]}x{mask.shape[0]}, the first frame {first.shape[1]}x{first.shape[0]}"
                    raise ConfigError(f"a mask is {shown}")
            picture = palette_picture(masks) if self.info.id_map == "palette" else target_picture(masks[-1])
            latent = self._encoder.picture(picture)[None]
            self._adapted.id_map = on_first_frame(latent, 1 + (sampled_frames(self._pipeline, self.info.frames) - 1) // 4)
        return sample(self._pipeline, first, prompt, frames=self.info.frames, steps=steps, seed=seed, guidance=guidance)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """One video that an adapter is asked for."""

    adapter: Path
    """Adapter folder."""
    image: Path
    """First frame; brought to the size the adapter was trained with."""
    masks: tuple[Path, ...] = ()
    """First-frame masks of the instances, in the order in which they take their colours."""
    prompt: str
    """What happens."""
    out: Path
    """The mp4 to write."""
    seed: int = 0
    """Seed of the noise."""
    steps: int = 50
    """Sampling steps."""
    base: str = ""
    """Base pipeline; empty: the one the adapter was trained on."""
    dtype: str = "bfloat16"
    """Type of the weights."""


def write_one(request: VideoRequest) -> int:
    """Generate the video that is asked for and return its number of frames. Raises ConfigError, MediaError or BackendError."""
    size = read_info(request.adapter).size
    first = read_picture(request.image, size)
    masks = [resize(read_mask(path), size) for path in request.masks]
    generator = Generator(request.adapter, base=request.base, dtype=request.dtype)
    frames = generator.frames(first, request.prompt, masks, seed=request.seed, steps=request.steps)
    return write_video(request.out, iter(frames), FPS)
