"""A study in a process of its own, to be killed. Imports little: a fork of a server that has the libraries is at work at once."""

import os

from matrix_train.study.plan import load
from matrix_train.study.run import Study

PRELOAD = [
    "accelerate",
    "diffusers.pipelines.cogvideo.pipeline_cogvideox_image2video",
    "intergeneval.run.run",
    "matrix_train.sample.generate",
    "matrix_train.train.loop",
    "matrix_train.study.results",
    "matrix_train.study.work",
    "transformers.models.t5.modeling_t5",
]


def go_on(plan, folder):
    """Do what is open; leave with 0 when the study is whole. What it says goes into ``FOLDER.log``, so that no pipe fills."""
    import torch

    torch.set_num_threads(1)
    with folder.with_suffix(".log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        study = Study(load(plan), folder, lambda line: print(f"{os.getpid()} {line}", flush=True))
        os._exit(0 if study.run() else 3)
