"""Measure training on a GPU: the full CogVideoX-5B architecture with random weights at 49x480x720 in bfloat16.

Run by hand where there is a GPU: ``python tests/gpu/measure_matrix.py --out reports/gpu/matrix-5b.json``. Writes seconds a step,
peak memory, the share of a measured matrix product's rate and the overhead over LoRA alone, for LoRA and for MATRIX, with and
without checkpointing, and for wider decoders; and the gradient of the readouts against float64 on the device. ``--tiny`` runs the
same code on a CPU with a model of a few layers, which shows that it works and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXTransformer3DModel

from matrix_train.backbones.cogvideox.transformer import CogVideoX
from matrix_train.backbones.noising import VPrediction
from matrix_train.config import Config, DecoderConfig, LayersConfig, LoraConfig, ModelConfig
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.attention import column_means, logsumexp, row_means
from matrix_train.model.batch import Batch, RoleEntry
from matrix_train.model.readout import RoleWeights
from matrix_train.train.estimate import count_flops, meta_copy, product_rate, wait

ROLES = ("sub", "obj", "verb")
TEXT = 226


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the model and its input are."""

    heads: int
    layers: int
    text_width: int
    latent: tuple[int, int, int]
    """Latent frames, rows and columns."""
    dominant: tuple[int, int, int]
    """Layers of the adapter: two for text maps, the last for video maps."""
    widths: tuple[tuple[int, ...], ...]
    """Decoders to measure, the default first."""
    product: int
    """Side of the matrix product whose rate is taken as the device's."""


FULL = Scale(
    heads=48, layers=42, text_width=4096, latent=(13, 60, 90), dominant=(7, 11, 12), product=8192,
    widths=((16, 16, 8, 8), (32, 32, 16, 16), (64, 64, 32, 16)),
)  # fmt: skip
TINY = Scale(
    heads=2, layers=4, text_width=16, latent=(2, 8, 8), dominant=(1, 2, 3), product=256, widths=((4, 4, 4, 4), (8, 8, 4, 4))
)


def backbone_of(scale: Scale, device: torch.device) -> CogVideoX:
    frames, rows, columns = scale.latent
    with torch.device("meta"):
        bare = CogVideoXTransformer3DModel(
            num_attention_heads=scale.heads, attention_head_dim=64, in_channels=32, out_channels=16, num_layers=scale.layers,
            text_embed_dim=scale.text_width, sample_width=columns, sample_height=rows, sample_frames=1 + 4 * (frames - 1),
            max_text_seq_length=TEXT, use_rotary_positional_embeddings=True, use_learned_positional_embeddings=True,
        )  # fmt: skip
    model = torch.nn.Module.to(bare, torch.bfloat16).to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02, generator=generator) if parameter.ndim > 1 else parameter.fill_(0.5)
        for buffer in model.buffers():
            buffer.zero_()
    scheduler = CogVideoXDDIMScheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True, snr_shift_scale=1.0)
    return CogVideoX(model, VPrediction(scheduler.alphas_cumprod))


def batch_of(scale: Scale, device: torch.device) -> Batch:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    frames, rows, columns = scale.latent
    cells = rows * columns // 4
    text, first = torch.zeros(1, 3, TEXT), torch.zeros(1, 3, cells)
    for slot in range(3):
        text[0, slot, 3 * slot : 3 * slot + 3] = 1 / 3
        count = cells // 7
        first[0, slot, 2 * slot * count : (2 * slot + 1) * count] = 1 / count
    shape = (1, 16, *scale.latent)
    entries = tuple(
        RoleEntry(clip=0, slot=slot, interaction=0, role=role, has_text=True, has_cells=True) for slot, role in enumerate(ROLES)
    )
    masks = torch.rand(3, 1 + 4 * (frames - 1), rows * 4, columns * 4, generator=generator) < 0.1
    return Batch(
        clips=("random",), clean=draw(*shape), noise=draw(*shape), time_B=torch.tensor([500.0]),
        condition={"text": draw(1, TEXT, scale.text_width), "image": draw(*shape), "id_map": draw(*shape)},
        weights=RoleWeights(text_BRT=text, cells_BRC=first), entries=entries, targets=masks.to(torch.uint8),
    ).to(device, torch.bfloat16)  # fmt: skip


def measure(scale: Scale, settings: Config, device: torch.device, rate: float, steps: int) -> dict[str, Any]:
    """Return seconds a step (the median, the first left out), peak memory, operations and their share of the device's rate."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    try:
        model, batch = AlignedModel(backbone_of(scale, device), settings).to(device).train(), batch_of(scale, device)
        optimiser = torch.optim.AdamW([item for group in model.groups().values() for _, item in group], lr=1e-5)
        times = []
        for _ in range(steps):
            wait(device)
            began = time.perf_counter()
            loss = model(batch)["loss"]
            loss.backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            wait(device)
            times.append(time.perf_counter() - began)
    except torch.OutOfMemoryError:
        return {"error": "out of memory"}
    seconds = sorted(times[1:])[len(times[1:]) // 2]
    flops = count_flops(meta_copy(model.backbone, settings), batch.to(torch.device("meta"), torch.bfloat16))
    peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
    return {
        "seconds": seconds,
        "peak_gib": peak,
        "tflop": flops / 1e12,
        "share_of_product_rate": flops / seconds / rate,
        "loss": loss.item(),
    }


def gradients(device: torch.device) -> dict[str, float]:
    """Return the relative error of each readout's gradient in fp32 against float64."""
    generator = torch.Generator(device).manual_seed(0)
    exact = [torch.randn(1, 4, 512, 64, device=device, dtype=torch.float64, generator=generator) for _ in range(2)]
    weights = torch.rand(1, 2, 512, device=device, generator=generator)

    def run(dtype: torch.dtype, kind: str) -> list[torch.Tensor]:
        query, key = (item.to(dtype).requires_grad_() for item in exact)
        if kind == "columns":
            lse = logsumexp(query, key, scale=0.125)
            maps = column_means(query, key[:, :, :32], lse, weights[:, :, :32], scale=0.125)
        else:
            maps = row_means(query, key, weights, scale=0.125)
        return list(torch.autograd.grad(maps.square().sum(), (query, key)))

    return {
        kind: max(
            ((one.double() - two).norm() / two.norm()).item()
            for one, two in zip(run(torch.float32, kind), run(torch.float64, kind), strict=True)
        )
        for kind in ("columns", "rows")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--tiny", action="store_true", help="a few layers on the CPU, to try the script itself")
    arguments = parser.parse_args()
    scale, device = (TINY, torch.device("cpu")) if arguments.tiny else (FULL, torch.device("cuda"))
    rate = product_rate(device, torch.bfloat16, scale.product)
    found: dict[str, Any] = {
        "device": "a CPU: nothing is measured here" if arguments.tiny else torch.cuda.get_device_name(device),
        "torch": torch.__version__,
        "product_tflops": rate / 1e12,
        "readout_gradient_error": gradients(device),
    }
    lora, (one, two, three) = LoraConfig(layers=scale.dominant), scale.dominant
    for checkpointed in (True, False):
        base = Config(model=ModelConfig(gradient_checkpointing=checkpointed), lora=lora, layers=LayersConfig(v2t=(), v2v=()))
        name = "checkpointing" if checkpointed else "no checkpointing"
        plain = measure(scale, base, device, rate, arguments.steps)
        found[f"LoRA, {name}"] = plain
        for widths in scale.widths if checkpointed else scale.widths[:1]:
            settings = replace(
                base, layers=LayersConfig(v2t=(one, two), v2v=(three,)), decoder=DecoderConfig(widths=widths, maps_per_call=1)
            )
            aligned = measure(scale, settings, device, rate, arguments.steps)
            if "seconds" in plain and "seconds" in aligned:
                aligned["overhead"] = aligned["seconds"] / plain["seconds"] - 1
            found[f"MATRIX {'/'.join(map(str, widths))}, {name}"] = aligned
        # Written after each half, so that a machine that goes away leaves what it measured.
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
