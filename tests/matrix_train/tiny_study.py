"""A whole study in seconds: a tiny random pipeline, four hand-made clips, a few staged scenes at 64 pixels, a few steps."""

from __future__ import annotations

import tiny_pipeline

ARMS = """
[[arms]]
name = "base"
label = "I"
recipe = "base"

[[arms]]
name = "lora"
recipe = "lora"

[[arms]]
name = "matrix"
label = "VII"
recipe = "matrix"

[[arms]]
name = "wrong"
recipe = "matrix"
layers = "wrong"
"""

PLAN = """
name = "tiny"
title = "A tiny study"
seeds = [{seeds}]

[base]
model = "{model}"

[clips]
path = "{clips}"

[shape]
frames = 9
height = 64
width = 64

[bench]
scenes = {scenes}

[generation]
steps = 2
guidance = 1.0

[layers.dominant]
lora = [1, 2]
v2t = [1]
v2v = [2]

[layers.wrong]
lora = [0, 3]
v2t = [0]
v2v = [3]

[training.lora]
rank = 4
alpha = 2

[training.decoder]
widths = [4, 4, 4]
scale = 2

[training.train]
steps = {steps}
batch = 1
rate = 1e-2
warmup = 1
log_every = 1
{arms}
[[orders]]
better = "matrix"
worse = "lora"

[[orders]]
better = "lora"
worse = "base"

[control]
arm = "wrong"
of = "matrix"

[labels]
clips = {labels}
"""


def materials(root):
    """A pipeline and a dataset on disk."""
    tiny_pipeline.cogvideox(root / "model")
    tiny_pipeline.dataset(root / "clips")
    return root


def write_plan(root, name="study.toml", *, materials_in=None, seeds="0, 1, 2", scenes=3, steps=3, labels=8, arms=ARMS, more=""):
    """Write the study file and return its path."""
    where = materials_in or root
    text = PLAN.format(
        model=where / "model", clips=where / "clips", seeds=seeds, scenes=scenes, steps=steps, labels=labels, arms=arms
    )
    path = root / name
    path.write_text(text + more)
    return path
