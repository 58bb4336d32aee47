"""Taps on chosen layers: attention maps of token and cell sets, without the N x N matrix.

A pre-hook keeps the inputs of the tapped attention modules during one forward pass; afterwards queries and keys are projected
again for the few tokens that are needed, LoRA included. With non-reentrant checkpointing the kept inputs are part of the
recomputed graph, so gradients are exact; the hook is deaf while the blocks run a second time in the backward pass. Reentrant
checkpointing would silently cut the gradient and is refused.

Two readouts. ``logits``: mean over heads and set of q . k / sqrt(D), or of the heads joined to one; one product per set, O(N D),
unbounded in scale.
``probs``: the same means after the softmax over all keys, exact through the log-sum-exp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from intergeneval.errors import ConfigError
from matrix_train.backbones import AttentionCall, Backbone, Grid, MapKind, Part, check_layer
from matrix_train.model.attention import BUDGET, column_means, logsumexp, row_means

READOUTS = ("logits", "probs")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleWeights:
    """Which tokens and cells each role of each clip is made of, as weights that sum to one."""

    text_BRT: Tensor
    """Weight of each text token; zero rows where a clip has fewer roles."""
    cells_BRC: Tensor
    """Weight of each token of the first frame; zero rows where the mask is empty."""


class Readout:
    """Reads maps of the layers it was built for. Build it once; use `recording` around each forward pass."""

    def __init__(
        self,
        backbone: Backbone,
        layers: Mapping[MapKind, Sequence[int]],
        mode: str = "logits",
        budget: int = BUDGET,
        *,
        scale: str = "head",
        taken: bool = False,
    ) -> None:
        """With `taken` queries and keys are those of the forward pass itself where the backbone lets them be had.

        It saves their projection and keeps them in memory; the numbers differ from projecting again by rounding.
        """
        if mode not in READOUTS:
            raise ConfigError(f"readout.mode is {mode!r}; it must be one of {', '.join(READOUTS)}")
        self._backbone = backbone
        self._mode = mode
        self._budget = budget
        self._joined, self._taken = scale == "joined", taken
        self._recording = self._grad = False
        self._calls: dict[nn.Module, AttentionCall] = {}
        self.layers = {kind: tuple(chosen) for kind, chosen in layers.items() if chosen}
        for kind, chosen in self.layers.items():
            for layer in chosen:
                check_layer(backbone, layer, kind)
        modules = {backbone.attention(layer, kind) for kind, chosen in self.layers.items() for layer in chosen}
        self._hooks = [module.register_forward_pre_hook(self._keep, with_kwargs=True) for module in modules]
        self._seen: dict[tuple[nn.Module, str], Tensor] = {}
        for module in modules if taken else ():
            for which, tap in zip("qk", backbone.taps(module) or (), strict=False):
                self._hooks.append(tap.register_forward_hook(partial(self._see, (module, which))))

    def _see(self, key: tuple[nn.Module, str], _module: nn.Module, _args: tuple[Any, ...], output: Tensor) -> None:
        if self._recording:
            self._seen[key] = output

    def _queries(self, attention: nn.Module, call: AttentionCall, part: Part, first: int | None = None) -> Tensor:
        seen = self._seen.get((attention, "q"))
        if seen is None:
            return self._backbone.queries(attention, call, part, first)
        return self._part(seen, call, part)[:, :, :first]

    def _keys(self, attention: nn.Module, call: AttentionCall, part: Part) -> Tensor:
        seen = self._seen.get((attention, "k"))
        return self._backbone.keys(attention, call, part) if seen is None else self._part(seen, call, part)

    def _part(self, seen: Tensor, call: AttentionCall, part: Part) -> Tensor:
        text = 0 if call.text_BTC is None else call.text_BTC.shape[1]
        parts = self._backbone.parts(MapKind.V2V)
        ahead = text if part == "video" else seen.shape[2] - text
        if parts[0] == part:
            return seen[:, :, : seen.shape[2] - ahead]
        return seen[:, :, ahead:]

    def _keep(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._recording:
            if self._grad and not torch.is_grad_enabled():
                # Reentrant checkpointing runs the first pass without a graph: the map would be there and its gradient not.
                raise ConfigError(
                    "reentrant gradient checkpointing cuts the gradient of attention maps; "
                    "call transformer.enable_gradient_checkpointing() without a function of your own"
                )
            self._calls[module] = self._backbone.call(args, kwargs)

    def close(self) -> None:
        """Take the hooks off the model."""
        for hook in self._hooks:
            hook.remove()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Keep the inputs of tapped layers during a forward pass, and forget them at the end of the block."""
        self._recording, self._grad = True, torch.is_grad_enabled()
        try:
            yield
        finally:
            self._recording = False
            self._calls.clear()
            self._seen.clear()

    def maps(self, kind: MapKind, layer: int, weights: RoleWeights, grid: Grid) -> Tensor:
        """Return the maps of one layer, shape (B, R, F, H, W), fp32; inside `recording`, after the forward pass."""
        attention = self._backbone.attention(layer, kind)
        if attention not in self._calls:
            raise RuntimeError(f"no forward pass has been recorded for layer {layer}")
        call = self._calls[attention]
        read = self._logits if self._mode == "logits" else self._probs
        maps_BRN = read(kind, attention, call, weights, grid)
        return maps_BRN.reshape(*maps_BRN.shape[:2], grid.frames, grid.height, grid.width)

    def _logits(self, kind: MapKind, attention: nn.Module, call: AttentionCall, weights: RoleWeights, grid: Grid) -> Tensor:
        if kind is MapKind.V2T:
            few, chosen = self._keys(attention, call, "text"), weights.text_BRT
            many = self._queries(attention, call, "video")
        elif kind is MapKind.T2V:
            few, chosen = self._queries(attention, call, "text"), weights.text_BRT
            many = self._keys(attention, call, "video")
        else:
            few, chosen = self._queries(attention, call, "video", grid.cells), weights.cells_BRC
            many = self._keys(attention, call, "video")
        few, many = _wide(few), _wide(many)
        mean_BHRD = chosen.to(few.dtype)[:, None] @ few
        heads, depth = many.shape[1], many.shape[3]
        # One product of concatenated heads: the mean over heads of per-head products.
        if self._taken:
            # Head by head, which copies none of the many tokens.
            apart: Tensor = (mean_BHRD @ many.transpose(2, 3)).sum(dim=1)
            return cast(Tensor, apart / ((heads * depth) ** 0.5 if self._joined else heads * depth**0.5))
        joined: Tensor = mean_BHRD.transpose(1, 2).flatten(2) @ many.transpose(1, 2).flatten(2).transpose(1, 2)
        # By head it is the mean of the heads' scores; joined, the score of one head as wide as all of them.
        scores: Tensor = joined / ((heads * depth) ** 0.5 if self._joined else heads * depth**0.5)
        return scores

    def _probs(self, kind: MapKind, attention: nn.Module, call: AttentionCall, weights: RoleWeights, grid: Grid) -> Tensor:
        backbone = self._backbone
        parts = backbone.parts(kind)
        pieces = {part: backbone.keys(attention, call, part) for part in parts}
        keys = torch.cat([pieces[part] for part in parts], dim=2)
        scale = keys.shape[3] ** -0.5
        if kind is MapKind.V2T:
            queries = backbone.queries(attention, call, "video")
            lse = logsumexp(queries, keys, call.valid_BN, scale=scale, budget=self._budget)
            maps = [
                column_means(queries[b : b + 1], text, lse[b : b + 1], chosen, scale=scale)
                for b in range(queries.shape[0])
                for text, chosen in [_used(pieces["text"][b : b + 1], weights.text_BRT[b : b + 1])]
            ]
            return torch.cat(maps)
        source: Part = "text" if kind is MapKind.T2V else "video"
        chosen = weights.text_BRT if kind is MapKind.T2V else weights.cells_BRC
        rows = backbone.queries(attention, call, source, None if kind is MapKind.T2V else grid.cells)
        means = partial(row_means, scale=scale, budget=self._budget)
        maps_BRN = torch.cat(
            [
                means(few, keys[b : b + 1], some, None if call.valid_BN is None else call.valid_BN[b : b + 1])
                for b in range(rows.shape[0])
                for few, some in [_used(rows[b : b + 1], chosen[b : b + 1])]
            ]
        )
        start = 0 if parts[0] == "video" else pieces["text"].shape[2]
        return maps_BRN[:, :, start : start + grid.tokens]


def _wide(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _used(tokens_1HND: Tensor, weights_1RN: Tensor) -> tuple[Tensor, Tensor]:
    """Keep the tokens that some role uses; their number decides the cost of a probability readout."""
    used = torch.nonzero(weights_1RN[0].sum(dim=0) > 0)[:, 0]
    return tokens_1HND[:, :, used], weights_1RN[:, :, used]
