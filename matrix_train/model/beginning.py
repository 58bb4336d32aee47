"""A run that begins with the tensors of another adapter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from intergeneval.errors import ConfigError
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.checkpoint import LORA, REST, read_info
from matrix_train.model.lora_files import PREFIX, check_fits, settings_of
from matrix_train.model.tensor_files import read_metadata, read_tensors

WHERE = "train.init_from"


def begin_with(model: AlignedModel, folder: Path) -> list[str]:
    """Put an adapter's tensors into a fresh model and return what of the model begins anew, one sentence each.

    Whatever the adapter has must find its place, so that the run begins with the function it had; alpha / rank may differ and is
    made up for. Raises ConfigError for another backbone or rank, and for parts that the config has no place for.
    """
    info = read_info(folder)
    if info.backbone != model.backbone.name:
        raise ConfigError(f"{WHERE}: {folder} is an adapter for {info.backbone}, the model is {model.backbone.name}")
    own = {name: item for name, item in model.named_parameters() if item.requires_grad}
    state = {**_lora(model, folder, info.rank), **_rest(model, folder, info.projection)}
    for name, item in state.items():
        if name not in own:
            raise ConfigError(f"{WHERE}: {folder} has {name}, for which this config has no place; give it the adapter's layers")
        if own[name].shape != item.shape:
            raise ConfigError(
                f"{WHERE}: {name} of {folder} has shape {tuple(item.shape)}, this config makes {tuple(own[name].shape)}"
            )
    with torch.no_grad():
        for name, item in state.items():
            own[name].copy_(item)
    notes = []
    for group, members in model.groups().items():
        fresh = sum(1 for name, _ in members if name not in state)
        if fresh:
            notes.append(f"{fresh} of {len(members)} tensors of {group} are not in {folder} and begin anew")
    return notes


def _lora(model: AlignedModel, folder: Path, rank: int) -> dict[str, Tensor]:
    if not rank:
        return {}
    path = folder / LORA
    settings, tensors = settings_of(read_metadata(path), str(path)), read_tensors(path)
    config = model.config.lora
    if not model.adapted:
        raise ConfigError(f"{WHERE}: {folder} has an adapter, and lora.layers is empty")
    if settings.rank != config.rank:
        raise ConfigError(f"{WHERE}: {folder} has rank {settings.rank}; set lora.rank = {settings.rank}")
    strange = sorted(set(check_fits(tensors, settings, model.transformer, str(path))) - set(model.adapted))
    if strange:
        raise ConfigError(f"{WHERE}: {folder} adapts {strange[0]}, which lora.layers leaves out; give it the adapter's layers")
    found = {}
    for name, item in tensors.items():
        stem, part = name.rsplit(".", 1)
        module = stem.removeprefix(PREFIX).rsplit(".", 1)[0]
        factor = settings.scale(module) * config.rank / config.alpha if ".lora_B" in name else 1.0
        found[f"{stem}.default.{part}"] = item * factor
    return found


def _rest(model: AlignedModel, folder: Path, projection: str) -> dict[str, Tensor]:
    """Return projection and those decoders that the model has too, by the model's names."""
    grown: dict[str, Tensor] = {}
    decoders: dict[str, dict[str, Tensor]] = {}
    for name, item in read_tensors(folder / REST).items():
        kind, leaf = name.split(".", 1)
        if kind == "projection":
            grown[leaf] = item
        else:
            decoders.setdefault(leaf.split(".", 1)[0], {})[name] = item
    found = {f"transformer.{projection}.{leaf}": item for leaf, item in _grown(model, folder, grown).items()}
    for head, tensors in decoders.items():
        own = {name: item.shape for name, item in model.named_parameters() if name.startswith(f"heads.{head}.")}
        # A decoder is dropped at inference; one of another make is no part of what the adapter does.
        if own == {name: item.shape for name, item in tensors.items()}:
            found |= tensors
    return found


def _grown(model: AlignedModel, folder: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an adapter's projection that train here; those that do not must be the base's."""
    if not tensors:
        return {}
    if model.projection is None:
        raise ConfigError(f"{WHERE}: {folder} was trained with an id map, and condition.id_map is 'none'")
    own = dict(model.projection.named_parameters())
    frozen = {name for name, item in own.items() if not item.requires_grad}
    for name in frozen & set(tensors):
        if not torch.equal(tensors[name].to(own[name]), own[name].detach()):
            raise ConfigError(
                f"{WHERE}: {folder} trained the base's own input projection, and condition.projection is 'grown', which keeps "
                "the base's; set it to 'all'"
            )
    return {name: item for name, item in tensors.items() if name not in frozen}
