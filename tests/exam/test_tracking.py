"""Region overlap and boundary F of tracks."""

import numpy as np
import pytest

from intergeneval.exam.tracking import boundary, overlap
from intergeneval.masks import track_of
from intergeneval.records import Tracks, TrackState

SIZE = (120, 180)


def box(x, width=30):
    mask = np.zeros(SIZE, dtype=bool)
    mask[30:80, x : x + width] = True
    return mask


def tracks(*masks, states=None):
    states = states or [TrackState.VISIBLE if mask.any() else TrackState.VANISHED for mask in masks]
    return Tracks(
        sample_id="s", seed=0, tracker="t", size=SIZE, tracks=(track_of("id1", masks, states, [1.0] * len(masks)),), fps=8.0
    )


def test_equal_tracks_fit_exactly():
    found = overlap(tracks(box(10), box(20)), tracks(box(10), box(20)), (0, 1))
    assert (found.region, found.boundary, found.lost) == (1.0, 1.0, 0.0)


def test_a_shift_within_the_tolerance_costs_region_but_no_boundary():
    found = overlap(tracks(box(11)), tracks(box(10)), (0,))
    assert found.region == pytest.approx(29 / 31)
    assert found.boundary == 1.0
    assert boundary(box(25), box(10)) < 0.7


def test_a_lost_instance_fits_nothing_and_is_counted():
    empty = np.zeros(SIZE, dtype=bool)
    found = overlap(tracks(box(10), empty, states=[TrackState.VISIBLE, TrackState.LOST]), tracks(box(10), box(20)), (0, 1))
    assert (found.region, found.boundary, found.lost) == (0.5, 0.5, 0.5)


def test_frames_in_which_both_are_empty_say_nothing_and_a_false_mask_does():
    empty = np.zeros(SIZE, dtype=bool)
    assert overlap(tracks(empty), tracks(empty), (0,)).region is None
    assert overlap(tracks(box(10)), tracks(empty), (0,)).region == 0.0
