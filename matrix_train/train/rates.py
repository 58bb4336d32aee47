"""The optimiser, and how fast each group of weights learns at each step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from intergeneval.errors import ConfigError
from matrix_train.config import TrainConfig
from matrix_train.model.aligned import AlignedModel


def learning_factor(step: int, train: TrainConfig) -> float:
    """Return the factor on the peak rate at a step: linear warm-up, then half a cosine to zero."""
    if step < train.warmup:
        return (step + 1) / train.warmup
    share = (step - train.warmup) / max(1, train.steps - train.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def make_optimiser(model: AlignedModel, train: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW over the trained groups, each with its own peak rate."""
    groups = [
        {
            "params": [item for _, item in members],
            "peak": train.decoder_rate if name == "decoder" else train.rate,
            **_tied(name, train),
        }
        for name, members in model.groups().items()
    ]
    if not groups and train.steps:
        raise ConfigError("this config trains nothing: it has no adapter, no id map and no decoder; set train.steps = 0")
    return torch.optim.AdamW(groups or [{"params": [], "peak": train.rate}], lr=train.rate, weight_decay=train.weight_decay)


def _tied(name: str, train: TrainConfig) -> dict[str, float]:
    """Return the peak rate of a group after the warm-up, where it is another."""
    return {"later": train.rate} if name == "decoder" and train.tie_decoder else {}


def peak_of(group: Mapping[str, Any], step: int, train: TrainConfig) -> float:
    """Return the peak rate of an optimiser's group at a step."""
    return float(group["peak"] if step < train.warmup else group.get("later", group["peak"]))
