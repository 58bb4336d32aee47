"""What the alignment costs, counted: FLOPs of the full 5B without data, and FLOPs and memory traffic of a small step."""

import json
import math
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from small_step import empty_batch, small_config, small_mass, small_step
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from matrix_train.backbones.cogvideox.transformer import CogVideoX
from matrix_train.backbones.noising import VPrediction
from matrix_train.config import Config, LayersConfig, LossConfig, ModelConfig
from matrix_train.train.estimate import count_flops, estimate, meta_copy


def cogvideox_5b():
    with torch.device("meta"):
        model = CogVideoXTransformer3DModel(
            num_attention_heads=48, attention_head_dim=64, in_channels=32, out_channels=16, num_layers=42, sample_width=90,
            sample_height=60, sample_frames=49, use_rotary_positional_embeddings=True, use_learned_positional_embeddings=True,
        )  # fmt: skip
    return CogVideoX(model, VPrediction(tiny.alphas()))


@pytest.mark.parametrize("checkpointed", [True, False])
def test_alignment_costs_at_most_7_thousandths_of_a_5b_step_at_eight_maps(checkpointed):
    backbone = cogvideox_5b()
    aligned = Config(model=ModelConfig(gradient_checkpointing=checkpointed))
    plain = replace(aligned, layers=LayersConfig(v2t=(), v2v=()))
    batch = empty_batch((16, 13, 60, 90), 226, 1350, (49, 240, 360), 4096).to(torch.device("meta"), torch.bfloat16)
    # Two layers by three roles and one layer by two: the eight maps of the paper's setting.
    base, full = (count_flops(meta_copy(backbone, settings), batch) / 1e12 for settings in (plain, aligned))
    print(f"\n5B, 49x480x720, checkpointing {checkpointed}: {base:.0f} TFLOP a step, alignment {100 * (full / base - 1):.2f} %")
    assert 500 < base < 2000
    assert 0 < full / base - 1 <= 0.007


def test_the_mass_loss_costs_at_most_a_thousandth_of_a_5b_step():
    backbone, checkpointed = cogvideox_5b(), ModelConfig(gradient_checkpointing=True)
    plain = Config(model=checkpointed, layers=LayersConfig(v2t=(), v2v=()))
    mass = Config(model=checkpointed, loss=LossConfig(kind="log_mass"))
    batch = empty_batch((16, 13, 60, 90), 226, 1350, (13, 30, 45), 4096).to(torch.device("meta"), torch.bfloat16)
    base, full = (count_flops(meta_copy(backbone, settings), batch) / 1e12 for settings in (plain, mass))
    print(f"\n5B, 49x480x720: {base:.0f} TFLOP a step, the mass loss adds {100 * (full / base - 1):.4f} %")
    assert 0 < full / base - 1 <= 0.001


def test_the_mass_loss_adds_at_most_2_percent_of_work_to_a_small_step():
    found = []
    for settings in (small_config(), small_mass()):
        step = small_step(settings)
        with FlopCounterMode(display=False) as work:
            step()
        found.append(work.get_total_flops())
    print(f"\nstep at 1,312 tokens, batch 4, mass loss of 8 maps: FLOPs x{found[1] / found[0]:.5f}")
    assert 1 < found[1] / found[0] <= 1.02


def test_a_noisy_first_frame_costs_less_than_one_percent_of_a_5b_step():
    with torch.device("meta"):
        vae = AutoencoderKLCogVideoX().to(torch.bfloat16)
        with FlopCounterMode(display=False) as counter:
            vae.encode(torch.empty(1, 3, 1, 480, 720, dtype=torch.bfloat16))
    flops, weights = counter.get_total_flops() / 1e12, sum(item.numel() for item in vae.parameters()) * 2 / 2**30
    share = 100 * flops / 1161
    print(f"\nnoise on the first frame: {flops:.2f} TFLOP a clip, {share:.2f} % of a step, {weights:.2f} GiB of weights")
    assert flops / 1161 < 0.01


def test_the_script_for_a_gpu_runs_as_it_stands(tmp_path, monkeypatch):
    script = Path(__file__).parents[1] / "gpu" / "measure_matrix.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--tiny", "--steps", "2", "--out", str(tmp_path / "found.json")])
    runpy.run_path(str(script), run_name="__main__")
    found = json.loads((tmp_path / "found.json").read_text())
    assert max(found["readout_gradient_error"].values()) < 1e-4
    measured = {name: item for name, item in found.items() if name.startswith(("LoRA", "MATRIX"))}
    assert len(measured) == 5
    assert all(item["seconds"] > 0 and item["tflop"] > 0 and math.isfinite(item["loss"]) for item in measured.values())


def test_the_estimate_before_step_1_counts_the_same_operations():
    settings = tiny.config()
    model, batch = tiny.aligned("cogvideox", settings), tiny.batch("cogvideox", settings)
    found = estimate(tiny.backbone("cogvideox"), settings, batch, torch.device("cpu"))
    meta = meta_copy(model.backbone, settings)
    assert found.tflop * 1e12 == count_flops(meta, batch.to(torch.device("meta"), torch.float32))
    assert found.memory_gib > 0
    tight = replace(found, device_gib=found.memory_gib / 2, seconds=1.0)
    assert "more than the" in tight.lines()[1]


class Traffic(TorchDispatchMode):
    """Counts the bytes that operations read and write, forward and backward; views move none."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = (item for item in tree_leaves((args, kwargs, result)) if isinstance(item, torch.Tensor))
            self.total += sum(item.numel() * item.element_size() for item in tensors)
        return result


def test_eight_maps_at_twice_the_token_grid_add_at_most_10_percent_of_work_and_35_of_traffic_to_a_small_step():
    """Seconds are measured in `tests/nightly`: on a machine that others use too, they vary by more than the limit leaves."""
    found = {}
    for name, settings in (("plain", small_config()), ("aligned", small_config(scale=2, widths=(8, 4, 4)))):
        step = small_step(settings)
        step()
        with FlopCounterMode(display=False) as work, Traffic() as traffic:
            step()
        found[name] = work.get_total_flops(), traffic.total
    flops, moved = (after / before for before, after in zip(found["plain"], found["aligned"], strict=True))
    print(f"\nstep at 1,312 tokens, batch 4, 8 maps at scale 2: FLOPs x{flops:.3f}, bytes read and written x{moved:.3f}")
    assert 1 < flops <= 1.10
    assert 1 < moved <= 1.35
