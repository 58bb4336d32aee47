"""Shot cuts: found where another shot begins, and nowhere else."""

import cv2
import numpy as np
import pytest

from intergeneval import bench
from intergeneval.videos.cuts import CutWatch
from tests.videos.encoded_clips import encode, frames_of


@pytest.fixture(scope="module")
def clips():
    """All frames of the two real clips."""
    root = bench.folder_of("clips")
    return {name: frames_of(root / "videos" / f"{name}.mp4") for name in ("coffee", "juggle")}


def cuts(frames):
    watch = CutWatch()
    for frame in frames:
        watch.see(frame)
    return watch.cuts


def clipped(values):
    return np.clip(values, 0, 255).astype(np.uint8)


def exploding(frames):
    rows, columns = np.mgrid[: frames[0].shape[0], : frames[0].shape[1]]
    found = list(frames)
    for step, radius in enumerate((60, 180, 320, 400, 340, 240, 120)):
        glow = np.clip(1.3 - np.hypot(rows - 220, columns - 360) / radius, 0, 1)[..., None]
        found[20 + step] = clipped(found[20 + step] * (1 - glow) + np.array([255, 200, 80]) * glow)
    return found


UNCUT = {
    "as it is": lambda frames: frames,
    "backwards": lambda frames: frames[::-1],
    "every fourth frame": lambda frames: frames[::4],
    "a white flash": lambda frames: [*frames[:20], np.full_like(frames[0], 255), *frames[21:]],
    "two glaring frames": lambda frames: [*frames[:20], *(clipped(frames[at] * 3.0 + 90) for at in (20, 21)), *frames[22:]],
    "two black frames": lambda frames: [*frames[:20], *[np.zeros_like(frames[0])] * 2, *frames[22:]],
    "the light goes down": lambda frames: [*frames[:20], *(clipped(frame * 0.4) for frame in frames[20:])],
    "an explosion": exploding,
    "a fast pan": lambda frames: [np.roll(frame, min(max(at - 20, 0), 6) * 110, axis=1) for at, frame in enumerate(frames)],
    "a shaking camera": lambda frames: [
        np.roll(frame, (int(25 * np.sin(3 * at)), int(55 * np.cos(2 * at))), (0, 1)) for at, frame in enumerate(frames)
    ],
}


@pytest.mark.parametrize("change", UNCUT.values(), ids=UNCUT.keys())
def test_light_motion_and_flashes_are_no_cuts(clips, change):
    assert {name: cuts(change(frames)) for name, frames in clips.items()} == {"coffee": (), "juggle": ()}


@pytest.mark.parametrize("at", [1, 24, 48])
def test_a_hard_cut_is_found_at_its_frame(clips, at):
    for one, other in ((clips["coffee"], clips["juggle"]), (clips["juggle"], clips["coffee"])):
        assert cuts([*one[:at], *other[at:]]) == (at,)


def test_a_hard_cut_is_found_under_strong_compression(clips, tmp_path):
    mixed = [*clips["coffee"][:24], *clips["juggle"][24:]]
    assert cuts(frames_of(encode(tmp_path / "x.mp4", mixed, codec="libx264", crf=40))) == (24,)


def test_a_cut_through_black_is_found_where_the_other_shot_begins(clips):
    black = [np.zeros_like(clips["coffee"][0])] * 3
    assert cuts([*clips["coffee"][:22], *black, *clips["juggle"][25:]]) == (25,)


def test_every_cut_of_several_is_found(clips):
    one, other = clips["coffee"], clips["juggle"]
    assert cuts([*one[:12], *other[12:30], *one[30:]]) == (12, 30)


def test_frames_of_any_shape_and_plain_ones_are_seen_through():
    assert cuts([np.full((9, 300, 3), level, dtype=np.uint8) for level in (0, 255, 0, 255)]) == ()
    assert cuts([cv2.resize(np.eye(8, dtype=np.uint8)[..., None].repeat(3, 2) * 200, (40, 400))] * 4) == ()
