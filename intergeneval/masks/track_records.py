"""Stored Tracks records of any tool, for both packages: the forms that their run lengths may have, held against boxes and areas.

Run lengths say nothing of the order they were counted in: counted row by row, or of the transposed mask, they fill the frame as
well and show something else. Boxes and areas of the same record tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from intergeneval.errors import MediaError
from intergeneval.masks import Mask, area, box, decode, encode
from intergeneval.records import Box, Track, Tracks

SLACK = 2.0
"""Pixels by which an edge of a box may be beside the mask's: one for an inclusive end, one for rounding."""
SLACK_SHARE = 0.1
"""The same as a share of the box's side: a detector's box, of which a segmenter made the mask, is not tight."""


def tracks_of(value: Mapping[str, Any], where: str) -> Tracks:
    """Return the Tracks record of a JSON object; `where` names it in messages.

    Beside the ASCII code a mask may be uncompressed run lengths, or either in an object with its ``size``, as ``pycocotools``
    writes it; all count column by column. Raises RecordError for another shape, and MediaError for a mask of another size.
    """
    size, found = value.get("size"), value.get("tracks")
    if not isinstance(found, list):
        return Tracks.from_json(value, where=where)
    tracks = []
    for item in found:
        if isinstance(item, dict) and isinstance(item.get("masks"), list):
            named = f"{where}: instance {item.get('instance_id')!r}"
            coded = [_counts(mask, size, f"{named}, frame {at}") for at, mask in enumerate(item["masks"])]
            tracks.append({**item, "masks": coded})
        else:
            tracks.append(item)
    return Tracks.from_json({**value, "tracks": tracks}, where=where)


def _counts(mask: Any, size: Any, where: str) -> Any:
    """Return the ASCII code of a mask in one of its other forms; anything else as it is, for the record to refuse."""
    if isinstance(mask, dict) and set(mask) == {"size", "counts"}:
        if mask["size"] != size:
            problem = f"its mask has size {mask['size']}, the record {size} (height, width)"
            turned = isinstance(size, list) and mask["size"] == size[::-1]
            raise MediaError(f"{where}: {problem}" + ("; it seems to be the transposed mask" if turned else ""))
        mask = mask["counts"]
    if not isinstance(mask, list) or not all(isinstance(run, int) and not isinstance(run, bool) and run >= 0 for run in mask):
        return mask
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        return mask
    if sum(mask) != size[0] * size[1]:
        raise MediaError(f"{where}: run lengths cover {sum(mask)} pixels, the size {size[0]}x{size[1]} has {size[0] * size[1]}")
    inside = np.arange(len(mask)) % 2 == 1
    return encode(np.repeat(inside, mask).reshape(size[1], size[0]).T)


_FIX = "write the masks anew, or None for every box and 0 for every area where those are wrong"


def checked_masks(track: Track, tracks: Tracks, where: str, *, fix: str = _FIX) -> Iterator[Mask]:
    """Give the masks (H, W) of a track, each once it was held against the box and the area beside it.

    A box may end inclusively or be x, y, width, height; a track whose boxes are all None, or whose areas are all 0, states none.
    Raises MediaError naming instance, frame and both numbers, and what to do: `fix`, in the words of the file's format.
    """
    stated = any(track.areas)
    for index, counts in enumerate(track.masks):
        named = f"{where}: instance {track.instance_id!r}, frame {index}"
        try:
            mask = decode(counts, tracks.size)
        except ValueError as error:
            raise MediaError(f"{named}: {error}") from None
        edges = track.boxes[index] if index < len(track.boxes) else None
        pixels = track.areas[index] if stated and index < len(track.areas) else None
        problem = _contradiction(mask, edges, pixels)
        if problem:
            reason = _reason(mask, edges, index, track, tracks)
            raise MediaError(f"{named}: {problem}; {reason or fix}")
        yield mask


def row_by_row(mask: Mask) -> Mask:
    """Return the mask (H, W) that the run lengths of this one show where they were counted row by row."""
    return np.ascontiguousarray(mask.T).reshape(mask.shape)


def _contradiction(mask: Mask, edges: Box | None, pixels: int | None) -> str:
    """Return what box and area say against a mask; empty for nothing."""
    found = box(mask)
    if edges is not None and found is None:
        return f"the mask is empty, its box says {_shown(edges)}"
    if edges is not None and found is not None and not _fits(found, edges):
        return f"the mask lies in {_shown(found)}, its box says {_shown(edges)}"
    if pixels is None:
        return ""
    count = area(mask)
    # An area may be that of a contour through the outer pixels, which loses half of them all round.
    outline = 0.0 if found is None else found[2] - found[0] + found[3] - found[1]
    wrong = count > 0 if pixels == 0 else abs(count - pixels) > outline
    return f"the mask has {count} pixels, its area says {pixels}" if wrong else ""


def _fits(found: Box, edges: Box) -> bool:
    """Whether a box is that of a mask, as corners with either end or as corner and size."""
    as_size = (edges[0], edges[1], edges[0] + edges[2], edges[1] + edges[3])
    return any(_near(found, stated) for stated in (edges, as_size))


def _near(found: Box, stated: Box) -> bool:
    sides = (stated[2] - stated[0], stated[3] - stated[1]) * 2
    return all(abs(one - other) <= max(SLACK, SLACK_SHARE * side) for one, other, side in zip(found, stated, sides, strict=True))


def _reason(mask: Mask, edges: Box | None, index: int, track: Track, tracks: Tracks) -> str:
    """Return what most likely went wrong, where that can be told from the boxes."""
    by_row, found = box(row_by_row(mask)), box(mask)
    if edges is None or by_row is None or found is None:
        return ""
    if _fits(by_row, edges):
        return "counted row by row they fit: COCO's run lengths go down the columns, so encode the mask itself, not its transpose"
    if max(edges) <= 1:
        return "boxes are in pixels, not in shares of the frame"
    if _fits(found, (edges[1], edges[0], edges[3], edges[2])):
        return "a box is x0, y0, x1, y1, and this one begins with y"
    others = (item for item in tracks.tracks if item is not track and _fits_at(found, item.boxes, index))
    frames = (near for near in (index - 1, index + 1) if _fits_at(found, track.boxes, near))
    told = [f"the mask fits the box of {item.instance_id!r}: the instances seem to be exchanged" for item in others]
    told += [f"the mask fits the box of frame {near}: one of the two is a frame off" for near in frames]
    return told[0] if told else ""


def _fits_at(found: Box, boxes: Sequence[Box | None], index: int) -> bool:
    edges = boxes[index] if 0 <= index < len(boxes) else None
    return edges is not None and _fits(found, edges)


def _shown(edges: Box) -> str:
    return "(" + ", ".join(f"{edge:g}" for edge in edges) + ")"
