"""The model whose attention is read: an ordinary pipeline, alone or with an adapter, in one place on one device."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intergeneval.errors import BackendError, ConfigError, IntergenevalError
from intergeneval.ids import sha256_file
from intergeneval.masks import Mask
from intergeneval.videos import Frame
from matrix_train.analysis.config import ModelSection, VideoSection
from matrix_train.backbones import Backbone
from matrix_train.backbones.encoders import Encoder, encoder_of
from matrix_train.backbones.loading import architecture_of, describe, load_pipeline, resolve, wrap
from matrix_train.checkpoint import LORA, MARK, REST, load_matrix, read_info
from matrix_train.conditioning import on_first_frame, palette_picture, target_picture
from matrix_train.validate import sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Extent of the videos, in frames and pixels."""

    frames: int
    """Frames."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""


class StudiedModel:
    """A loaded pipeline with what the analysis asks of it."""

    def __init__(self, settings: ModelSection) -> None:
        """Load it; that takes as long as loading the base model. Raises ConfigError."""
        given = Path(settings.path)
        self.info = read_info(given) if (given / MARK).is_file() else None
        base = settings.base or (settings.path if self.info is None else self.info.base)
        self.folder = resolve(base)
        self.device = torch.device(settings.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype: torch.dtype = getattr(torch, settings.dtype or ("bfloat16" if self.device.type == "cuda" else "float32"))
        self.pipeline: Any = load_pipeline(self.folder, self.dtype)
        self._adapted = None if self.info is None else load_matrix(self.pipeline, given)
        self.pipeline.to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        self.pipeline.transformer.eval()
        name = architecture_of(self.pipeline)
        self.backbone: Backbone = wrap(name, self.pipeline.transformer, self.pipeline.scheduler)
        self.encoder: Encoder = encoder_of(self.folder, self.pipeline, self.device)
        files = () if self.info is None else (LORA, REST, MARK)
        self.description = {
            "base": describe(self.folder, ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")),
            "adapter": {item: sha256_file(given / item) for item in files if (given / item).is_file()},
            "dtype": str(self.dtype).removeprefix("torch."),
        }

    def shape(self, settings: VideoSection) -> Shape:
        """Return the extent of its videos: as set, as the adapter was trained, or as the pipeline would by itself."""
        usual = inspect.signature(type(self.pipeline).__call__).parameters
        config: Any = self.pipeline.transformer.config

        def own(parameter: str, field: str, factor: int) -> int:
            return int((config.get(field) or 0) * factor or usual[parameter].default or 0)

        if self.info is not None:
            frames, (height, width) = self.info.frames, self.info.size
        else:
            pixels = int(self.pipeline.vae_scale_factor_spatial)
            frames = own("num_frames", "sample_frames", 1)
            height, width = own("height", "sample_height", pixels), own("width", "sample_width", pixels)
        found = Shape(frames=settings.frames or frames, height=settings.height or height, width=settings.width or width)
        if not min(found.frames, found.height, found.width):
            raise ConfigError("this pipeline does not say how long and large its videos are; set video.frames, height and width")
        return found

    def noise_seed(self, sample_id: str, seed: int) -> int:
        """Return the seed of a sample's noise: the one that `intergeneval run --model` would draw this video with."""
        if self.info is not None:
            return seed
        from intergeneval.sources.diffusers import noise_seed

        return noise_seed(sample_id, seed)

    def show(self, masks: Sequence[Mask], frames: int) -> None:
        """Give an adapter the first-frame masks (H, W) it was trained to see. Raises ConfigError where they are missing."""
        if self.info is None or not self.info.projection or self._adapted is None:
            return
        if not masks:
            raise ConfigError("this adapter was trained with an id map and needs first-frame masks of the instances")
        picture = palette_picture(masks) if self.info.id_map == "palette" else target_picture(masks[-1])
        self._adapted.id_map = on_first_frame(self.encoder.picture(picture)[None], 1 + (frames - 1) // 4)

    def sample(self, first: Frame, prompt: str, shape: Shape, settings: VideoSection, seed: int) -> npt.NDArray[np.uint8]:
        """Return RGB frames (F, H, W, 3) of a video that starts from `first`. Raises BackendError."""
        try:
            return sample(
                self.pipeline,
                first,
                prompt,
                frames=shape.frames,
                steps=settings.steps,
                seed=seed,
                guidance=settings.guidance,
            )
        except IntergenevalError:
            raise
        except Exception as error:
            raise BackendError(f"sampling failed: {error}") from error
