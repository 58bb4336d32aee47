"""Tracks that are kept: found by what was tracked, whole or not at all, and tracked once for all judges."""

import gzip
import json
from dataclasses import replace

from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.config import RunConfig
from intergeneval.records import Tracks
from intergeneval.run.run import Run
from intergeneval.store.track_cache import TrackCache
from intergeneval.trackers.flow import FlowTracker


def config(tiny, tmp_path, name="run", **changes):
    base = RunConfig(
        model=str(tiny[1]),
        bench=str(tiny[0]),
        tracker="flow",
        out=str(tmp_path / name),
        workers=1,
        cache=str(tmp_path / "cache.sqlite"),
    )
    return replace(base, **changes)


def counted(monkeypatch):
    """Count what the flow tracker tracks."""
    seen, track = [], FlowTracker.track
    monkeypatch.setattr(FlowTracker, "track", lambda self, request: seen.append(request.sample.id) or track(self, request))
    return seen


def test_a_second_run_of_the_same_videos_tracks_nothing_and_holds_the_same_tracks(tiny, tmp_path, monkeypatch):
    seen = counted(monkeypatch)
    first, second = (Run(config(tiny, tmp_path, name)).execute().store for name in ("one", "two"))
    assert sorted(seen) == ["a", "b", "c"]
    assert first.read("tracks", Tracks) == second.read("tracks", Tracks)


def test_another_video_another_setting_and_another_mask_are_tracked_anew(tiny, tmp_path, monkeypatch):
    seen = counted(monkeypatch)
    Run(config(tiny, tmp_path, "one")).execute()
    seen.clear()
    (tiny[1] / "a.mp4").write_bytes((tiny[1] / "b.mp4").read_bytes() + b"\0" * 8)
    (tiny[0] / "masks" / "c" / "id1.png").write_bytes((tiny[0] / "masks" / "c" / "id2.png").read_bytes())
    Run(config(tiny, tmp_path, "two")).execute()
    assert sorted(seen) == ["a", "c"]


def test_without_a_cache_nothing_is_kept(tiny, tmp_path, monkeypatch):
    seen = counted(monkeypatch)
    for name in ("one", "two"):
        Run(config(tiny, tmp_path, name, cache="off", samples=("a",))).execute()
    assert seen == ["a", "a"]
    assert not list(tmp_path.glob("*.tracks"))


def test_a_damaged_file_is_tracked_anew_and_written_over(tiny, tmp_path, monkeypatch):
    seen = counted(monkeypatch)
    Run(config(tiny, tmp_path, "one", samples=("a",))).execute()
    (kept,) = TrackCache(tmp_path / "cache.sqlite").files()
    whole = kept.read_bytes()
    for damage in (whole[: len(whole) // 2], b"", gzip.compress(b"{}")):
        kept.write_bytes(damage)
        Run(config(tiny, tmp_path, f"run-{len(damage)}", samples=("a",))).execute()
        assert kept.read_bytes() == whole
    assert len(seen) == 4


def test_cache_stats_and_clear_know_the_tracks(tiny, tmp_path):
    Run(config(tiny, tmp_path, "one")).execute()
    told = CliRunner().invoke(main, ["cache", "stats", "--path", str(tmp_path / "cache.sqlite"), "--json"])
    assert json.loads(told.stdout)["tracks"] == 3
    CliRunner().invoke(main, ["cache", "clear", "--path", str(tmp_path / "cache.sqlite"), "--yes"])
    assert not list(TrackCache(tmp_path / "cache.sqlite").files())
