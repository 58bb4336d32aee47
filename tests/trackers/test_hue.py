"""The tracker ``hue``: who is who among plain figures, two of them of one hue, and what it refuses."""

import cv2
import numpy as np
import pytest

from intergeneval.errors import BackendError, ConfigError, MediaError
from intergeneval.masks import decode, iou
from intergeneval.records import Instance, Sample, TrackState, Video, VideoStatus
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.hue import create

SIZE = (60, 80)
RED, BLUE, GREY = (214, 40, 44), (44, 76, 210), (215, 215, 215)


def painted(*figures, blur=0.0, backdrop=GREY):
    """A frame, and the mask of each (colour, row, column) that is a disc 11 pixels wide; later ones lie in front."""
    frame = np.full((*SIZE, 3), backdrop, np.uint8)
    ids = np.zeros(SIZE, np.uint8)
    for number, (colour, row, column) in enumerate(figures, start=1):
        cv2.circle(frame, (column, row), 5, colour, -1)
        cv2.circle(ids, (column, row), 5, number, -1)
    if blur:
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), blur), np.uint8)
    return frame, [ids == number + 1 for number in range(len(figures))]


def request_of(shots, masks=None, frames=None):
    masks = shots[0][1] if masks is None else masks
    names = [f"id{number}" for number in range(1, len(masks) + 1)]
    return TrackRequest(
        sample=Sample(
            id="s",
            prompt="p",
            instances=tuple(Instance(id=name, class_="disc", appearance="disc", colour="red") for name in names),
            interactions=(),
        ),
        video=Video(sample_id="s", seed=0, status=VideoStatus.OK, size=SIZE, frames=len(shots), fps=4.0),
        masks=dict(zip(names, masks, strict=True)),
        frames=iter(frames if frames is not None else [frame for frame, _ in shots]),
    )


def agreement(shots, tracks):
    """The least overlap of any mask with the true one."""
    pairs = [
        (decode(track.masks[index], SIZE), masks[number])
        for index, (_, masks) in enumerate(shots)
        for number, track in enumerate(tracks.tracks)
    ]
    return min(iou(found, true) for found, true in pairs)


def test_two_of_one_hue_keep_their_names_while_one_comes_to_the_other_and_touches_it():
    shots = [painted((RED, 30, 12 + 5 * step), (RED, 30, 58), (BLUE, 10, 40)) for step in range(8)]
    tracks = create("", {}).track(request_of(shots))
    assert agreement(shots, tracks) > 0.75
    assert all(state is TrackState.VISIBLE for track in tracks.tracks for state in track.states)


def test_a_blurred_video_is_followed_as_well():
    shots = [painted((RED, 30, 12 + 6 * step), (BLUE, 30, 66), blur=1.5 if step else 0.0) for step in range(7)]
    assert agreement(shots, create("", {}).track(request_of(shots))) > 0.7


def test_the_one_that_vanishes_is_named_and_the_other_of_its_hue_is_not_cut_in_two():
    here, gone = painted((RED, 15, 15), (RED, 45, 60)), painted((RED, 45, 60))
    tracks = create("", {}).track(request_of([here, gone, gone]))
    first, second = tracks.tracks
    assert first.states[1:] == (TrackState.VANISHED, TrackState.VANISHED)
    assert first.areas[1] == 0
    assert second.areas[1] == second.areas[0]


def test_a_copy_that_appears_far_away_is_not_taken_for_the_one_that_stayed():
    still, doubled = painted((RED, 15, 15)), painted((RED, 15, 15), (RED, 45, 65))
    (track,) = create("", {}).track(request_of([still, doubled])).tracks
    assert track.boxes[1] == track.boxes[0]


def test_pictures_that_it_is_not_made_for_are_refused_rather_than_followed():
    frame, masks = painted((RED, 30, 20), (BLUE, 30, 60))
    mixed = frame.copy()
    mixed[28:32, 15:26] = (250, 250, 30)
    cases = [
        ([(frame, masks)], [masks[0], np.zeros(SIZE, bool)], None, BackendError, "is empty"),
        ([(frame, masks)], [masks[0][:, :40]], None, BackendError, "the video"),
        ([(frame, masks)], [], None, BackendError, "no instance has"),
        ([(mixed, masks)], None, None, BackendError, "of several colours"),
        ([painted((GREY, 30, 20))], None, None, BackendError, "backdrop's colour"),
        ([(frame, masks)], None, [frame[:, :40]], MediaError, "frame 0"),
    ]
    for shots, given, frames, kind, told in cases:
        with pytest.raises(kind, match=told):
            create("", {}).track(request_of(shots, given, frames))


def test_it_takes_neither_argument_nor_settings():
    with pytest.raises(ConfigError, match="no argument"):
        create("x", {})
    with pytest.raises(ConfigError, match="no setting 'speed'"):
        create("", {"speed": 1})


def test_a_small_figure_whose_edges_are_mixed_with_the_backdrop_is_of_one_colour_all_the_same():
    """As a model makes them: half of the pixels of a disc of eleven lie at its rim."""
    shots = [painted((RED, 30, 20 + step), blur=2.0) for step in range(3)]
    tracks = create("", {}).track(request_of(shots))
    assert all(area > 0 for area in tracks.tracks[0].areas)
