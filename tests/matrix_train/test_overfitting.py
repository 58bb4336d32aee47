"""Two hundred steps on four clips: the decoders find subject and object, and denoising does not pay for it."""

from dataclasses import replace

import numpy as np
import tiny_pipeline
import torch

from matrix_train import targets
from matrix_train.config import (
    ConditionConfig,
    Config,
    DataConfig,
    DecoderConfig,
    LayersConfig,
    LoraConfig,
    LossConfig,
    ModelConfig,
    TrainConfig,
)
from matrix_train.model.aligned import supervised
from matrix_train.train.loop import Run
from matrix_train.train.rates import learning_factor

SIDE = 128
"""Pixels; eight tokens, of which each instance is three wide."""
STEPS = 200
SEEDS = (1, 2, 3)
"""Training seeds, of which the median counts: at such rates the last rounding of a pixel sends a single training elsewhere."""


def settings_of(root, seed):
    return Config(
        model=ModelConfig(path=str(root / "base"), dtype="float32", gradient_checkpointing=False),
        data=DataConfig(path=str(root / "data"), frames=tiny_pipeline.FRAMES, height=SIDE, width=SIDE),
        condition=ConditionConfig(image_dropout=0.0),
        lora=LoraConfig(rank=16, alpha=128, layers=(0, 1)),
        layers=LayersConfig(v2t=(0,), v2v=(1,)),
        decoder=DecoderConfig(widths=(16, 16, 8), scale=2),
        loss=LossConfig(sga=1.0, spa=1.0, sga_roles=("sub", "obj")),
        train=TrainConfig(steps=STEPS, batch=4, rate=2e-3, decoder_rate=3e-3, warmup=10, seed=seed),
    )


def ceiling():
    """Mean IoU at full resolution of masks brought to the decoder's grid and back: the best any decoder can do there."""
    found = []
    for index in range(4):
        for masks in tiny_pipeline.scene(index, side=SIDE)[1:]:
            back = targets.resize(targets.resize(masks, (16, 16)), (SIDE, SIDE))
            found.append((back & masks).sum() / (back | masks).sum())
    return float(np.mean(found))


@torch.no_grad()
def looked_at(model, batch):
    """Mean IoU at full resolution of subject and object for each loss, and the denoising loss, on fixed noise and timesteps."""
    output = model(batch)
    full = [masks for index in range(4) for masks in tiny_pipeline.scene(index, side=SIDE)[1:]]
    order = {name: 2 * int(name[-1]) for name in batch.clips}
    found = {"denoising": float(output["terms"]["denoising"])}
    for name, key in (("sga", "v2t/0"), ("spa", "v2v/1")):
        scores = []
        for index in supervised(batch.entries, name, model.config):
            entry = batch.entries[index]
            logits = model.heads[name](output["maps"][key][entry.clip, entry.slot][None])[0]
            seen = targets.resize((logits > 0).numpy(), (SIDE, SIDE))
            truth = full[order[batch.clips[entry.clip]] + (entry.role == "obj")]
            scores.append((seen & truth).sum() / (seen | truth).sum())
        found[name] = float(np.mean(scores))
    return found


def trained(root, seed):
    """Return what `looked_at` sees before and after two hundred steps with a training seed."""
    settings = settings_of(root, seed)
    run = Run(settings, root / f"out-{seed}")
    fixed = run.batches.draw(10**6)
    before = looked_at(run.model, fixed)
    # The rate does not fall all the way to zero: two hundred steps are few.
    rate = replace(settings.train, steps=230)
    for step in range(STEPS):
        for group in run.optimiser.param_groups:
            group["lr"] = group["peak"] * learning_factor(step, rate)
        run.model(run.batches.draw(step))["loss"].backward()
        torch.nn.utils.clip_grad_norm_([item for group in run.model.groups().values() for _, item in group], 1.0)
        run.optimiser.step()
        run.optimiser.zero_grad()
    return before, looked_at(run.model, fixed)


def test_two_hundred_steps_on_four_clips_ground_and_propagate_subject_and_object(tmp_path):
    tiny_pipeline.cogvideox(tmp_path / "base", heads=3, width=32, layers=2, side=SIDE, rotary=False)
    tiny_pipeline.dataset(tmp_path / "data", side=SIDE)
    best, reached = ceiling(), []
    for seed in SEEDS:
        before, after = trained(tmp_path, seed)
        print(
            f"\nseed {seed}, after {STEPS} steps: IoU {after['sga']:.3f} (SGA), {after['spa']:.3f} (SPA), "
            f"ceiling of the grid {best:.3f}; denoising {before['denoising']:.3f} -> {after['denoising']:.3f}"
        )
        assert max(before["sga"], before["spa"]) < 0.4
        assert after["denoising"] < before["denoising"]
        reached.append(min(after["sga"], after["spa"]))
    assert sorted(reached)[len(SEEDS) // 2] > min(0.8, 0.9 * best)
