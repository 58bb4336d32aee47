"""The perturbed branch beside a pipeline's own sampling loop, computed from the first layer that is cut.

The pipeline runs as always. After the transformer's conditional pass its later blocks run once more, with the hidden states that
entered the first of them and with attention cut. s (e - e_perturbed) is then added to what the transformer returns for the
conditional and for the empty prompt alike, so classifier-free guidance, whatever its scale, gives e_cfg + s (e - e_perturbed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from intergeneval.errors import BackendError
from matrix_train.backbones import Backbone
from matrix_train.guidance.perturb import Cut, Product, cut_attention

HIDDEN = ("hidden_states", "encoder_hidden_states")
"""First two arguments of every block: the two streams of hidden states."""


class PerturbedBranch:
    """Adds guidance to every step of one video; a context manager that leaves the transformer as it found it."""

    def __init__(self, backbone: Backbone, cuts: Mapping[nn.Module, Cut], first: int, scale: float) -> None:
        """`cuts` by attention module; `first` is the first layer that holds one."""
        self._backbone, self._cuts, self._first, self._scale = backbone, dict(cuts), first, scale
        self._again = False
        self._entered: dict[str, Tensor] = {}
        self._prompt: Tensor | None = None
        self._shift: Tensor | None = None
        self._hooks: list[Any] = []

    def __enter__(self) -> PerturbedBranch:
        """Watch the transformer and the first block that runs twice."""
        lists = [getattr(self._backbone.transformer, name) for name in self._backbone.block_lists]
        block = [item for blocks in lists for item in blocks][self._first]
        self._hooks = [
            block.register_forward_pre_hook(self._enter_block, with_kwargs=True),
            self._backbone.transformer.register_forward_hook(self._leave_transformer, with_kwargs=True),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        """Take the hooks off."""
        for hook in self._hooks:
            hook.remove()
        self._entered.clear()

    def _enter_block(
        self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Keep the conditional hidden states of the plain pass, and hand them to the perturbed one."""
        given = list(args)
        for place, name in enumerate(HIDDEN):
            owner: Any = kwargs if name in kwargs else given
            key: Any = name if name in kwargs else place
            if self._again:
                owner[key] = self._entered[name]
            else:
                # The empty prompt stands in front of the other where both run in one batch.
                self._entered[name] = owner[key][-1:]
        return tuple(given), kwargs

    def _leave_transformer(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        predicted = output[0]
        prompt = kwargs["encoder_hidden_states"]
        joint = predicted.shape[0] == 2
        if self._prompt is None:
            self._prompt = prompt
        # Where prompts run one by one, the real one comes first in each step and is the same tensor in all of them.
        if joint or prompt is self._prompt:
            perturbed = self._perturbed(module, args, kwargs, joint=joint)
            wide = torch.promote_types(predicted.dtype, torch.float32)
            self._shift = self._scale * (predicted[-1:].to(wide) - perturbed.to(wide))
        self._entered.clear()
        assert self._shift is not None
        return (predicted + self._shift, *output[1:])

    def _perturbed(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, joint: bool) -> Tensor:
        """Run the blocks from the first cut layer on, on the conditional half of the batch, with attention cut."""

        def half(item: Any) -> Any:
            return item[-1:] if joint and isinstance(item, Tensor) and item.ndim and item.shape[0] == 2 else item

        text = kwargs["encoder_hidden_states"].shape[1]
        if any(cut.tokens is not None and cut.tokens.text != text for cut in self._cuts.values()):
            raise BackendError(f"the prompt is embedded in {text} tokens, which are not those in which the roles were found")
        self._again = True
        try:
            with ExitStack() as stack:
                stack.enter_context(_from_layer(module, self._backbone.block_lists, self._first))
                for attention, cut in self._cuts.items():
                    stack.enter_context(_cutting(attention, replace(cut, text=text)))
                # Hooks have done their work on these arguments; the bare forward keeps them from doing it twice.
                result: Tensor = module.forward(*map(half, args), **{name: half(item) for name, item in kwargs.items()})[0]
                return result
        finally:
            self._again = False


@contextmanager
def _from_layer(transformer: nn.Module, names: tuple[str, ...], first: int) -> Iterator[None]:
    """Leave only the blocks from layer `first` on in a transformer's lists of blocks."""
    whole = {name: getattr(transformer, name) for name in names}
    left = first
    try:
        for name, blocks in whole.items():
            setattr(transformer, name, nn.ModuleList(list(blocks)[left:]))
            left = max(0, left - len(blocks))
        yield
    finally:
        for name, blocks in whole.items():
            setattr(transformer, name, blocks)


@contextmanager
def _cutting(attention: Any, cut: Cut) -> Iterator[None]:
    """Cut one attention module: its own processor does everything but the product with the softmax."""
    plain: Callable[..., Any] = attention.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        with _Kernel(cut) as kernel:
            result = plain(*args, **kwargs)
        if kernel.calls != 1:
            raise BackendError(
                f"attention guidance found {kernel.calls} attention calls over {cut.keys} keys in one layer, not 1; "
                "it needs the attention backend 'native' and unpacked prompts"
            )
        return result

    had_own = "forward" in vars(attention)
    attention.forward = forward
    try:
        yield
    finally:
        if had_own:
            attention.forward = plain
        else:
            del attention.forward


class _Kernel(TorchFunctionMode):
    """Stands in for torch's scaled dot product attention where it runs over the keys of the cut."""

    def __init__(self, cut: Cut) -> None:
        super().__init__()
        self._cut = cut
        self.calls = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not nn.functional.scaled_dot_product_attention:
            return func(*args, **kwargs)
        q, k, v = (args[place] if place < len(args) else kwargs[name] for place, name in enumerate(("query", "key", "value")))
        if k.shape[2] != self._cut.keys:
            return func(*args, **kwargs)
        self.calls += 1
        mask = args[3] if len(args) > 3 else kwargs.get("attn_mask")
        scale = q.shape[-1] ** -0.5 if kwargs.get("scale") is None else kwargs["scale"]
        return cut_attention(Product(q=q, k=k, v=v, scale=scale, valid_N=_valid(mask)), self._cut)


def _valid(mask: Tensor | None) -> Tensor | None:
    """Read a mask (B, 1, 1, N) of keys."""
    if mask is None:
        return None
    if mask.dtype != torch.bool or mask.shape[:3] != (1, 1, 1):
        raise BackendError(f"attention guidance reads masks of keys (1, 1, 1, N), not {tuple(mask.shape)} of {mask.dtype}")
    valid: Tensor = mask[0, 0, 0]
    return None if bool(valid.all()) else valid
