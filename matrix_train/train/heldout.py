"""What held-out clips say of the adapter as it stands, beside what they said of the base: loss, attention and masks.

Noise, timesteps and first frames are the same each time, so that what differs is the adapter. The base is looked at before the
first step, when adapter and new channels are still zero.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.backbones import MapKind
from matrix_train.config import HeldoutConfig
from matrix_train.data.batches import Batches
from matrix_train.data.cache import CachedClip
from matrix_train.model.aligned import HEADS, AlignedModel
from matrix_train.model.batch import Batch
from matrix_train.model.readout import Readout
from matrix_train.train.terms import mean, numbers
from matrix_train.train.verdict import Verdict, judge

NAME = "heldout.json"
"""File of a run's last verdict."""
COMPARED = 8
"""Clips whose predictions of the base are kept, to tell how far the adapter moved them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One clip as a model sees it at one timestep."""

    clip: int
    """Index of the clip."""
    time: float
    """The timestep."""
    terms: Mapping[str, float]
    """Denoising loss, alignment losses with their parts, lift and AAS by layer."""


class Heldout:
    """The held-out clips of one run."""

    def __init__(self, model: AlignedModel, batches: Batches, config: HeldoutConfig, accelerator: Accelerator) -> None:
        self._model, self._batches, self._config, self._accelerator = model, batches, config, accelerator
        # Lift and AAS are of probabilities, whatever the losses read.
        self._attention = Readout(model.backbone, _layers(model), "probs")
        self._base: list[Look] = []
        self._predicted: dict[tuple[int, float], Tensor] = {}

    def see_base(self) -> None:
        """Look at the model as the base; call it before anything is trained or restored."""
        self._base = self._looks(keep=True)[0]

    def see(self, step: int) -> tuple[dict[str, float], Verdict]:
        """Look at the adapter after so many steps; return what is logged, and the verdict."""
        own, moved = self._looks(keep=False)
        told = {f"heldout/{name}": value for name, value in _means(own).items()}
        told |= {f"heldout/base/{name}": value for name, value in _means(self._base).items() if _is_of_attention(name)}
        base_losses, own_losses = _losses(self._base), _losses(own)
        found = judge(step, base_losses, own_losses, sum(moved) / len(moved))
        for name, change in found.times.items():
            told[f"heldout/denoising/t{name}"] = sum(own_losses[float(name)]) / found.clips
            told[f"heldout/change/t{name}"] = change.mean
        return {**told, "heldout/change": found.overall.mean, "heldout/moved": found.moved}, found

    @torch.no_grad()
    def _looks(self, *, keep: bool) -> tuple[list[Look], list[float]]:
        """Look at each clip at each timestep, every process at its own; return all looks, and how far predictions moved."""
        process, processes = self._accelerator.process_index, self._accelerator.num_processes
        looks, moved = [], []
        self._model.eval()
        for place, index in enumerate(self._batches.held):
            if place % processes != process:
                continue
            item = self._batches.cached(index)
            for time in self._config.timesteps:
                terms, predicted = self._terms(item, time)
                looks.append(Look(clip=place, time=time, terms=terms))
                if keep and place < COMPARED:
                    self._predicted[index, time] = predicted
                elif (index, time) in self._predicted:
                    before = self._predicted[index, time].float()
                    moved.append(float((predicted.float() - before).norm() / before.norm().clamp_min(1e-12)))
        self._model.train()
        # Sorted, so that means do not depend on the number of processes.
        together = sorted(gather_object(looks), key=lambda look: (look.clip, look.time))
        return together, gather_object(moved)

    def _terms(self, item: CachedClip, time: float) -> tuple[dict[str, float], Tensor]:
        model = self._model
        batch = self._batches.fixed(item, time).to(self._accelerator.device, getattr(torch, model.config.model.dtype))
        with self._attention.recording():
            output = model(batch)
            shape = batch.clean.shape
            grid = model.backbone.grid((shape[2], shape[3], shape[4]))
            coarse = item.tensors["coarse"].to(batch.clean.device)
            attention: dict[str, float] = {}
            for kind, layers in self._attention.layers.items():
                for layer in layers:
                    maps_RFHW = self._attention.maps(kind, layer, batch.weights, grid)[0]
                    attention |= _on_masks(f"{kind.value}/{layer}", kind, maps_RFHW, coarse, batch)
        # A clip without a role of a loss, or at a timestep outside of its band, has no value of it.
        return {**numbers(output["terms"]), **attention}, output["predicted"].to("cpu", torch.float16)


def _layers(model: AlignedModel) -> dict[MapKind, tuple[int, ...]]:
    """Return the aligned layers; where nothing is aligned, those of them that the model has, for it may be any model's config."""
    backbone = model.backbone
    named: dict[MapKind, tuple[int, ...]] = {kind: getattr(model.config.layers, kind.value) for kind in MapKind}
    if model.weights:
        return named
    return {
        kind: tuple(item for item in found if item < backbone.layers) for kind, found in named.items() if kind in backbone.kinds
    }


def _on_masks(name: str, kind: MapKind, maps_RFHW: Tensor, coarse_RFHW: Tensor, batch: Batch) -> dict[str, float]:
    """Return AAS and lift of a layer's maps, the mean over the roles that have what the kind of map is read by."""
    needs_text = kind in HEADS["sga"]
    rows = [entry.slot for entry in batch.entries if (entry.has_text if needs_text else entry.has_cells)]
    rows = [row for row in rows if coarse_RFHW[row].any()]
    if not rows:
        return {}
    maps, masks = maps_RFHW[rows].double().flatten(1), coarse_RFHW[rows].double().flatten(1)
    inside = (maps * masks).sum(dim=1)
    lift = inside / maps.sum(dim=1).clamp_min(1e-30) / masks.mean(dim=1)
    return {f"aas/{name}": float(inside.mean()), f"lift/{name}": float(lift.mean())}


def _is_of_attention(name: str) -> bool:
    return name.startswith(("aas/", "lift/"))


def _means(looks: list[Look]) -> dict[str, float]:
    """Return the mean of each term over clips and timesteps that have it."""
    return {name: value for name, value in mean([look.terms for look in looks]).items() if name != "loss"}


def _losses(looks: list[Look]) -> dict[float, list[float]]:
    """Return the denoising losses by timestep, the clips in order."""
    found: dict[float, list[float]] = {}
    for look in looks:
        found.setdefault(look.time, []).append(look.terms["denoising"])
    return found


def write_verdict(out: Path, found: Verdict) -> None:
    """Write a run's verdict."""
    write_atomically(out / NAME, json.dumps(found.to_json(), indent=1) + "\n")


def read_verdict(out: Path, step: int) -> Verdict | None:
    """Return a run's verdict after so many steps, None where it has none. Raises ConfigError for a damaged file."""
    path = out / NAME
    if not path.is_file():
        return None
    try:
        found = Verdict.from_line(read_text(path), where=str(path))
    except RecordError as error:
        raise ConfigError(f"{error}; delete the file") from None
    return found if found.step == step else None


def told_of(found: Verdict | None) -> dict[str, Any] | None:
    """Return a verdict as JSON with its word."""
    return None if found is None else {"word": found.overall.word.split()[0], **found.to_json(), "line": found.line()}
