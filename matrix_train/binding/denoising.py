"""How well a model predicts what the words say, beside what its videos show: its own training error on held-out videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from matrix_train.backbones.load_encoders import encoder_of
from matrix_train.backbones.loading import architecture_of, wrap
from matrix_train.binding.measure import ASKED, Sampling
from matrix_train.binding.play import play
from matrix_train.binding.scene import scene

DENOISED_AT = (150.0, 400.0, 650.0)
"""Timesteps, 0 (clean) to 1000."""
_BATCH = 50


@torch.no_grad()
def denoising(
    pipeline: Any, folder: Path, *, seed: int, scenes: int, sampling: Sampling, times: Sequence[float] = DENOISED_AT
) -> npt.NDArray[np.float64]:
    """Return minus the logarithm of a loaded pipeline's denoising error, shape (scenes, times); more is better.

    The videos are those of the deeds ASKED, played as they should be, encoded by the pipeline itself, which `folder` holds. Noise
    is one for all models, a scene's videos share it, and differences of two models are relative differences of their errors.
    """
    device = pipeline.transformer.device
    encoder = encoder_of(folder, pipeline, device)
    backbone = wrap(architecture_of(pipeline), pipeline.transformer, pipeline.scheduler)
    shift, factor = (item.view(-1, 1, 1, 1) for item in encoder.scaling())
    kept: list[tuple[torch.Tensor, dict[str, torch.Tensor]]] = []
    for index in range(scenes):
        found = scene(seed, index)
        for number in ASKED:
            frames = play(found, found.deeds[number], frames=sampling.frames, size=sampling.size).frames
            clean = (encoder.video(frames).chunk(2)[0] - shift) * factor
            given = {**encoder.text(found.caption(found.deeds[number]), frames[0]).tensors}
            kept.append((clean, {**given, **encoder.first_frame(frames[0], len(frames))}))
    errors = np.empty((len(kept), len(times)))
    for start in range(0, len(kept), _BATCH):
        part = kept[start : start + _BATCH]
        clean = torch.stack([item for item, _ in part]).to(device)
        condition = {name: torch.stack([given[name] for _, given in part]).to(device) for name in part[0][1]}
        for column, time in enumerate(times):
            time_B = torch.full((len(part),), time, device=device)
            noise = torch.stack([_noise(clean[0].shape, (start + row) // len(ASKED), column) for row in range(len(part))]).to(
                device
            )
            predicted = backbone.predict(backbone.noising.mix(clean, noise, time_B), time_B, condition)
            errors[start : start + len(part), column] = backbone.noising.loss(predicted, clean, noise, time_B).double().cpu()
    means: npt.NDArray[np.float64] = -np.log(errors).reshape(scenes, len(ASKED), len(times)).mean(axis=1)
    return means


def _noise(shape: torch.Size, index: int, column: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1_000_003 * (column + 1) + index))
