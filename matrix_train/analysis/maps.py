"""The maps of one video, kept until its masks are known: half precision, every layer, step and role."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from intergeneval.errors import MediaError
from intergeneval.records.disk import growing
from matrix_train.backbones import Grid, MapKind


class MapStore:
    """Grows by one step at a time. Shapes: S steps, L layers, R roles, heads, N video tokens."""

    def __init__(self, *, roles: int, grid: Grid) -> None:
        self.roles, self.grid = roles, grid
        self.timesteps: list[float] = []
        self._maps: dict[MapKind, list[Tensor]] = {}
        self._totals: dict[MapKind, list[Tensor]] = {}
        self._heads: dict[tuple[MapKind, int], Tensor] = {}
        self._step: dict[tuple[MapKind, int], Tensor] = {}

    @property
    def factor(self) -> float:
        """Power of two that stored values are multiplied by.

        A mean entry is about one over the number of tokens, which half precision would hold with few digits or none.
        """
        return float(2 ** min(15, max(0, (self.grid.tokens - 1).bit_length())))

    @property
    def kinds(self) -> tuple[MapKind, ...]:
        """Kinds of map that were recorded."""
        return tuple(self._maps)

    def put(self, kind: MapKind, layer: int, maps_HRN: Tensor, *, heads: bool) -> None:
        """Take one layer's maps of the step that is under way; `heads` also adds them up head by head."""
        self._step[kind, layer] = maps_HRN.mean(dim=0)
        if heads and (kind, layer) in self._heads:
            self._heads[kind, layer] += maps_HRN
        elif heads:
            self._heads[kind, layer] = maps_HRN.clone()

    def close_step(self, timestep: float | Tensor) -> None:
        """End the step: its maps are rounded and leave the device."""
        self.timesteps.append(float(timestep))
        for kind in dict.fromkeys(kind for kind, _ in self._step):
            layers_LRN = torch.stack([self._step[key] for key in sorted(key for key in self._step if key[0] is kind)])
            self._maps.setdefault(kind, []).append((layers_LRN * self.factor).to(torch.float16).cpu())
            self._totals.setdefault(kind, []).append(layers_LRN.sum(dim=-1, dtype=torch.float64).cpu())
        self._step.clear()

    def layer_maps(self, kind: MapKind, layer: int) -> Tensor:
        """Return the maps of one layer, (S, R, N), fp32."""
        return torch.stack([step[layer] for step in self._maps[kind]]).float() / self.factor

    def layers(self, kind: MapKind) -> int:
        """Return the number of layers of a kind."""
        return len(self._maps[kind][0])

    def totals(self, kind: MapKind) -> npt.NDArray[np.float64]:
        """Return the sum of each map over all video tokens before it was rounded, (S, L, R)."""
        return torch.stack(self._totals[kind]).numpy()

    def step_mean(self, kind: MapKind) -> Tensor:
        """Return the mean over steps, (L, R, N), fp32."""
        return torch.stack([self.layer_maps(kind, layer).mean(dim=0) for layer in range(self.layers(kind))])

    def head_mean(self, kind: MapKind) -> Tensor | None:
        """Return each head's mean over steps, (L, heads, R, N), fp32; None where heads were not kept."""
        if (kind, 0) not in self._heads:
            return None
        sums = torch.stack([self._heads[kind, layer].float().cpu() for layer in range(self.layers(kind))])
        return sums / len(self.timesteps)

    def save(self, path: Path, note: Mapping[str, object]) -> None:
        """Write the store; `note` is kept beside it as JSON. A torn file never takes the name."""
        tensors = {f"maps/{kind.value}": torch.stack(steps) for kind, steps in self._maps.items()}
        tensors |= {f"totals/{kind.value}": torch.stack(steps) for kind, steps in self._totals.items()}
        tensors |= {f"heads/{kind.value}/{layer}": item.cpu() for (kind, layer), item in self._heads.items()}
        grid = [self.grid.frames, self.grid.height, self.grid.width]
        stated = {"timesteps": self.timesteps, "grid": grid, "roles": self.roles, "note": dict(note)}
        with growing(path) as partial:
            save_file({name: item.contiguous() for name, item in tensors.items()}, str(partial), {"store": json.dumps(stated)})

    @classmethod
    def load(cls, path: Path) -> tuple[MapStore, dict[str, object]]:
        """Read a store and its note. Raises MediaError for a damaged file."""
        try:
            with safe_open(str(path), framework="pt") as stream:
                stated = json.loads((stream.metadata() or {})["store"])
                tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  # not a mapping
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise MediaError(f"{path}: is damaged ({error}); delete it, and its video is sampled again") from None
        frames, height, width = stated["grid"]
        store = cls(roles=stated["roles"], grid=Grid(frames=frames, height=height, width=width))
        store.timesteps = [float(item) for item in stated["timesteps"]]
        for name, item in tensors.items():
            what, kind, *layer = name.split("/")
            if what == "heads":
                store._heads[MapKind(kind), int(layer[0])] = item
            else:
                (store._maps if what == "maps" else store._totals)[MapKind(kind)] = list(item)
        return store, stated["note"]
