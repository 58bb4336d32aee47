"""Keeps the attention maps of every layer and step while a pipeline samples, at the cost of a few products more.

Attention processors are swapped for their own kind with one call exchanged: torch's attention kernel is asked for the
log-sum-exp of its rows, which turns the few scores that are wanted into probabilities. The output is the ordinary one. Only the
conditional half of classifier-free guidance is read. Memory is O(N): no scores of all tokens against all tokens are made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # torch's own name for it
from torch.overrides import TorchFunctionMode

from intergeneval.errors import BackendError
from matrix_train.analysis.maps import MapStore
from matrix_train.backbones import Backbone, Grid, MapKind
from matrix_train.model.attention import BUDGET
from matrix_train.model.kernel import attend
from matrix_train.model.readout import RoleWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCall:
    """What an attention kernel was called with, and the log-sum-exp of its rows."""

    query: Tensor
    """(B, heads, M, D)."""
    key: Tensor
    """(B, heads, N, D)."""
    lse: Tensor
    """(B, heads, M), natural logarithm, padding left out."""
    scale: float
    """Factor of the scores."""


class _Kernel(TorchFunctionMode):
    """Stands in for torch's attention function and keeps its last call; the image branch of Wan calls before the text's."""

    last: KernelCall | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # torch's
        given: dict[str, Any] = kwargs or {}
        if func is not F.scaled_dot_product_attention:
            return func(*args, **given)
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        bound = {**dict(zip(names, args, strict=False)), **given}
        if bound.get("dropout_p") or bound.get("is_causal") or bound.get("enable_gqa"):
            raise BackendError("attention with dropout, a causal mask or grouped queries cannot be analysed")
        query, key = bound["query"], bound["key"]
        scale = bound.get("scale") or query.shape[-1] ** -0.5
        output, lse = attend(query, key, bound["value"], bound.get("attn_mask"), scale=scale)
        self.last = KernelCall(query=query, key=key, lse=lse, scale=scale)
        return output


def _swapped(plain: Any, read: Callable[[KernelCall | None], None], wanted: Callable[[], bool]) -> Any:
    """Return a processor of the same class that hands its kernel call to `read` while `wanted`, and does no more otherwise."""
    kind = type(plain)

    @functools.wraps(kind.__call__)  # callers look at the signature to choose what they hand over
    def call(_self: Any, *args: Any, **kwargs: Any) -> Any:
        if not wanted():
            return plain(*args, **kwargs)
        with _Kernel() as kernel:
            result = plain(*args, **kwargs)
        read(kernel.last)
        return result

    return type(f"Recording{kind.__name__}", (kind,), {"__call__": call})()


class Recorder:
    """Records maps of all layers of a backbone; use `recording` around each video."""

    def __init__(self, backbone: Backbone, kinds: Sequence[MapKind], *, heads: bool = False, budget: int = BUDGET) -> None:
        """`kinds` that the backbone does not have are left out; `heads` keeps each head's mean over steps as well.

        `budget` bounds the scores that are held at a time.
        """
        self.kinds = tuple(kind for kind in MapKind if kind in kinds and kind in backbone.kinds)
        self._backbone, self._heads, self._budget = backbone, heads, budget

    @contextmanager
    def recording(self, weights: RoleWeights, grid: Grid) -> Iterator[MapStore]:
        """Swap the processors for one video; the store that is handed out fills up as the transformer runs.

        `weights` are those of one clip: text (1, R, T), cells (1, R, H x W). The conditional pass is the first one, or the last
        half of a batch; passes with another text are left alone.
        """
        backbone = self._backbone
        store = MapStore(roles=weights.text_BRT.shape[1], grid=grid)
        reading = _Reading(backbone, self.kinds, weights, store, heads=self._heads, budget=self._budget)
        owners: dict[Any, list[tuple[MapKind, int]]] = {}
        for kind in self.kinds:
            for layer in range(backbone.layers):
                owners.setdefault(backbone.attention(layer, kind), []).append((kind, layer))
        plain = {attention: attention.processor for attention in owners}
        hooks = [
            backbone.transformer.register_forward_pre_hook(reading.begin, with_kwargs=True),
            backbone.transformer.register_forward_hook(reading.end, with_kwargs=True),
        ]
        try:
            for attention, places in owners.items():
                read = functools.partial(reading.read, places)
                attention.set_processor(_swapped(plain[attention], read, lambda: reading.active))
            yield store
        finally:
            for attention, processor in plain.items():
                attention.set_processor(processor)
            for hook in hooks:
                hook.remove()


class _Reading:
    """What is read in each conditional pass of one video."""

    def __init__(
        self,
        backbone: Backbone,
        kinds: Sequence[MapKind],
        weights: RoleWeights,
        store: MapStore,
        *,
        heads: bool,
        budget: int,
    ) -> None:
        self.active = False
        self._store, self._heads, self._budget = store, heads, budget
        self._parts = {kind: backbone.parts(kind) for kind in kinds}
        device = next(backbone.transformer.parameters()).device
        self._text, self._cells = (_used(item[0], device) for item in (weights.text_BRT, weights.cells_BRC))
        self._sizes = {"text": weights.text_BRT.shape[2], "video": store.grid.tokens}
        self._prompt: Tensor | None = None

    def begin(self, _module: nn.Module, _args: Any, kwargs: dict[str, Any]) -> None:
        """Read the pass that begins if it is the conditional one: the same text tensor as that of the first."""
        if self._prompt is None:
            self._prompt = kwargs["encoder_hidden_states"]
        self.active = kwargs["encoder_hidden_states"] is self._prompt

    def end(self, _module: nn.Module, _args: Any, kwargs: dict[str, Any], _output: Any) -> None:
        """Close the step that was read."""
        if self.active:
            self._store.close_step(kwargs["timestep"].reshape(-1)[-1])
        self.active = False

    def read(self, places: Sequence[tuple[MapKind, int]], call: KernelCall | None) -> None:
        """Compute the maps of one layer from its kernel call. Raises BackendError where there was none, or of another length."""
        if call is None:
            raise BackendError("an attention layer did not call torch's attention; set the attention backend to 'native'")
        for kind, layer in places:
            self._store.put(kind, layer, self._maps(kind, call), heads=self._heads)

    def _maps(self, kind: MapKind, call: KernelCall) -> Tensor:
        starts, length = {}, 0
        for part in self._parts[kind]:
            starts[part] = length
            length += self._sizes[part]
        # In joint attention queries lie as keys do; alone, they are the video's.
        rows = length if len(starts) > 1 else self._sizes["video"]
        if (call.key.shape[2], call.query.shape[2]) != (length, rows):
            raise BackendError(
                f"attention over {call.query.shape[2]} queries and {call.key.shape[2]} keys, where {self._sizes['video']} video "
                f"and {self._sizes['text']} text tokens make {rows} and {length}"
            )
        video = starts.get("video", 0)
        tokens = slice(video, video + self._sizes["video"])
        if kind is MapKind.V2T:
            picked, weights = self._text
            return _columns(call, tokens, picked + starts["text"], weights, self._budget)
        picked, weights = self._text if kind is MapKind.T2V else self._cells
        start = starts["text"] if kind is MapKind.T2V else video
        return _rows(call, picked + start, tokens, weights, self._budget)


def _used(weights_RT: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the indices (U,) that any role uses and their weights (R, U); their number decides the cost."""
    used = torch.nonzero(weights_RT.sum(dim=0) > 0)[:, 0]
    return used.to(device), weights_RT[:, used].to(device)


def _wide(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _columns(call: KernelCall, rows: slice, picked: Tensor, weights_RU: Tensor, budget: int) -> Tensor:
    """Return sum_u w_ru p_iu of each head for all rows i, (heads, R, N): p = exp(s q . k - lse)."""
    query, lse = call.query[-1, :, rows], _wide(call.lse[-1, :, rows])
    keys = _wide(call.key[-1].index_select(1, picked)).transpose(1, 2) * call.scale
    step = max(1, budget // max(1, query.shape[0] * keys.shape[2]))
    found = []
    for start in range(0, query.shape[1], step):
        block = slice(start, start + step)
        shares = (_wide(query[:, block]) @ keys).sub_(lse[:, block, None]).exp_()
        found.append(weights_RU.to(shares.dtype) @ shares.transpose(1, 2))
    return torch.cat(found, dim=2)


def _rows(call: KernelCall, picked: Tensor, columns: slice, weights_RU: Tensor, budget: int) -> Tensor:
    """Return sum_u w_ru p_uj of each head for all columns j, (heads, R, N)."""
    keys = _wide(call.key[-1, :, columns]).transpose(1, 2)
    query = _wide(call.query[-1].index_select(1, picked)) * call.scale
    lse = _wide(call.lse[-1].index_select(1, picked))
    found = keys.new_zeros(keys.shape[0], weights_RU.shape[0], keys.shape[2])
    step = max(1, budget // (keys.shape[0] * keys.shape[2]))
    for start in range(0, query.shape[1], step):
        block = slice(start, start + step)
        shares = (query[:, block] @ keys).sub_(lse[:, block, None]).exp_()
        found += weights_RU[:, block].to(shares.dtype) @ shares
    return found
