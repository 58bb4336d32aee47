"""Ctrl-C ends a run with two workers within three seconds, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time

from tests import tiny_world

NAMES = tuple(f"s{number}" for number in range(24))


def test_an_interrupt_ends_two_workers_within_three_seconds_and_leaves_none(tmp_path):
    bench, videos = tiny_world.write_benchmark(tmp_path / "bench", NAMES), tiny_world.write_videos(tmp_path / "model", NAMES)
    words = [
        "run",
        "--model",
        str(videos),
        "--bench",
        str(bench),
        "--tracker",
        "flow",
        "--workers",
        "2",
        "--out",
        str(tmp_path / "run"),
    ]
    command = [sys.executable, "-m", "tests.faults.command", *words]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    lines = tmp_path / "run" / "videos.jsonl"
    until = time.monotonic() + 120
    while not (lines.exists() and lines.read_bytes()) and time.monotonic() < until and child.poll() is None:
        time.sleep(0.05)
    assert child.poll() is None, "it ended before it could be interrupted"
    began = time.monotonic()
    # The parent alone, as a supervisor sends it: the workers learn of it from the parent.
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    took = time.monotonic() - began
    assert child.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert took < 3
    until = time.monotonic() + 3
    while _lives(child.pid):
        assert time.monotonic() < until, "a worker is left"
        time.sleep(0.05)


def _lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
