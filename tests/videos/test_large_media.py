"""Files that are small on disk and large in memory or time are refused by what they would take."""

import time

import numpy as np
import pytest

from intergeneval import videos
from intergeneval.config import RunConfig
from intergeneval.errors import MediaError
from intergeneval.records import Video, VideoStatus
from intergeneval.run.run import Run


def deep_png(path, side):
    import cv2

    assert cv2.imwrite(str(path), np.zeros((side, side, 3), np.uint16))


def test_pictures_of_16_bits_are_bounded_by_their_bytes_and_not_by_their_pixels_alone(tmp_path):
    for number in range(2):
        deep_png(tmp_path / f"{number}.png", 8000)
    began = time.monotonic()
    with pytest.raises(MediaError, match=r"0\.png: a picture of 8000x8000 takes 366 MiB"):
        list(videos.Reader(tmp_path))
    assert time.monotonic() - began < 20


def test_a_large_file_that_holds_nothing_is_not_read_to_its_end_for_a_hash(tiny, tmp_path, monkeypatch):
    bench, folder = tiny
    with (folder / "a.mp4").open("wb") as stream:
        stream.truncate(64 << 30)
    monkeypatch.setattr(videos, "video_sha256", lambda path: pytest.fail("it was hashed") if path.name == "a.mp4" else "0" * 64)
    config = RunConfig(
        model=str(folder), bench=str(bench), tracker="stored", out=str(tmp_path / "run"), workers=1, cache="off", samples=("a",)
    )
    for _ in range(2):
        result = Run(config).execute()
        found = result.store.read("videos", Video)
        assert [line.status for line in found] == [VideoStatus.UNDECODABLE]


def test_a_video_whose_pictures_take_longer_than_the_limit_is_refused(tiny, monkeypatch):
    from intergeneval.videos import decoding

    monkeypatch.setattr(decoding, "MAX_SECONDS", 0.0)
    with pytest.raises(MediaError, match=r"a\.mp4: 1 frames took 0 seconds to decode"):
        list(videos.Reader(tiny[1] / "a.mp4"))


def test_a_worker_stays_in_its_memory_and_what_needs_more_has_no_score(tmp_path):
    from tests import tiny_world

    bench = tiny_world.write_benchmark(tmp_path / "bench", ("a", "b"))
    folder = tiny_world.write_videos(tmp_path / "model", ("a",))
    (folder / "b").mkdir()
    for number in range(3):
        deep_png(folder / "b" / f"{number}.png", 6500)
    config = RunConfig(
        model=str(folder), bench=str(bench), tracker="flow", out=str(tmp_path / "run"), workers=1, cache="off", worker_memory=0.75
    )
    result = Run(config).execute()
    found = {line.sample_id: line.status for line in result.store.read("videos", Video)}
    assert found == {"a": VideoStatus.OK, "b": VideoStatus.UNDECODABLE}
