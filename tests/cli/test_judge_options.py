"""The judge's options and the cache verbs as typed."""

import json

import pytest
from click.testing import CliRunner

from intergeneval import errors
from intergeneval.cli import main
from tests.fakes.chat_server import ChatServer, Fault, good, reply


@pytest.fixture
def words(tiny, tmp_path, monkeypatch):
    bench, model = tiny
    monkeypatch.setenv("INTERGENEVAL_CACHE", str(tmp_path / "cache.sqlite"))
    return ["run", "--model", str(model), "--bench", str(bench), "--tracker", "stored", "--out", str(tmp_path / "run")]


def config(tmp_path, url, **more):
    lines = [f"{name} = {json.dumps(value)}" for name, value in {"base_url": url, "backoff": 0.02, **more}.items()]
    path = tmp_path / "judge.toml"
    path.write_text(
        "workers = 1\n[settings.openai]\n" + "\n".join(lines) + "\n[settings.openai.prices]\ninput = 1\noutput = 10\n"
    )
    return ["--judge", "openai:m", "--config", str(path)]


def test_a_run_says_what_it_may_cost_before_and_what_it_took_after(words, tmp_path):
    with ChatServer() as server:
        result = CliRunner().invoke(main, [*words, *config(tmp_path, server.url), "--consistency", "judge"])
    assert result.exit_code == errors.EXIT_OK, result.output
    assert "estimate: 3 requests" in result.stderr
    assert "judge: 3 requests, 0 answers from the cache, 3000 tokens in" in result.stdout
    assert "cost 0.0060" in result.stdout
    assert "<=" not in result.stdout


def test_estimate_alone_sends_and_writes_nothing(words, tmp_path):
    with ChatServer() as server:
        result = CliRunner().invoke(main, [*words, *config(tmp_path, server.url), "--estimate"])
        assert server.asked == []
    assert result.stdout.startswith("estimate: 3 requests")
    assert not (tmp_path / "run").exists()


def test_stopping_at_the_cost_limit_is_an_incomplete_run_that_goes_on(words, tmp_path):
    with ChatServer() as server:
        options = config(tmp_path, server.url, concurrency=1, image_tokens=1)
        stopped = CliRunner().invoke(main, [*words, *options, "--max-cost", "0.012"])
        assert stopped.exit_code == errors.EXIT_INCOMPLETE
        assert "STOPPED at --max-cost" in stopped.stdout
        assert CliRunner().invoke(main, [*words, *options]).exit_code == errors.EXIT_OK
        assert len(server.asked) == 3


def test_waiting_for_a_rate_limit_is_told_and_failures_are_counted_by_kind(words, tmp_path):
    def script(asked):
        return Fault(status=429, headers={"Retry-After": "2"}) if asked.number == 0 else reply(good(asked))

    with ChatServer(script) as server:
        result = CliRunner().invoke(main, [*words, *config(tmp_path, server.url)])
    assert "rate limit: waiting 2 s" in result.stderr
    assert "attempts that failed: 1 rate limit" in result.stdout


def test_a_judge_that_cannot_assess_is_refused_for_consistency(words):
    result = CliRunner().invoke(main, [*words, "--consistency", "judge"])
    assert result.exit_code == errors.EXIT_USAGE
    assert "does not say what emerged" in result.stderr


def test_cache_stats_and_clear(words, tmp_path):
    with ChatServer() as server:
        CliRunner().invoke(main, [*words, *config(tmp_path, server.url)])
    found = json.loads(CliRunner().invoke(main, ["cache", "stats", "--json"]).stdout)
    # Ten questions and two controls a sample.
    assert (found["answers"], found["judges"]) == (36, {"openai:m": 36})
    assert "36 answers" in CliRunner().invoke(main, ["cache", "stats"]).stdout
    assert CliRunner().invoke(main, ["cache", "clear"], input="n\n").exit_code == 1
    assert "0 answers removed" in CliRunner().invoke(main, ["cache", "clear", "--yes", "--judge", "openai:other"]).stdout
    assert "36 answers removed" in CliRunner().invoke(main, ["cache", "clear", "--yes"]).stdout
