"""How the tensors of a clip lie in its file: half precision, no zeros that can be put back, masks as squeezed bits.

Files of an earlier layout hold them as they are used and are read as before.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from matrix_train.targets import pack, unpack

LAYOUT = "2"
"""Version of what is written now; files that name none are of the first."""
MASKS = ("masks", "coarse", "cells")
"""Tensors of booleans."""
_LARGEST = 65504.0
"""Largest number that half precision holds."""


def stored(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors as they are written, and what a reader must know of them beside."""
    written: dict[str, Tensor] = {}
    cut: dict[str, list[int]] = {}
    shapes: dict[str, list[int]] = {}
    types: dict[str, str] = {}
    for name, item in tensors.items():
        if name in MASKS:
            shapes[name] = list(item.shape)
            squeezed = zlib.compress(pack(item.numpy().astype(np.bool_)).tobytes(), 6)
            written[name] = torch.from_numpy(np.frombuffer(squeezed, dtype=np.uint8).copy())
            continue
        short, whole = _without_zeros(name, item)
        if whole is not None:
            cut[name] = whole
        if item.dtype == torch.float32 and _fits_half(short):
            types[name] = "float32"
            short = short.half()
        written[name] = short
    told: dict[str, Any] = {"cut": cut, "masks": shapes, "types": types}
    return written, {"layout": LAYOUT, "stored": json.dumps(told, sort_keys=True)}


def restored(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """Return tensors as they are used, out of a file of any layout."""
    found = dict(tensors)
    if "layout" not in metadata:
        shape = tuple(json.loads(metadata["mask_shape"]))
        bits = np.unpackbits(found["masks"].numpy(), count=int(np.prod(shape)))
        found["masks"] = torch.from_numpy(bits.reshape(shape))
        return found
    told = json.loads(metadata["stored"])
    for name, kind in told["types"].items():
        found[name] = found[name].to(getattr(torch, kind))
    for name, shape in told["cut"].items():
        whole = found[name].new_zeros(shape)
        whole[tuple(slice(0, size) for size in found[name].shape)] = found[name]
        found[name] = whole
    for name, shape in told["masks"].items():
        found[name] = torch.from_numpy(_mask(found[name].numpy(), tuple(shape)))
    return found


def _mask(squeezed: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    # As many bytes as the shape says and no more, whatever the file holds.
    wanted = (math.prod(shape) + 7) // 8
    bits = zlib.decompressobj().decompress(squeezed.tobytes(), wanted + 1)
    return unpack(np.frombuffer(bits, dtype=np.uint8), shape).astype(np.uint8)


def _without_zeros(name: str, item: Tensor) -> tuple[Tensor, list[int] | None]:
    """Return a condition without the zeros at its end, along frames or text tokens, and its whole shape where any were cut."""
    if not name.startswith("condition/") or item.ndim < 2 or not item.is_floating_point():
        return item, None
    axis = 0 if item.ndim == 2 else 1
    used = torch.nonzero(item.transpose(0, axis).flatten(1).any(dim=1))
    kept = int(used[-1]) + 1 if len(used) else 1
    return (item, None) if kept == item.shape[axis] else (item.narrow(axis, 0, kept).contiguous(), list(item.shape))


def _fits_half(item: Tensor) -> bool:
    return bool(torch.isfinite(item).all()) and float(item.abs().max() if item.numel() else 0.0) <= _LARGEST
