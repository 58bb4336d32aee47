"""Teaching the autoencoder: random crops in, the same crops out, over a small causal latent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intergeneval.errors import BackendError
from matrix_train.backbones.cogvideox.linear import fitted
from matrix_train.backbones.cogvideox.untrained import VaeShape, decode, encode, load_vae, new_vae, take_vae
from matrix_train.pretrain.config import PretrainConfig, VaeConfig, dump
from matrix_train.pretrain.state import LossLog, check_same, load_state, save_state
from matrix_train.pretrain.work import Workers
from matrix_train.pretrain.world import world_clip

NAMES = ("loss", "pixels", "colour", "gradient", "blocks", "kl")
MODEL = "model"
MAY_CHANGE = (
    *("vae.steps", "vae.save_every", "world.clips"),
    *(f"text.{name}" for name in ("width", "layers", "heads", "tokens")),
)
_LEAST = 0.02
"""Share of the peak rate at the end."""
_SAY_EVERY = 20

Say = Callable[[str], None]
"""Takes one line for the user."""


def train_vae(config: PretrainConfig, out: Path, say: Say = lambda _: None, start: Path | None = None) -> Path:
    """Train the autoencoder to its number of steps, from the newest state in `out` where there is one; return its folder.

    Without a state it begins with the weights of the autoencoder in the folder `start` (of the same shape, with as many latent
    channels or fewer), or with random ones.
    Initial weights, crops and noise depend on seed and step alone, so an interrupted run ends with the same weights.
    """
    own = config.vae
    if own.kind == "linear":
        return _fit_linear(config, out, say)
    text = "\n".join(part for part in dump(config).split("\n\n") if part.startswith(("[world]", "[vae]"))) + "\n"
    check_same(out, text, MAY_CHANGE)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(own.seed)
    shape = VaeShape(channels=own.channels, latent=own.latent, layers=own.layers, groups=own.groups)
    vae = new_vae(shape, (config.world.height, config.world.width))
    state, done = load_state(out), 0
    if state is None and start is not None:
        take_vae(vae, start)
        say(f"beginning with the weights of {start}")
    vae.to(device).train()
    workers = Workers(vae, own.workers, own.precision)
    optimiser = torch.optim.AdamW(vae.parameters(), lr=own.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    if state is not None:
        vae.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        done = int(state["step"])
        say(f"going on after {done} steps")
    log = LossLog(out, NAMES, done)
    if done < own.steps:
        pool = _Pool(config, say)
        began = time.monotonic()
        if done >= own.freeze:
            _freeze(vae)
        for step in range(done, own.steps):
            for group in optimiser.param_groups:
                group["lr"] = own.rate * rate_factor(step, own.warmup, own.steps, _LEAST)
            terms = _step(vae, workers, optimiser, pool.draw(step), own, step)
            log.add(step + 1, terms)
            if (step + 1) % _SAY_EVERY == 0:
                pace = (time.monotonic() - began) / (step + 1 - done)
                say(f"vae {step + 1}/{own.steps}  pixels {terms[1]:.4f}  colour {terms[2]:.4f}  {pace:.2f} s/step")
            if (step + 1) % own.save_every == 0 or step + 1 in (own.freeze, own.steps):
                save_state(out, {"model": vae.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1})
                log.flush()
            if step + 1 == own.freeze:
                _freeze(vae)
                # The encoder is final: another process may start on the latents.
                vae.save_pretrained(out / MODEL)
    vae.eval().to("cpu").save_pretrained(out / MODEL)
    return out / MODEL


def _fit_linear(config: PretrainConfig, out: Path, say: Say) -> Path:
    """Find the principal directions of the first clips; quick enough to be done anew by every call."""
    say(f"painting {config.vae.clips} clips")
    frames = np.stack([world_clip(config.world, index).frames for index in range(config.vae.clips)])
    pixels = torch.from_numpy(frames).permute(0, 4, 1, 2, 3).float().div(127.5).sub(1)
    fitted(pixels, config.vae.latent).save_pretrained(out / MODEL)
    return out / MODEL


def _freeze(vae: Any) -> None:
    """Let the encoder stay as it is; the optimiser passes over weights without a gradient."""
    vae.encoder.requires_grad_(requires_grad=False)


def rate_factor(step: int, warmup: int, steps: int, least: float) -> float:
    """Return the factor on the peak rate at a step: linear warm-up, then half a cosine down to `least`."""
    if step < warmup:
        return (step + 1) / warmup
    share = min(1.0, (step - warmup) / max(1, steps - warmup))
    return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * share))


class _Pool:
    """The clips that crops are taken from, in memory."""

    def __init__(self, config: PretrainConfig, say: Say) -> None:
        self._own, self._world = config.vae, config.world
        say(f"painting {config.vae.clips} clips")
        clips = [world_clip(config.world, index) for index in range(config.vae.clips)]
        self._frames = np.stack([clip.frames for clip in clips])
        self._figures = np.stack([clip.figures for clip in clips])

    def draw(self, step: int) -> tuple[Tensor, Tensor, torch.Generator]:
        """Return crops (B, 3, F, H, W) in -1..1, the weight of each pixel (B, 1, F, H, W), and the step's generator."""
        own = self._own
        generator = torch.Generator().manual_seed(own.seed * 1_000_003 + step)
        pixels, weights = [], []
        still = step % (own.stills + 1) != 0
        length = 1 if still else own.crop_frames
        for _ in range(own.still_batch if still else own.batch):
            clip = _below(len(self._frames), generator)
            drawn = [self._window(length, generator) for _ in range(own.candidates)]
            window = (clip, *max(drawn, key=lambda place: self._interest(self._figures[(clip, *place)])))
            flip = _below(2, generator)
            frames, figures = self._frames[window], self._figures[window]
            if flip:
                frames, figures = frames[:, :, ::-1], figures[:, :, ::-1]
            pixels.append(torch.from_numpy(frames.copy()))
            weights.append(torch.from_numpy(figures.copy()))
        scaled = torch.stack(pixels).float().div(127.5).sub(1).permute(0, 4, 1, 2, 3)
        return scaled, 1 + own.figures * torch.stack(weights).float()[:, None], generator

    def _window(self, length: int, generator: torch.Generator) -> tuple[slice, slice, slice]:
        own, world = self._own, self._world
        first = 4 * _below((world.frames - length) // 4 + 1, generator)
        top = _below(world.height - own.crop + 1, generator)
        left = _below(world.width - own.crop + 1, generator)
        return slice(first, first + length), slice(top, top + own.crop), slice(left, left + own.crop)

    @staticmethod
    def _interest(figures: npt.NDArray[np.bool_]) -> int:
        """How many pixels change between backdrop and figure; in a single frame, how many belong to figures."""
        return int((figures[1:] ^ figures[:-1]).sum() if len(figures) > 1 else figures.sum())


def _below(limit: int, generator: torch.Generator) -> int:
    return int(torch.randint(limit, (1,), generator=generator))


def _step(
    vae: Any,
    workers: Workers,
    optimiser: torch.optim.Optimizer,
    drawn: tuple[Tensor, Tensor, torch.Generator],
    own: VaeConfig,
    step: int,
) -> tuple[float, ...]:
    """Do one optimiser step and return the loss and its terms."""
    device = next(vae.parameters()).device
    pixels, weights = drawn[0].to(device), drawn[1].to(device)
    count, _, frames, height, width = pixels.shape
    noise = torch.randn((count, own.latent, (frames + 3) // 4, height // 8, width // 8), generator=drawn[2]).to(device)
    total = weights.sum()

    def part(chosen: slice) -> tuple[Tensor, tuple[float, ...]]:
        terms = _terms(vae, pixels[chosen], weights[chosen] / total, noise[chosen])
        # The first two are sums over the whole batch's weights already, the others are means.
        share = len(pixels[chosen]) / count
        error, colour, edges, blocks, divergence = *terms[:2], *(term * share for term in terms[2:])
        loss = error + own.colour * colour + own.gradient * edges + own.blocks * blocks + own.kl * divergence
        return loss, tuple(float(item.detach()) for item in (loss, error, colour, edges, blocks, divergence))

    summed = [sum(values) for values in zip(*workers.backward(part, count), strict=True)]
    if not math.isfinite(summed[0]):
        raise BackendError(f"the autoencoder's loss is {summed[0]} at step {step}; lower vae.rate")
    torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
    optimiser.step()
    return tuple(summed)


def _terms(vae: Any, pixels: Tensor, weights: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
    """Return the errors of pixels and of colour, both summed under `weights`, of edges and of blocks, and the divergence."""
    mean, spread = encode(vae, pixels).float().chunk(2, dim=1)
    spread = spread.clamp(-30.0, 20.0)
    wrong = decode(vae, mean + (0.5 * spread).exp() * noise).float() - pixels
    error = _weighted(wrong, weights)
    colour = _weighted(wrong - wrong.mean(dim=1, keepdim=True), weights)
    edges = wrong.diff(dim=-2).abs().mean() + wrong.diff(dim=-1).abs().mean()
    blocks = torch.nn.functional.avg_pool3d(wrong, (1, 8, 8)).abs().mean()
    divergence = 0.5 * (mean.square() + spread.exp() - 1 - spread).mean()
    return error, colour, edges, blocks, divergence


def _weighted(wrong: Tensor, weights: Tensor) -> Tensor:
    return (wrong.abs() * weights).sum() / wrong.shape[1]


def load(folder: Path) -> Any:
    """Load the trained autoencoder of a stage's folder, ready to encode."""
    return load_vae(folder / MODEL).eval().requires_grad_(requires_grad=False)
