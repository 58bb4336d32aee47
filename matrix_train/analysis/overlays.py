"""Attention laid over the frames of a video: heat for the map, an outline for the mask it is scored against."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from intergeneval.ids import canonical_json
from intergeneval.records.disk import growing
from intergeneval.videos import Frame
from matrix_train.analysis.maps import MapStore
from matrix_train.analysis.roles import Slot, on_grid
from matrix_train.targets import Masks, resize

HEIGHTS = (160, 256)
"""Least and largest height of a drawn frame, pixels: smaller ones are enlarged by a whole factor, larger ones reduced."""
HEAT = np.array([255, 48, 24])
"""Colour of attention, RGB."""


def keep_means(path: Path, store: MapStore, slots: Sequence[Slot], tracks: Mapping[str, Masks], stride: int) -> None:
    """Keep the step means of a video's maps, in half precision, and the masks they are scored against."""
    shape = (store.grid.frames, store.grid.height, store.grid.width)
    tensors = {}
    for kind in store.kinds:
        means_LRN = (store.step_mean(kind) * store.factor).to(torch.float16)
        tensors[kind.value] = means_LRN.reshape(*means_LRN.shape[:2], *shape).contiguous()
    targets = [
        np.zeros(shape, np.bool_) if (found := slot.masks(tracks)) is None else on_grid(found, store.grid, stride)
        for slot in slots
    ]
    tensors["targets"] = torch.from_numpy(np.stack(targets).astype(np.uint8))
    with growing(path) as partial:
        save_file(tensors, str(partial), {"slots": canonical_json([slot.to_json() for slot in slots])})


def strip(frames: Sequence[tuple[int, Frame]], total: int, map_FHW: npt.NDArray[np.float32], target_FHW: Masks) -> Frame:
    """Return the frames (index, picture) side by side with a map laid over them, from its least to its largest value.

    `total` is the number of frames of the video; the outline is the mask's, on the token grid.
    """
    low, high = float(map_FHW.min()), float(map_FHW.max())
    share = (map_FHW - low) / max(high - low, 1e-12)
    drawn = []
    for index, frame in frames:
        latent = 0 if index == 0 else 1 + (index - 1) * (len(share) - 1) // max(1, total - 1)
        plain = _drawable(frame)
        height, width = plain.shape[:2]
        alpha = 0.75 * cv2.resize(share[latent], (width, height), interpolation=cv2.INTER_NEAREST)[..., None]
        picture = np.ascontiguousarray(plain * (1 - alpha) + HEAT * alpha, dtype=np.uint8)
        outline = resize(target_FHW[latent], (height, width)).astype(np.uint8)
        contours, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, (0, 0, 0), 3)
        cv2.drawContours(picture, contours, -1, (255, 255, 255), 1)
        drawn.append(picture)
        drawn.append(np.full((picture.shape[0], 4, 3), 128, dtype=np.uint8))
    return np.concatenate(drawn[:-1], axis=1)


def _drawable(frame: Frame) -> Frame:
    least, largest = HEIGHTS
    height, width = frame.shape[:2]
    if height > largest:
        small = cv2.resize(frame, (round(width * largest / height), largest), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)
    factor = max(1, -(-least // height))
    return np.repeat(np.repeat(frame, factor, axis=0), factor, axis=1)


def read_means(path: Path, kind: str, layer: int) -> tuple[npt.NDArray[np.float32], Masks] | None:
    """Return the maps (R, F, H, W) of one layer and the masks of the roles; None where they were not kept."""
    if not path.is_file():
        return None
    with safe_open(str(path), framework="pt") as stream:
        if kind not in stream.keys():  # noqa: SIM118  # not a mapping
            return None
        means = stream.get_slice(kind)[layer].float().numpy()
        return means, stream.get_tensor("targets").numpy().astype(np.bool_)


def read_slots(path: Path) -> tuple[Slot, ...]:
    """Return the roles that kept maps belong to."""
    with safe_open(str(path), framework="pt") as stream:
        stored = json.loads((stream.metadata() or {})["slots"])
    return tuple(Slot.from_json(item, where=str(path)) for item in stored)
