"""Boxes to masks without learned weights."""

import numpy as np

from intergeneval.masks import iou
from intergeneval.trackers import Segments
from intergeneval.trackers.flow import create
from tests.build.workshop import BOXES, SIZE, picture


def test_a_thing_is_cut_out_of_a_loose_box_and_the_same_way_each_time():
    tracker = create("", {})
    assert isinstance(tracker, Segments)
    x0, y0, x1, y1 = BOXES["man"]
    thing = np.zeros(SIZE, dtype=bool)
    thing[y0:y1, x0:x1] = True
    masks = tracker.segment(picture(), {"loose": (x0 - 8, y0 - 8, x1 + 8, y1 + 8), "outside": (200, 10, 240, 30)})
    assert iou(masks["loose"], thing) > 0.9
    assert not masks["outside"].any()
    assert (tracker.segment(picture(), {"loose": (x0 - 8, y0 - 8, x1 + 8, y1 + 8)})["loose"] == masks["loose"]).all()


def test_a_box_that_fills_the_picture_is_taken_whole():
    height, width = SIZE
    assert create("", {}).segment(picture(), {"all": (0, 0, width, height)})["all"].all()
