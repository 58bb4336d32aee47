"""What guidance costs beside classifier-free guidance: operations of the full 5B counted without data, and a step on the CPU."""

import time

import numpy as np
import tiny
import torch
import torch.nn.functional as F
from diffusers import CogVideoXTransformer3DModel
from test_cost import cogvideox_5b
from torch.utils.flop_counter import FlopCounterMode

from matrix_train.backbones import Grid
from matrix_train.backbones.cogvideox.transformer import CogVideoX
from matrix_train.backbones.noising import VPrediction
from matrix_train.guidance import perturb
from matrix_train.guidance.branch import PerturbedBranch
from matrix_train.guidance.guide import cuts_of, token_cut

LAYERS = {"cmg": (7, 11), "cag": (12,)}


def tokens_of(grid, text):
    """Two instances that cover a tenth of the video each, with four words between them and two for the verb."""
    tenth = np.arange(grid.tokens) % 10
    return token_cut([((1, 2), ("a",)), ((4, 5), ("b",)), ((3, 6), ("a", "b"))], {"a": tenth == 0, "b": tenth == 1}, text)


def test_guidance_adds_less_than_half_to_a_cfg_step_of_the_5b(monkeypatch):
    # The fused kernels hand out the log-sum-exp beside their output; on tensors without data there is none of them.
    monkeypatch.setattr(
        perturb, "attend", lambda q, k, v, scale: (F.scaled_dot_product_attention(q, k, v, scale=scale), q.new_empty(q.shape[:3]))
    )
    backbone = cogvideox_5b()
    backbone.transformer.to(torch.bfloat16)
    grid = Grid(frames=13, height=30, width=45)
    call = {
        "noisy": torch.empty(2, 16, 13, 60, 90, device="meta", dtype=torch.bfloat16),
        "time_B": torch.empty(2, device="meta"),
        "condition": {
            "text": torch.empty(2, 226, 4096, device="meta", dtype=torch.bfloat16),
            "image": torch.empty(2, 16, 13, 60, 90, device="meta", dtype=torch.bfloat16),
        },
    }

    def tflop(kinds):
        layers = {kind: LAYERS[kind] for kind in kinds}
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            if kinds:
                with PerturbedBranch(backbone, *cuts_of(backbone, layers, grid, tokens_of(grid, 226)), 3.0):
                    backbone.predict(**call)
            else:
                backbone.predict(**call)
        return counter.get_total_flops() / 1e12

    plain = tflop(())
    found = {kinds: tflop(kinds) for kinds in (("cmg",), ("cag",), ("cmg", "cag"))}
    shown = ", ".join(f"{'+'.join(kinds)} {value:.0f} TFLOP (x{value / plain:.3f})" for kinds, value in found.items())
    print(f"\n5B, 49x480x720, one step with classifier-free guidance: {plain:.0f} TFLOP; {shown}")
    assert abs(plain - 2 * 332.2) < 2
    # 35 of 42 layers run a third time for CMG, 30 for CAG; the cuts themselves come on top.
    assert 35 / 84 <= found["cmg",] / plain - 1 <= 35 / 84 + 0.001
    assert 30 / 84 <= found["cag",] / plain - 1 <= 30 / 84 + 0.002
    # CAG's blocks of a frame and its text, against the whole product: a tenth.
    whole = 4 * 17776 * 17776 * 3072
    frames = 13 * 4 * 1350 * (226 + 1350) * 3072
    assert abs((found["cmg", "cag"] - found["cmg",]) * 1e12 - frames) < 0.01 * frames
    assert frames / whole < 0.1


def test_guidance_from_the_middle_on_keeps_a_cpu_step_under_its_share_of_a_third_pass():
    torch.manual_seed(0)
    model = CogVideoXTransformer3DModel(
        num_attention_heads=6, attention_head_dim=64, in_channels=8, out_channels=4, time_embed_dim=64, text_embed_dim=32,
        num_layers=6, sample_width=32, sample_height=32, sample_frames=17, max_text_seq_length=32,
        use_rotary_positional_embeddings=True,
    )  # fmt: skip
    backbone, grid = CogVideoX(model.eval(), VPrediction(tiny.alphas())), Grid(frames=5, height=16, width=16)
    noisy = torch.randn(2, 4, 5, 32, 32)
    call = (noisy, torch.tensor([500.0, 500.0]), {"text": torch.randn(2, 32, 32), "image": noisy})
    cuts, first = cuts_of(backbone, {"cmg": (3,), "cag": (4,)}, grid, tokens_of(grid, 32))

    def seconds(guided):
        began = time.process_time()
        with torch.no_grad():
            if guided:
                with PerturbedBranch(backbone, cuts, first, 3.0):
                    backbone.predict(*call)
            else:
                backbone.predict(*call)
        return time.process_time() - began

    seconds(guided=True)
    plain, guided = (min(seconds(guided=flag) for _ in range(3)) for flag in (False, True))
    print(f"\nCPU step with classifier-free guidance at 1,312 tokens, 6 layers, cut from layer 3 on: x{guided / plain:.3f}")
    # Three of six layers for one of two prompts are a quarter more; the cuts and the machine's noise have the rest.
    assert guided / plain <= 1.45
