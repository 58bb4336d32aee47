"""What a step will cost, before the first one: FLOPs counted on tensors without data, memory by rule, time by measuring."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from matrix_train.alignment import TIMES
from matrix_train.backbones import Backbone
from matrix_train.config import Config, ReadoutConfig
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.batch import Batch

WORKING_SET = 12.2
"""Activations one block keeps for its backward pass, in tensors of tokens x width (counted on CogVideoX-5B)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one forward and backward pass is expected to take."""

    tflop: float
    """Forward, recomputation and backward, 10^12 floating-point operations."""
    memory_gib: float
    """Weights, gradients, optimiser and activations, GiB; a rule of thumb."""
    device_gib: float | None
    """Memory of the device; None on a CPU."""
    seconds: float | None
    """FLOPs over the rate of a large matrix product on this device; a lower bound. None without a GPU."""

    def lines(self) -> list[str]:
        """Return the estimate in words, with a warning where it will not fit."""
        text = f"one pass: {self.tflop:.3g} TFLOP, about {self.memory_gib:.1f} GiB"
        if self.seconds is not None:
            text += f", at least {self.seconds:.2f} s"
        found = [text]
        if self.device_gib is not None and self.memory_gib > self.device_gib:
            found.append(
                f"warning: that is more than the {self.device_gib:.0f} GiB of this device; the driver may spill to slow memory. "
                "Set model.gradient_checkpointing = true, decoder.maps_per_call = 1 or a smaller size"
            )
        return found


def meta_copy(backbone: Backbone, config: Config) -> AlignedModel:
    """Return an aligned model of a backbone's shape on the meta device: all shapes, no data."""
    transformer: Any = backbone.transformer
    kind: Any = type(transformer)
    like: Any = type(backbone)
    with torch.device("meta"):
        bare = kind.from_config(transformer.config)
        if config.model.dtype != "float32":
            # Torch's own, since the library's warns of modules that it would keep in fp32 when a checkpoint is loaded.
            bare = torch.nn.Module.to(bare, getattr(torch, config.model.dtype))
        return AlignedModel(like(bare, backbone.noising), config).train()


def count_flops(model: AlignedModel, batch: Batch) -> float:
    """Return the floating-point operations of one forward and backward pass; model and batch lie on the meta device."""
    with FlopCounterMode(display=False) as counter:
        model(batch)["loss"].backward()
    return float(counter.get_total_flops())


def estimate(backbone: Backbone, config: Config, batch: Batch, device: torch.device) -> Estimate:
    """Estimate a pass over `batch`.

    A probability readout is counted as a logit readout, for want of values on the meta device, so its cost is left out.
    """
    kind = config.loss.kind if config.loss.kind == "log_mass" else "decoder"
    plain = replace(
        config, readout=ReadoutConfig(mode="logits"), loss=replace(config.loss, kind=kind, place="is", band=(0.0, TIMES))
    )
    model = meta_copy(backbone, plain)
    shape = batch.clean.shape
    grid = backbone.grid((shape[2], shape[3], shape[4]))
    target = batch.targets.new_zeros((len(batch.targets), *model.target_grid(grid)))
    dtype = getattr(torch, config.model.dtype)
    flops = count_flops(model, replace(batch, targets=target).to(torch.device("meta"), dtype))
    memory = _memory(model, grid.tokens + batch.weights.text_BRT.shape[2], shape[0])
    if device.type != "cuda":
        return Estimate(tflop=flops / 1e12, memory_gib=memory, device_gib=None, seconds=None)
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    return Estimate(tflop=flops / 1e12, memory_gib=memory, device_gib=total, seconds=flops / product_rate(device, dtype))


def _memory(model: AlignedModel, tokens: int, clips: int) -> float:
    """Return weights; gradients, AdamW's two moments and the average of what trains; and the blocks' activations, in GiB."""
    trained = sum(item.numel() for members in model.groups().values() for _, item in members)
    weights = sum(item.numel() * item.element_size() for item in model.transformer.parameters())
    attention: Any = model.backbone.attention(0, next(iter(model.backbone.kinds)))
    width = attention.to_q.in_features
    one = clips * tokens * width * getattr(torch, model.config.model.dtype).itemsize
    blocks = model.backbone.layers
    kept = blocks + WORKING_SET if model.config.model.gradient_checkpointing else blocks * WORKING_SET
    copies = 16 if model.config.train.ema else 12
    return float((weights + trained * copies + one * kept) / 2**30)


def wait(device: torch.device) -> None:
    """Wait until a device has done what it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def product_rate(device: torch.device, dtype: torch.dtype, size: int = 8192, repeats: int = 10) -> float:
    """Measure the rate of a large matrix product on a device, floating-point operations per second."""
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    left @ right
    wait(device)
    began = time.perf_counter()
    for _ in range(repeats):
        left @ right
    wait(device)
    return 2 * size**3 * repeats / (time.perf_counter() - began)
