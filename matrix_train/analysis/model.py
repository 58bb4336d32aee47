"""The model whose attention is read: an ordinary pipeline, alone or with an adapter, in one place on one device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intergeneval.errors import BackendError, ConfigError, IntergenevalError, RecordError
from intergeneval.ids import sha256_file
from intergeneval.masks import Mask
from intergeneval.videos import Frame
from matrix_train import builtin
from matrix_train.analysis.config import ModelSection, VideoSection
from matrix_train.backbones import Backbone, Grid
from matrix_train.backbones.files import describe
from matrix_train.backbones.load_encoders import Encoder, encoder_of
from matrix_train.backbones.loading import architecture_of, load_pipeline, wrap
from matrix_train.model.checkpoint import LORA, MARK, REST, load_matrix
from matrix_train.model.conditioning import on_first_frame, palette_picture, target_picture
from matrix_train.sample.config import Model, SampleConfig, find_model
from matrix_train.sample.pipeline import sample


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

    def __init__(self, settings: ModelSection, video: VideoSection) -> None:
        """Load it; that takes as long as loading the base model. Raises ConfigError."""
        found = _find(settings, video)
        self.info = found.info
        self.rate = found.rate
        self.shape = Shape(frames=found.frames, height=found.size[0], width=found.size[1])
        self.device = torch.device(settings.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype: torch.dtype = getattr(torch, settings.dtype or ("bfloat16" if self.device.type == "cuda" else "float32"))
        base = found.base()
        self.pipeline: Any = load_pipeline(base, self.dtype)
        self._adapted = None if found.adapter is None else load_matrix(self.pipeline, found.adapter)
        self.pipeline.to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        self.pipeline.transformer.eval()
        name = architecture_of(self.pipeline)
        self.backbone: Backbone = wrap(name, self.pipeline.transformer, self.pipeline.scheduler)
        self.encoder: Encoder = encoder_of(base, self.pipeline, self.device)
        files = {} if found.adapter is None else {name: found.adapter / name for name in (LORA, REST, MARK)}
        self.description = {
            "base": describe(base, ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")),
            "adapter": {name: sha256_file(path) for name, path in files.items() if path.is_file()},
            "dtype": str(self.dtype).removeprefix("torch."),
            "shape": [self.shape.frames, self.shape.height, self.shape.width],
        }

    @property
    def grid(self) -> Grid:
        """Its video tokens. Raises ConfigError for a shape that cannot be patched."""
        stride = int(self.pipeline.vae_scale_factor_spatial)
        latent = 1 + (self.shape.frames - 1) // int(self.pipeline.vae_scale_factor_temporal)
        return self.backbone.grid((latent, self.shape.height // stride, self.shape.width // stride))

    def show(self, masks: Sequence[Mask]) -> None:
        """Give an adapter the first-frame masks (H, W) it was trained to see. Raises ConfigError where they are missing."""
        if self.info is None or not self.info.projection or self._adapted is None:
            return
        if not masks:
            raise ConfigError("this adapter was trained with an id map and needs first-frame masks of the instances")
        picture = palette_picture(masks) if self.info.id_map == "palette" else target_picture(masks[-1])
        self._adapted.id_map = on_first_frame(self.encoder.picture(picture)[None], self.grid.frames)

    def sample(self, first: Frame, prompt: str, settings: VideoSection, seed: int) -> npt.NDArray[np.uint8]:
        """Return RGB frames (F, H, W, 3) of a video that starts from `first`. Raises BackendError.

        It is the video that `intergeneval run --model matrix:MODEL` makes with the same seed, steps and shape.
        """
        try:
            return sample(
                self.pipeline,
                first,
                prompt,
                frames=self.shape.frames,
                steps=settings.steps,
                seed=seed,
                guidance=settings.guidance,
            )
        except IntergenevalError:
            raise
        except Exception as error:
            raise BackendError(f"sampling failed: {error}") from error


def _find(settings: ModelSection, video: VideoSection) -> Model:
    """Find pipeline, adapter and shape; an embedded adapter stands on the embedded base. Raises ConfigError."""
    spec, base = settings.path, settings.base
    if spec == f"{builtin.PREFIX}{builtin.ADAPTER}":
        spec, base = str(builtin.folder(builtin.ADAPTER)), base or f"{builtin.PREFIX}{builtin.BASE}"
    try:
        config = SampleConfig(base=base, frames=video.frames, height=video.height, width=video.width)
    except (ValueError, RecordError) as error:
        raise ConfigError(f"video: {error}") from None
    return find_model(spec, config)
