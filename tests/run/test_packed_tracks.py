"""A run whose tracks are packed is the same run for whoever reads it, goes on with it, or copies it."""

import json
import shutil
from dataclasses import replace

import pytest

from intergeneval.config import RunConfig
from intergeneval.errors import RecordError
from intergeneval.records import Tracks
from intergeneval.report import write_report
from intergeneval.run.run import Run
from intergeneval.store import RunStore


@pytest.fixture
def config(tiny, tmp_path):
    bench, model = tiny
    return RunConfig(model=str(model), bench=str(bench), tracker="stored", out=str(tmp_path / "run"), workers=1, cache="off")


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def lines(folder):
    return sorted(json.dumps(item.to_json()) for item in RunStore.open(folder).read("tracks", Tracks))


def test_above_so_many_videos_tracks_are_packed_and_no_other_file_and_no_page_of_a_report_differs(config, tmp_path):
    plain = Run(replace(config, pack_above=3)).execute().store.folder
    # In its place: a report names the folder that it is made from.
    made = files(plain)
    write_report([plain], tmp_path / "report")
    shutil.move(tmp_path / "report", tmp_path / "report-of-lines")
    wanted = lines(plain)
    Run(replace(config, pack_above=2)).execute()
    now = files(plain)
    assert now.keys() - made.keys() == {"tracks.pack-00001.jsonl.zst"}
    assert made.keys() - now.keys() == {"tracks.jsonl"}
    assert {name: made[name] for name in now.keys() & made.keys()} == {name: now[name] for name in now.keys() & made.keys()}
    assert lines(plain) == wanted
    write_report([plain], tmp_path / "report")
    pages, before = files(tmp_path / "report"), files(tmp_path / "report-of-lines")
    assert pages.keys() == before.keys()
    assert [name for name in pages if pages[name] != before[name]] == []


def test_a_packed_run_has_nothing_left_to_do_and_a_changed_video_is_tracked_anew(config, tiny, tmp_path):
    config = replace(config, pack_above=0)
    Run(config).execute()
    before = files(tmp_path / "run")
    assert Run(config).execute().observed == 0
    assert files(tmp_path / "run") == before
    _, model = tiny
    shutil.copy(model / "c.mp4", model / "b.mp4")
    assert Run(config).execute().observed == 1
    index = RunStore.open(tmp_path / "run").index("tracks", Tracks)
    first, second = index.read(("b", 0))
    assert first.video != second.video
    assert sorted(path.name for path in (tmp_path / "run").glob("tracks*")) == [
        "tracks.pack-00001.jsonl.zst",
        "tracks.pack-00002.jsonl.zst",
    ]


def test_the_tracker_that_reads_stored_tracks_finds_them_in_packs(config, tmp_path):
    Run(replace(config, pack_above=0)).execute()
    source = tmp_path / "run"
    again = Run(replace(config, tracker=f"stored:{source}", out=str(tmp_path / "again"))).execute()
    assert again.complete
    first, second = (RunStore.open(folder).index("tracks", Tracks) for folder in (source, tmp_path / "again"))
    for name in "abc":
        assert first.last((name, 0)).tracks == second.last((name, 0)).tracks


def test_shards_are_merged_and_then_packed(config, tmp_path):
    whole = Run(config).execute().store.folder
    sharded = replace(config, out=str(tmp_path / "shards"), pack_above=1)
    for number in (1, 2):
        Run(replace(sharded, shard=f"{number}/2")).execute()
    # A shard packs nothing: it may not be the last.
    assert len(list((tmp_path / "shards").glob("tracks.shard-*.jsonl"))) == 2
    Run(sharded).execute()
    assert [path.name for path in (tmp_path / "shards").glob("tracks*")] == ["tracks.pack-00001.jsonl.zst"]
    assert lines(tmp_path / "shards") == lines(whole)
    assert (tmp_path / "shards/scores.jsonl").read_bytes() == (whole / "scores.jsonl").read_bytes()


def test_a_damaged_pack_stops_a_run_that_goes_on_and_is_named(config, tmp_path):
    config = replace(config, pack_above=0)
    Run(config).execute()
    path = tmp_path / "run/tracks.pack-00001.jsonl.zst"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(RecordError, match=r"tracks\.pack-00001\.jsonl\.zst: a damaged pack of lines"):
        Run(config).execute()


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError, match="pack_above -1 is below 0"):
        RunConfig(pack_above=-1)
