"""Mask tracks to grids: nearest neighbour always, never blended; pure functions on arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Masks = npt.NDArray[np.bool_]
"""Masks of one instance, shape (frames, H, W)."""
Window = tuple[int, int, int, int]
"""Top, left, height and width of the part of the source that is kept, in pixels."""


def _picks(start: int, length: int, wanted: int) -> npt.NDArray[np.int64]:
    """Return the source line under the middle of each wanted line."""
    return start + np.floor((np.arange(wanted) + 0.5) * length / wanted).astype(np.int64)


def resize(masks: Masks, size: tuple[int, int], window: Window | None = None) -> Masks:
    """Cut a window out of masks (..., H, W) and bring it to `size` (height, width) by nearest neighbour."""
    top, left, height, width = window or (0, 0, masks.shape[-2], masks.shape[-1])
    rows, columns = _picks(top, height, size[0]), _picks(left, width, size[1])
    return np.ascontiguousarray(masks[..., rows[:, None], columns[None, :]])


def on_tokens(masks: Masks, size: tuple[int, int], window: Window | None = None) -> Masks:
    """Bring masks (F, H, W) to a token grid of `size` by nearest neighbour, without losing what is thin.

    On a coarse grid an instance may pass between the middles of all tokens of a frame; then it has every token that it touches.
    """
    found = resize(masks, size, window)
    top, left, height, width = window or (0, 0, *masks.shape[1:])
    kept = masks[:, top : top + height, left : left + width]
    lost = kept.any(axis=(1, 2)) & ~found.any(axis=(1, 2))
    rows, columns = (np.arange(wanted) * length // wanted for wanted, length in zip(size, kept.shape[1:], strict=True))
    found[lost] = np.logical_or.reduceat(np.logical_or.reduceat(kept[lost], rows, axis=1), columns, axis=2)
    return found


def latent_frames(frames: int, stride: int) -> npt.NDArray[np.int64]:
    """Return the video frame that stands for each latent frame: the first alone, then the middle of each group of `stride`."""
    latents = 1 + (frames - 1) // stride
    later = np.arange(1, latents) * stride - (stride - 1) // 2
    return np.concatenate([np.zeros(1, dtype=np.int64), later.astype(np.int64)])


def pack(masks: Masks) -> npt.NDArray[np.uint8]:
    """Pack masks to eight voxels a byte, flat."""
    return np.packbits(masks.reshape(-1))


def unpack(packed: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> Masks:
    """Undo `pack`. Raises ValueError when the bytes do not belong to that shape."""
    count = int(np.prod(shape))
    if packed.size != (count + 7) // 8:
        raise ValueError(f"{packed.size} bytes do not hold masks of shape {shape}")
    return np.unpackbits(packed, count=count).astype(np.bool_).reshape(shape)


def of_role(role: str, subject: Masks | None, target: Masks | None) -> Masks | None:
    """Return the mask a role is compared with: its instance's, and for the verb the union of both. None where there is none."""
    if role != "verb":
        return subject if role == "sub" else target
    if subject is None or target is None:
        return subject if target is None else target
    return subject | target
