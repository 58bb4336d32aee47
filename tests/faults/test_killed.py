"""A run is killed (SIGKILL) at many moments; resuming it must end with the bytes of an unbroken run."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from intergeneval.config import RunConfig
from intergeneval.run.run import Run
from tests import tiny_world

KEYS = {
    "samples": ("id",),
    "questions": ("sample_id", "interaction", "question_id"),
    "videos": ("sample_id", "seed"),
    "tracks": ("sample_id", "seed"),
    "consistency": ("sample_id", "seed"),
    "answers": ("sample_id", "seed", "interaction", "question_id"),
}
SAMPLES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A benchmark, its videos, and the scores of a run that nobody disturbed."""
    root = tmp_path_factory.mktemp("killed")
    bench = tiny_world.write_benchmark(root / "bench", SAMPLES)
    model = tiny_world.write_videos(root / "model", SAMPLES)
    config = RunConfig(model=str(model), bench=str(bench), tracker="stored", workers=1)
    folder = _run(config, root / "unbroken")
    return config, (folder / "scores.jsonl").read_bytes()


@pytest.fixture(scope="module")
def processes():
    """Fresh processes that have the heavy libraries loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["intergeneval.run.run", "intergeneval.judges.geometry", "intergeneval.trackers.stored"])
    return context


def _run(config: RunConfig, folder: Path) -> Path:
    settings = {**config.to_json(), "out": str(folder)}
    return Run(RunConfig.from_json(settings)).execute().store.folder


def _run_and_die(config: RunConfig, folder: Path, appends: int, torn: bool) -> None:
    """Run until so many appends are on disk, then die, with half of the next one written if `torn`."""
    from intergeneval.store import run_folder

    real, count = os.fsync, 0

    def dying_fsync(handle: int) -> None:
        nonlocal count
        real(handle)
        if not Path(f"/proc/self/fd/{handle}").readlink().name.endswith(".jsonl"):
            return
        count += 1
        if count == appends:
            if torn:
                size = os.fstat(handle).st_size
                last = Path(f"/proc/self/fd/{handle}").readlink().read_bytes().rstrip(b"\n").rfind(b"\n") + 1
                os.ftruncate(handle, last + (size - last) // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    run_folder.os.fsync = dying_fsync
    _run(config, folder)


def _check(config: RunConfig, folder: Path, expected: bytes) -> None:
    before = {stage: _items(folder, stage) for stage in KEYS}
    _run(config, folder)
    assert (folder / "scores.jsonl").read_bytes() == expected
    for stage, found in before.items():
        after = _items(folder, stage)
        assert after[: len(found)] == found, f"{stage}: a recorded line was lost or changed"
        keys = [tuple(item[name] for name in KEYS[stage]) for item in after]
        assert len(keys) == len(set(keys)), f"{stage}: an item was done twice"


def _items(folder: Path, stage: str) -> list[dict[str, object]]:
    path = folder / f"{stage}.jsonl"
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [json.loads(line) for line in whole.decode().split("\n") if line]


@pytest.mark.parametrize("torn", [False, True], ids=["after the append", "in the middle of its line"])
@pytest.mark.parametrize("appends", range(1, 21))
def test_killed_at_one_of_the_first_twenty_appends(world, processes, tmp_path, appends, torn):
    config, expected = world
    process = processes.Process(target=_run_and_die, args=(config, tmp_path / "run", appends, torn))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    _check(config, tmp_path / "run", expected)


@pytest.mark.parametrize("moment", range(10))
def test_killed_at_a_random_moment(world, processes, tmp_path, moment):
    config, expected = world
    process = processes.Process(target=_run, args=(config, tmp_path / "run"))
    process.start()
    time.sleep(random.Random(moment).uniform(0.02, 0.9))
    process.kill()
    process.join(60)
    _check(config, tmp_path / "run", expected)


def test_killed_twice_and_gone_on_with_several_workers(world, processes, tmp_path):
    config, expected = world
    for appends in (4, 3):
        process = processes.Process(target=_run_and_die, args=(config, tmp_path / "run", appends, True))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
    _check(RunConfig.from_json({**config.to_json(), "workers": 2}), tmp_path / "run", expected)
