"""How strongly alignment pulls beside denoising: the ratio of gradient norms on the adapter, and weights that keep it.

With fixed weights the ratio differs by orders of magnitude from one model to another, and through a training; it is what a weight
means. It is measured by a backward pass from each loss alone, which for an alignment loss ends at the layers it reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

FIRST = 20
"""Steps at the start of which each is measured, because norms change fast there and weights must not rest on a few."""
EVERY = 4
"""Steps between measurements after that."""
LEAST_SHARE = 0.1
"""Least share of a new measurement in the running mean, which so looks back over some ten of them."""
LARGEST = 1e4
"""Bound of a balanced weight: a loss that is nearly at its least has nearly no gradient, and should get no louder without end."""


def gradient_norms(parts: Mapping[str, Tensor], parameters: Iterable[nn.Parameter]) -> dict[str, float]:
    """Return the norm of each loss's own gradient on `parameters`; the graph stays. A loss without a gradient has none."""
    chosen, found = list(parameters), {}
    for name, loss in parts.items():
        if loss.requires_grad and chosen:
            grads = torch.autograd.grad(loss, chosen, retain_graph=True, allow_unused=True)
            squares = [item.float().square().sum() for item in grads if item is not None]
            if squares:
                found[name] = math.sqrt(float(torch.stack(squares).sum()))
    return found


class Balance:
    """The running means of the ratios of an alignment loss's norm to denoising's, and the weights that follow from them.

    `fixed` are the weights of the config by loss; with `wanted` above 0 they only hold until the first measurement.
    """

    def __init__(self, fixed: Mapping[str, float], wanted: float, log_every: int) -> None:
        self.weights = dict(fixed)
        self._wanted, self._log_every = wanted, log_every
        self._means: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def due(self, step: int) -> bool:
        """Return whether a step is measured: where the weights need it, and where its ratios will be logged."""
        if not self.weights:
            return False
        if self._wanted and (step < FIRST or step % EVERY == 0):
            return True
        return (step + 1) % self._log_every == 0

    def take(self, norms: Mapping[str, float]) -> dict[str, float]:
        """Take the norms of a step, set the weights anew where they are balanced, and return what is logged of it."""
        denoising = norms.get("denoising", 0.0)
        ratios = {name: norms[name] / denoising for name in self.weights if denoising and name in norms}
        for name, ratio in ratios.items():
            if self._wanted and math.isfinite(ratio):
                count = self._counts[name] = self._counts.get(name, 0) + 1
                before = self._means.get(name, 0.0)
                self._means[name] = before + max(1 / count, LEAST_SHARE) * (ratio - before)
                self.weights[name] = self._wanted / max(self._means[name], self._wanted / LARGEST)
        told = {f"weight/{name}": weight for name, weight in self.weights.items()} if self._wanted else {}
        return told | {f"ratio/{name}": self.weights[name] * ratio for name, ratio in ratios.items()}

    def state(self) -> dict[str, Any]:
        """Return a copy of what a resumed run needs; empty where no weight follows from it."""
        if not self._wanted:
            return {}
        return {"balance": {"means": dict(self._means), "counts": dict(self._counts), "weights": dict(self.weights)}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the state of a checkpoint, or of before a step that was not taken, back."""
        if "balance" in state:
            found = state["balance"]
            self._means, self._counts = dict(found["means"]), dict(found["counts"])
            self.weights.update(found["weights"])
