"""The tracker on stills and turned clips, without labels: floors are what it reaches today, the target stands in `invariance`."""

from dataclasses import replace

import pytest

from intergeneval import plugins
from intergeneval.masks import empty
from tests.trackers.invariance import Row, backwards, follow, house_clips, masks_of, meets, still, table, turned

LENGTH = 13
FLOORS = {
    # Target: nothing lost, area within .05, J at least .95; the rest at least .9. Of clips of 13 frames.
    "still: lost": 0,
    "still: area": 0.0,
    "still: J": 1.0,
    "mirrored": 0.85,
    "reversed": 0.75,
    "brighter": 0.85,
    "at 80 % size": 0.60,
    "doubled": 0.90,
}


@pytest.fixture(scope="module")
def tracker():
    return plugins.build("trackers", "flow")


@pytest.fixture(scope="module")
def clips():
    return house_clips(LENGTH, scenes=(0,))


def holds(row):
    floor = FLOORS[row.change]
    return row.value <= floor if row.change in ("still: lost", "still: area") else row.value >= floor


def test_a_picture_that_stands_still_keeps_its_masks(tracker, clips):
    rows = [row for clip in clips for row in still(tracker, clip, LENGTH)]
    assert [row for row in rows if not holds(row)] == []


def test_turned_clips_have_the_tracks_of_the_clip(tracker, clips):
    rows = [row for clip in clips[1:] for row in turned(tracker, clip)]
    assert {row.change for row in rows} == set(FLOORS) - {"still: lost", "still: area", "still: J"}
    assert [row for row in rows if not holds(row)] == []


class Flickering:
    """A tracker that shows its masks in every other frame only."""

    def __init__(self, real):
        self._real = real

    def track(self, request):
        found = self._real.track(request)
        dark = [
            replace(track, masks=tuple(empty(found.size) if at % 2 else one for at, one in enumerate(track.masks)))
            for track in found.tracks
        ]
        return replace(found, tracks=tuple(dark))


def test_a_tracker_that_flickers_does_not_pass(tracker, clips):
    clip = clips[-1]
    forward = masks_of(follow(tracker, clip.frames, clip.masks))
    assert backwards(Flickering(tracker), clip, forward).value < FLOORS["reversed"]


def test_the_table_names_every_clip_and_its_targets():
    rows = [Row(clip="one", change="still: J", value=0.9, frames=3), Row(clip="one", change="doubled", value=0.95, frames=6)]
    assert [meets(row) for row in rows] == [False, True]
    told = table(rows).splitlines()
    assert "one" in told[1]
    assert "0.900" in told[1]
    assert told[2].split()[0] == "target"
