"""A cache filled by workers: each has its own encoders and writes the files of its clips; the first process keeps the index."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from intergeneval.run.engine import LOST
from intergeneval.run.engines import engine_of
from intergeneval.run.gpus import environments, gpus
from matrix_train.backbones.files import resolve
from matrix_train.backbones.load_encoders import late_encoder, load_image_encoder
from matrix_train.backbones.loading import load_outline
from matrix_train.config import Config
from matrix_train.data.cache import INDEX, folder_of
from matrix_train.data.encoding import Encoded, EncodeJob, Work
from matrix_train.data.windows import timing_of


def work_of(config: Config) -> Work:
    """Return what encodes the clips of a config in this process, on its GPU where it has one; nothing is loaded yet."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    base = resolve(config.model.path)
    encoder = late_encoder(base, getattr(torch, config.model.dtype), device)
    return Work(config, folder_of(config), timing_of(config), encoder, load_outline(base))


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSetup:
    """The `Setup` of workers that encode."""

    config: Config
    """What is encoded, and how."""

    @property
    def places(self) -> Sequence[Path]:
        """Dataset, index of the cache, and the base's folder."""
        return Path(self.config.data.path), folder_of(self.config) / INDEX, resolve(self.config.model.path)

    def build(self) -> Callable[[EncodeJob], Encoded]:
        """Find the encoders. Raises ConfigError."""
        return work_of(self.config).do

    def lost(self, job: EncodeJob) -> Encoded:
        """Return that a clip cannot be trained on which no worker lived to encode."""
        return Encoded(job=job, reason=LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """As `Encodes`: jobs are done by the workers of an engine."""

    config: Config
    """What is encoded, and how."""
    engine: str
    """Name of the engine; empty: processes."""
    workers: int
    """Workers; 0: one a GPU."""

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return shift and factor of each latent channel, of which the VAE is loaded here and no GPU is touched."""
        dtype = getattr(torch, self.config.model.dtype)
        return load_image_encoder(resolve(self.config.model.path), dtype, torch.device("cpu")).scaling()

    def encoded(self, jobs: Sequence[EncodeJob]) -> Generator[Encoded, None, None]:
        """Give what comes of each job. Raises what a worker raises, and as `engine_of` does."""
        if not jobs:
            return
        cards = environments(gpus(os.environ), 1)
        count = min(self.workers or max(len(cards), 1), len(cards) or len(jobs), len(jobs))
        engine = engine_of(self.engine, count, cards, cluster_workers=self.workers, gpu_share=1.0)
        with contextlib.closing(engine), contextlib.closing(engine.outcomes(EncodeSetup(config=self.config), jobs)) as given:
            yield from given


def elsewhere(config: Config, engine: str = "", workers: int = 0) -> Elsewhere | None:
    """Return who encodes in workers; None where nothing is gained: no engine is named, and there is one worker to be had.

    Without a number there is one worker a GPU. More than there are GPUs are never started where there is any.
    """
    cards = len(gpus(os.environ))
    count = min(workers or max(cards, 1), cards) if cards else workers
    return Elsewhere(config=config, engine=engine, workers=workers) if engine or count > 1 else None
