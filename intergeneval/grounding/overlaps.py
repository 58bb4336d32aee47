"""Masks that lie wholly under one another: each instance needs pixels of its own to be followed by."""

from __future__ import annotations

from collections.abc import Mapping

from intergeneval.masks import Mask, area


def apart(masks: Mapping[str, Mask]) -> tuple[dict[str, Mask], dict[str, str]]:
    """Return the masks (H, W) so that none lies wholly inside another, and why some had to go, by name.

    The smaller of two nested ones stands in front, so its pixels leave the larger one. A mask that is left without a pixel
    shows the same thing as the other; an empty one shows nothing.
    """
    kept: dict[str, Mask] = {}
    gone: dict[str, str] = {}
    for name in sorted(masks, key=lambda name: area(masks[name])):
        mask = masks[name]
        if not mask.any():
            gone[name] = "the segmenter found nothing in its box"
            continue
        for other, smaller in kept.items():
            if (smaller <= mask).all():
                mask = mask & ~smaller
                if not mask.any():
                    gone[name] = f"its mask is that of {other}"
                    break
        else:
            kept[name] = mask
    return {name: kept[name] for name in masks if name in kept}, gone
