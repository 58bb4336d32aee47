import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from encoded_clips import pattern
from small_tracks import COLOURS, grey, tracks

from intergeneval.errors import MediaError
from intergeneval.videos import Reader, encode_jpeg, write_overlay, write_video


def test_a_jpeg_is_rgb_and_close_to_the_frame():
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[:] = (200, 60, 20)
    read = cv2.imdecode(np.frombuffer(encode_jpeg(frame), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(read.astype(int) - frame).max() < 6
    assert encode_jpeg(frame) == encode_jpeg(frame.copy())


def test_a_lower_quality_takes_fewer_bytes():
    frame = next(pattern(1, (120, 160)))
    assert len(encode_jpeg(frame, quality=50)) < len(encode_jpeg(frame, quality=90)) < len(encode_jpeg(frame, quality=100))


@pytest.mark.parametrize("frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_frame_is_not_written_as_jpeg(frame):
    with pytest.raises(ValueError, match="RGB uint8"):
        encode_jpeg(frame)


def test_a_written_video_comes_back_with_its_frames_rate_and_colours(tmp_path):
    frames = list(pattern(12))
    frames[5][:, :48] = (230, 25, 45)
    assert write_video(tmp_path / "new" / "v.mp4", frames, 12.5) == 12
    reader = Reader(tmp_path / "new" / "v.mp4")
    read = list(reader)
    assert reader.fps == pytest.approx(12.5)
    assert reader.size == (64, 96)
    assert (
        max(np.abs(a.astype(int) - b).mean() for a, b in zip(read, frames, strict=True)) < 12
    )  # noise loses chroma; frames differ by 14
    assert np.abs(read[5][20:40, 10:30].astype(int) - (230, 25, 45)).mean() < 6
    assert reader.notes == ()


def test_other_readers_see_the_same_colours(tmp_path):
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[:] = (30, 170, 60)
    write_video(tmp_path / "v.mp4", [frame] * 3, 8)
    read = cv2.VideoCapture(str(tmp_path / "v.mp4")).read()[1][..., ::-1]
    assert np.abs(read.astype(int) - frame).max() < 6


def test_odd_sides_are_lengthened_by_one_repeated_line(tmp_path):
    write_video(tmp_path / "v.mp4", pattern(3, (181, 321)), 8)
    reader = Reader(tmp_path / "v.mp4")
    frames = list(reader)
    assert reader.size == (182, 322)
    assert np.abs(frames[0][-1].astype(int) - frames[0][-2]).mean() < 8


def test_equal_frames_give_equal_bytes(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, pattern(20, (120, 160)), 8)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("size", [(96, 144), (120, 176), (270, 480)])
def test_equal_frames_give_equal_bytes_whatever_memory_held_before(tmp_path, size):
    # An encoder that reads what it never wrote is found by filling fresh memory with something else in each process (glibc).
    smooth = cv2.GaussianBlur(next(pattern(1, size)), (0, 0), 2.5)
    frames = np.stack([np.roll(smooth, (place % 5 == 0, place % 3), axis=(0, 1)) for place in range(17)])
    np.save(tmp_path / "frames.npy", frames)
    code = (
        "import sys, numpy; from pathlib import Path; from intergeneval.videos import write_video;"
        "write_video(Path(sys.argv[2]), iter(numpy.load(sys.argv[1])), 8)"
    )
    written = set()
    for fill in ("0", "1", "50", "170"):
        out = tmp_path / f"{fill}.mp4"
        given = [sys.executable, "-c", code, str(tmp_path / "frames.npy"), str(out)]
        subprocess.run(given, check=True, env={**os.environ, "MALLOC_PERTURB_": fill})
        written.add(out.read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize("fps", [8, 23.976, 24000 / 1001, 0.5, 120])
def test_frame_rates_survive(tmp_path, fps):
    write_video(tmp_path / "v.mp4", pattern(6), fps)
    assert Reader(tmp_path / "v.mp4").fps == pytest.approx(fps, rel=1e-3)


def test_a_failure_on_the_way_leaves_no_file_and_keeps_the_old_one(tmp_path):
    target = tmp_path / "v.mp4"
    target.write_bytes(b"old")

    def broken():
        yield from pattern(3)
        raise KeyError("the source failed")

    with pytest.raises(KeyError):
        write_video(target, broken(), 8)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_frames_of_different_sizes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="frame 2"):
        write_video(tmp_path / "v.mp4", [*pattern(2), *pattern(1, (32, 32))], 8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_frame_rate_that_is_none_is_refused(tmp_path, fps):
    with pytest.raises(ValueError, match="frames per second"):
        write_video(tmp_path / "v.mp4", pattern(2), fps)


def test_no_frames_make_no_video(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"):
        write_video(tmp_path / "v.mp4", [], 8)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MediaError, match="cannot be written"):
        write_video(tmp_path / "file" / "v.mp4", pattern(2), 8)


def test_the_overlay_video_has_every_frame(tmp_path):
    assert write_overlay(tmp_path / "o.mp4", [grey()] * 4, tracks(), COLOURS, 8) == 4
    assert Reader(tmp_path / "o.mp4").frames == 4
