"""What is put on first frames in training: as the backbone's recipe has it, or as this very base was trained."""

from __future__ import annotations

from pathlib import Path

from intergeneval.plugins.video_models import TOLD, read_file
from matrix_train import builtin
from matrix_train.backbones import Backbone
from matrix_train.config import Config

CLEAN = "image_noise"
"""Field of a pipeline's `video.json` that is "none" where the base was trained with first frames as they are."""


def saw_clean_frames(folder: Path) -> bool:
    """Return whether a pipeline's folder tells that its base never saw a first frame with noise on it, or none at all."""
    return folder == builtin.ROOT / builtin.BASE or read_file(folder / TOLD).get(CLEAN) == "none"


def frame_noise(config: Config, backbone: Backbone, folder: Path) -> tuple[tuple[float, float] | None, float]:
    """Return mean and deviation of the logarithm of the noise on first frames (None: none), and the share that is dropped."""
    chosen = config.condition
    if chosen.image_noise == "none":
        return None, chosen.image_dropout
    if chosen.image_noise == "recipe":
        return backbone.image_noise, chosen.image_dropout
    if saw_clean_frames(folder):
        return None, 0.0
    return backbone.image_noise, min(chosen.image_dropout, backbone.image_dropout)
