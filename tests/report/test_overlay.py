import re

import cv2
import numpy as np
import pytest

from intergeneval import masks
from intergeneval.errors import RecordError
from intergeneval.records import Instance, Interaction, Sample, Track, Tracks, TrackState
from intergeneval.report.overlay import overlay_of, spans

SIZE = (120, 160)
SAMPLE = Sample(
    id="a",
    prompt="",
    instances=(
        Instance(id="id1", class_="man", appearance="man", colour="red"),
        Instance(id="id2", class_="box", appearance="box", colour="blue"),
    ),
    interactions=(Interaction(subject="id1", verb="pushes", object="id2"),),
)


def drawn(path):
    """Draw an SVG path of M, l, h, v and z, holes by the even-odd rule, and return the mask."""
    rings = []
    for ring in path.split("z")[:-1]:
        numbers = [int(text) for text in re.findall(r"-?\d+", ring)]
        if "h" in ring:
            numbers = [*numbers[:2], 1, 0, 0, 1, -1, 0]
        rings.append(np.cumsum(np.array(numbers).reshape(-1, 2), axis=0))
    canvas = np.zeros(SIZE, dtype=np.uint8)
    cv2.fillPoly(canvas, [ring.astype(np.int32) for ring in rings], 1)
    return canvas.astype(bool)


def tracks_of(*pictures, states=None):
    made = [
        masks.track_of(f"id{number}", frames, states or [TrackState.VISIBLE] * len(frames), [1.0] * len(frames))
        for number, frames in enumerate(pictures, 1)
    ]
    return Tracks(sample_id="a", seed=0, tracker="stored", size=SIZE, tracks=tuple(made))


def disc(x, y, radius):
    ys, xs = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    return (xs - x) ** 2 + (ys - y) ** 2 <= radius**2


def test_a_simplified_outline_stays_within_a_pixel_of_the_mask():
    ring = disc(80, 60, 40) & ~disc(85, 62, 15)
    blob = disc(150, 100, 20) | disc(2, 2, 9)
    for mask in (ring, blob):
        [lane] = overlay_of(tracks_of([mask]), [0], SAMPLE).lanes
        again = drawn(lane.outlines[0])
        far = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)[again & ~mask]
        deep = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)[mask & ~again]
        assert far.max(initial=0) <= 1.5
        assert deep.max(initial=0) <= 1.5
        assert len(lane.outlines[0]) < 700


def test_an_empty_mask_has_no_outline_and_a_speck_has_one():
    speck = np.zeros(SIZE, dtype=bool)
    speck[5, 7] = True
    [lane] = overlay_of(tracks_of([np.zeros(SIZE, dtype=bool), speck]), [0, 1], SAMPLE).lanes
    assert lane.outlines[0] == ""
    assert lane.outlines[1] == "M7 5h1v1h-1z"


def test_contact_is_found_when_masks_come_within_the_reach_and_not_before():
    one = disc(40, 60, 20)
    frames = [disc(40 + 40 + gap, 60, 20) for gap in (10, 3, 2, 1, -5)]
    overlay = overlay_of(tracks_of([one] * 5, frames), range(5), SAMPLE)
    assert overlay.touch_px == 1
    assert [touch.frames for touch in overlay.touches] == [(3, 4)]


def test_no_contact_is_claimed_where_one_of_the_two_is_gone():
    gone = [np.zeros(SIZE, dtype=bool)]
    assert overlay_of(tracks_of([disc(40, 60, 20)], gone), [0], SAMPLE).touches[0].frames == ()


def test_states_become_runs():
    states = [TrackState.VISIBLE, TrackState.VISIBLE, TrackState.VANISHED, TrackState.VISIBLE]
    assert spans(states) == (("visible", 0, 2), ("vanished", 2, 3), ("visible", 3, 4))


def test_a_damaged_mask_is_named_with_sample_instance_and_frame():
    track = Track(
        instance_id="id1",
        masks=("garbage!",),
        boxes=((0.0, 0.0, 9.0, 9.0),),
        areas=(1,),
        confidence=(1.0,),
        states=(TrackState.VISIBLE,),
    )
    broken = Tracks(sample_id="a", seed=0, tracker="stored", size=SIZE, tracks=(track,))
    with pytest.raises(RecordError, match="tracks of a, seed 0, instance id1, frame 0"):
        overlay_of(broken, [0], SAMPLE)
