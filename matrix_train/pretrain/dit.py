"""Teaching the transformer and its text encoder: v-prediction over the world's latents, a first frame and a caption given."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from intergeneval.errors import BackendError, ConfigError
from intergeneval.plugins.video_models import TOLD
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.backbones.cogvideox.transformer import CogVideoX
from matrix_train.backbones.cogvideox.untrained import (
    DitShape,
    load_parts,
    load_vae,
    new_pipeline,
    new_transformer,
    objective,
    prefer_near,
    write_pipeline,
)
from matrix_train.binding.measure import Sampling, measure
from matrix_train.data.condition_noise import CLEAN
from matrix_train.pretrain.config import PREDICTIONS, DitConfig, PretrainConfig, dump
from matrix_train.pretrain.latents import Latents
from matrix_train.pretrain.state import LossLog, check_same, load_state, save_state
from matrix_train.pretrain.text import VOCABULARY, new_encoder, new_tokenizer, token_ids
from matrix_train.pretrain.vae import rate_factor
from matrix_train.pretrain.work import Workers
from matrix_train.pretrain.world import captions, rate_of

NAMES = ("loss", "error", "figures")
MAY_CHANGE = ("dit.steps", "dit.schedules", "dit.save_every", "world.clips", "vae.steps", "vae.save_every", "vae.workers")
_LEAST = 0.02
"""Share of the peak rate at the end."""
CURVE, CURVE_NAMES = "curve.csv", ("cpu_seconds", "subject", "object", "margin")
MEASURED_SEED = 2
"""Seed of the scenes that a base of the binding world is measured on while it is trained."""
TIMES = 1000.0
"""Timesteps of the schedule."""
_SAY_EVERY = 20
_KEPT = ("optimiser", "matrices")
"""Names under which a state holds the optimisers."""

Say = Callable[[str], None]
"""Takes one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a run of the transformer reads and writes."""

    out: Path
    """Folder of its state and loss curve."""
    vae: Path
    """Folder of the autoencoder."""
    pipeline: Path
    """Folder of the pipeline that is written in the end."""
    start: Path | None = None
    """Pipeline whose transformer and text encoder are gone on from; None: from nothing."""


def train_dit(config: PretrainConfig, latents: Latents, places: Places, say: Say = lambda _: None) -> Path:
    """Train to the number of steps, from the newest state where there is one, and write the pipeline; return its folder.

    Everything random depends on seed and step alone, so an interrupted run ends with the same weights. The pipeline holds the
    moving average of the weights, in half precision.
    """
    own = config.dit
    check_same(places.out, dump(config), MAY_CHANGE)
    trainer = _Trainer(config, latents, places.start)
    state, done = load_state(places.out), 0
    if state is not None:
        trainer.restore(state)
        done = int(state["step"])
        say(f"going on after {done} steps")
    log = LossLog(places.out, NAMES, done)
    curve = LossLog(places.out, CURVE_NAMES, done, CURVE)
    began, spent = time.monotonic(), float(state["cpu_seconds"]) if state is not None and "cpu_seconds" in state else 0.0
    spent -= time.process_time()
    for step in range(done, own.steps):
        terms = trainer.step(step)
        log.add(step + 1, terms)
        if (step + 1) % _SAY_EVERY == 0:
            pace = (time.monotonic() - began) / (step + 1 - done)
            say(f"dit {step + 1}/{own.steps}  loss {terms[0]:.4f}  {pace:.2f} s/step")
        if (step + 1) % own.save_every == 0 or step + 1 == own.steps:
            save_state(places.out, {**trainer.state(), "step": step + 1, "cpu_seconds": spent + time.process_time()})
            log.flush()
            if own.measure:
                cost = spent + time.process_time()
                form = Sampling(frames=config.world.frames, size=(config.world.height, config.world.width))
                measured = measure(trainer.pipeline(places.vae), seed=MEASURED_SEED, scenes=own.measure, sampling=form)
                curve.add(step + 1, (cost, measured.subject, measured.object, measured.margin))
                curve.flush()
                say(f"dit {step + 1}/{own.steps}  {measured.text()}  {cost:.0f} CPU s")
                # What measuring costs is not the training's.
                spent -= spent + time.process_time() - cost
    parts = trainer.averaged()
    write_pipeline(places.pipeline, {**parts, "vae": load_vae(places.vae)}, latents.factor, PREDICTIONS[own.predict])
    # A clip lasts as long as any of its world, whatever its number of frames; the class of the pipeline would tell another rate.
    write_atomically(places.pipeline / TOLD, json.dumps({"fps": rate_of(config.world), CLEAN: "none"}) + "\n")
    return places.pipeline


def check_fit(start: Path, autoencoder: Path) -> None:
    """Raise ConfigError unless the transformer of a pipeline takes an autoencoder's latents; reads configs only."""
    configs = {start / "transformer": "out_channels", autoencoder: "latent_channels"}
    found = [json.loads(read_text(folder / "config.json"))[name] for folder, name in configs.items()]
    if found[0] != found[1]:
        raise ConfigError(
            f"{start}: its transformer makes latents of {found[0]} channels and {autoencoder} has {found[1]}; "
            "leave --start away to begin with a new transformer"
        )


class _Trainer:
    """Weights, their moving average, optimiser and data."""

    def __init__(self, config: PretrainConfig, latents: Latents, start: Path | None) -> None:
        self._own, self._latents = config.dit, latents
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(config.dit.seed)
        if start is None:
            self._tokenizer, self._text, self._transformer = _new_parts(config, int(latents.means.shape[1]))
        else:
            self._tokenizer, self._text, self._transformer = load_parts(start)
        self._model = nn.ModuleDict({"transformer": self._transformer, "text": self._text}).to(self._device).train()
        self._workers = Workers(self._model, config.dit.workers, config.dit.precision)
        self._noising = objective(PREDICTIONS[config.dit.predict])
        self._backbone = CogVideoX(self._transformer, self._noising)
        self._optimisers = optimisers(self._model, config.dit)
        self._average = {name: item.detach().clone() for name, item in self._model.state_dict().items()}
        self._ids = token_ids(self._tokenizer, ("", *latents.captions), config.text.tokens)

    def step(self, step: int) -> tuple[float, ...]:
        """Do one optimiser step; return the loss, the plain error of what is predicted, and that error where figures are."""
        own = self._own
        length = next((length for until, length in own.schedules if step < until), own.steps)
        factor = rate_factor(step, own.warmup, length, _LEAST)
        for optimiser, rate in zip(self._optimisers, (own.rate, own.matrix_rate), strict=False):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
        batch = draw(self._latents, own, step, self._noising.draw)
        batch = {name: item.to(self._device) for name, item in batch.items()}
        weights = 1 + own.figures * batch["figures"]
        total = weights.sum()

        def part(chosen: slice) -> tuple[Tensor, Tensor]:
            squares = self._errors({name: item[chosen] for name, item in batch.items()})
            return (squares * weights[chosen]).sum() / total, squares.detach()

        error = torch.cat(self._workers.backward(part, own.batch))
        loss = float((error * weights).sum() / total)
        if not math.isfinite(loss):
            raise BackendError(f"the transformer's loss is {loss} at step {step}; lower dit.rate")
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), own.clip_norm)
        for optimiser in self._optimisers:
            optimiser.step()
        self._follow(step)
        inside = batch["figures"]
        return loss, float(error.mean()), float((error * inside).sum() / inside.sum().clamp_min(1))

    def _errors(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the squared error of what is predicted, averaged over channels, shape (B, F, H, W)."""
        text = self._text(self._ids[batch["caption"].cpu()].to(self._device))[0]
        noisy = self._noising.mix(batch["clean"], batch["noise"], batch["time"])
        predicted = self._backbone.predict(noisy, batch["time"], {"text": text, "image": batch["image"]})
        wanted = self._noising.wanted(batch["clean"], batch["noise"], batch["time"])
        return (predicted.float() - wanted).square().mean(dim=1)

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        # Early on the average follows closely, so that the random start does not linger in it.
        decay = min(self._own.average, (1 + step) / (10 + step))
        for name, item in self._model.state_dict().items():
            if item.is_floating_point():
                self._average[name].lerp_(item, 1 - decay)

    def state(self) -> dict[str, Any]:
        """Return everything that a later call goes on from."""
        kept = dict(zip(_KEPT, (item.state_dict() for item in self._optimisers), strict=False))
        return {"model": self._model.state_dict(), "average": self._average, **kept}

    def restore(self, state: dict[str, Any]) -> None:
        """Take a state back."""
        self._model.load_state_dict(state["model"])
        for name, optimiser in zip(_KEPT, self._optimisers, strict=False):
            optimiser.load_state_dict(state[name])
        self._average = {name: item.to(self._device) for name, item in state["average"].items()}

    def pipeline(self, vae: Path) -> Any:
        """Return a pipeline of the moving average, apart from what is trained."""
        parts = nn.ModuleDict({"transformer": copy.deepcopy(self._transformer), "text": copy.deepcopy(self._text)})
        parts.load_state_dict(self._average)
        named = {
            "tokenizer": self._tokenizer,
            "text_encoder": parts["text"],
            "transformer": parts["transformer"],
            "vae": load_vae(vae),
        }
        return new_pipeline(named, self._latents.factor, PREDICTIONS[self._own.predict]).to(self._device)

    def averaged(self) -> dict[str, Any]:
        """Put the moving average into the modules and return the parts of a pipeline."""
        self._model.load_state_dict(self._average)
        self._model.eval().to("cpu")
        return {"tokenizer": self._tokenizer, "text_encoder": self._text, "transformer": self._transformer}


def _new_parts(config: PretrainConfig, latent: int) -> tuple[Any, Any, Any]:
    tokenizer = new_tokenizer(captions(config.world, VOCABULARY))
    text = new_encoder(config.text, tokenizer)
    shape = DitShape(
        heads=config.dit.heads,
        head_width=config.dit.head_width,
        layers=config.dit.layers,
        time_width=config.dit.time_width,
        text_width=config.text.width,
        text_tokens=config.text.tokens,
        patch=config.dit.patch,
    )
    world = config.world
    transformer = new_transformer(shape, latent, (world.height, world.width), world.frames)
    prefer_near(transformer, config.dit.near)
    return tokenizer, text, transformer


def optimisers(model: nn.Module, own: DitConfig) -> tuple[torch.optim.Optimizer, ...]:
    """Return what steps the weights: AdamW for all of them, or for all but the matrices that mix features, which Muon steps.

    Tables that are looked up in (the embedding of words, of distances) are no such matrices.
    """
    found = dict(model.named_parameters())
    tables = [name for name in found if name.endswith(("shared.weight", "embed_tokens.weight", "relative_attention_bias.weight"))]
    mixing = {name for name, item in found.items() if item.ndim == 2 and name not in tables} if own.optimiser == "muon" else set()
    rest = [item for name, item in found.items() if name not in mixing]
    plain = torch.optim.AdamW(rest, lr=own.rate, betas=(0.9, 0.98), weight_decay=own.weight_decay)
    if not mixing:
        return (plain,)
    matrices = [found[name] for name in found if name in mixing]
    return plain, torch.optim.Muon(matrices, lr=own.matrix_rate, weight_decay=own.weight_decay)


def draw(latents: Latents, own: DitConfig, step: int, moment: Callable[[torch.Generator], float]) -> dict[str, Tensor]:
    """Return a step's batch, drawn on the CPU from seed and step.

    It holds clean, noise and image (the first frame's latent, zeros after it), each (B, C, F, H, W), figures (B, F, H, W), time
    and caption (B,); caption 0 is the empty one.
    """
    generator = torch.Generator().manual_seed(own.seed * 1_000_003 + step)
    chosen = torch.randint(len(latents.means), (own.batch,), generator=generator)
    means, spreads = latents.means[chosen].float(), latents.spreads[chosen].float()
    clean = (means + (0.5 * spreads).exp() * torch.randn(means.shape, generator=generator)) * latents.factor
    image = torch.zeros_like(clean)
    image[:, :, 0] = latents.images[chosen].float() * latents.factor
    dropped = torch.rand(own.batch, generator=generator) < own.text_dropout
    noise = torch.randn(clean.shape, generator=generator)
    time = torch.tensor([moment(generator) for _ in range(own.batch)])
    if own.noisy:
        late = torch.rand(own.batch, generator=generator) < own.noisy
        time = torch.where(late, (TIMES * 2 / 3 + time / 3).floor(), time)
    return {
        "clean": clean,
        "noise": noise,
        "image": image,
        "figures": latents.figures[chosen].float(),
        "time": time,
        "caption": (chosen + 1).masked_fill(dropped, 0),
    }
