"""One row of the table of backbones: what is to be known of an architecture before its weights are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from matrix_train.backbones import Backbone, MapKind
from matrix_train.backbones.encoder import Encoder
from matrix_train.backbones.original_names import Original, same
from matrix_train.roles import Span

Shape = tuple[int, tuple[int, int] | None]
"""Frames (0: not told), and height and width in pixels (None: not told)."""


def _tells_nothing(_: Path) -> Shape:
    return 0, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One architecture; its folder in this room holds the rest."""

    name: str
    """Name of its folder here, of its transformer class (`Backbone.name`) and in adapter folders, such as ``cogvideox``."""
    pipeline: str
    """Class of its pipeline in diffusers, as ``model_index.json`` names it."""
    transformer: str
    """Class of its transformer in diffusers."""
    lora: str
    """Class in diffusers' loaders that its pipeline's LoRA reading and writing comes from."""
    wrap: Callable[[Any, Any], Backbone]
    """(transformer, scheduler) -> the backbone, with the objective that the scheduler tells. Raises ConfigError."""
    encoder: Callable[[Path, Any, torch.device], Encoder]
    """(pipeline folder, loaded pipeline, device) -> its encoders."""
    offsets: Callable[[Path], Callable[[str], tuple[Span, ...]]]
    """Pipeline folder -> what gives the characters of each text token of a caption. Raises ConfigError."""
    original: Callable[[str], Original] = same
    """Layer of the transformer by its name in diffusers -> what its makers call it."""
    tokenizer_by_file: bool = False
    """Whether the tokenizer is loaded by `files.load_tokenizer` and not by the class that the pipeline names."""
    told_shape: Callable[[Path], Shape] = _tells_nothing
    """Pipeline folder -> the shape that its config says it was trained with."""
    dominant: Mapping[MapKind, tuple[int, ...]] = field(default_factory=dict)
    """The paper's dominant layers, by kind of map."""
    dominant_depth: int = 0
    """Layers of the model in which they were found; a layer's number means nothing in a model of another depth."""
    modules: tuple[str, ...] = ()
    """Modules of ours that components of its pipelines may come from: diffusers takes none that was not imported before."""
