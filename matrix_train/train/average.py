"""The moving average of the trained weights, which jumps less from step to step than they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from intergeneval.errors import ConfigError


class Average:
    """Follows the trained weights of a model with a decay; 0 follows nothing and costs nothing."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model, self._decay = model, decay
        self._kept: dict[str, Tensor] = {}

    def _trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, item) for name, item in self._model.named_parameters() if item.requires_grad)

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move towards the weights as they are after a step, counted from 0; early on closely, or the start would linger."""
        if not self._decay:
            return
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, item in self._trained():
            if name in self._kept:
                self._kept[name].lerp_(item, 1 - decay)
            else:
                self._kept[name] = item.detach().clone()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Put the average into the model for the length of a block, and the weights back after it."""
        raw = self._swapped(self._kept)
        try:
            yield
        finally:
            self._swapped(raw)

    @torch.no_grad()
    def _swapped(self, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
        before = {}
        for name, item in self._trained():
            if name in wanted:
                before[name] = item.detach().clone()
                item.copy_(wanted[name])
        return before

    def state(self) -> dict[str, Any]:
        """Return a copy of the weights themselves, for a checkpoint whose adapter is the average."""
        if not self._decay:
            return {}
        # Where no step was taken yet, the weights are what the adapter is made of.
        kept = self._trained() if self._kept else ()
        return {"weights": {name: item.detach().to("cpu", copy=True) for name, item in kept}}

    def restore(self, state: Mapping[str, Any], where: str) -> None:
        """Take a checkpoint back whose adapter is in the model by now. Raises ConfigError where the weights are missing."""
        if not self._decay:
            return
        if "weights" not in state:
            raise ConfigError(f"{where}: holds no weights beside their average; it was made without train.ema")
        self._kept = {name: item.detach().clone() for name, item in self._trained()} if state["weights"] else {}
        self._swapped(state["weights"])
