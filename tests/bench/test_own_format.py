import json
import time

import numpy as np
import pytest

from intergeneval import bench
from intergeneval.bench.checking import check
from intergeneval.errors import BenchError, UnknownPluginError, UsageError
from intergeneval.masks import encode, track_of
from intergeneval.records import Fit, Tracks, TrackState
from tests.bench.small_benchmarks import SIZE, own_benchmark, sample_json, square, write_image, write_samples


def test_a_sound_benchmark_loads_and_has_no_fault(tmp_path):
    root = own_benchmark(tmp_path / "small", ("one", "two words", "drei-ü'\"!"))
    found = bench.load(root)
    assert bench.check(root) == []
    assert [sample.id for sample in found.samples] == ["one", "two words", "drei-ü'\"!"]
    assert (found.name, found.version, found.licence, found.layout) == ("small", "1", "CC0-1.0", "own")


def test_the_clips_that_come_with_the_project_have_no_fault():
    folder = bench.folder_of("clips")
    assert bench.check(folder) == []
    assert bench.load("clips").samples[0].interactions[0].verb == "lifts"


def test_the_hash_follows_the_bytes_of_a_mask_whether_or_not_they_are_hashed(tmp_path):
    root = own_benchmark(tmp_path / "small")
    raw = sample_json(root)
    listed = bench.load(root).hash
    del raw["hashes"]
    write_samples(root, [raw])
    assert bench.load(root).hash == listed
    write_image(root / "masks/one/id1.png", square(3))
    assert bench.load(root).hash != listed


def test_the_hash_does_not_follow_the_place_or_the_name(tmp_path):
    first, second = own_benchmark(tmp_path / "a"), own_benchmark(tmp_path / "b")
    (second / "bench.toml").write_text((second / "bench.toml").read_text().replace("small", "other"))
    assert bench.load(first).hash == bench.load(second).hash


def test_a_size_that_is_not_stated_is_read_from_the_first_frame(tmp_path):
    root = own_benchmark(tmp_path / "small")
    raw = sample_json(root)
    del raw["size"]
    write_samples(root, [raw])
    assert bench.load(root).samples[0].size == SIZE


def test_masks_come_back_as_they_were_drawn(tmp_path):
    found = bench.load(own_benchmark(tmp_path / "small"))
    masks = bench.masks_for(found, found.samples[0], SIZE)
    assert sorted(masks) == ["id1", "id2"]
    assert (masks["id2"] == (square(20) > 0)).all()
    assert (bench.load_mask(found, found.samples[0], "id2") == masks["id2"]).all()


def test_masks_are_scaled_and_cropped_as_a_frame_is(tmp_path):
    found = bench.load(own_benchmark(tmp_path / "small"))
    sample = found.samples[0]
    twice = bench.load_mask(found, sample, "id1", size=(48, 72))
    assert (twice[::2, ::2] == (square(2) > 0)).all()
    cropped = bench.masks_for(found, sample, (24, 24), Fit.CROP)["id2"]
    assert (cropped == (square(20) > 0)[:, 6:30]).all()
    with pytest.raises(BenchError, match="the video is judged at 24x24"):
        bench.masks_for(found, sample, (24, 24))


def test_a_mask_that_changed_after_it_was_hashed_is_refused(tmp_path):
    root = own_benchmark(tmp_path / "small")
    write_image(root / "masks/one/id1.png", square(3))
    found = bench.load(root)
    with pytest.raises(BenchError, match=r"masks/one/id1.png: the sha256 is"):
        bench.load_mask(found, found.samples[0], "id1")


def test_the_first_frame_comes_back_in_rgb(tmp_path):
    root = own_benchmark(tmp_path / "small")
    raw = sample_json(root)
    frame = np.zeros((*SIZE, 3), np.uint8)
    frame[:, :, 2] = 200  # red, in the order that OpenCV writes
    write_image(root / raw["image"], frame)
    del raw["hashes"]
    write_samples(root, [raw])
    found = bench.load(root)
    assert bench.load_first_frame(found, found.samples[0])[0, 0].tolist() == [200, 0, 0]


def test_narrowing_keeps_the_order_and_the_hash(tmp_path):
    found = bench.load(own_benchmark(tmp_path / "small", ("a", "b", "c")))
    assert [item.id for item in found.narrow(ids=["c", "a"]).samples] == ["a", "c"]
    assert [item.id for item in found.narrow(limit=2).samples] == ["a", "b"]
    assert [item.id for item in found.narrow(ids=["c", "a"], limit=1).samples] == ["a"]
    assert found.narrow(limit=1).hash == found.hash
    with pytest.raises(UsageError, match="no sample 'z'; it has 3: a, b, c"):
        found.narrow(ids=["z"])
    with pytest.raises(UsageError, match="limit of 0"):
        found.narrow(limit=0)


def test_a_name_is_looked_up_in_the_folder_benchmarks_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_benchmark(tmp_path / "benchmarks" / "clips")
    assert bench.load("clips").name == "small"
    monkeypatch.chdir("/")
    assert bench.load("clips").name == "clips"


def test_an_unknown_name_lists_those_that_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_benchmark(tmp_path / "benchmarks" / "mine")
    with pytest.raises(UnknownPluginError, match=r"no benchmark is called 'nope'; there are: .*clips.*mine"):
        bench.load("nope")
    assert {"clips", "mine"} <= set(bench.names())


@pytest.mark.parametrize("text", ["", " ", "a\0b", "no/such/folder", "x" * 5000])
def test_a_text_that_is_no_benchmark_is_a_usage_error(text):
    with pytest.raises(UsageError):
        bench.load(text)


def test_a_folder_that_is_no_benchmark_says_what_it_lacks(tmp_path):
    with pytest.raises(UsageError, match=r"neither bench\.toml"):
        bench.load(tmp_path)


def test_a_benchmark_of_240_samples_loads_in_a_moment(tmp_path):
    root = own_benchmark(tmp_path / "large", ("base",))
    raw = sample_json(root, "base")
    write_samples(root, [json.loads(json.dumps(raw).replace('"id": "base"', f'"id": "s{index:03d}"')) for index in range(240)])
    start = time.perf_counter()
    assert len(bench.load(root).samples) == 240
    # Measured at 0.36 s on two busy cores.
    assert time.perf_counter() - start < 3


def test_tracks_beside_reference_videos_are_held_against_their_boxes(tmp_path):
    root = own_benchmark(tmp_path / "b", names=("one", "two"))
    (root / "bench.toml").write_text((root / "bench.toml").read_text() + 'videos = "videos"\n')
    (root / "videos").mkdir()
    mask = square(2) > 0
    for name, wrong in (("one", mask), ("two", np.flipud(mask))):
        (root / "videos" / f"{name}.mp4").write_bytes(b"")
        tracks = Tracks(
            sample_id=name, seed=0, tracker="t", size=SIZE, tracks=(track_of("id1", [mask], [TrackState.VISIBLE], [1.0]),)
        ).to_json()
        tracks["tracks"][0]["masks"] = [encode(wrong)]
        (root / "videos" / f"{name}.tracks.json").write_text(json.dumps(tracks))
    (fault,) = check(root)
    assert (fault.file, fault.sample) == ("videos/two.tracks.json", "two")
    assert "instance 'id1', frame 0: the mask lies in (2, 12, 10, 20), its box says (2, 4, 10, 12)" in fault.problem
