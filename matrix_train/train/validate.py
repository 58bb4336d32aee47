"""Validation in the middle of training: a video of the adapter as it stands, and what its attention looks at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intergeneval.videos import Frame, write_video
from matrix_train.backbones.loading import load_pipeline, rate_of, sampled_frames
from matrix_train.data.batches import Batches
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.conditioning import IdMapInput, on_first_frame
from matrix_train.sample.pipeline import sample

STEPS = 20
"""Sampling steps of a validation video."""


@torch.no_grad()
def validate(model: AlignedModel, batches: Batches, folder: Path, out: Path) -> list[Path]:
    """Sample the first clips that are held out, or of the dataset, with the adapter as it stands; return what was written.

    The first frame comes from the clip. Overlays show each supervised map as heat over the clip's own frames, at a middle
    timestep.
    """
    model.eval()
    dtype = getattr(torch, model.config.model.dtype)
    pipeline = load_pipeline(folder, dtype, transformer=model.transformer)
    device = next(model.transformer.parameters()).device
    pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    hook, rate = None, rate_of(folder)
    if model.projection is not None:
        hook = IdMapInput(model.transformer, model.backbone.channel_axis, model.projection.grown.shape[1])
    written = []
    chosen = (batches.held or range(len(batches.clips)))[: model.config.train.validate_clips]
    try:
        for place in chosen:
            clip, frames = batches.clips[place], batches.frames(place)
            if hook is not None:
                latent = batches.cached(place).tensors["id_map"][None]
                hook.latent = on_first_frame(latent, 1 + (sampled_frames(pipeline, len(frames)) - 1) // 4)
            video = sample(pipeline, frames[0], clip.caption, frames=len(frames), steps=STEPS, seed=model.config.train.seed)
            path = out / f"{place:03d}.mp4"
            write_video(path, iter(video), rate)
            written.append(path)
    finally:
        if hook is not None:
            hook.remove()
    for place in chosen:
        written += _overlays(model, batches, place, out, rate)
    model.train()
    return written


def _overlays(model: AlignedModel, batches: Batches, place: int, out: Path, rate: float) -> list[Path]:
    batch = batches.one(place, time=500.0)
    device = next(model.transformer.parameters()).device
    maps = model(batch.to(device, getattr(torch, model.config.model.dtype)))["maps"]
    frames, written = batches.frames(place), []
    for name, maps_BRFHW in maps.items():
        for entry in batch.entries:
            path = out / f"{place:03d}-{name.replace('/', '-')}-{entry.interaction}-{entry.role}.mp4"
            write_video(path, heat(frames, maps_BRFHW[0, entry.slot].float().cpu()), rate)
            written.append(path)
    return written


def heat(frames: npt.NDArray[np.uint8], map_FHW: Tensor) -> Iterator[Frame]:
    """Yield frames (H, W, 3) with a map laid over them in red, each token as a block, from its least to its largest value."""
    low, high = float(map_FHW.min()), float(map_FHW.max())
    share = ((map_FHW - low) / max(high - low, 1e-12)).numpy()
    for index, frame in enumerate(frames):
        latent = 0 if index == 0 else 1 + (index - 1) * (len(share) - 1) // max(1, len(frames) - 1)
        rows = np.arange(frame.shape[0]) * share.shape[1] // frame.shape[0]
        columns = np.arange(frame.shape[1]) * share.shape[2] // frame.shape[1]
        alpha = 0.7 * share[latent][rows[:, None], columns[None, :]][..., None]
        yield np.asarray(frame * (1 - alpha) + np.array([255, 40, 20]) * alpha, dtype=np.uint8)
