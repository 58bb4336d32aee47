import itertools

import cv2
import numpy as np
import pytest

from intergeneval import plugins
from intergeneval.errors import BackendError, ConfigError, MediaError
from intergeneval.masks import decode, iou
from intergeneval.records import Instance, Sample, TrackState, Video, VideoStatus
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.flow import create

SIZE = (120, 180)
FRAMES = 20


def textured(seed, size, low, high, grain=8):
    """Give a smooth random picture of that size (H, W, 3)."""
    small = np.random.default_rng(seed).integers(low, high, (size[0] // grain + 2, size[1] // grain + 2, 3), dtype=np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


GROUND = textured(1, SIZE, 60, 130)
RED = np.clip(textured(2, (30, 30), 0, 60).astype(int) + np.array([170, 20, 20]), 0, 255).astype(np.uint8)
BLUE = np.clip(textured(3, (30, 30), 0, 60).astype(int) + np.array([10, 60, 190]), 0, 255).astype(np.uint8)
WALL = np.clip(textured(4, (90, 40), 0, 50).astype(int) + np.array([200, 180, 20]), 0, 255).astype(np.uint8)


def paste(frame, picture, x, y):
    """Put a picture on the frame with its corner at x, y; return where it lies."""
    mask = np.zeros(frame.shape[:2], dtype=bool)
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + picture.shape[1], SIZE[1]), min(y + picture.shape[0], SIZE[0])
    if x0 < x1 and y0 < y1:
        frame[y0:y1, x0:x1] = picture[y0 - y : y1 - y, x0 - x : x1 - x]
        mask[y0:y1, x0:x1] = True
    return mask


def follow(scenes, size=SIZE):
    """Track scenes of (frame, {id: true mask}); return the tracks."""
    first = {name: mask for name, mask in scenes[0][1].items() if mask.any()}
    instances = tuple(Instance(id=name, class_="box", appearance="a box", colour="red") for name in first)
    request = TrackRequest(
        sample=Sample(id="s", prompt="p", instances=instances, interactions=()),
        video=Video(sample_id="s", seed=3, status=VideoStatus.OK, size=size, frames=len(scenes), fps=8.0),
        masks=first,
        frames=(frame for frame, _ in scenes),
    )
    return plugins.build("trackers", "flow").track(request)


def noisy(frame, seed):
    noise = np.random.default_rng(seed).normal(0, 2, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def scenes_of(draw):
    """Draw each frame: `draw(frame, index)` pastes and returns the true masks."""
    made = []
    for index in range(FRAMES):
        frame = GROUND.copy()
        truth = draw(frame, index)
        made.append((noisy(frame, index), truth))
    return made


def shares(found, scenes, name):
    """Give the IoU per frame where the instance is called visible."""
    track = found.track(name)
    return {
        index: iou(decode(track.masks[index], found.size), truth[name])
        for index, (_, truth) in enumerate(scenes)
        if track.states[index] is TrackState.VISIBLE
    }


@pytest.mark.parametrize("step", [0, 3, 6])
def test_a_moving_thing_is_followed(step):
    scenes = scenes_of(lambda frame, index: {"a": paste(frame, RED, 10 + step * index, 40 + index)})
    got = shares(follow(scenes), scenes, "a")
    assert len(got) == FRAMES
    assert min(got.values()) > 0.7


def test_a_thing_that_jumps_by_more_than_its_size_is_found_again_or_lost_but_never_misplaced():
    scenes = scenes_of(lambda frame, index: {"a": paste(frame, RED, 10 + (47 * index) % 130, 30 + (23 * index) % 50)})
    got = shares(follow(scenes), scenes, "a")
    assert min(got.values()) > 0.5
    assert len(got) > FRAMES / 2


def test_a_thing_behind_another_tracked_one_is_occluded_and_comes_back():
    def draw(frame, index):
        thing = paste(frame, RED, 6 * index, 50)
        wall = paste(frame, WALL, 70, 20)
        return {"a": thing & ~wall, "b": wall}

    scenes = scenes_of(draw)
    found = follow(scenes)
    states = found.track("a").states
    hidden = [index for index, (_, truth) in enumerate(scenes) if not truth["a"].any()]
    assert hidden
    assert {states[index] for index in hidden} == {TrackState.OCCLUDED}
    assert states[-1] is TrackState.VISIBLE
    assert min(shares(found, scenes, "a").values()) >= 0.3


def test_a_thing_that_moves_out_has_left():
    scenes = scenes_of(lambda frame, index: {"a": paste(frame, RED, 90 + 9 * index, 50)})
    states = follow(scenes).track("a").states
    assert states[-1] is TrackState.LEFT
    assert set(states) == {TrackState.VISIBLE, TrackState.LEFT}


def test_a_thing_that_is_gone_from_the_open_has_vanished():
    scenes = scenes_of(lambda frame, index: {"a": paste(frame, RED, 60, 50) if index < 10 else np.zeros(SIZE, dtype=bool)})
    states = follow(scenes).track("a").states
    assert states == (TrackState.VISIBLE,) * 10 + (TrackState.VANISHED,) * 10


@pytest.mark.parametrize("over", [1, 6])
def test_a_thing_that_turns_into_another_is_not_followed_on(over):
    def draw(frame, index):
        share = min(max((index - 8) / over, 0.0), 1.0)
        mixed = (RED * (1 - share) + BLUE * share).astype(np.uint8)
        mask = paste(frame, mixed, 40 + 2 * index, 50)
        return {"a": mask if share <= 0.5 else np.zeros(SIZE, dtype=bool)}

    states = follow(scenes_of(draw)).track("a").states
    assert set(states[15:]) <= {TrackState.LOST, TrackState.VANISHED}
    assert states[7] is TrackState.VISIBLE


def test_a_lookalike_that_stood_there_before_is_not_taken_for_a_thing_that_vanished():
    def draw(frame, index):
        paste(frame, RED, 130, 60)
        return {"a": paste(frame, RED, 30, 40) if index < 8 else np.zeros(SIZE, dtype=bool)}

    states = follow(scenes_of(draw)).track("a").states
    assert TrackState.VISIBLE not in states[9:]


def test_after_a_cut_to_another_scene_nothing_is_visible():
    def draw(frame, index):
        mask = paste(frame, RED, 60, 50)
        if index >= 10:
            frame[:] = textured(9, SIZE, 100, 220)
            mask[:] = False
        return {"a": mask}

    states = follow(scenes_of(draw)).track("a").states
    assert states[9] is TrackState.VISIBLE
    assert TrackState.VISIBLE not in states[10:]


def test_two_runs_give_the_same_tracks_whatever_the_number_of_threads():
    scenes = scenes_of(lambda frame, index: {"a": paste(frame, RED, 5 * index, 50), "b": paste(frame, BLUE, 140 - 5 * index, 45)})
    before = cv2.getNumThreads()
    try:
        results = []
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            results.append(follow(scenes))
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
    assert results[0] == results[1]


def test_frames_are_taken_one_at_a_time():
    held = []

    def frames():
        for index in range(FRAMES):
            frame = GROUND.copy()
            paste(frame, RED, 20 + index, 50)
            held.append(index)
            yield frame

    mask = paste(GROUND.copy(), RED, 20, 50)
    request = TrackRequest(
        sample=Sample(
            id="s",
            prompt="p",
            instances=(Instance(id="a", class_="box", appearance="a box", colour="red"),),
            interactions=(),
        ),
        video=Video(sample_id="s", seed=0, status=VideoStatus.OK, size=SIZE, frames=0, fps=0.0),
        masks={"a": mask},
        frames=itertools.chain(frames(), [np.zeros((5, 5, 3), np.uint8)]),
    )
    with pytest.raises(MediaError, match=r"frame 20: shape \(5, 5, 3\)"):
        create("", {}).track(request)
    assert held == list(range(FRAMES))


def test_a_thing_too_small_to_see_is_lost_from_the_second_frame_on():
    scenes = scenes_of(lambda frame, index: {"a": paste(frame, RED[:3, :3], 60, 50)})
    assert follow(scenes).track("a").states == (TrackState.VISIBLE,) + (TrackState.LOST,) * (FRAMES - 1)


def test_masks_that_cannot_be_started_from_are_refused():
    scenes = [(GROUND, {"a": np.ones((9, 9), dtype=bool)})]
    with pytest.raises(BackendError, match="mask of 'a' is"):
        follow(scenes)
    with pytest.raises(BackendError, match="starts from masks"):
        follow([(GROUND, {})])


def test_an_argument_or_setting_is_a_config_error():
    with pytest.raises(ConfigError, match="takes no argument"):
        create("fast", {})
    with pytest.raises(ConfigError, match="no setting 'speed'"):
        create("", {"speed": 2})
