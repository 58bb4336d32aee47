"""Runs of models whose first frames are not the benchmark's: tracked from masks of their own, comparable with the others."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from intergeneval import videos
from intergeneval.config import RunConfig
from intergeneval.errors import BenchError, ComparabilityError, UsageError
from intergeneval.masks import decode
from intergeneval.records import ScoreStatus
from intergeneval.run.doubting import given_doubts
from intergeneval.run.run import Run
from tests import tiny_world
from tests.run.test_text_to_video import write_boxes

MOVED = 10
"""Rows by which the other model's pictures lie lower than the benchmark's."""


def moved(mask):
    return np.roll(mask, MOVED, axis=0)


def draw(root, model, place, *, size=tiny_world.SIZE, shift=moved):
    """Write a whole set of the model's own masks at ``<sample>`` or ``<sample>/<seed>``."""
    for name, box in tiny_world.boxes_at(0).items():
        mask = cv2.resize(shift(tiny_world.mask_of(box)).astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
        path = root / "masks" / model / place / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), mask * 255)


def film(path, number=0, size=tiny_world.SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = (moved(tiny_world.frame_at(index, number)) for index in range(tiny_world.FRAMES))
    videos.write_video(path, (cv2.resize(frame, size[::-1]) for frame in frames), 8.0)


def start(tiny, tmp_path, model="model", **changes):
    root, _ = tiny
    settings = RunConfig(
        model=str(tmp_path / model), bench=str(root), tracker="flow", out=str(tmp_path / f"run-{model}"), workers=1
    )
    return Run(replace(settings, **changes))


def lines(result, stage):
    return [json.loads(line) for line in (result.store.folder / f"{stage}.jsonl").read_text().splitlines()]


def first_masks(result):
    """Where each video's first track begins, as the rows that its first mask covers."""
    found = {}
    for item in lines(result, "tracks"):
        rows = np.flatnonzero(decode(item["tracks"][0]["masks"][0], tuple(item["size"])).any(axis=1))
        found[item["sample_id"], item["seed"]] = (int(rows[0]), int(rows[-1]))
    return found


@pytest.fixture
def other(tiny, tmp_path):
    """A second model, whose pictures lie lower, with masks of its own for two of the three samples."""
    for number, name in enumerate("abc"):
        film(tmp_path / f"other/{name}.mp4", number)
    for name in "ab":
        draw(tiny[0], "other", name)
    return tiny


def test_own_masks_are_tracked_from_and_named_and_change_no_key(other, tmp_path):
    plain, own = start(other, tmp_path).execute(), start(other, tmp_path, "other").execute()
    assert first_masks(own) == {("a", 0): (30, 61), ("b", 0): (30, 61), ("c", 0): (20, 51)}
    assert first_masks(plain) == {(name, 0): (20, 51) for name in "abc"}
    assert own.store.header.own_masks == ("a", "b")
    assert own.store.header.own_masks_text == "first-frame masks of its own for 2 of 3 samples (a, b)"
    assert own.store.header.key == plain.store.header.key
    said = {item["sample_id"]: item["notes"] for item in lines(own, "tracks")}
    assert said["a"] == ["first frame: the model's own masks, masks/other/a"]
    assert said["c"] == []
    assert not {"own_masks", "own_masks_hash"} & set(json.loads((plain.store.folder / "run.json").read_text()))


def test_everything_that_is_made_of_own_masks_is_as_if_they_were_the_benchmark_s(other, tmp_path):
    root, _ = other
    draw(root, "other", "c")
    own = start(other, tmp_path, "other", overlay=True).execute()
    there = tmp_path / "lower"
    shutil.copytree(root, there)
    shutil.rmtree(there / "masks")
    shutil.copytree(root / "masks/other", there / "masks")
    copy = start((there, None), tmp_path, "other", overlay=True, out=str(tmp_path / "copy")).execute()
    assert copy.store.header.key != own.store.header.key
    assert [score.to_json() for score in own.scores] == [score.to_json() for score in copy.scores]
    for path in ("consistency.jsonl", *(f"overlays/{name}/0.mp4" for name in "abc")):
        assert (own.store.folder / path).read_bytes() == (copy.store.folder / path).read_bytes(), path
    plain = start(other, tmp_path, "other", name="x", overlay=True, out=str(tmp_path / "plain")).execute().store.folder
    assert (plain / "overlays/a/0.mp4").read_bytes() != (own.store.folder / "overlays/a/0.mp4").read_bytes()


def test_a_finished_run_is_left_alone_and_other_own_masks_are_another_run(other, tmp_path):
    root, _ = other
    start(other, tmp_path, "other").execute()
    assert start(other, tmp_path, "other").execute().observed == 0
    draw(root, "other", "b", shift=lambda mask: np.roll(mask, MOVED - 1, axis=0))
    with pytest.raises(ComparabilityError) as refused:
        start(other, tmp_path, "other").execute()
    said = "run (the model's own first-frame masks: for 2 of 3 samples (a, b) there, the same samples with other pixels here)"
    assert said in str(refused.value)
    shutil.rmtree(root / "masks/other")
    with pytest.raises(ComparabilityError, match=r"masks: for 2 of 3 samples \(a, b\) there, none here\); choose another --out"):
        start(other, tmp_path, "other").execute()


def test_a_finished_run_doubts_its_own_masks_as_it_did_when_it_began(other, tmp_path):
    # A mask that is torn in two far pieces, which anybody would look at again.
    draw(other[0], "other", "a", shift=lambda mask: mask | np.roll(mask, mask.shape[1] // 2, axis=1))
    first = start(other, tmp_path, "other")
    before = given_doubts(first.plan)
    first.execute()
    again = start(other, tmp_path, "other")
    again.settle()
    assert [item.sample_id for item in before].count("a")
    assert given_doubts(again.plan) == before


def test_a_video_that_changed_is_tracked_from_the_own_masks_again(other, tmp_path):
    start(other, tmp_path, "other").execute()
    film(tmp_path / "other/a.mp4", 5)
    again = start(other, tmp_path, "other").execute()
    assert (again.observed, first_masks(again)["a", 0]) == (1, (30, 61))
    assert len(lines(again, "tracks")) == 4


def test_own_masks_that_change_while_a_run_goes_on_end_it(other, tmp_path):
    root, _ = other
    start(other, tmp_path, "other").execute()
    film(tmp_path / "other/a.mp4", 5)
    planned = start(other, tmp_path, "other")
    draw(root, "other", "a", shift=lambda mask: np.roll(mask, MOVED - 1, axis=0))
    with pytest.raises(BenchError, match=r"masks/other/a/id1\.png: sample 'a': the file changed since the run was planned"):
        planned.execute()


def test_each_seed_is_tracked_from_its_own_masks_in_processes_too(tiny, tmp_path):
    root, _ = tiny
    for seed in (0, 1, 2):
        film(tmp_path / f"other/a/{seed}.mp4", seed)
    draw(root, "other", "a")
    draw(root, "other", "a/1", shift=lambda mask: np.roll(mask, 5, axis=0))
    many = start(tiny, tmp_path, "other", samples=("a",), workers=2).execute()
    assert many.store.header.own_masks == ("a", "a/1")
    assert first_masks(many) == {("a", 0): (30, 61), ("a", 1): (25, 56), ("a", 2): (30, 61)}
    one = start(tiny, tmp_path, "other", samples=("a",), seeds=(1,), out=str(tmp_path / "one")).settle()
    assert one.header.own_masks == ("a/1",)
    rest = start(tiny, tmp_path, "other", samples=("a",), seeds=(0, 2), out=str(tmp_path / "rest")).settle()
    assert rest.header.own_masks == ("a",)


def test_a_seed_that_comes_later_goes_into_the_same_run(tiny, tmp_path):
    root, _ = tiny
    film(tmp_path / "other/a/0.mp4", 0)
    for place in ("a", "a/1"):
        draw(root, "other", place)
    start(tiny, tmp_path, "other", samples=("a",)).execute()
    film(tmp_path / "other/a/1.mp4", 1)
    assert start(tiny, tmp_path, "other", samples=("a",)).execute().observed == 1


def test_the_name_in_tables_is_what_own_masks_go_by(other, tmp_path):
    root, _ = other
    assert start(other, tmp_path, name="other").settle().header.own_masks == ("a", "b")
    assert start(other, tmp_path, "other", name="new").settle().header.own_masks == ()
    (root / "masks/other").rename(root / "masks/hub%3AOWNER%2FNAME")
    assert start(other, tmp_path, name="hub:OWNER/NAME").settle().header.own_masks == ("a", "b")


def test_stored_tracks_take_no_first_frame_masks_so_own_ones_say_nothing(other, tmp_path):
    before = start(other, tmp_path, tracker="stored").settle().header
    (other[0] / "masks/other").rename(other[0] / "masks/model")
    after = start(other, tmp_path, tracker="stored").settle().header
    assert (after.own_masks, after.source_hash) == ((), before.source_hash)
    assert start(other, tmp_path).settle().header.source_hash != before.source_hash


def test_a_misspelt_sample_in_the_model_s_folder_is_told_before_the_first_video_of_that_model_only(other, tmp_path):
    root, _ = other
    (root / "masks/other/b").rename(root / "masks/other/B2")
    with pytest.raises(
        BenchError, match="own masks of model 'other' cannot be used:\n  masks/other/B2: the benchmark has no sample"
    ):
        start(other, tmp_path, "other", limit=1)
    assert start(other, tmp_path, limit=1).settle().header.own_masks == ()


def test_a_folder_spelt_as_no_folder_may_be_is_not_passed_over_by_the_model_it_is_meant_for(other, tmp_path):
    bench, _ = other
    name = "own 50%"
    draw(bench, name, "a")  # must be own 50%25
    with pytest.raises(BenchError, match="own 50%25"):
        start(other, tmp_path, name=name)
    assert start(other, tmp_path, name="another").settle().header.own_masks == ()


def test_own_masks_stand_in_for_masks_that_the_benchmark_lacks(other, tmp_path):
    root, _ = other
    rows = [json.loads(line) for line in (root / "samples.jsonl").read_text().splitlines()]
    for row in rows:
        for item in row["instances"]:
            del item["mask"]
    (root / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert start(other, tmp_path, "other", samples=("a", "b")).execute().complete
    with pytest.raises(BenchError, match=r"1 sample \(c\) with instances that have no first-frame mask"):
        start(other, tmp_path, "other")


@pytest.fixture
def prompts(tiny, tmp_path):
    """The world as a text-to-video benchmark of two samples, and a model's videos that lie lower than a first frame would."""
    root, _ = tiny
    shutil.rmtree(root)
    tiny_world.write_benchmark(tmp_path / "bench", ("a", "b"))
    (root / "bench.toml").write_text((root / "bench.toml").read_text() + 'task = "text-to-video"\n')
    rows = [json.loads(line) for line in (root / "samples.jsonl").read_text().splitlines()]
    for row in rows:
        row["size"] = None
        for item in row["instances"]:
            del item["mask"]
    (root / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.rmtree(root / "masks")
    for number, name in enumerate("ab"):
        film(tmp_path / f"other/{name}.mp4", number)
    return tiny


def test_a_text_to_video_model_with_masks_of_its_own_for_all_videos_needs_no_detector(prompts, tmp_path):
    root, _ = prompts
    for model, place in (("other", "a"), ("other", "b/0"), ("third", "a"), ("third", "b")):
        draw(root, model, place)
    shutil.copytree(tmp_path / "other", tmp_path / "third")
    result = start(prompts, tmp_path, "other").execute()
    assert result.complete
    assert not (result.store.folder / "grounding.jsonl").exists()
    assert first_masks(result) == {("a", 0): (30, 61), ("b", 0): (30, 61)}
    assert result.store.header.comparability.tracker == "flow-2"
    assert start(prompts, tmp_path, "third").settle().header.key == result.store.header.key


def test_where_own_masks_lack_the_detector_looks_for_those_videos_only(prompts, tmp_path):
    draw(prompts[0], "other", "b")
    for name in "a":
        shutil.copy(tmp_path / f"model/{name}.mp4", tmp_path / f"other/{name}.mp4")
    boxes = write_boxes(tmp_path / "boxes.jsonl")
    row = json.loads(boxes.read_text())
    boxes.write_text("".join(json.dumps({**row, "sample_id": name}) + "\n" for name in "ab"))
    result = start(prompts, tmp_path, "other", detector=f"stored:{boxes}").execute()
    assert result.complete
    assert [item["sample_id"] for item in lines(result, "grounding")] == ["a"]
    assert first_masks(result)["b", 0] == (30, 61)
    assert result.store.header.own_masks == ("b",)
    assert ", first frame: stored:boxes.jsonl@" in result.store.header.comparability.tracker
    notes = {item["sample_id"]: item["notes"][-1] for item in lines(result, "tracks")}
    assert notes["b"] == "first frame: the model's own masks, masks/other/b"
    assert notes["a"].startswith("first frame: stored:boxes.jsonl@")


def test_without_a_detector_the_missing_masks_are_listed_with_both_ways_out(prompts, tmp_path):
    draw(prompts[0], "staged%3Ax", "b")
    with pytest.raises(UsageError) as refused:
        start(prompts, tmp_path, "other", name="staged:x")
    said = str(refused.value)
    assert "staged:x has no first-frame masks of its own for 1 video (a/0)" in said
    assert "as masks/staged%3Ax/<sample>/<instance>.png for every seed" in said
    assert f"draw them: intergeneval annotate {tmp_path / 'other'} --bench {prompts[0]} --name staged:x, or" in said
    assert "give a detector, such as --detector grounding_dino" in said


def test_videos_that_are_not_there_need_no_masks_and_no_detector(prompts, tmp_path):
    """Who had made and masked the first videos of a benchmark was asked for masks of all those still to be made."""
    draw(prompts[0], "other", "b")
    (tmp_path / "other/a.mp4").unlink()
    result = start(prompts, tmp_path, "other").execute()
    assert [score.status for score in result.scores] == [ScoreStatus.MISSING, ScoreStatus.OK]
    shutil.copy(tmp_path / "other/b.mp4", tmp_path / "other/a.mp4")
    with pytest.raises(UsageError, match=r"no first-frame masks of its own for 1 video \(a/0\)"):
        start(prompts, tmp_path, "other")


def test_own_masks_of_another_size_than_the_video_are_that_video_s_failure_with_both_sizes(prompts, tmp_path):
    draw(prompts[0], "other", "a", size=(128, 192))
    draw(prompts[0], "other", "b")
    result = start(prompts, tmp_path, "other").execute()
    first, second = result.scores
    assert (first.status, first.if_) == (ScoreStatus.UNANSWERED, None)
    assert second.status is ScoreStatus.OK
    failed = next(item for item in lines(result, "tracks") if item["sample_id"] == "a")
    assert failed["status"] == "failed"
    assert failed["reason"].startswith("the model's own first-frame masks in masks/other/a are 192x128, the video is 96x64; draw")
    assert "192x128, the video is 96x64" in first.reason
