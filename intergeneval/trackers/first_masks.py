"""Stored tracks held against the masks that a benchmark gives of the first frame: whose tracks they are shows there."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import cv2
import numpy as np

from intergeneval.errors import MediaError
from intergeneval.masks import Mask, iou
from intergeneval.masks.track_records import row_by_row

ALIKE = 0.5
"""Agreement from which two masks are of one thing, whoever drew them; below it a note says how far apart they are."""
FOREIGN = 0.2
"""Agreement below which they are not, and nothing scored with them would mean anything."""
_SLACK = 0.005


def first_frame_notes(
    masks: Mapping[str, Mask], given: Mapping[str, Mask], where: str, lost: Collection[str] = (), *, sure: bool = False
) -> tuple[str, ...]:
    """Return notes on masks (H, W) of a first frame that differ from the ones `given` of it, by instance id.

    Raises MediaError where they are exchanged between instances, counted in another order, of something else, or empty. The last
    two are only noted where it is `sure` that they are tracks of this video, which may begin otherwise than the benchmark. An
    instance in `lost` has an empty mask that its tracker makes no statement with, so that is a note too. One of which none is
    given is left to the rule of states.
    """
    empty = [name for name in given if name in masks and not masks[name].any()]
    notes = [_empty(name, given[name], where, lost=name in lost, sure=sure) for name in empty]
    notes = [note for note in notes if note]
    shared = [name for name in given if name in masks and masks[name].any() and given[name].any()]
    for name in shared:
        found = agreement(masks[name], given[name])
        if found >= ALIKE:
            continue
        told = f"first frame: the stored mask of {name!r} and the benchmark's agree by {found:.2f}"
        other = next((one for one in shared if one != name and agreement(masks[name], given[one]) >= ALIKE), None)
        if other is not None:
            raise MediaError(
                f"{where}: {told}; it is the mask of {other!r}, so instances are exchanged: give each track its own instance_id"
            )
        if agreement(row_by_row(masks[name]), given[name]) >= ALIKE:
            raise MediaError(
                f"{where}: {told}; counted row by row it fits: COCO's run lengths go down the columns, write them so"
            )
        if found < FOREIGN and not sure:
            raise MediaError(
                f"{where}: {told} (IoU, a few pixels forgiven): they show another thing; take the tracks of this video, and "
                "where its first frame is not the benchmark's, give the model masks of its own"
            )
        notes.append(told)
    return tuple(notes)


def _empty(name: str, given: Mask, where: str, *, lost: bool, sure: bool) -> str:
    """Return the note on an empty first mask; empty where the one that is given is, too."""
    if not given.any():
        return ""
    told = f"first frame: the stored mask of {name!r} is empty, the benchmark's has {np.count_nonzero(given)} pixels"
    if lost:
        return f"{told}; its state is lost"
    if sure:
        return told
    raise MediaError(
        f"{where}: {told}; take the tracks of this video from its first frame on, say 'lost' where a tracker lost it, and where "
        "the video's first frame is not the benchmark's, give the model masks of its own"
    )


def agreement(first: Mask, second: Mask) -> float:
    """Return the IoU of two masks (H, W), each widened by half a percent of the diagonal, so that small ones may differ a bit."""
    width = max(1, round(_SLACK * math.hypot(*first.shape)))
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    wide = [np.asarray(cv2.dilate(mask.astype(np.uint8), brush) > 0) for mask in (first, second)]
    return iou(*wide)
