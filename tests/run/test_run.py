"""The run over a small world on disk, with stored tracks and the geometry judge."""

import json
import shutil
from dataclasses import replace

import cv2
import pytest

from intergeneval.bench import files
from intergeneval.config import RunConfig
from intergeneval.errors import BenchError, ComparabilityError, UnknownPluginError, UsageError
from intergeneval.gate.run_scores import score_run
from intergeneval.records import Profile, ScoreStatus
from intergeneval.run.run import Run
from intergeneval.store import RunStore


def config(tiny, tmp_path, **changes):
    bench, model = tiny
    base = RunConfig(model=str(model), bench=str(bench), tracker="stored", out=str(tmp_path / "run"), workers=1, controls=False)
    return replace(base, **changes)


def lines(folder, stage):
    return [json.loads(line) for line in (folder / f"{stage}.jsonl").read_text().splitlines()]


def test_a_run_scores_every_video_and_leaves_the_evidence(tiny, tmp_path):
    result = Run(config(tiny, tmp_path)).execute()
    assert [score.sample_id for score in result.scores] == ["a", "b", "c"]
    assert all(score.if_ is not None and score.partial == ("emergence",) for score in result.scores)
    folder = result.store.folder
    assert len(lines(folder, "videos")) == len(lines(folder, "tracks")) == len(lines(folder, "consistency")) == 3
    assert len(lines(folder, "questions")) == len(lines(folder, "answers")) == 30
    assert result.complete


def test_a_second_run_does_nothing_and_changes_no_byte(tiny, tmp_path):
    first = Run(config(tiny, tmp_path)).execute()
    before = {path.name: path.read_bytes() for path in first.store.folder.glob("*.json*")}
    second = Run(config(tiny, tmp_path)).execute()
    assert second.observed == 0
    assert {path.name: path.read_bytes() for path in first.store.folder.glob("*.json*")} == before


def test_each_mask_is_read_once_and_a_run_with_nothing_to_do_reads_none(tiny, tmp_path, monkeypatch):
    read, load = [], files.read_bytes
    monkeypatch.setattr(files, "read_bytes", lambda root, path, hashes: read.append(path) or load(root, path, hashes))
    for expected in (6, 0):
        read.clear()
        Run(config(tiny, tmp_path)).execute()
        masks = [path for path in read if "mask" in path]
        assert len(set(masks)) == len(masks) == expected


@pytest.mark.parametrize("tracker", ["flow", "stored"])
def test_a_mask_that_marks_what_is_around_its_instance_stops_a_run_before_anything_is_tracked(tiny, tmp_path, tracker):
    for name in ("id1", "id2"):
        path = tiny[0] / "masks" / "b" / f"{name}.png"
        assert cv2.imwrite(str(path), 255 - cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    with pytest.raises(BenchError) as caught:
        Run(config(tiny, tmp_path, tracker=tracker)).execute()
    assert [str(caught.value).count(f"b/{name}.png: the mask has all four corners") for name in ("id1", "id2")] == [1, 1]
    assert not (tmp_path / "run" / "tracks.jsonl").exists()


def test_a_changed_video_of_a_finished_run_is_tracked_from_its_masks_again(tiny, tmp_path):
    _, model = tiny
    clips = config(tiny, tmp_path, tracker="flow")
    Run(clips).execute()
    shutil.copy(model / "b.mp4", model / "a.mp4")
    again = Run(clips).execute()
    assert (again.observed, again.complete) == (1, True)


def test_workers_and_shards_give_the_same_bytes_as_one_process(tiny, tmp_path):
    alone = Run(config(tiny, tmp_path)).execute().store.folder
    many = Run(config(tiny, tmp_path, out=str(tmp_path / "many"), workers=2)).execute().store.folder
    shards = tmp_path / "shards"
    for shard in ("2/2", "1/2"):
        assert Run(config(tiny, tmp_path, out=str(shards), shard=shard)).execute().scores == ()
    finished = Run(config(tiny, tmp_path, out=str(shards))).execute()
    assert finished.observed == 0
    expected = (alone / "scores.jsonl").read_bytes()
    assert (many / "scores.jsonl").read_bytes() == (shards / "scores.jsonl").read_bytes() == expected
    assert sorted(path.name for path in shards.glob("*.shard-*.jsonl")) == []


def test_a_missing_and_a_broken_video_are_recorded_and_make_the_run_incomplete(tiny, tmp_path):
    _, model = tiny
    (model / "a.mp4").unlink()
    (model / "b.mp4").write_bytes(b"not a video")
    result = Run(config(tiny, tmp_path)).execute()
    assert [score.status for score in result.scores] == [ScoreStatus.MISSING, ScoreStatus.UNDECODABLE, ScoreStatus.OK]
    assert [score.if_ for score in result.scores[:2]] == [0.0, 0.0]
    assert all("b.mp4" in score.reason for score in result.scores if score.status is ScoreStatus.UNDECODABLE)
    assert not result.complete
    assert [score.if_ for score in score_run(result.store, profile=Profile.PAPER)[:2]] == [None, None]


def test_a_video_that_came_later_is_scored_by_the_next_run(tiny, tmp_path):
    _, model = tiny
    shutil.move(model / "a.mp4", tmp_path / "kept.mp4")
    assert not Run(config(tiny, tmp_path)).execute().complete
    shutil.move(tmp_path / "kept.mp4", model / "a.mp4")
    result = Run(config(tiny, tmp_path)).execute()
    assert (result.observed, result.complete) == (1, True)


def test_a_changed_video_is_judged_anew_and_the_others_are_left(tiny, tmp_path):
    _, model = tiny
    first = Run(config(tiny, tmp_path)).execute()
    shutil.copy(model / "b.mp4", model / "a.mp4")
    second = Run(config(tiny, tmp_path)).execute()
    assert second.observed == 1
    assert len(lines(first.store.folder, "answers")) == 40
    assert [score.answered for score in second.scores] == [score.answered for score in first.scores]


def test_a_tracker_that_fails_on_one_video_leaves_it_unscored_and_is_asked_again(tiny, tmp_path):
    _, model = tiny
    shutil.move(model / "a.tracks.json", tmp_path / "kept.json")
    result = Run(config(tiny, tmp_path)).execute()
    assert result.scores[0].if_ is None
    assert result.scores[0].status is ScoreStatus.UNANSWERED
    assert result.scores[1].if_ is not None
    shutil.move(tmp_path / "kept.json", model / "a.tracks.json")
    again = Run(config(tiny, tmp_path)).execute()
    assert (again.observed, again.complete) == (1, True)


def test_narrowing_labels_the_run_and_gives_it_another_key(tiny, tmp_path):
    whole = Run(config(tiny, tmp_path)).settle()
    narrow = Run(config(tiny, tmp_path, limit=2)).settle()
    assert narrow.header.comparability.samples.startswith("2 of 3")
    assert set(whole.header.comparability.differences(narrow.header.comparability)) == {"samples", "questions"}
    assert [sample.id for sample in Run(config(tiny, tmp_path, samples=("c",))).plan.bench.samples] == ["c"]


def test_a_folder_with_another_run_is_refused(tiny, tmp_path):
    Run(config(tiny, tmp_path)).execute()
    with pytest.raises(ComparabilityError, match="sampling: equal-time there, paper here"):
        Run(config(tiny, tmp_path, sampling="paper")).execute()


def test_the_model_folder_alone_tells_the_benchmark_or_names_the_candidates(tiny, tmp_path, monkeypatch):
    bench, model = tiny
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks").mkdir()
    shutil.copytree(bench, tmp_path / "benchmarks" / "tiny")
    assert Run(replace(config(tiny, tmp_path), bench="")).settle().header.bench == "tiny"
    (model / "a.mp4").rename(model / "zzz.mp4")
    for name in ("b", "c"):
        (model / f"{name}.mp4").unlink()
    with pytest.raises(UsageError, match="tiny"):
        Run(replace(config(tiny, tmp_path), bench=""))


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"model": ""}, UsageError, "no model given"),
        ({"model": "nowhere/at/all"}, UsageError, "no such folder"),
        ({"model": "bench:"}, UsageError, "say what of 'bench'"),
        ({"bench": "none-such"}, UsageError, "none-such"),
        ({"tracker": "magic"}, UnknownPluginError, "no tracker is called 'magic'"),
        ({"judge": "magic"}, UnknownPluginError, "geometry"),
        ({"samples": ("zz",)}, UsageError, "zz"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(tiny, tmp_path, changes, error, said):
    with pytest.raises(error, match=said):
        Run(config(tiny, tmp_path, **changes))
    assert not (tmp_path / "run").exists()


def test_samples_that_still_need_interactions_or_masks_are_named(tiny, tmp_path):
    bench, _ = tiny
    rows = [json.loads(line) for line in (bench / "samples.jsonl").read_text().splitlines()]
    rows[1]["interactions"] = []
    (bench / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BenchError, match=r"1 sample \(b\) without key interactions"):
        Run(config(tiny, tmp_path))
    rows[1]["interactions"] = rows[0]["interactions"]
    rows[2]["instances"][0].pop("mask")
    (bench / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BenchError, match=r"1 sample \(c\).*no first-frame mask"):
        Run(config(tiny, tmp_path, tracker="flow"))


def test_overlay_videos_are_written_when_asked_for(tiny, tmp_path):
    folder = Run(config(tiny, tmp_path, overlay=True, limit=1)).execute().store.folder
    assert (folder / "overlays" / "a" / "0.mp4").stat().st_size > 1000


def test_the_run_folder_is_a_run_again_from_its_files_alone(tiny, tmp_path):
    result = Run(config(tiny, tmp_path)).execute()
    assert score_run(RunStore.open(result.store.folder)) == list(result.scores)
