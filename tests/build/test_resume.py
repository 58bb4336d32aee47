"""A build that was killed goes on: what a model answered is not asked again."""

import signal
import subprocess
import sys
import time

import pytest

from intergeneval import bench
from tests.build import workshop
from tests.fakes.chat_server import ChatServer, reply

PROMPTS = [f"A man in a red coat lifts a blue mug, take {number}." for number in range(6)]


@pytest.mark.parametrize("killed_at", [1, 4])
def test_after_a_kill_at_most_the_request_in_flight_is_asked_again(tmp_path, killed_at):
    workshop.write_list(tmp_path / "source", [{"id": f"s{number}", "prompt": text} for number, text in enumerate(PROMPTS)])
    model = workshop.Model()
    model.scenes = dict.fromkeys(PROMPTS, workshop.scene("man", "mug"))

    def slow(asked):
        time.sleep(0.1)
        return model(asked) if not asked.pictures else reply("no")

    with ChatServer(slow) as server:
        config = workshop.settings(tmp_path / "build.toml", server)
        command = [sys.executable, "-c", "from intergeneval.cli import main; main()", "bench", "build", str(tmp_path / "source")]
        command += [
            "--out",
            str(tmp_path / "bench"),
            "--judge",
            "openai:m",
            "--config",
            str(config),
            "--cache",
            "off",
            "--text-only",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while len(server.asked) < killed_at and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert killed_at <= len(server.asked) < len(PROMPTS)
        with (tmp_path / "bench/build/scenes.jsonl").open("ab") as stream:
            stream.write(b'{"sample_id": "s9", "in')
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert len(server.asked) <= len(PROMPTS) + 1
    assert bench.check(tmp_path / "bench") == []
    assert len(bench.load(tmp_path / "bench").samples) == len(PROMPTS)
