"""Measure training on a GPU: the full CogVideoX-5B architecture with random weights at 49x480x720 in bfloat16.

Run by hand where there is a GPU: ``python tests/gpu/measure_matrix.py --out reports/gpu/matrix-5b.json``. Writes seconds a step,
peak memory and the share of a measured matrix product's rate, for LoRA alone and for MATRIX, with and without checkpointing, and
for wider decoders; and the gradient of the readouts against float64 on the GPU.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXTransformer3DModel

from matrix_train.aligned import AlignedModel, Batch, RoleEntry
from matrix_train.attention import column_means, logsumexp, row_means
from matrix_train.backbones.cogvideox import CogVideoX
from matrix_train.backbones.noising import VPrediction
from matrix_train.config import Config, DecoderConfig, LayersConfig, ModelConfig
from matrix_train.estimate import count_flops, meta_copy, product_rate
from matrix_train.readout import RoleWeights

WIDTHS = ((16, 16, 8, 8), (32, 32, 16, 16), (64, 64, 32, 16))


def model_5b(device: torch.device) -> CogVideoX:
    with torch.device("meta"):
        bare = CogVideoXTransformer3DModel(
            num_attention_heads=48, attention_head_dim=64, in_channels=32, out_channels=16, num_layers=42, sample_width=90,
            sample_height=60, sample_frames=49, use_rotary_positional_embeddings=True, use_learned_positional_embeddings=True,
        )  # fmt: skip
    model = bare.to(torch.bfloat16).to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02, generator=generator) if parameter.ndim > 1 else parameter.fill_(0.5)
        for buffer in model.buffers():
            buffer.zero_()
    scheduler = CogVideoXDDIMScheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True, snr_shift_scale=1.0)
    return CogVideoX(model, VPrediction(scheduler.alphas_cumprod))


def batch_5b(device: torch.device) -> Batch:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    text, cells = torch.zeros(1, 3, 226), torch.zeros(1, 3, 1350)
    for slot in range(3):
        text[0, slot, 3 * slot : 3 * slot + 3] = 1 / 3
        cells[0, slot, 300 * slot : 300 * slot + 200] = 1 / 200
    shape = (1, 16, 13, 60, 90)
    entries = tuple(
        RoleEntry(clip=0, slot=slot, interaction=0, role=role, has_text=True, has_cells=True)
        for slot, role in enumerate(("sub", "obj", "verb"))
    )
    return Batch(
        clips=("random",), clean=draw(*shape), noise=draw(*shape), time_B=torch.tensor([500.0]),
        condition={"text": draw(1, 226, 4096), "image": draw(*shape), "id_map": draw(*shape)},
        weights=RoleWeights(text_BRT=text, cells_BRC=cells), entries=entries,
        targets=(torch.rand(3, 49, 240, 360, generator=generator) < 0.1).to(torch.uint8),
    ).to(device, torch.bfloat16)  # fmt: skip


def measure(settings: Config, device: torch.device, rate: float, steps: int) -> dict[str, float | str]:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    try:
        model, batch = AlignedModel(model_5b(device), settings).to(device).train(), batch_5b(device)
        optimiser = torch.optim.AdamW([item for group in model.groups().values() for _, item in group], lr=1e-5)
        times = []
        for _ in range(steps):
            torch.cuda.synchronize(device)
            began = time.perf_counter()
            model(batch)["loss"].backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            torch.cuda.synchronize(device)
            times.append(time.perf_counter() - began)
    except torch.OutOfMemoryError:
        return {"error": "out of memory"}
    seconds = sorted(times[1:])[len(times[1:]) // 2]
    flops = count_flops(meta_copy(model.backbone, settings), batch.to(torch.device("meta"), torch.bfloat16))
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    return {"seconds": seconds, "peak_gib": peak, "tflop": flops / 1e12, "share_of_product_rate": flops / seconds / rate}


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
    arguments = parser.parse_args()
    device = torch.device("cuda")
    rate = product_rate(device, torch.bfloat16)
    found: dict[str, object] = {
        "device": torch.cuda.get_device_name(device),
        "torch": torch.__version__,
        "product_tflops": rate / 1e12,
    }
    found["readout_gradient_error"] = gradients(device)
    for checkpointed in (True, False):
        base = Config(model=ModelConfig(gradient_checkpointing=checkpointed))
        name = "checkpointing" if checkpointed else "no checkpointing"
        found[f"LoRA, {name}"] = measure(replace(base, layers=LayersConfig(v2t=(), v2v=())), device, rate, arguments.steps)
        for widths in WIDTHS if checkpointed else WIDTHS[:1]:
            settings = replace(base, decoder=DecoderConfig(widths=widths, maps_per_call=1))
            found[f"MATRIX {'/'.join(map(str, widths))}, {name}"] = measure(settings, device, rate, arguments.steps)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
