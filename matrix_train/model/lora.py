"""The adapter: LoRA through peft on exactly the attention projections of the chosen layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from peft import LoraConfig as PeftConfig
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from intergeneval.errors import ConfigError
from matrix_train.backbones import Backbone, MapKind
from matrix_train.config import LoraConfig

ALL_LAYERS = (-1,)


def target_names(
    backbone: Backbone, layers: Sequence[int], aligned: Mapping[MapKind, Sequence[int]] | None = None
) -> tuple[str, ...]:
    """Return the module names that LoRA on those layers adapts; (-1,) means every layer.

    With `aligned` layers, what is adapted in a layer that is aligned is the attention that holds the maps for which it is.

    Raises ConfigError for a layer that does not exist, and for a name the transformer does not have, with candidates.
    """
    chosen = range(backbone.layers) if tuple(layers) == ALL_LAYERS else layers
    for layer in chosen:
        if not 0 <= layer < backbone.layers:
            raise ConfigError(f"lora.layers: layer {layer} does not exist; {backbone.name} has layers 0 to {backbone.layers - 1}")
    names = tuple(name for layer in chosen for name in _of_layer(backbone, layer, aligned or {}))
    check_names(backbone.transformer, names)
    return names


def _of_layer(backbone: Backbone, layer: int, aligned: Mapping[MapKind, Sequence[int]]) -> list[str]:
    names = list(backbone.lora_targets(layer))
    held = {id(backbone.attention(layer, kind)) for kind, layers in aligned.items() if layer in layers and kind in backbone.kinds}
    owners = [name for name, module in backbone.transformer.named_modules() if id(module) in held]
    return [name for name in names if not owners or any(name.startswith(f"{owner}.") for owner in owners)]


def check_names(transformer: nn.Module, names: Sequence[str]) -> None:
    """Raise ConfigError when a name is not a linear layer of the transformer; the text lists what it could have meant."""
    linear = [name for name, module in transformer.named_modules() if isinstance(module, nn.Linear)]
    for name in names:
        if name not in linear:
            leaf = name.split(".")[-1]
            near = [item for item in linear if item.endswith(leaf)][:6] or linear[:6]
            raise ConfigError(f"lora: the transformer has no linear layer {name!r}; candidates are {', '.join(near)}")


def add(
    backbone: Backbone, config: LoraConfig, seed: int, aligned: Mapping[MapKind, Sequence[int]] | None = None
) -> tuple[str, ...]:
    """Put an adapter on the transformer and return the adapted names; `seed` draws the first matrices.

    `aligned` are the aligned layers by kind of map, by which `lora.attentions = "aligned"` picks.
    """
    names = target_names(backbone, config.layers, aligned if config.attentions == "aligned" else None)
    settings: Any = PeftConfig(r=config.rank, lora_alpha=config.alpha, target_modules=list(names), init_lora_weights=True)
    transformer: Any = backbone.transformer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer.add_adapter(settings)
    adapted = {name for name, module in transformer.named_modules() if isinstance(module, BaseTunerLayer)}
    if adapted != set(names):
        raise ConfigError(f"lora: asked for {sorted(names)} but {sorted(adapted)} were adapted")
    return names
