"""A whole study in seconds: the built-in base, four clips and a few scenes of the staged world at its size, few steps."""

from __future__ import annotations

import tiny_pipeline

BASE = "builtin:staged-base"
"""Its videos begin with the benchmark's picture, so that they have scores."""
ARMS = """
[[arms]]
name = "base"
label = "I"
recipe = "base"

[[arms]]
name = "matrix"
label = "VII"
recipe = "matrix"
layers = "found"

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
count = 4

[shape]
frames = 9
height = 96
width = 144

[bench]
scenes = {scenes}

[generation]
steps = 2
guidance = 1.0

[scoring]
tracker = "drift"

[layers.found]
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
rate = 1e-3
warmup = 1
log_every = 1
{arms}
[[orders]]
better = "matrix"
worse = "base"

[control]
arm = "wrong"
of = "matrix"

[labels]
clips = {labels}
"""


def model(folder):
    """A pipeline on disk with random weights, whose videos are noise: they do not even begin with the picture."""
    return tiny_pipeline.cogvideox(folder)


def write_plan(path, model, *, seeds="0", scenes=2, steps=2, labels=6, arms=ARMS):
    """Write the study file and return its path."""
    path.write_text(PLAN.format(model=model, seeds=seeds, scenes=scenes, steps=steps, labels=labels, arms=arms))
    return path
