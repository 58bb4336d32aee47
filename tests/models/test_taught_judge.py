"""Judging end to end with a model that knows how to reply: by the ``hf`` judge, and through a server that is not ours."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from intergeneval.judges import hf
from tests.models import taught as taught_model

LIMIT = 60
"""Seconds of processor time that teaching may take."""
SERVE = "from transformers.cli.transformers import main; main()"
UNTIL = 240
"""Seconds after which a server that has not come up counts as broken."""


def values(answers):
    return [(item["status"], item["value"], item["frame"]) for item in answers]


def seen(answers):
    """What stands behind each answer: the line that the reply has for its frame."""
    return [item["evidence"].get("seen") for item in answers]


WANTED = [("ok", value, frame) for value, frame in taught_model.ANSWERS]
SEEN = [taught_model.WALK.get(frame) for _, frame in taught_model.ANSWERS]


def test_a_model_learns_the_format_from_the_ordinary_prompts_in_less_than_a_minute(taught, capsys):
    with capsys.disabled():
        print(f"\ntaught a tiny Qwen3-VL one reply to {taught.tokens} tokens of the ordinary prompts in {taught.seconds:.0f} s")
    assert taught.seconds < LIMIT


def test_what_it_was_taught_is_read_scored_and_remembered(taught, tmp_path, monkeypatch):
    cache = f'cache = "{tmp_path / "cache.sqlite"}"\n'
    settings = "[settings.hf]\nmax_tokens = 1024\n"
    done, answers = taught_model.run(f"hf:{taught.folder}", tmp_path / "run", cache + settings)
    assert done.exit_code == 0, done.output + str(answers[:1])
    assert (values(answers), seen(answers)) == (WANTED, SEEN)
    assert answers[0]["usage"]["requests"] == 1
    assert answers[0]["usage"]["input_tokens"] == taught.tokens
    monkeypatch.setattr(hf.Vlm, "write", lambda *_: pytest.fail("asked again"))
    again, remembered = taught_model.run(f"hf:{taught.folder}", tmp_path / "again", cache + settings)
    assert again.exit_code == 0
    assert (values(remembered), seen(remembered)) == (WANTED, SEEN)


def test_untaught_it_is_unparsed_and_the_run_ends_with_3(taught, tmp_path):
    settings = 'cache = "off"\n[settings.hf]\nmax_tokens = 32\n'
    done, answers = taught_model.run(f"hf:{taught.untaught}", tmp_path / "run", settings)
    assert done.exit_code == 3
    assert {item["status"] for item in answers} == {"unparsed"}


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextlib.contextmanager
def served(folder, work):
    """`transformers serve` on the loopback, with the folder's model loaded; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    log = work / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SERVE, "serve", folder.name, *options],
            cwd=folder.parent,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
    try:
        until = time.monotonic() + UNTIL
        while True:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < until, log.read_text()[-2000:]
            if _answers(f"http://127.0.0.1:{port}/health"):
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait(30)


def test_a_server_of_another_make_is_asked_read_scored_and_not_asked_again(taught, tmp_path):
    """`transformers serve` takes pictures; a JSON schema it refuses (5.23) or takes no notice of (5.24), and both go well."""
    cache = f'cache = "{tmp_path / "cache.sqlite"}"\n'
    name = f"openai:{taught.folder.name}"
    with served(taught.folder, tmp_path) as url:
        # The reply is several hundred tokens on one core, which other work may share.
        config = f'[settings.openai]\nbase_url = "{url}"\ntimeout = 300\n'
        config += "[settings.openai.parameters]\ntemperature = 0\nmax_tokens = 1024\n"
        done, answers = taught_model.run(name, tmp_path / "run", cache + config)
        assert done.exit_code == 0, done.output + str(answers[:1])
        assert (values(answers), seen(answers)) == (WANTED, SEEN)
        usage = answers[0]["usage"]
        assert usage["requests"] - sum(usage["failures"].values()) == 1
        assert set(usage["failures"]) <= {"http 400", "http 422"}
        assert usage["input_tokens"] == taught.tokens
        assert taught.folder.name in json.dumps(usage["served"])
    # The server is gone: what follows comes from the cache alone.
    again, remembered = taught_model.run(name, tmp_path / "again", cache + config)
    assert again.exit_code == 0, again.output
    assert (values(remembered), seen(remembered)) == (WANTED, SEEN)
