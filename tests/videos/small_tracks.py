"""Two square instances on grey frames, as tracks."""

import numpy as np

from intergeneval.masks import track_of
from intergeneval.records import Tracks, TrackState

COLOURS = {"id1": "red", "id2": "blue"}


def grey(height=120, width=160):
    return np.full((height, width, 3), 100, np.uint8)


def square(top, left, side=20, size=(120, 160)):
    mask = np.zeros(size, dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def tracks(count=4, size=(120, 160)):
    """id1 moves right; id2 stands still and vanishes in the last frame."""
    visible = [TrackState.VISIBLE] * count
    nothing = np.zeros(size, dtype=bool)
    first = track_of("id1", [square(10, 10 + 5 * index) for index in range(count)], visible, [1.0] * count)
    second = track_of(
        "id2", [*[square(80, 100)] * (count - 1), nothing], [*visible[1:], TrackState.VANISHED], [1.0] * (count - 1) + [0.0]
    )
    return Tracks(sample_id="s", seed=0, tracker="stored", size=size, tracks=(first, second))
