from dataclasses import replace

import numpy as np
import pytest
from small_tracks import COLOURS, grey, square, tracks

from intergeneval.errors import MediaError
from intergeneval.masks import COLOUR_RGB, track_of
from intergeneval.records import Tracks, TrackState
from intergeneval.videos import annotate, outlined, outlined_frames, overlay_frames


@pytest.mark.parametrize(("height", "width"), [(40, 60), (480, 720), (1080, 1920)])
def test_a_box_lies_exactly_on_its_pixels_in_its_exact_colour(height, width):
    box = (width * 0.25, height * 0.25, width * 0.75, height * 0.75)
    drawn = annotate(grey(height, width), {"id1": box}, COLOURS)
    coloured = (drawn == COLOUR_RGB["red"]).all(axis=2)
    rows, columns = np.flatnonzero(coloured.any(axis=1)), np.flatnonzero(coloured.any(axis=0))
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == tuple(map(round, box))
    assert (drawn[~coloured] == 100).all()  # no smoothing, nothing beside the line
    assert not coloured[height // 2, width // 2]


def test_the_frame_itself_is_left_as_it_was():
    frame = grey()
    annotate(frame, {"id1": (5.0, 5.0, 50.0, 50.0)}, COLOURS, {"id1": square(5, 5)})
    assert (frame == 100).all()


@pytest.mark.parametrize("box", [None, (300.0, 300.0, 400.0, 400.0), (10.0, 10.0, 10.0, 30.0), (-50.0, -50.0, -1.0, -1.0)])
def test_a_box_that_is_not_in_the_picture_is_not_drawn(box):
    assert (annotate(grey(), {"id1": box}, COLOURS) == 100).all()


def test_a_box_over_the_border_is_drawn_along_the_border():
    drawn = annotate(grey(), {"id1": (-20.0, -20.0, 400.0, 400.0)}, COLOURS)
    red = (drawn == COLOUR_RGB["red"]).all(axis=2)
    assert red[0].all()
    assert red[-1].all()
    assert red[:, 0].all()
    assert red[:, -1].all()


def test_a_mask_is_tinted_and_outlined_but_shows_what_lies_below():
    frame = grey()
    frame[:, ::2] = 200
    mask = square(40, 40, 40)
    drawn = annotate(frame, {}, COLOURS, {"id2": mask})
    assert (drawn[~mask] == frame[~mask]).all()
    assert tuple(drawn[40, 60]) == COLOUR_RGB["blue"]
    inner = drawn[50:70, 50:70].astype(int)
    assert (inner[:, ::2] > inner[:, 1::2]).any()
    assert (inner[..., 2] > inner[..., 0]).all()


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        annotate(grey(), {}, COLOURS, {"id1": np.ones((3, 3), dtype=bool)})


def test_an_instance_without_a_colour_is_an_error():
    with pytest.raises(KeyError):
        annotate(grey(), {"id9": (0.0, 0.0, 9.0, 9.0)}, COLOURS)


def test_a_judge_sees_outlines_on_every_sampled_frame_and_no_tint_on_any():
    seen = outlined_frames({2: grey(), 0: grey(), 3: grey()}, tracks(), COLOURS)
    assert list(seen) == [0, 2, 3]
    for index, frame in seen.items():
        assert (frame == COLOUR_RGB["red"]).all(axis=2).any()
        assert (frame == COLOUR_RGB["blue"]).all(axis=2).any() == (index < 3)
        assert tuple(frame[20, 20 + 5 * index]) == (100, 100, 100)
        colours = {(100, 100, 100), COLOUR_RGB["red"], COLOUR_RGB["blue"]}
        assert {tuple(map(int, pixel)) for pixel in np.unique(frame.reshape(-1, 3), axis=0)} <= colours


@pytest.mark.parametrize(("height", "width"), [(40, 60), (480, 720), (1080, 1920)])
def test_an_outline_lies_outside_of_what_it_marks(height, width):
    left, top, right, bottom = round(width * 0.25), round(height * 0.25), round(width * 0.75), round(height * 0.75)
    drawn = outlined(grey(height, width), {"id1": (left, top, right, bottom)}, COLOURS)
    assert (drawn[top:bottom, left:right] == 100).all()
    assert (drawn == COLOUR_RGB["red"]).all(axis=2).any()


def test_the_shape_of_an_instance_is_drawn_around_and_nothing_of_it_is_covered():
    mask = square(40, 40, 40)
    drawn = outlined(grey(), {}, COLOURS, {"id2": mask})
    assert (drawn[mask] == 100).all()
    assert tuple(drawn[39, 60]) == COLOUR_RGB["blue"]


def test_an_outline_is_dashed_where_the_tracker_is_unsure():
    box = (40.0, 40.0, 120.0, 100.0)
    firm, unsure = (
        (outlined(grey(), {"id1": box}, COLOURS, unsure=who) == COLOUR_RGB["red"]).all(axis=2)
        for who in (frozenset(), frozenset({"id1"}))
    )
    assert (unsure <= firm).all()
    assert 0.3 < unsure.sum() / firm.sum() < 0.7


def test_a_frame_beyond_the_tracks_is_refused():
    with pytest.raises(MediaError, match="frame 9 has no entry in the track of id1"):
        outlined_frames({0: grey(), 9: grey()}, tracks(), COLOURS)


def test_tracks_of_another_size_are_refused():
    with pytest.raises(MediaError, match="height, width"):
        outlined_frames({0: grey(64, 64)}, tracks(), COLOURS)


def test_the_overlay_shows_masks_in_all_frames_and_the_state_of_each_instance():
    shown = list(overlay_frames([grey()] * 4, tracks(), COLOURS))
    assert len(shown) == 4
    assert tuple(shown[2][90, 110]) != (100, 100, 100)
    assert tuple(shown[3][82, 102]) == (100, 100, 100)  # vanished: no mask, no box
    legend = (slice(0, 50), slice(0, 120))
    assert (shown[2][legend] != shown[3][legend]).any()  # but its line in the legend says so
    assert (shown[3][legend] == COLOUR_RGB["blue"]).all(axis=2).any()


def test_the_legend_of_the_overlay_names_the_confidence():
    sure = tracks()
    unsure = replace(sure, tracks=tuple(replace(track, confidence=(0.31,) * 4) for track in sure.tracks))
    legends = [next(overlay_frames([grey()], item, COLOURS))[:50, :150] for item in (sure, unsure)]
    assert (legends[0] != legends[1]).any()


@pytest.mark.parametrize(("confidence", "share"), [(0.95, 1.0), (0.8, 0.6), (0.3, 0.6)])
def test_lines_of_a_box_have_gaps_where_confidence_is_low(confidence, share):
    mask = np.zeros((120, 160), dtype=bool)
    mask[20, 20] = mask[99, 139] = True
    track = track_of("id1", [mask], [TrackState.VISIBLE], [confidence])
    drawn = next(overlay_frames([grey()], Tracks(sample_id="s", seed=0, tracker="x", size=(120, 160), tracks=(track,)), COLOURS))
    line = (drawn[99, 30:130] == COLOUR_RGB["red"]).all(axis=1)
    assert line.mean() == 1.0 if share == 1.0 else 0.4 <= line.mean() <= share


def test_a_cross_stands_where_somebody_out_of_sight_was_last_seen():
    shown = list(overlay_frames([grey()] * 4, tracks(), COLOURS))
    assert tuple(shown[3][90, 110]) == COLOUR_RGB["blue"]
