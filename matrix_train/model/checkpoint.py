"""The folder of an adapter: what a training run leaves behind, and how it is put back.

It holds ``matrix_config.json`` (the mark by which it is known), ``pytorch_lora_weights.safetensors`` in the format
of diffusers with alpha in its metadata, ``matrix.safetensors`` with projection and decoders, ``config.toml`` and a card. Nothing
is pickled that could run code. Equal trainings give equal files.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft.utils import get_peft_model_state_dict
from torch import Tensor

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records.disk import read_text, write_atomically
from matrix_train import config as configs
from matrix_train.backbones.loading import architecture_of, save_lora
from matrix_train.model.adapter_info import AdapterInfo
from matrix_train.model.aligned import AlignedModel, load_trainable
from matrix_train.model.card import CARD, card
from matrix_train.model.conditioning import GrownProjection, IdMapInput, grow
from matrix_train.model.lora_files import METADATA, check_fits, check_loaded, settings_of
from matrix_train.model.tensor_files import read_metadata, read_tensors, sort_metadata, write_tensors

MARK = "matrix_config.json"
LORA = "pytorch_lora_weights.safetensors"
FOLDED = "pytorch_lora_weights_folded.safetensors"
REST = "matrix.safetensors"
CONFIG = "config.toml"
SCHEMA = 1


def save(model: AlignedModel, folder: Path, steps: int, *, fold_alpha: bool = False, held_out: Sequence[str] = ()) -> None:
    """Write an adapter folder. The mark by which it is known goes first and comes back last, so that a torn one has none.

    `held_out` are figures on held-out clips for the card, one a line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).unlink(missing_ok=True)
    # One of an earlier part of the run would be taken for this adapter's.
    (folder / FOLDED).unlink(missing_ok=True)
    config = model.config
    if model.adapted:
        transformer: Any = model.transformer
        layers = {name: item.detach().cpu().contiguous() for name, item in get_peft_model_state_dict(transformer).items()}
        settings = transformer.peft_config["default"].to_dict()
        # peft keeps them in a set, whose order changes with each process.
        settings["target_modules"] = sorted(model.adapted)
        save_lora(model.backbone.name, folder, layers, settings)
        sort_metadata(folder / LORA)
        if fold_alpha:
            write_folded(folder)
    rest = {f"heads.{name}": item for name, item in model.heads.state_dict().items()}
    if model.projection is not None:
        rest |= {f"projection.{name}": item for name, item in model.projection.state_dict().items()}
    write_tensors(folder / REST, rest)
    write_atomically(folder / CONFIG, configs.dump(config))
    info = AdapterInfo(
        schema=SCHEMA,
        backbone=model.backbone.name,
        base=config.model.path,
        id_map=config.condition.id_map,
        projection="" if model.projection is None else model.backbone.projection,
        channels=0 if model.projection is None else model.projection.grown.shape[1],
        channel_axis=model.backbone.channel_axis,
        steps=steps,
        rank=config.lora.rank if model.adapted else 0,
        alpha=config.lora.alpha if model.adapted else 0,
        frames=config.data.frames,
        size=(config.data.height, config.data.width),
    )
    write_atomically(folder / CARD, card(info, config, model.adapted, held_out))
    write_atomically(folder / MARK, json.dumps(info.to_json(), indent=1) + "\n")


def read_info(folder: Path) -> AdapterInfo:
    """Read the mark of an adapter folder. Raises ConfigError when it is none, or of another version."""
    path = folder / MARK
    if not path.is_file():
        raise ConfigError(f"{folder} is not an adapter folder of matrix-train (it has no {MARK})")
    try:
        info = AdapterInfo.from_line(read_text(path), where=str(path))
    except RecordError as error:
        raise ConfigError(str(error)) from None
    if info.schema != SCHEMA:
        raise ConfigError(f"{path}: format {info.schema} is not known; this version reads {SCHEMA}")
    return info


def restore(model: AlignedModel, folder: Path) -> None:
    """Put an adapter folder's tensors back into a model of the same config. Raises ConfigError."""
    info = read_info(folder)
    if info.backbone != model.backbone.name:
        raise ConfigError(f"{folder}: the adapter is for {info.backbone}, the model is {model.backbone.name}")
    state: dict[str, Tensor] = {}
    if model.adapted:
        for name, item in read_tensors(folder / LORA).items():
            stem, part = name.rsplit(".", 1)
            state[f"{stem}.default.{part}"] = item
    for name, item in read_tensors(folder / REST).items():
        kind, leaf = name.split(".", 1)
        state[name if kind == "heads" else f"transformer.{info.projection}.{leaf}"] = item
    if model.config.condition.projection == "grown":
        # The base's own part is written for whoever samples; here it stands in the model and is frozen.
        for leaf in ("weight", "bias"):
            state.pop(f"transformer.{info.projection}.{leaf}", None)
    load_trainable(model, state, str(folder))


class Adapted:
    """A pipeline with an adapter on it; set `id_map` before each video and call the pipeline as usual."""

    def __init__(self, info: AdapterInfo, condition: IdMapInput | None) -> None:
        self.info = info
        self._condition = condition

    @property
    def id_map(self) -> Tensor | None:
        """Latent id map (1, C, F, H, W) of the next video; None: none. It must have been set, be it to None, before the first."""
        return None if self._condition is None else self._condition.latent

    @id_map.setter
    def id_map(self, latent: Tensor | None) -> None:
        if self._condition is None:
            raise ConfigError("this adapter was trained without an id map and takes none")
        self._condition.latent = latent


def load_matrix(pipeline: Any, folder: str | Path) -> Adapted:
    """Put adapter and grown projection on a diffusers pipeline of the same backbone, wholly or not at all.

    The decoders stay behind: they are needed in training only. Raises ConfigError for an adapter of another backbone or size, and
    for a file that holds a part of it or tensors of other names.
    """
    folder = Path(folder)
    info = read_info(folder)
    name = architecture_of(pipeline)
    if info.backbone != name:
        raise ConfigError(f"{folder}: the adapter was trained on {info.backbone}; this pipeline is {name}")
    grown = _grown(folder, info, pipeline.transformer)
    if info.rank:
        _load_lora(pipeline, folder, info)
    if grown is None:
        return Adapted(info, None)
    _fill(grow(pipeline.transformer, info.projection, info.channels), grown, folder)
    asked = (
        "this adapter was trained with an id map and none was given; set id_map of what load_matrix returned before each video"
    )
    hook = IdMapInput(
        pipeline.transformer, info.channel_axis, info.channels,
        unset=f"{asked} (None: a video without one, which is not what it was trained for)",
    )  # fmt: skip
    return Adapted(info, hook)


def _load_lora(pipeline: Any, folder: Path, info: AdapterInfo) -> None:
    """Load the LoRA, having seen that every tensor has its place, and see that it got there."""
    path = folder / LORA
    try:
        settings = settings_of(read_metadata(path), str(path))
        if (settings.rank, settings.alpha) != (info.rank, info.alpha):
            told = f"rank {settings.rank} and alpha {settings.alpha:g}, {MARK} {info.rank} and {info.alpha}"
            raise ConfigError(f"{path}: says {told}; the two belong to different adapters")
        modules = check_fits(read_tensors(path), settings, pipeline.transformer, str(path))
    except ConfigError as error:
        raise ConfigError(f"{error}; it was trained on {info.base}") from None
    try:
        with warnings.catch_warnings():
            # diffusers fills the image branch of Wan with zero adapters, and peft remarks that the config does not list them.
            warnings.filterwarnings("ignore", message="While injecting the PEFT adapters", category=RuntimeWarning)
            pipeline.load_lora_weights(str(folder), weight_name=LORA, adapter_name="matrix")
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        text = f"{folder}: the adapter does not fit this pipeline ({reason}); it was trained on {info.base}"
        raise ConfigError(text) from None
    check_loaded(pipeline.transformer, "matrix", modules, settings, str(path))


def _grown(folder: Path, info: AdapterInfo, transformer: torch.nn.Module) -> dict[str, Tensor] | None:
    """Return the tensors of the grown projection, None where it was not grown. Raises ConfigError where they cannot fit."""
    if not info.projection:
        return None
    found = {key.removeprefix("projection."): item for key, item in read_tensors(folder / REST).items() if "projection." in key}
    base: Any = transformer.get_submodule(info.projection)
    if not isinstance(base, GrownProjection):
        wanted = {"weight": tuple(base.weight.shape), "grown": (base.weight.shape[0], info.channels, *base.weight.shape[2:])}
        wanted |= {} if base.bias is None else {"bias": tuple(base.bias.shape)}
        if {name: tuple(item.shape) for name, item in found.items()} != wanted:
            raise ConfigError(f"{folder / REST}: the input projection in it does not fit this pipeline")
    return found


def _fill(projection: GrownProjection, state: Mapping[str, Tensor], folder: Path) -> None:
    own = projection.state_dict()
    if set(own) != set(state) or any(own[name].shape != item.shape for name, item in state.items()):
        raise ConfigError(f"{folder / REST}: the input projection in it does not fit this pipeline")
    # Trained in fp32, used in the pipeline's type: pipelines read the transformer's type off its first tensor, which this is.
    for name, item in state.items():
        parameter = getattr(projection, name)
        parameter.data = item.to(device=parameter.device, dtype=parameter.dtype)


def write_folded(folder: Path) -> Path:
    """Write the adapter once more with alpha / rank multiplied into its second matrices, for tools that ignore the metadata."""
    source = folder / LORA
    metadata = read_metadata(source)
    told = settings_of(metadata, str(source))
    tensors = read_tensors(source)
    for name, item in tensors.items():
        if "lora_B" in name:
            tensors[name] = item * (told.alpha / told.rank)
    settings = json.loads(metadata[METADATA])
    settings = {key: told.rank if key.endswith("lora_alpha") else value for key, value in settings.items()}
    metadata[METADATA] = json.dumps(settings, sort_keys=True)
    write_tensors(folder / FOLDED, tensors, metadata)
    return folder / FOLDED
