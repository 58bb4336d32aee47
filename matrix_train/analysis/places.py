"""The matrix of words and places: how much more than elsewhere attention has to do with a role's words, and where.

A role's words may be attended where its instance stood and not where it is, or by the other one of the interaction; no score on
its own mask sees that. Only latent frames after the first count, in which standing and being differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from matrix_train.analysis.maps import MapStore
from matrix_train.analysis.roles import Slot, on_grid
from matrix_train.backbones import MapKind
from matrix_train.targets import Masks

PLACES = ("subject stood", "subject is", "object stood", "object is", "others are", "ground")
"""Columns of the matrix: cells of the two in the first frame and now, of everybody else now, and of nobody ever."""
OWN = {"sub": PLACES[:2], "obj": PLACES[2:4]}
"""Role -> the places of its own instance."""
RIVAL = {"sub": PLACES[2:4], "obj": PLACES[:2]}
"""Role -> the places of the other one."""


def places(store: MapStore, slots: Sequence[Slot], tracks: Mapping[str, Masks], stride: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lift of each place by step, and by head over the mean of all steps.

    `tracks` are masks (frames, H, W) by instance. Columns: interaction, role, kind, layer, step and timestep, or head; ``place``;
    ``lift``, the mean of the map in the place's cells over its mean in all cells of the frames after the first; ``cells``, how
    many the place has. A place without cells has no row, nor has an interaction of which one side has no track.
    """
    if store.grid.frames < 2:
        return pd.DataFrame(), pd.DataFrame()
    steps: list[pd.DataFrame] = []
    heads: list[pd.DataFrame] = []
    for row, slot in enumerate(slots):
        regions = _regions(slot, tracks, store, stride)
        if regions is None:
            continue
        for kind in store.kinds:
            if not (slot.has_cells if kind is MapKind.V2V else slot.tokens):
                continue
            named = {"interaction": slot.interaction, "role": slot.role, "kind": kind.value}
            maps_LSN = torch.stack([store.layer_maps(kind, layer)[:, row] for layer in range(store.layers(kind))])
            steps.append(_table(_lift(maps_LSN, regions, store.grid.frames), regions, named, "step", store.timesteps))
            by_head = store.head_mean(kind)
            if by_head is not None:
                heads.append(_table(_lift(by_head[:, :, row], regions, store.grid.frames), regions, named, "head", None))
    return _joined(steps), _joined(heads)


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _regions(slot: Slot, tracks: Mapping[str, Masks], store: MapStore, stride: int) -> dict[str, npt.NDArray[np.bool_]] | None:
    """Return the cells (F x H x W) of each place, those of the first frame left out; None where one side has no track."""
    if slot.subject is None or slot.object is None or slot.subject not in tracks or slot.object not in tracks:
        return None
    cells = {name: on_grid(masks, store.grid, stride) for name, masks in tracks.items()}
    found: dict[str, npt.NDArray[np.bool_]] = {}
    for side, name in (("subject", slot.subject), ("object", slot.object)):
        stood = np.broadcast_to(cells[name][:1], cells[name].shape)
        found |= {f"{side} stood": stood, f"{side} is": cells[name]}
    others = [item for name, item in cells.items() if name not in (slot.subject, slot.object)]
    found["others are"] = np.any(others, axis=0) if others else np.zeros_like(found["subject is"])
    found["ground"] = ~np.any([*found.values(), *(np.broadcast_to(item[:1], item.shape) for item in others)], axis=0)
    return {name: _later(found[name]) for name in PLACES}


def _later(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return a mask (F, H, W) without its first frame, as (F x H x W)."""
    kept = mask.copy()
    kept[0] = False
    return np.asarray(kept.reshape(-1))


def _lift(maps_LXN: Tensor, regions: Mapping[str, npt.NDArray[np.bool_]], frames: int) -> dict[str, npt.NDArray[np.float64]]:
    """Return the lift (L, X) of each place that has cells; N are the cells of `frames` latent frames, one after another."""
    wide = maps_LXN.double()
    whole = wide[..., wide.shape[-1] // frames :].mean(dim=-1).clamp_min(1e-12)
    return {
        name: (wide[..., torch.from_numpy(mask)].mean(dim=-1) / whole).numpy() for name, mask in regions.items() if mask.any()
    }


def _table(
    lifts: Mapping[str, npt.NDArray[np.float64]],
    regions: Mapping[str, npt.NDArray[np.bool_]],
    named: Mapping[str, Any],
    column: str,
    timesteps: Sequence[float] | None,
) -> pd.DataFrame:
    found = []
    for place, lift_LX in lifts.items():
        layers, count = lift_LX.shape
        table = {**named, "layer": np.repeat(np.arange(layers), count), column: np.tile(np.arange(count), layers)}
        if timesteps is not None:
            table["timestep"] = np.tile(np.asarray(timesteps), layers)
        found.append(pd.DataFrame({**table, "place": place, "lift": lift_LX.reshape(-1), "cells": int(regions[place].sum())}))
    return pd.concat(found, ignore_index=True)


def binding_layers(table: pd.DataFrame) -> pd.DataFrame:
    """Return how well each layer tells the two of an interaction apart by their words, the best first.

    Columns: kind, layer; ``place``, ``stood`` or ``is``, where it does so best; ``log_ratio``, the mean over subject and object
    of log(lift at the own one's place / lift at the other's place), 0 where it cannot tell them apart.
    """
    nouns = table[table["role"].isin(list(OWN))]
    if nouns.empty:
        return pd.DataFrame(columns=["kind", "layer", "place", "log_ratio"])
    means = nouns.groupby(["kind", "layer", "role", "place"])["lift"].mean()
    rows = []
    for kind, layer in sorted({(index[0], index[1]) for index in means.index}):
        best: tuple[float, str] | None = None
        for number, place in enumerate(("stood", "is")):
            ratios = []
            for role, own in OWN.items():
                keys = [(kind, layer, role, name) for name in (own[number], RIVAL[role][number])]
                if all(key in means.index for key in keys):
                    ratios.append(float(np.log(max(means[keys[0]], 1e-6) / max(means[keys[1]], 1e-6))))
            if ratios and (best is None or np.mean(ratios) > best[0]):
                best = float(np.mean(ratios)), place
        if best is not None:
            rows.append({"kind": kind, "layer": int(layer), "place": best[1], "log_ratio": best[0]})
    found = pd.DataFrame(rows, columns=["kind", "layer", "place", "log_ratio"])
    return found.sort_values(["kind", "log_ratio", "layer"], ascending=[True, False, True]).reset_index(drop=True)
