"""Posters and strips that a run writes while it decodes videos."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from intergeneval import videos
from intergeneval.config import RunConfig
from intergeneval.ids import sha256_bytes
from intergeneval.records import Stills, Video
from intergeneval.run.run import Run
from intergeneval.store import RunStore
from intergeneval.videos import still_paths


def config(tiny, tmp_path, **changes):
    bench, model = tiny
    base = RunConfig(model=str(model), bench=str(bench), tracker="stored", out=str(tmp_path / "run"), workers=1, controls=False)
    return replace(base, **changes)


def picture(path):
    found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(found, cv2.COLOR_BGR2RGB)


def frames_of(path, size):
    return list(videos.Reader(path, size=size, keep=False))


def test_poster_and_strip_show_the_frames_that_their_record_names(tiny, tmp_path):
    folder = Run(config(tiny, tmp_path)).execute().store.folder
    store = RunStore.open(folder)
    records = store.read("stills", Stills)
    known = {(item.sample_id, item.seed): item for item in store.read("videos", Video)}
    assert {(item.sample_id, item.seed) for item in records} == set(known)
    for record in records:
        video = known[record.sample_id, record.seed]
        assert record.video == video.sha256
        assert record.strip[0] == 0
        assert record.strip[-1] == video.frames - 1
        assert set(record.strip) <= set(video.sampled)
        frames = frames_of(tiny[1] / video.path, video.size)
        poster, strip = still_paths(folder, record.sample_id, record.seed)
        assert (sha256_bytes(poster.read_bytes()), sha256_bytes(strip.read_bytes())) == (
            record.poster_sha256,
            record.strip_sha256,
        )
        shown = picture(poster).astype(int)
        assert shown.shape[:2] == record.poster_size
        apart = [float(np.abs(shown - frame.astype(int)).mean()) for frame in frames]
        assert int(np.argmin(apart)) == record.frame
        width = frames[0].shape[1]
        assert picture(strip).shape[:2] == record.strip_size == (frames[0].shape[0], 4 * width)
        for place, index in enumerate(record.strip):
            part = picture(strip)[:, place * width : (place + 1) * width].astype(int)
            apart = [float(np.abs(part - frame.astype(int)).mean()) for frame in frames]
            assert int(np.argmin(apart)) == index


def test_large_frames_are_shrunk_to_their_longest_side_and_keep_their_shape():
    kept = {index: np.full((1280, 720, 3), 10 * index, np.uint8) for index in (0, 8, 16, 24)}
    made = videos.pictures(kept, ("tall", 3), "f" * 64)
    assert made.record.poster_size == (320, 180)
    assert made.record.strip_size == (128, 4 * 72)
    assert made.record.strip == (0, 8, 16, 24)
    assert videos.pictures(kept, ("tall", 3), "f" * 64) == made


@pytest.mark.parametrize("sampled", [(0, 1), (0, 3, 4), tuple(range(0, 50, 5))])
def test_a_short_video_repeats_frames_and_begins_and_ends_with_its_own(sampled):
    found = videos.strip_frames(sampled)
    assert (found[0], found[-1]) == (sampled[0], sampled[-1])
    assert list(found) == sorted(found)
    assert set(found) <= set(sampled)


def test_a_run_that_goes_on_writes_no_picture_twice(tiny, tmp_path):
    folder = Run(config(tiny, tmp_path)).execute().store.folder
    before = {path: path.stat().st_mtime_ns for path in folder.glob("stills/*/*")}
    lines = (folder / "stills.jsonl").read_bytes()
    # Without its consistency each video is decoded again.
    (folder / "consistency.jsonl").unlink()
    Run(config(tiny, tmp_path)).execute()
    assert len(before) == 6
    assert {path: path.stat().st_mtime_ns for path in folder.glob("stills/*/*")} == before
    assert (folder / "stills.jsonl").read_bytes() == lines


def test_a_changed_video_gets_pictures_of_its_own(tiny, tmp_path):
    folder = Run(config(tiny, tmp_path)).execute().store.folder
    path = next(tiny[1].glob("b*.mp4"))
    frames = frames_of(path, None)
    videos.write_video(path, [255 - frame for frame in frames], 8)
    Run(config(tiny, tmp_path)).execute()
    latest = {item.sample_id: item for item in RunStore.open(folder).read("stills", Stills)}["b"]
    assert latest.video == videos.video_sha256(path)
    poster = picture(still_paths(folder, "b", 0)[0]).astype(int)
    assert float(np.abs(poster - (255 - frames[latest.frame].astype(int))).mean()) < 12


def test_a_folder_of_before_goes_on_without_pictures_and_its_key_stays(tiny, tmp_path):
    first = Run(config(tiny, tmp_path)).execute()
    folder, key = first.store.folder, first.store.header.key
    (folder / "stills.jsonl").unlink()
    scores = (folder / "scores.jsonl").read_bytes()
    again = Run(config(tiny, tmp_path)).execute()
    assert (again.observed, again.store.header.key) == (0, key)
    assert (folder / "scores.jsonl").read_bytes() == scores
