"""From a pipeline folder to a backbone or a whole pipeline, by the table of backbones."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from intergeneval.errors import ConfigError
from intergeneval.plugins.video_models import INDEX, TOLD, TRANSFORMER, VAE, read_rules, rules_of
from intergeneval.records.disk import read_text
from matrix_train.backbones import Backbone
from matrix_train.backbones.family import Shape
from matrix_train.backbones.files import load_tokenizer
from matrix_train.backbones.table import FAMILIES, by_name, by_pipeline

SECOND = "transformer_2"
"""Component of a pipeline that hands the denoising over to a second transformer half-way."""
TWO_TRANSFORMERS = (
    "it has two transformers (as Wan 2.2 A14B does), one for noisy and one for clean steps, and an adapter would change only the "
    "first; use a pipeline with one, such as Wan 2.1"
)
OWN_TIMES = "it gives every token a timestep of its own (as Wan 2.2 TI2V 5B does), which is not supported; use Wan 2.1"


def architecture(folder: Path) -> str:
    """Return the backbone's name of a pipeline folder. Raises ConfigError for one we cannot train."""
    index = json.loads(read_text(folder / "model_index.json"))
    name = index.get("_class_name", "")
    row = by_pipeline(name)
    if row is None:
        raise ConfigError(f"{folder}: a {name or 'nameless pipeline'} cannot be trained; supported are {_supported()}")
    if (index.get(SECOND) or [None])[0] is not None:
        raise ConfigError(f"{folder}: {TWO_TRANSFORMERS}")
    if index.get("expand_timesteps"):
        raise ConfigError(f"{folder}: {OWN_TIMES}")
    return row.name


def architecture_of(pipeline: Any) -> str:
    """Return the backbone's name of a loaded pipeline. Raises ConfigError for one that adapters cannot be put on."""
    name = type(pipeline).__name__
    row = by_pipeline(name)
    if row is None:
        raise ConfigError(f"a {name} takes no adapter of ours; supported are {_supported()}")
    if getattr(pipeline, SECOND, None) is not None:
        raise ConfigError(f"this {name}: {TWO_TRANSFORMERS}")
    if pipeline.config.get("expand_timesteps"):
        raise ConfigError(f"this {name}: {OWN_TIMES}")
    return row.name


def _supported() -> str:
    return ", ".join(row.pipeline for row in FAMILIES)


def wrap(name: str, transformer: Any, scheduler: Any) -> Backbone:
    """Put a loaded transformer behind the backbone protocol, with the objective its scheduler tells. Raises ConfigError."""
    return by_name(name).wrap(transformer, scheduler)


def load_backbone(folder: Path, dtype: torch.dtype) -> Backbone:
    """Load the transformer of a pipeline folder behind the protocol."""
    row = by_name(architecture(folder))
    transformer = _named(row.transformer).from_pretrained(folder, subfolder="transformer", dtype=dtype)
    return row.wrap(transformer, _scheduler(folder))


def load_outline(folder: Path) -> Backbone:
    """Return the transformer of a pipeline folder behind the protocol, its shapes without its weights: all that encoding asks."""
    row = by_name(architecture(folder))
    kind = _named(row.transformer)
    with torch.device("meta"):
        transformer = kind.from_config(kind.load_config(folder, subfolder="transformer"))
    return row.wrap(transformer, _scheduler(folder))


def _scheduler(folder: Path) -> Any:
    kind = json.loads(read_text(folder / "scheduler" / "scheduler_config.json"))["_class_name"]
    return _named(kind).from_pretrained(folder, subfolder="scheduler")


def _named(name: str) -> Any:
    """Return a class of diffusers, which loads the module that holds it and no other."""
    import diffusers

    return getattr(diffusers, name)


def stored_tensors(folder: Path, names: Iterable[str]) -> dict[str, torch.Tensor]:
    """Return tensors of a pipeline folder's transformer by name, without reading the others. Raises ConfigError."""
    from safetensors import safe_open

    wanted, found = set(names), {}
    for path in sorted((folder / "transformer").glob("*.safetensors")):
        with safe_open(str(path), framework="pt") as stream:
            for name in wanted & set(stream.keys()):
                found[name] = stream.get_tensor(name)
    if set(found) != wanted:
        missing = sorted(wanted - set(found))
        raise ConfigError(f"{folder}: no safetensors file of its transformer holds {missing[0]}")
    return found


def load_pipeline(folder: Path, dtype: torch.dtype, **parts: Any) -> Any:
    """Load a pipeline for sampling; `parts` stand in for components of its own, None leaving one out."""
    import diffusers

    row = by_name(architecture(folder))
    for module in row.modules:
        import_module(module)
    if row.tokenizer_by_file:
        parts.setdefault("tokenizer", load_tokenizer(folder))
    pipeline: Any = diffusers.DiffusionPipeline
    teller = logging.getLogger("diffusers.pipelines.pipeline_utils")
    teller.addFilter(_no_word_of_own_autoencoders)
    try:
        return pipeline.from_pretrained(folder, dtype=dtype, **parts)
    finally:
        teller.removeFilter(_no_word_of_own_autoencoders)


def _no_word_of_own_autoencoders(record: logging.LogRecord) -> bool:
    """Keep back that a pipeline holds an autoencoder of another class than its own where that is one of this package."""
    text = record.getMessage()
    return not (text.startswith("Expected types for vae") and "got <class 'matrix_train." in text)


def load_vae(folder: Path, dtype: torch.dtype) -> Any:
    """Load the VAE of a pipeline folder, and nothing else of it. Raises ConfigError for one of a class that nobody here knows."""
    import diffusers

    kind = json.loads(read_text(folder / VAE))["_class_name"]
    own = (import_module(name) for name in by_name(architecture(folder)).modules)
    known = getattr(diffusers, kind, None) or next((getattr(module, kind) for module in own if hasattr(module, kind)), None)
    if known is None:
        raise ConfigError(f"{folder}: its VAE is a {kind}, which diffusers {diffusers.__version__} does not know")
    return known.from_pretrained(folder, subfolder="vae", dtype=dtype)


def sampled_frames(pipeline: Any, frames: int) -> int:
    """Return how many frames to ask a pipeline for, so that `frames` of them come out."""
    architecture_of(pipeline)
    parts = {INDEX: pipeline.config, TRANSFORMER: pipeline.transformer.config, VAE: pipeline.vae.config}
    return frames + rules_of({name: dict(part) for name, part in parts.items()}).dropped


def rate_of(folder: Path) -> float:
    """Return the frames per second of a pipeline's videos, as its files tell. Raises ConfigError for one we cannot train."""
    rate = read_rules(folder).rate
    if rate is None:
        raise ConfigError(f'{folder}: a {architecture(folder)} of unknown frame rate; write {{"fps": ...}} into its {TOLD}')
    return rate


def shape_notes(folder: Path, frames: int, sizes: Iterable[tuple[int, int]]) -> list[str]:
    """Return what is to be said of training on a pipeline with so many frames, one sentence each.

    Raises ConfigError for a size (height, width) that its pipeline does not make: an adapter of it could never be sampled.
    """
    rules = read_rules(folder)
    for size in sizes:
        rules.check_size(size, "data.height and data.width are")
    try:
        rules.check_frames(frames, "data.frames")
    except ConfigError as error:
        # The clips are encoded at their length all the same; what an adapter of such a length cannot do is be sampled at it.
        return [f"{error}; videos of an adapter that is trained so need another number of frames"]
    return []


def told_shape(folder: Path) -> Shape:
    """Return frames and size in pixels that a pipeline's config says it was trained with, 0 and None where it does not."""
    return by_name(architecture(folder)).told_shape(folder)


def save_lora(name: str, folder: Path, layers: dict[str, torch.Tensor], metadata: dict[str, Any]) -> None:
    """Write an adapter in diffusers' own format, rank and alpha in its metadata."""
    from diffusers import loaders

    # The pipeline would do as well, and would load its text encoders' code for it.
    writer: Any = getattr(loaders, by_name(name).lora)
    writer.save_lora_weights(folder, transformer_lora_layers=layers, transformer_lora_adapter_metadata=metadata)
