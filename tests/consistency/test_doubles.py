"""Doubles without a detector, and diagnostics of tracks that grow, swallow, or come back somewhere else."""

import cv2
import numpy as np
import pytest

from intergeneval import bench, consistency, staged
from intergeneval.consistency.diagnostics import regained_elsewhere
from intergeneval.masks import track_of
from intergeneval.records import Instance, Sample, Tracks, TrackState, Video, VideoStatus
from tests.videos.encoded_clips import frames_of

SAMPLED = (0, *range(5, 46, 5), 48)
SIZE = (120, 200)


def assess(sample, tracks, frames, *, found=None, cuts=()):
    video = Video(
        sample_id=sample.id, seed=0, status=VideoStatus.OK, size=tracks.size, frames=49, fps=8.0, sampled=SAMPLED, cuts=cuts
    )
    return consistency.assess(sample, video, tracks, found, {at: frames[at] for at in SAMPLED})


def play(policy, index):
    """Sample, true tracks, frames and truth of a staged video of the development split."""
    scene = staged.scene(staged.DEVELOPMENT_SEED, index)
    frames, truth = staged.Performance(scene, staged.Request(policy=policy)).record(keep_frames=True)
    return scene.sample(), truth.visible, frames, truth


@pytest.mark.parametrize("index", [1, 37, 73, 109])
def test_a_double_is_seen_in_frames_that_have_one(index):
    sample, tracks, frames, truth = play("duplicate", index)
    (sighting,) = assess(sample, tracks, frames).sightings
    emerged = {frame for frame, there in zip(truth.frames[1:], truth.emergence, strict=True) if there}
    assert set(sighting.frames) <= emerged
    assert len(sighting.frames) >= len(emerged) - 2
    assert sighting.class_ == next(item.class_ for item in sample.instances if item.id == sighting.instance_id)
    assert 0.5 <= sighting.confidence <= 1


@pytest.mark.parametrize("policy", ["perfect", "vanishes", "identity-swap", "drift", "limbs", "fused", "wrong-agent"])
def test_no_double_is_seen_where_there_is_none(policy):
    for index in (31, 92):
        sample, tracks, frames, _ = play(policy, index)
        assert assess(sample, tracks, frames).sightings == ()


def test_real_clips_and_their_first_frames_have_no_double():
    root, clips = bench.folder_of("clips"), bench.load("clips")
    for sample in clips.samples:
        frames = frames_of(root / "videos" / f"{sample.id}.mp4")
        given = bench.load_masks(clips, sample)
        visible = [TrackState.VISIBLE] * 49
        standing = tuple(track_of(name, [mask] * 49, visible, [1.0] * 49) for name, mask in given.items())
        tracks = Tracks(sample_id=sample.id, seed=0, tracker="x", size=frames[0].shape[:2], tracks=standing)
        assert assess(sample, tracks, [frames[0]] * 49).sightings == ()
        assert assess(sample, tracks, frames).sightings == ()


def test_a_double_says_nothing_of_emergence_and_is_left_out_where_a_detector_looked():
    sample, tracks, frames, truth = play("duplicate", 1)
    told = assess(sample, tracks, frames)
    assert told.emergence is None
    assert "emergence" not in told.assessors
    assert assess(sample, tracks, frames, found=truth.detections).sightings == ()


def test_what_comes_after_a_cut_is_no_double():
    sample, tracks, frames, _ = play("duplicate", 1)
    assert assess(sample, tracks, frames, cuts=(15,)).sightings == ()


GROUND = cv2.resize(np.random.default_rng(1).integers(90, 130, (15, 25, 3), dtype=np.uint8), SIZE[::-1])


def scene_of(*, apart):
    """Frames with a red and a blue square that meet at frame 20, and their true masks; `apart` is how far the blue one goes."""
    frames, red, blue = [], [], []
    for at in range(49):
        frame = GROUND.copy()
        masks = [np.zeros(SIZE, dtype=bool) for _ in range(2)]
        left = 120 - min(at, 20) * apart // 20
        masks[0][40:90, 20:70] = True
        masks[1][50:80, left : left + 30] = True
        masks[0] &= ~masks[1]
        frame[masks[0]] = (200, 30, 30)
        frame[masks[1]] = (30, 40, 200)
        frames.append(frame)
        red.append(masks[0])
        blue.append(masks[1])
    return frames, red, blue


def tracks_of(red, blue, states=None):
    visible = [TrackState.VISIBLE] * 49
    both = (track_of("a", red, visible, [1.0] * 49), track_of("b", blue, states or visible, [1.0] * 49))
    return Tracks(sample_id="s", seed=0, tracker="x", size=SIZE, tracks=both)


PAIR = Sample(
    id="s",
    prompt="p",
    instances=tuple(Instance(id=name, class_="block", appearance=name, colour="red") for name in ("a", "b")),
    interactions=(),
)
NOTHING = np.zeros(SIZE, dtype=bool)


def test_a_held_thing_in_its_holders_mask_is_swallowed_and_one_that_is_hidden_is_not():
    frames, red, blue = scene_of(apart=75)
    lost = [TrackState.VISIBLE] * 20 + [TrackState.OCCLUDED] * 29
    whole = [one | other if at >= 20 else one for at, (one, other) in enumerate(zip(red, blue, strict=True))]
    gone = [mask if at < 20 else NOTHING for at, mask in enumerate(blue)]
    _, told = assess(PAIR, tracks_of(whole, gone, lost), frames).diagnostics
    assert told.swallowed == tuple(frame for frame in SAMPLED if frame >= 20)
    assert told.swallowed_by == "a"
    covered = [frame.copy() for frame in frames]
    for at in range(20, 49):
        covered[at][whole[at]] = (200, 30, 30)
    assert assess(PAIR, tracks_of(whole, gone, lost), covered).diagnostics[1].swallowed == ()


def test_a_mask_that_grows_slowly_over_the_ground_is_seen_though_it_never_jumps():
    frames, red, blue = scene_of(apart=0)
    grown = [mask.copy() for mask in red]
    for at, mask in enumerate(grown):
        mask[40 - at // 2 : 90, 20 - at // 3 : 70] = True
    told, other = assess(PAIR, tracks_of(grown, blue), frames).diagnostics
    assert told.area_jumps == ()
    assert told.growth > 1.8
    assert told.spill > 0.4
    assert other.growth == 1.0
    assert other.spill == 0.0


@pytest.mark.parametrize(("shift", "elsewhere"), [(0, ()), (30, ()), (140, (25,))])
def test_who_comes_back_far_from_where_it_was_lost_came_back_elsewhere(shift, elsewhere):
    masks = []
    for at in range(49):
        mask = np.zeros(SIZE, dtype=bool)
        left = 10 + (shift if at >= 25 else 0)
        if not 20 <= at < 25:
            mask[40:70, left : left + 30] = True
        masks.append(mask)
    states = [TrackState.LOST if 20 <= at < 25 else TrackState.VISIBLE for at in range(49)]
    assert regained_elsewhere(track_of("a", masks, states, [1.0] * 49)) == elsewhere


def test_tracks_of_another_size_than_the_frames_are_not_looked_at():
    frames, red, blue = scene_of(apart=0)
    small = [cv2.resize(frame, (100, 60)) for frame in frames]
    told = assess(PAIR, tracks_of(red, blue), small)
    assert told.sightings == ()
    assert told.diagnostics[0].spill is None
