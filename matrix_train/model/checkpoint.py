"""What a training run leaves behind, and how it is put back.

An adapter folder holds ``matrix_config.json`` (the mark by which it is known), ``pytorch_lora_weights.safetensors`` in the format
of diffusers with alpha in its metadata, ``matrix.safetensors`` with projection and decoders, and ``config.toml``. A checkpoint
adds ``trainer_state.pt``, read with ``weights_only``. Nothing is pickled that could run code.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from peft.utils import get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import Record
from intergeneval.records.disk import growing, read_text, write_atomically
from matrix_train import config as configs
from matrix_train.backbones.loading import architecture_of, save_lora
from matrix_train.model.aligned import AlignedModel, load_trainable
from matrix_train.model.conditioning import GrownProjection, IdMapInput, grow

MARK = "matrix_config.json"
LORA = "pytorch_lora_weights.safetensors"
FOLDED = "pytorch_lora_weights_folded.safetensors"
REST = "matrix.safetensors"
STATE = "trainer_state.pt"
CONFIG = "config.toml"
SCHEMA = 1
MAY_CHANGE = {
    *("model.path", "model.gradient_checkpointing", "data.path", "data.cache", "decoder.maps_per_call"),
    *("train.steps", "train.save_every", "train.validate_every", "train.validate_clips", "train.log_every"),
    *("train.trackers", "heldout.every", "heldout.timesteps"),
}
"""What a resumed run may set anew: where things lie, how long it goes on, and what leaves the losses as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo(Record):
    """The mark of an adapter folder."""

    schema: int
    """Version of the folder's format."""
    backbone: str
    """Name of the backbone it was trained on."""
    base: str
    """Path or hub id of the base pipeline."""
    id_map: str
    """Kind of first-frame conditioning: palette, target or none."""
    projection: str
    """Dotted name of the grown input projection; empty where it was not grown."""
    channels: int
    """Extra input channels."""
    channel_axis: int
    """Axis of the channels in the transformer's input."""
    steps: int
    """Optimiser steps it was trained for."""
    rank: int
    """LoRA rank."""
    alpha: int
    """LoRA alpha; the scale is alpha / rank."""
    frames: int
    """Frames it was trained with."""
    size: tuple[int, int]
    """Height and width it was trained with, in pixels."""


def save(model: AlignedModel, folder: Path, steps: int, *, fold_alpha: bool = False) -> None:
    """Write an adapter folder. The mark by which it is known goes first and comes back last, so that a torn one has none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).unlink(missing_ok=True)
    # One of an earlier part of the run would be taken for this adapter's.
    (folder / FOLDED).unlink(missing_ok=True)
    config = model.config
    if model.adapted:
        transformer: Any = model.transformer
        layers = {name: item.detach().cpu().contiguous() for name, item in get_peft_model_state_dict(transformer).items()}
        save_lora(model.backbone.name, folder, layers, transformer.peft_config["default"].to_dict())
        if fold_alpha:
            write_folded(folder)
    rest = {f"heads.{name}": item for name, item in model.heads.state_dict().items()}
    if model.projection is not None:
        rest |= {f"projection.{name}": item for name, item in model.projection.state_dict().items()}
    with growing(folder / REST) as path:
        save_file({name: item.detach().cpu().contiguous() for name, item in rest.items()}, str(path))
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


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file. Raises ConfigError when it is missing or torn."""
    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None


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
        """Latent id map (1, C, F, H, W) of the next video; None: none."""
        return None if self._condition is None else self._condition.latent

    @id_map.setter
    def id_map(self, latent: Tensor | None) -> None:
        if self._condition is None:
            raise ConfigError("this adapter was trained without an id map and takes none")
        self._condition.latent = latent


def load_matrix(pipeline: Any, folder: str | Path) -> Adapted:
    """Put adapter and grown projection on a diffusers pipeline of the same backbone.

    The decoders stay behind: they are needed in training only. Raises ConfigError for an adapter of another backbone or size.
    """
    folder = Path(folder)
    info = read_info(folder)
    name = architecture_of(pipeline)
    if info.backbone != name:
        raise ConfigError(f"{folder}: the adapter was trained on {info.backbone}; this pipeline is {name}")
    if info.rank:
        read_tensors(folder / LORA)
        try:
            with warnings.catch_warnings():
                # diffusers fills the image branch of Wan with zero adapters, and peft remarks that the config does not list them.
                warnings.filterwarnings("ignore", message="While injecting the PEFT adapters", category=RuntimeWarning)
                pipeline.load_lora_weights(str(folder), weight_name=LORA, adapter_name="matrix")
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            text = f"{folder}: the adapter does not fit this pipeline ({reason}); it was trained on {info.base}"
            raise ConfigError(text) from None
    if not info.projection:
        return Adapted(info, None)
    state = {key.removeprefix("projection."): item for key, item in read_tensors(folder / REST).items() if "projection." in key}
    _fill(grow(pipeline.transformer, info.projection, info.channels), state, folder)
    return Adapted(info, IdMapInput(pipeline.transformer, info.channel_axis, info.channels))


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
    info, source = read_info_or_lora(folder), folder / LORA
    with safe_open(str(source), framework="pt") as stream:
        metadata = dict(stream.metadata() or {})
    tensors = read_tensors(source)
    for name, item in tensors.items():
        if "lora_B" in name:
            tensors[name] = item * (info[1] / info[0])
    if "lora_adapter_metadata" in metadata:
        settings = json.loads(metadata["lora_adapter_metadata"])
        settings = {key: info[0] if key.endswith("lora_alpha") else value for key, value in settings.items()}
        metadata["lora_adapter_metadata"] = json.dumps(settings, sort_keys=True)
    with growing(folder / FOLDED) as path:
        save_file(tensors, str(path), metadata)
    return folder / FOLDED


def read_info_or_lora(folder: Path) -> tuple[int, int]:
    """Return rank and alpha of the adapter file itself. Raises ConfigError when its metadata does not tell them."""
    with safe_open(str(folder / LORA), framework="pt") as stream:
        text = (stream.metadata() or {}).get("lora_adapter_metadata", "{}")
    settings = json.loads(text)
    rank = next((value for key, value in settings.items() if key.endswith("transformer.r") or key == "r"), None)
    alpha = next((value for key, value in settings.items() if key.endswith("lora_alpha")), None)
    if not rank or not alpha:
        raise ConfigError(f"{folder / LORA}: its metadata names no rank and alpha")
    return int(rank), int(alpha)


def save_state(folder: Path, step: int, optimiser: torch.optim.Optimizer, more: Mapping[str, Any] | None = None) -> None:
    """Write what a resumed run needs beside the tensors: step and optimiser; everything random follows from the step.

    `more` is what other parts of the loop keep, by name; tensors, numbers and mappings of those.
    """
    with growing(folder / STATE) as path:
        torch.save({"step": step, "optimiser": optimiser.state_dict(), **(more or {})}, path)


def load_state(folder: Path, optimiser: torch.optim.Optimizer, more: dict[str, Any] | None = None) -> int:
    """Put the optimiser back and return the number of finished steps; what else was kept is put into `more`."""
    path = folder / STATE
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError):
        raise ConfigError(f"{path}: is damaged; delete {folder} to go on from the checkpoint before it") from None
    optimiser.load_state_dict(state["optimiser"])
    if more is not None:
        more.update({name: item for name, item in state.items() if name not in ("step", "optimiser")})
    return int(state["step"])


def _whole(config: configs.Config) -> dict[str, dict[str, Any]]:
    """Return every field of a config, those too that are left out of its JSON."""
    found = {}
    for section in fields(config):
        part = getattr(config, section.name)
        values = {item.name: getattr(part, item.name) for item in fields(part)}
        found[section.name] = {name: list(item) if isinstance(item, tuple) else item for name, item in values.items()}
    return found


def _written(path: Path) -> dict[str, dict[str, Any]]:
    """Return every field of a checkpoint's config. One from before clips were held out held none out."""
    table = configs.read_table(path)
    found = _whole(configs.parse(table, where=str(path)))
    if "heldout" not in table:
        found["heldout"]["share"] = 0.0
    return found


def _comes_to_the_same(name: str, before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether a field that differs cannot matter: how many clips are held out, where none is."""
    return name.startswith("heldout.") and not before["heldout"]["share"] and not now["heldout"]["share"]


def check_config(folder: Path, config: configs.Config) -> list[str]:
    """Return the fields that differ from a checkpoint's config and may. Raises ConfigError for any other difference."""
    before, now, changed = _written(folder / CONFIG), _whole(config), []
    for section, values in now.items():
        for key, value in values.items():
            if value == before[section][key] or _comes_to_the_same(f"{section}.{key}", before, now):
                continue
            changed.append(f"{section}.{key}")
            if changed[-1] not in MAY_CHANGE:
                raise ConfigError(
                    f"{folder}: {changed[-1]} was {before[section][key]!r} and is now {value!r}; "
                    "a run goes on with the config it began with, so give --out another folder"
                )
    return changed


def holding_as_begun(config: configs.Config, out: Path) -> configs.Config:
    """Return the config of a run that goes on: one that began before clips were held out goes on with all of them."""
    found = latest(out)
    if found is None or "heldout" in configs.read_table(found / CONFIG):
        return config
    return replace(config, heldout=replace(config.heldout, share=0.0))


def step_of(folder: Path) -> int:
    """Return the number of finished steps of a checkpoint, as its folder is called."""
    return int(folder.name.rpartition("-")[2])


def latest(out: Path) -> Path | None:
    """Return the newest whole checkpoint of a run, or None."""
    found = sorted(path.parent for path in out.glob(f"checkpoint-*/{STATE}"))
    return found[-1] if found else None
