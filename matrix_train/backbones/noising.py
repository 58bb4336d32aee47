"""The training objectives of video diffusion transformers: v-prediction, prediction of the clean latent, flow matching."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

LEAST_NOISE = 1e-3
"""Least 1 - alpha_bar that a weight divides by: some tables begin without any noise."""


def _wide(values_B: Tensor) -> Tensor:
    return values_B.view(-1, 1, 1, 1, 1)


def _clip_mean(squares: Tensor) -> Tensor:
    return squares.flatten(1).mean(dim=1)


class VPrediction:
    """Velocity prediction of CogVideoX: the prediction is turned into x0 and weighted by 1 / (1 - alpha_bar).

    `alphas_cumprod` is the scheduler's table, shape (steps,), which ends in 0 where the schedule has zero terminal SNR.
    """

    def __init__(self, alphas_cumprod: Tensor) -> None:
        self._alphas = alphas_cumprod.detach().to(device="cpu", dtype=torch.float64)

    def draw(self, generator: torch.Generator) -> float:
        """Return a whole timestep, uniform over the table."""
        return float(torch.randint(len(self._alphas), (1,), generator=generator).item())

    def _alpha(self, time_B: Tensor, like: Tensor) -> Tensor:
        if like.device.type == "meta":
            return torch.empty((time_B.shape[0], 1, 1, 1, 1), device="meta", dtype=torch.float32)
        table = self._alphas.to(device=like.device, dtype=torch.float32)
        return _wide(table[time_B.to(device=like.device, dtype=torch.long)])

    def mix(self, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:
        """Return sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) noise, in fp32."""
        alpha = self._alpha(time_B, clean)
        return alpha.sqrt() * clean.float() + (1 - alpha).sqrt() * noise.float()

    def wanted(self, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:
        """Return what the transformer is asked to predict: sqrt(alpha_bar) noise - sqrt(1 - alpha_bar) x0, in fp32."""
        alpha = self._alpha(time_B, clean)
        return alpha.sqrt() * noise.float() - (1 - alpha).sqrt() * clean.float()

    def loss(self, predicted: Tensor, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:
        """Return mean (x0 - x0_hat)^2 / (1 - alpha_bar) of each clip; the same as the plain error of v."""
        alpha = self._alpha(time_B, clean)
        noisy = self.mix(clean, noise, time_B)
        restored = alpha.sqrt() * noisy - (1 - alpha).sqrt() * predicted.float()
        # The first step of some tables has alpha_bar = 1 within rounding; there the weight would divide zero by zero.
        return _clip_mean((restored - clean.float()).square() / (1 - alpha).clamp_min(1e-6))

    def weight(self, time_B: Tensor) -> Tensor:
        """Return 1 / (1 - alpha_bar), the weight of the error of x0, bounded where there is hardly any noise, over its mean."""
        table = 1 / (1 - self._alphas).clamp_min(LEAST_NOISE)
        if time_B.device.type == "meta":
            return torch.empty_like(time_B, dtype=torch.float32)
        return (table / table.mean()).float().to(time_B.device)[time_B.long()]


class CleanPrediction(VPrediction):
    """The same noise, but the clean latent itself is predicted, and every timestep's error of it counts alike.

    What a CogVideoX is trained with whose scheduler says ``prediction_type = "sample"``.
    """

    def wanted(self, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:  # noqa: ARG002  # as of the parent
        """Return the clean latent, in fp32."""
        return clean.float()

    def loss(self, predicted: Tensor, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:  # noqa: ARG002  # protocol
        """Return mean (x0 - x0_hat)^2 of each clip."""
        return _clip_mean((predicted.float() - clean.float()).square())

    def weight(self, time_B: Tensor) -> Tensor:
        """Return ones."""
        return torch.ones_like(time_B, dtype=torch.float32)


PREDICTIONS: Mapping[str, type[VPrediction]] = {"v_prediction": VPrediction, "sample": CleanPrediction}
"""``prediction_type`` of a CogVideoX scheduler -> its objective."""


class FlowMatching:
    """Rectified flow of Wan and HunyuanVideo: x = (1 - s) x0 + s noise, target noise - x0, s shifted towards noise."""

    def __init__(self, shift: float, steps: int = 1000, given_frames: int = 0) -> None:
        """`given_frames` latent frames at the start are handed to the model clean and leave the loss."""
        self._shift = shift
        self._steps = steps
        self._given = given_frames

    def draw(self, generator: torch.Generator) -> float:
        """Return a timestep: a uniform s, shifted as the sampler shifts it, times the number of steps."""
        uniform = float(torch.rand((1,), generator=generator, dtype=torch.float64).item())
        return self._steps * self._shift * uniform / (1 + (self._shift - 1) * uniform)

    def mix(self, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:
        """Return (1 - s) x0 + s noise, in fp32."""
        share = _wide(time_B.to(device=clean.device, dtype=torch.float32) / self._steps)
        return (1 - share) * clean.float() + share * noise.float()

    def loss(self, predicted: Tensor, clean: Tensor, noise: Tensor, time_B: Tensor) -> Tensor:  # noqa: ARG002  # protocol
        """Return the mean squared error of the velocity of each clip."""
        error = predicted.float() - (noise.float() - clean.float())
        return _clip_mean(error[:, :, self._given :].square())

    def weight(self, time_B: Tensor) -> Tensor:
        """Return the bell of flow-matching recipes, exp(-2 (t / T - 1/2)^2) less its value at the ends, over its mean."""
        ends = math.exp(-0.5)
        # The mean over t in 0..T, in closed form: the integral of the bell less that of the ends.
        mean = math.sqrt(math.pi / 2) * math.erf(math.sqrt(0.5)) - ends
        return (torch.exp(-2 * (time_B.float() / self._steps - 0.5).square()) - ends) / mean


def shift_of(scheduler: Any) -> float:
    """Return the shift of a flow-matching scheduler's noise levels, 1 where it names none."""
    settings = scheduler.config
    return float(settings.get("flow_shift") or settings.get("shift") or 1.0)
