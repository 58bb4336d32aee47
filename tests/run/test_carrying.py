"""Videos that travel with their jobs: workers that see none of the first process's folders make the same run."""

from __future__ import annotations

import contextlib
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from intergeneval.config import RunConfig
from intergeneval.errors import UsageError
from intergeneval.records import Tracks, Video, VideoStatus
from intergeneval.run import run as run_module
from intergeneval.run.engine import LOST
from intergeneval.run.run import Run
from tests import judged_world, tiny_world
from tests.fakes.chat_server import ChatServer

IDS = ("a", "b", "c")
_TOOK = re.compile(rb'"seconds":[\d.e-]+')
"""How long a question took, which no two runs say alike."""


class Apart:
    """An engine whose one worker sees nothing of some folders while it builds its backends and does its jobs."""

    def __init__(self, *folders: Path, loses: str = "") -> None:
        self.folders, self.loses = folders, loses
        self.jobs = 0

    def outcomes(self, setup, jobs):
        packed = pickle.dumps(setup)
        with self._away():
            run = pickle.loads(packed).build()
        assert list(setup.places) == []
        for job in jobs:
            self.jobs += 1
            if job.job.sample.id == self.loses:
                yield setup.lost(job)
                continue
            packed = pickle.dumps(job)
            with self._away():
                done = pickle.dumps(run(pickle.loads(packed)))
            yield pickle.loads(done)

    def close(self):
        pass

    @contextlib.contextmanager
    def _away(self):
        hidden = [(folder, folder.with_name(f"{folder.name}-away")) for folder in self.folders if folder.exists()]
        for folder, place in hidden:
            folder.rename(place)
        try:
            yield
        finally:
            for folder, place in hidden:
                # What was made meanwhile would have been made in the wrong place.
                assert not folder.exists()
                place.rename(folder)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Settings of runs over three videos, and what runs them by an engine whose worker sees neither these nor the benchmark."""
    tiny_world.write_benchmark(tmp_path / "bench", IDS)
    tiny_world.write_videos(tmp_path / "model", IDS)
    monkeypatch.setenv("INTERGENEVAL_CACHE", str(tmp_path / "cache/answers.sqlite"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)

    class World:
        root = tmp_path
        left = temporary

        def config(self, out, **changes) -> RunConfig:
            base = {
                "model": str(tmp_path / "model"),
                "bench": str(tmp_path / "bench"),
                "tracker": "stored",
                "out": str(tmp_path / out),
                "workers": 1,
                "cache": "off",
            }
            return RunConfig(**{**base, **changes})

        def carried(self, config, *, sees_run=False, loses=""):
            config = replace(config, engine="ray:nowhere:1", carry=True)
            hidden = [tmp_path / "bench", tmp_path / "model", *([] if sees_run else [Path(config.out)])]
            engine = Apart(*hidden, loses=loses)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(run_module, "engine_of", lambda *_, **__: engine)
                result = Run(config).execute()
            assert list(temporary.iterdir()) == []
            return result, engine

    return World()


def content(folder: Path) -> dict[str, object]:
    """What a run folder holds: stage files as sets of lines, since videos may end in any order, and all others byte for byte."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.startswith((".", "run.json")):
            continue
        held = path.read_bytes()
        found[name] = sorted(_TOOK.sub(b"", held).splitlines()) if path.suffix == ".jsonl" else held
    return found


@pytest.mark.parametrize(
    "changes",
    [{}, {"tracker": "flow"}, {"overlay": True}, {"model": "staged:perfect", "bench": "staged", "tracker": "stored", "limit": 3}],
    ids=["stored", "flow", "overlay", "staged"],
)
def test_workers_that_see_no_folder_make_the_run_of_one_process(world, changes):
    plain = Run(world.config("plain", **changes)).execute()
    apart, engine = world.carried(world.config("apart", **changes))
    assert engine.jobs == len(apart.scores) >= 3
    assert all(score.if_ is not None for score in apart.scores)
    assert content(apart.store.folder) == content(plain.store.folder)


def test_folders_of_frames_and_of_stored_masks_travel_as_well(world):
    for name in IDS:
        (world.root / "model" / f"{name}.mp4").unlink()
        (world.root / "model" / f"{name}.tracks.json").unlink()
        for index in range(tiny_world.FRAMES):
            frame = world.root / "model" / name / f"{index:03}.png"
            frame.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(frame), tiny_world.frame_at(index, 1)[:, :, ::-1])
            for instance, box in tiny_world.boxes_at(index).items():
                mask = world.root / "model" / f"{name}.tracks" / instance / f"{index:03}.png"
                mask.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(mask), tiny_world.mask_of(box).astype(np.uint8) * 255)
    plain = Run(world.config("plain")).execute()
    apart, _ = world.carried(world.config("apart"))
    assert all(score.if_ is not None for score in apart.scores)
    assert content(apart.store.folder) == content(plain.store.folder)


def test_what_is_missing_damaged_or_unlike_is_told_as_by_one_process_and_no_folder_of_a_worker_is_named(world):
    (world.root / "model/a.mp4").unlink()
    (world.root / "model/b.mp4").write_bytes(b"no video")
    (world.root / "model/c.tracks.json").unlink()
    plain = Run(world.config("plain")).execute()
    apart, _ = world.carried(world.config("apart"))
    assert content(apart.store.folder) == content(plain.store.folder)
    told = {video.sample_id: video for video in apart.store.read("videos", Video)}
    assert [told[name].status for name in ("a", "b")] == [VideoStatus.MISSING, VideoStatus.UNDECODABLE]
    (tracks,) = apart.store.read("tracks", Tracks)
    assert str(world.root / "model/c.tracks.json") in tracks.reason


def test_a_run_goes_on_with_videos_that_lie_in_its_own_folder(world):
    staged = {"model": "staged:perfect", "bench": "staged", "tracker": "stored", "limit": 3}
    first, _ = world.carried(world.config("apart", **staged))
    for name in ("answers", "tracks", "consistency"):
        (first.store.folder / f"{name}.jsonl").unlink()
    before = {path: path.stat().st_mtime_ns for path in (first.store.folder / "videos").rglob("*.mp4")}
    again, _ = world.carried(world.config("apart", **staged))
    plain = Run(world.config("plain", **staged)).execute()
    # They were sent there, not made anew.
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (again.store.folder / "scores.jsonl").read_bytes() == (plain.store.folder / "scores.jsonl").read_bytes()


def test_a_video_that_changed_is_tracked_anew_from_the_masks_that_travel(world):
    world.carried(world.config("apart", tracker="flow"))
    shutil.copy(world.root / "model/b.mp4", world.root / "model/a.mp4")
    again, _ = world.carried(world.config("apart", tracker="flow"))
    plain = Run(world.config("plain", tracker="flow")).execute()
    assert again.observed == 1
    assert (again.store.folder / "scores.jsonl").read_bytes() == (plain.store.folder / "scores.jsonl").read_bytes()


def test_a_judge_behind_a_server_is_asked_by_the_first_process(world):
    with ChatServer() as server:
        settings = {"openai": {"base_url": server.url, **judged_world.FAST}}
        asked = {"judge": "openai:m", "consistency": "judge", "controls": False, "settings": settings}
        plain = Run(world.config("plain", **asked)).execute()
        pictures = sorted(item.pictures for item in server.asked)
        # Answers are written by threads while the worker is at its next job.
        apart, _ = world.carried(world.config("apart", **asked), sees_run=True)
        assert sorted(item.pictures for item in server.asked[len(pictures) :]) == pictures
    assert (apart.store.folder / "scores.jsonl").read_bytes() == (plain.store.folder / "scores.jsonl").read_bytes()


def test_a_video_that_no_worker_lived_through_is_recorded_as_elsewhere(world):
    apart, _ = world.carried(world.config("apart"), loses="b")
    told = {video.sample_id: video for video in apart.store.read("videos", Video)}
    assert (told["b"].status, told["b"].reason) == (VideoStatus.FAILED, LOST)
    assert [score.sample_id for score in apart.unscored] == ["b"]


def test_a_job_that_waits_holds_no_content(world):
    big = world.root / "model/a.mp4"
    content_of = big.read_bytes()
    engine = Apart()
    kept = []
    engine.outcomes = lambda setup, jobs: (kept.extend(jobs), (yield from ()))[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "engine_of", lambda *_, **__: engine)
        Run(replace(world.config("apart"), engine="ray:nowhere:1", carry=True)).execute()
    big.write_bytes(content_of + b"and more")
    # What is sent is what lies there when it is sent.
    assert pickle.loads(pickle.dumps(kept[0])).files["model/a.mp4"] == content_of + b"and more"


@pytest.mark.parametrize("engine", ["", "processes"])
def test_without_a_cluster_there_is_nobody_to_carry_to(world, engine):
    with pytest.raises((ValueError, UsageError), match="carry and engine"):
        world.config("run", engine=engine, carry=True)
