"""A run with the batch judge is killed (SIGKILL) wherever it can hurt: gone on with, it pays nothing twice and ends the same."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from multiprocessing import connection
from pathlib import Path

import pytest

from intergeneval.config import RunConfig
from intergeneval.run.run import Run
from tests import judged_world, tiny_world
from tests.fakes.batch_server import BatchServer
from tests.fakes.chat_server import Fault
from tests.judges.test_openai_batch import faulty_once


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("killed")
    tiny_world.write_benchmark(root / "bench")
    tiny_world.write_videos(root / "model")
    with BatchServer(faulty_once) as server:
        made = judged_world.run(root, server.url, out=str(root / "unbroken"), cache="off")
    return root, (made.store.folder / "scores.jsonl").read_bytes()


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["intergeneval.run.run", "intergeneval.judges.openai_batch", "intergeneval.trackers.stored"])
    return context


def _config(root: Path, folder: Path, url: str) -> RunConfig:
    made = judged_world.config(root, url, judge="openai-batch:test-model", out=str(folder / "run"), cache=str(folder / "cache"))
    return replace(made, settings={"openai": {**made.settings["openai"], "attempts": 1}, "openai-batch": {"requests": 2}})


def _run(config: RunConfig) -> None:
    Run(config).execute()


def _run_and_die(config: RunConfig, appends: int) -> None:
    """Run until so many lines are on disk, counted over the journal and the stages, then die."""
    from intergeneval.store import run_folder

    real, count = os.fsync, 0

    def dying_fsync(handle: int) -> None:
        nonlocal count
        real(handle)
        name = Path(f"/proc/self/fd/{handle}").readlink().name
        count += name.startswith(("batches", "answers", "consistency"))
        if count == appends:
            os.kill(os.getpid(), signal.SIGKILL)

    run_folder.os.fsync = dying_fsync
    _run(config)


def _go_on(config: RunConfig, server: BatchServer, expected: bytes) -> None:
    for _ in range(8):
        result = Run(config).execute()
        if result.complete:
            break
    assert (result.store.folder / "scores.jsonl").read_bytes() == expected
    assert set(server.paid.values()) == {1}, "a request was paid twice"
    assert len(server.paid) == 6
    answers = judged_world.answers(result.store)
    assert sum(item.usage.get("requests", 0) for item in answers) == 6


POINTS = [
    (when, method, path)
    for when in ("before", "after")
    for method, path in (("POST", "/files"), ("POST", "/batches"), ("GET", "/batches/ID"), ("GET", "/files/ID/content"))
]


@pytest.mark.parametrize("number", [1, 2], ids=["the first", "the second"])
@pytest.mark.parametrize(("when", "method", "path"), POINTS, ids=[" ".join(point) for point in POINTS])
def test_killed_before_or_after_a_call_has_its_effect(world, processes, tmp_path, when, method, path, number):
    root, expected = world
    with BatchServer(faulty_once) as server:
        config, process, seen = _config(root, tmp_path, server.url), None, 0

        def kill(called: str, where: str) -> Fault | None:
            nonlocal seen
            parts = path.split("ID")
            if process is not None and called == method and where.startswith(parts[0]) and where.endswith(parts[-1]):
                seen += 1
                if seen == number:
                    process.kill()
                    # Not joined here: two threads that read one exit code find none.
                    connection.wait([process.sentinel], 30)
                    return Fault(status=500)
            return None

        setattr(server, when, kill)
        while process is None or process.exitcode == 0:
            process = processes.Process(target=_run, args=(config,))
            process.start()
            process.join(60)
        assert process.exitcode == -signal.SIGKILL
        process = None
        _go_on(config, server, expected)


LINES = [(0, 1), (0, 2), (0, 5), (1, 1), (1, 2), (1, 4), (1, 6), (2, 2), (2, 5), (2, 6), (2, 7), (2, 8), (2, 11)]
"""Calls that end as they should, and the line of the next one after which it dies: gathered, uploaded, submitted, replies, ended,
a video's consistency, its answers, recorded."""


@pytest.mark.parametrize(("calls", "appends"), LINES)
def test_killed_after_a_line_is_written(world, processes, tmp_path, calls, appends):
    root, expected = world
    with BatchServer(faulty_once) as server:
        config = _config(root, tmp_path, server.url)
        for _ in range(calls):
            _run(config)
        process = processes.Process(target=_run_and_die, args=(config, appends))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        _go_on(config, server, expected)
