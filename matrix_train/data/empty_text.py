"""The empty caption as the model reads it, kept beside the cached clips for those whose caption is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from intergeneval.errors import ConfigError
from matrix_train.backbones import Backbone
from matrix_train.backbones.load_encoders import Encoder
from matrix_train.config import Config
from matrix_train.model.tensor_files import read_tensors, write_tensors

NAME = "empty-text.safetensors"


def is_wanted(config: Config, backbone: Backbone) -> bool:
    """Return whether captions are dropped. Raises ConfigError where a clip's text holds its picture, which no other can lend."""
    if not config.condition.text_dropout:
        return False
    if backbone.text_holds_picture:
        raise ConfigError(
            f"condition.text_dropout is {config.condition.text_dropout}: the text that {backbone.name} reads holds its clip's "
            "first frame, so there is no one empty caption; set it to 0"
        )
    return True


def cache_empty_text(folder: Path, config: Config, encoder: Encoder) -> None:
    """Encode the empty caption into a cache unless it is there, beside a black picture: the text does not depend on it."""
    if (folder / NAME).is_file():
        return
    text = encoder.text("", np.zeros((config.data.height, config.data.width, 3), dtype=np.uint8))
    write_tensors(folder / NAME, text.tensors)


def load_empty_text(folder: Path) -> Mapping[str, Tensor]:
    """Return the condition tensors of the empty caption. Raises ConfigError where the cache has none."""
    try:
        return read_tensors(folder / NAME)
    except ConfigError as error:
        raise ConfigError(f"{error}; run 'matrix-train precompute' with this config, for condition.text_dropout") from None
