"""Base or adapter, id map and guidance: videos from a first frame, a prompt and first-frame masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intergeneval.errors import ConfigError
from intergeneval.masks import Mask
from intergeneval.plugins.fitting import Fitting
from intergeneval.records import Sample
from intergeneval.videos import Frame, write_video
from matrix_train.backbones.load_encoders import encoder_of
from matrix_train.backbones.loading import load_pipeline, sampled_frames
from matrix_train.data.clips import read_mask, read_picture
from matrix_train.guidance.config import GuidanceConfig
from matrix_train.guidance.guide import Guide, GuidedSample
from matrix_train.guidance.roles import described_sample
from matrix_train.model.checkpoint import load_matrix
from matrix_train.model.conditioning import on_first_frame, palette_picture, target_picture
from matrix_train.sample.config import SampleConfig, SamplingConfig, find_model
from matrix_train.sample.pipeline import sample


class Generator:
    """A pipeline, with an adapter or alone, ready to sample. Loading takes as long as loading the base model."""

    def __init__(self, model: str | Path, config: SampleConfig | None = None, guidance: GuidanceConfig | None = None) -> None:
        self._config = config or SampleConfig()
        self.model = find_model(str(model), self._config)
        chosen = torch.device(self._config.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        base = self.model.base()
        pipeline: Any = load_pipeline(base, getattr(torch, self._config.dtype))
        self._pipeline = pipeline
        self._adapted = None if self.model.adapter is None else load_matrix(pipeline, self.model.adapter)
        pipeline.to(chosen)
        pipeline.set_progress_bar_config(disable=True)
        info = self.model.info
        self._encoder = encoder_of(base, pipeline, chosen) if info is not None and info.projection else None
        self._guide = Guide(guidance, base, pipeline) if guidance is not None and guidance.kinds else None

    def frames(self, first: Frame, request: Sample, masks: Mapping[str, Mask], *, seed: int) -> npt.NDArray[np.uint8]:
        """Return RGB frames (F, H, W, 3) of a video that starts from `first` (H, W, 3).

        `masks` are the first-frame masks (H, W) of the request's instances by id; in the order of the instances they take their
        colours. An adapter with a single target takes the object of the first interaction, as in training, or the last mask
        where no interaction is given. Raises ConfigError when masks or the words of a role are missing, or masks are of another
        size.
        """
        if self._encoder is not None:
            self._set_id_map(first, request, masks)
        if self._guide is None:
            return self._sampled(first, request.prompt, seed)
        size, frames = (first.shape[0], first.shape[1]), self.model.frames
        given = GuidedSample(sample=request, masks=masks, size=size, frames=frames, seed=seed)
        return self._guide.video(given, lambda: self._sampled(first, request.prompt, seed))

    def _sampled(self, first: Frame, prompt: str, seed: int) -> npt.NDArray[np.uint8]:
        config = self._config
        return sample(
            self._pipeline, first, prompt, frames=self.model.frames, steps=config.steps, seed=seed, guidance=config.guidance
        )

    def _set_id_map(self, first: Frame, request: Sample, given: Mapping[str, Mask]) -> None:
        assert self._encoder is not None
        assert self._adapted is not None
        masks = [given[item.id] for item in request.instances if item.id in given]
        if not masks:
            raise ConfigError("this adapter was trained with an id map and needs first-frame masks of the instances")
        for mask in masks:
            if mask.shape != first.shape[:2]:
                shown = f"{mask.shape[1]}x{mask.shape[0]}, the first frame {first.shape[1]}x{first.shape[0]}"
                raise ConfigError(f"a mask is {shown}")
        picture = palette_picture(masks) if self._adapted.info.id_map == "palette" else target_picture(target_of(request, given))
        latent = self._encoder.picture(picture)[None]
        self._adapted.id_map = on_first_frame(latent, 1 + (sampled_frames(self._pipeline, self.model.frames) - 1) // 4)


def target_of(request: Sample, masks: Mapping[str, Mask]) -> Mask:
    """Return the mask that an adapter with a single target is shown: the first interaction's object, or its subject without one.

    Without an interaction that names instances it is the last mask. Raises ConfigError when the target has none.
    """
    named = [item.object or item.subject for item in request.interactions[:1] if item.object or item.subject]
    target = named[0] if named else [item.id for item in request.instances if item.id in masks][-1]
    if target not in masks:
        raise ConfigError(f"sample {request.id}: {target} is the target of the first interaction and has no first-frame mask")
    return masks[str(target)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """One video that a model is asked for."""

    model: str
    """Adapter folder, pipeline folder or hub id."""
    image: Path
    """First frame, of any size; the video has its shape."""
    masks: tuple[Path, ...] = ()
    """First-frame masks of the instances, in the order in which they take their colours."""
    prompt: str
    """What happens."""
    interactions: tuple[str, ...] = ()
    """Who does what to whom, each as ``SUBJECT|VERB|OBJECT`` in the prompt's words."""
    out: Path
    """The mp4 to write."""
    seed: int = 0
    """Seed of the noise."""
    config: SamplingConfig
    """Sampling and guidance."""


def read_masks(paths: Sequence[Path], shape: tuple[int, int]) -> dict[str, Mask]:
    """Read the masks of a first frame of that height and width, by id. Raises MediaError, and ConfigError for another size."""
    found = {}
    for place, path in enumerate(paths, 1):
        mask = read_mask(path)
        if mask.shape != shape:
            raise ConfigError(f"{path}: the mask is {mask.shape[1]}x{mask.shape[0]}, the first frame {shape[1]}x{shape[0]}")
        found[f"id{place}"] = mask
    return found


def write_one(request: VideoRequest) -> int:
    """Generate the video that is asked for and return its number of frames. Raises ConfigError, MediaError or BackendError."""
    config = request.config
    described = described_sample(request.prompt, request.interactions, len(request.masks))
    # What can be read is read before the model, which takes long.
    model = find_model(request.model, config.sample)
    picture = read_picture(request.image)
    shape = (picture.shape[0], picture.shape[1])
    way = Fitting.of(model.size, shape, "crop")
    masks = {name: way.give_mask(mask) for name, mask in read_masks(request.masks, shape).items()}
    generator = Generator(request.model, config.sample, config.attention_guidance)
    made = generator.frames(way.give(picture), described, masks, seed=request.seed)
    # What is black around a picture of another shape is no part of the video that was asked for.
    return write_video(request.out, (way.cut(frame) for frame in made), model.rate)
