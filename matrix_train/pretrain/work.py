"""A step's gradients, from parts of the batch that are worked on at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

Part = Callable[[slice], tuple[Tensor, Any]]
"""Takes a part of the batch; returns its share of the loss, and something for the caller."""


class Workers:
    """Threads that each take a part of a batch through the model and back.

    On a CPU this uses the cores better than splitting every small operation among them. Gradients are summed in the parts' order,
    so a step gives the same bytes whichever thread ends first.
    """

    def __init__(self, model: nn.Module, count: int, precision: str) -> None:
        self._parameters = list(model.parameters())
        self._device = self._parameters[0].device.type
        self._count, self._precision = count, precision
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def backward(self, part: Part, batch: int) -> list[Any]:
        """Put the gradient of the parts' summed losses into the parameters; return what each part had for the caller.

        `batch` is the number of items and falls into equal parts. Parameters that need no gradient, or that no part uses, have
        none.
        """
        wanted = [item for item in self._parameters if item.requires_grad]
        size = batch // self._count
        slices = [slice(number * size, (number + 1) * size) for number in range(self._count)]

        def one(chosen: slice) -> tuple[tuple[Tensor | None, ...], Any]:
            # Without the cache of cast weights, which threads share: what it holds would depend on who leaves first.
            with torch.autocast(self._device, torch.bfloat16, enabled=self._precision == "bfloat16", cache_enabled=False):
                loss, extra = part(chosen)
            return torch.autograd.grad(loss, wanted, allow_unused=True), extra

        done = [one(slices[0])] if self._pool is None else list(self._pool.map(one, slices))
        for item in self._parameters:
            item.grad = None
        for place, item in enumerate(wanted):
            found = [gradient for gradients, _ in done if (gradient := gradients[place]) is not None]
            if found:
                item.grad = found[0]
                for other in found[1:]:
                    item.grad += other
        return [extra for _, extra in done]
