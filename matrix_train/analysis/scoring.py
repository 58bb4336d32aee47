"""The attention alignment score, how much attention lies on the mask: sum over (f, h, w) of map x mask (protocol, section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from matrix_train.analysis.maps import MapStore
from matrix_train.analysis.places import places
from matrix_train.analysis.roles import Slot, on_grid
from matrix_train.backbones import MapKind
from matrix_train.targets import Masks

LOST_LIMIT = 0.2
"""Share of lost frames above which an instance's masks say too little, as for SPI (protocol, section 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredVideo:
    """The scores of one video as tables."""

    steps: pd.DataFrame
    """One row for each interaction, role, kind, layer and step."""
    heads: pd.DataFrame
    """One row for each interaction, role, kind, layer and head, over the mean of all steps; empty where heads were not kept."""
    places: pd.DataFrame
    """The matrix of words and places by step; `matrix_train.analysis.places` says what its columns are."""
    head_places: pd.DataFrame
    """The same by head; empty where heads were not kept."""
    notes: tuple[str, ...]
    """What is left out, one sentence each."""


def score(
    store: MapStore, slots: Sequence[Slot], tracks: Mapping[str, Masks], lost: Mapping[str, float], stride: int
) -> ScoredVideo:
    """Score the maps of one video against its mask tracks.

    `tracks` are masks (frames, H, W) by instance, cut as the video is; `lost` the share of frames in which the tracker gave up.
    Columns: ``aas``, the attention on the mask; ``total``, on all video tokens; ``tokens``, their number; ``area``, the share of
    them that the mask covers. A role whose words or first-frame tokens are missing has no row of the kind that needs them.
    """
    steps: list[pd.DataFrame] = []
    heads: list[pd.DataFrame] = []
    notes = []
    for row, slot in enumerate(slots):
        masks = slot.masks(tracks)
        involved = {"sub": (slot.subject,), "obj": (slot.object,), "verb": (slot.subject, slot.object)}[slot.role]
        gone = max((lost.get(name, 0.0) for name in involved if name is not None), default=0.0)
        if masks is None or gone > LOST_LIMIT:
            why = "has no track" if masks is None else f"was lost in {gone:.0%} of the frames"
            notes.append(f"interaction {slot.interaction}: {slot.role} {why} and is not scored")
            continue
        target = on_grid(masks, store.grid, stride).reshape(-1)
        facts = {"interaction": slot.interaction, "role": slot.role, "tokens": store.grid.tokens, "area": float(target.mean())}
        for kind in store.kinds:
            if not (slot.has_cells if kind is MapKind.V2V else slot.tokens):
                continue
            named = {**facts, "kind": kind.value}
            steps.append(_steps(store, kind, row, target, named))
            heads.append(_heads(store, kind, row, target, named))
    followed = {name: masks for name, masks in tracks.items() if lost.get(name, 0.0) <= LOST_LIMIT}
    by_step, by_head = places(store, slots, followed, stride)
    return ScoredVideo(
        steps=_joined(steps),
        heads=_joined([item for item in heads if len(item)]),
        places=by_step,
        head_places=by_head,
        notes=tuple(notes),
    )


def _steps(store: MapStore, kind: MapKind, row: int, target: npt.NDArray[np.bool_], named: Mapping[str, Any]) -> pd.DataFrame:
    mask = torch.from_numpy(target.copy()).to(torch.float64)
    layers = range(store.layers(kind))
    aas_LS = torch.stack([store.layer_maps(kind, layer)[:, row].double() @ mask for layer in layers]).numpy()
    total_LS = store.totals(kind)[:, :, row].T
    steps = len(store.timesteps)
    return pd.DataFrame(
        {
            **named,
            "layer": np.repeat(np.arange(len(aas_LS)), steps),
            "step": np.tile(np.arange(steps), len(aas_LS)),
            "timestep": np.tile(np.asarray(store.timesteps), len(aas_LS)),
            "aas": aas_LS.reshape(-1),
            "total": total_LS.reshape(-1),
        }
    )


def _heads(store: MapStore, kind: MapKind, row: int, target: npt.NDArray[np.bool_], named: Mapping[str, Any]) -> pd.DataFrame:
    """Scores are linear in the map, so the score of a head's mean map is the mean of its scores over steps."""
    maps_LHRN = store.head_mean(kind)
    if maps_LHRN is None:
        return pd.DataFrame()
    maps_LHN = maps_LHRN[:, :, row].double()
    aas_LH = (maps_LHN @ torch.from_numpy(target.copy()).to(torch.float64)).numpy()
    layers, count = aas_LH.shape
    return pd.DataFrame(
        {
            **named,
            "layer": np.repeat(np.arange(layers), count),
            "head": np.tile(np.arange(count), layers),
            "aas": aas_LH.reshape(-1),
            "total": maps_LHN.sum(dim=-1).numpy().reshape(-1),
        }
    )


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
