"""The scorer of `tests/real`, on tracks and labels made by hand: it runs without the real videos."""

import json

import numpy as np
import pytest

from intergeneval.masks import track_of
from intergeneval.records import Sighting, Tracks, TrackState
from tests.real.scoring import emergences, figures, lies_on, looks, pooled, read_labels, reliability, text_of

SIZE = (60, 80)


def block(left, top, wide=20, high=20):
    mask = np.zeros(SIZE, dtype=bool)
    mask[top : top + high, left : left + wide] = True
    return mask


NOTHING = np.zeros(SIZE, dtype=bool)


def label(*states):
    frames = [
        {"frame": at, "state": state, "box": [10, 10, 30, 30] if state == "visible" else None, "sure": True}
        for at, state in enumerate(states)
    ]
    return {"model": "m", "sample": "s", "instances": [{"id": "id1", "frames": frames}], "emergence": []}


def tracks(masks, states, confidence):
    track = track_of("id1", masks, states, confidence)
    return Tracks(sample_id="s", seed=0, tracker="x", size=SIZE, tracks=(track,))


def test_a_mask_is_on_it_where_its_box_fits_and_most_of_it_lies_inside():
    assert lies_on(block(12, 12), [10, 10, 30, 30])
    assert not lies_on(block(30, 10), [10, 10, 30, 30])
    assert not lies_on(NOTHING, [10, 10, 30, 30])
    # The box fits, and the mask lies along its rim outside.
    rim = block(5, 5, 30, 30) & ~block(10, 10)
    assert not lies_on(rim, [9, 9, 31, 31])


def test_right_wrong_and_needlessly_lost_are_counted_apart():
    visible, lost, hidden = TrackState.VISIBLE, TrackState.LOST, TrackState.OCCLUDED
    found = tracks(
        [block(10, 10), block(50, 30), NOTHING, NOTHING, block(10, 10), NOTHING],
        [visible, visible, lost, hidden, visible, hidden],
        [1.0, 0.9, 0.0, 0.0, 0.6, 0.0],
    )
    given = looks(label("visible", "visible", "visible", "visible", "gone", "hidden"), found)
    told = figures(given)
    assert (told.visible, told.right, told.called_visible, told.wrong, told.lost) == (4, 1, 3, 2, 1)
    assert told.states == {"hidden": (1, 2, 1), "left": (0, 0, 0), "gone": (0, 0, 1)}
    assert pooled(told.states, told.states)["hidden"] == (2, 4, 2)
    assert "right" in text_of("x", given)


def test_an_instance_without_a_track_is_lost_throughout():
    found = Tracks(sample_id="s", seed=0, tracker="x", size=SIZE, tracks=())
    assert figures(looks(label("visible", "gone"), found)).lost == 1


def test_calibration_is_the_mean_gap_of_confidence_and_truth_over_what_is_called_visible():
    visible = [TrackState.VISIBLE] * 4
    found = tracks([block(10, 10), block(50, 30), block(10, 10), block(10, 10)], visible, [0.95, 0.95, 0.55, 1.0])
    rows, error = reliability(looks(label(*["visible"] * 4), found))
    # Bin .9 to 1: mean .967, two of three right; bin .5 to .6: .55, right.
    assert error == pytest.approx(3 / 4 * (0.9667 - 2 / 3) + 1 / 4 * 0.45, abs=1e-3)
    assert [row[2] for row in rows] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 3]


def test_a_sighting_is_right_where_it_shares_time_and_place_with_something_that_emerged():
    emerged = {**label("visible"), "emergence": [{"seen": [10, 20], "boxes": [{"frame": 10, "box": [10, 10, 30, 30]}]}]}

    def sighting(frame, left):
        box = (left, 12.0, left + 15.0, 28.0)
        return Sighting(instance_id="id1", class_="dog", frames=(frame, frame + 5), boxes=(box, box), confidence=0.6)

    assert emergences(emerged, (sighting(15, 12.0),)) == (1, 1, 1)
    assert emergences(emerged, (sighting(30, 12.0), sighting(15, 50.0))) == (0, 2, 0)


def test_labels_are_read_by_model_and_sample(tmp_path):
    (tmp_path / "labels.jsonl").write_text(json.dumps(label("visible")) + "\n\n")
    assert list(read_labels(tmp_path / "labels.jsonl")) == [("m", "s")]
