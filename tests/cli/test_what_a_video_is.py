"""What `run` says of videos that are not what the benchmark takes them for, and how it ends: cuts, stills, other pictures."""

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench, errors, videos
from intergeneval.cli import main
from intergeneval.masks import track_of
from intergeneval.records import Consistency, Tracks, TrackState, Video, VideoStatus
from intergeneval.store import RunStore
from tests.videos.encoded_clips import frames_of

STEP = 2


@pytest.fixture(scope="module")
def shots():
    """Every second frame of the two real clips, at one size."""
    root = bench.folder_of("clips") / "videos"
    one, other = (frames_of(root / f"{name}.mp4")[::STEP] for name in ("coffee", "juggle"))
    return one, [cv2.resize(frame, one[0].shape[1::-1]) for frame in other]


def run(tmp_path, frames):
    """Score one video of sample `coffee` with stored tracks that stand still, as any tracker could have made them."""
    folder = tmp_path / "model"
    folder.mkdir()
    clips = bench.load("clips")
    sample = next(item for item in clips.samples if item.id == "coffee")
    size, count = frames[0].shape[:2], len(frames)
    tracks = tuple(
        track_of(name, [mask] * count, [TrackState.VISIBLE] * count, [1.0] * count)
        for name, mask in bench.load_masks(clips, sample).items()
    )
    made = Tracks(sample_id="coffee", seed=0, tracker="x", size=size, fps=8.0, tracks=tracks)
    videos.write_video(folder / "coffee.mp4", iter(frames), 8.0)
    (folder / "coffee.tracks.json").write_text(json.dumps(made.to_json()))
    words = ["run", "--model", folder, "--bench", "clips", "--samples", "coffee", "--tracker", "stored", "--workers", 1]
    ended = CliRunner().invoke(main, [*map(str, words), "--out", str(tmp_path / "run")])
    return ended, RunStore.open(tmp_path / "run")


def test_the_clip_itself_has_nothing_to_be_told_of(shots, tmp_path):
    ended, store = run(tmp_path, shots[0])
    assert ended.exit_code == errors.EXIT_OK
    assert "about the videos" not in ended.stdout
    assert store.read("videos", Video)[0].beginning is None


def test_a_hard_cut_in_the_middle_is_named_as_why_the_video_is_unscored(shots, tmp_path):
    ended, store = run(tmp_path, [*shots[0][:12], *shots[1][12:]])
    assert ended.exit_code == errors.EXIT_INCOMPLETE
    assert "cut: another shot begins at frame 12 of 25" in ended.stdout
    assert store.read("videos", Video)[0].cuts == (12,)
    (tracks,) = store.read("tracks", Tracks)
    for track in tracks.tracks:
        assert set(track.states[:12]) == {TrackState.VISIBLE}
        assert set(track.states[12:]) == {TrackState.LOST}
        assert track.areas[12:] == (0,) * 13
    assert any("cut at frame 12" in note for note in tracks.notes)
    assert "another shot begins at frame 12" in CliRunner().invoke(main, ["score", str(tmp_path / "run")]).stdout


def test_a_late_cut_leaves_a_score_with_wider_bounds_and_is_told(shots, tmp_path):
    ended, store = run(tmp_path, [*shots[0][:23], *shots[1][23:]])
    assert ended.exit_code == errors.EXIT_OK
    assert "another shot begins at frame 23 of 25" in ended.stdout
    low, high = json.loads(CliRunner().invoke(main, ["score", str(tmp_path / "run"), "--json"]).stdout)["samples"][0]["if_bounds"]
    assert low < high
    assert store.read("consistency", Consistency)[0].sightings == ()


def test_a_still_first_frame_is_a_video_like_any_other(shots, tmp_path):
    ended, store = run(tmp_path, [shots[0][0]] * 25)
    assert ended.exit_code == errors.EXIT_OK
    assert "about the videos" not in ended.stdout
    (check,) = store.read("consistency", Consistency)
    assert all(item.growth == 1.0 for item in check.diagnostics)


@pytest.mark.parametrize("kind", ["reversed", "another clip", "mirrored"])
def test_a_video_that_begins_with_another_picture_is_unscored_for_that_reason(shots, tmp_path, kind):
    frames = {"reversed": shots[0][::-1], "another clip": shots[1], "mirrored": [frame[:, ::-1] for frame in shots[0]]}[kind]
    ended, store = run(tmp_path, [np.ascontiguousarray(frame) for frame in frames])
    assert ended.exit_code == errors.EXIT_INCOMPLETE
    assert "foreign_first_frame" in ended.stdout
    assert "0.000 to 1.000" in ended.stdout
    (video,) = store.read("videos", Video)
    assert video.status is VideoStatus.FOREIGN_FIRST_FRAME
    assert video.beginning.mirrored or video.beginning.distance > 0.4
    assert store.read("tracks", Tracks) == []


def test_a_stretched_first_frame_is_told_and_the_masks_go_with_it(shots, tmp_path):
    height, width = shots[0][0].shape[:2]
    stretch = np.array([[1.18, 0, -0.09 * width], [0, 1, 0]])
    ended, store = run(tmp_path, [cv2.warpAffine(frame, stretch, (width, height)) for frame in shots[0]])
    assert "1.18" in ended.stdout
    assert "masks were moved alike" in ended.stdout
    (video,) = store.read("videos", Video)
    assert video.beginning.scale == pytest.approx((1.18, 1.0), abs=0.01)
    assert ended.exit_code == errors.EXIT_OK
