"""A plan has no side effects: to make one sends nothing, pays nothing and writes nothing, whatever the judge will have to do."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from intergeneval import errors
from intergeneval.cli import main
from intergeneval.errors import BudgetError, UsageError
from intergeneval.judges.openai import judge as openai_judge
from intergeneval.judges.services import CostEstimate
from intergeneval.run.plan import Plan
from intergeneval.run.run import Run
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, good, reply

PRICES = {"input": 1.0, "output": 10.0}
REPLY_COST = (1000 * 1.0 + 100 * 10.0) / 1e6
"""What the loopback server says one reply took, at these prices."""


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Three samples, of which two ask for the same unknown verb in the same words, and a third for another."""
    root = tmp_path / "world"
    tiny_world.write_benchmark(root / "bench", ("a", "b", "c"))
    tiny_world.write_videos(root / "model", ("a", "b", "c"))

    def change(row):
        row["interactions"][0]["verb"] = {"a": "flummoxes", "b": "flummoxes", "c": "bamboozles"}[row["id"]]

    judged_world.change_samples(root, change)
    monkeypatch.setenv("INTERGENEVAL_CACHE", str(tmp_path / "home" / "cache.sqlite"))
    return root


def script(asked: Asked):
    """Word questions where that is asked for, say yes to everything else."""
    if not isinstance(asked.request["messages"][1]["content"], str):
        return reply(good(asked))
    mark = "outline" if "(red outline)" in asked.request["messages"][1]["content"] else "box"
    names = f"the tall red block (red {mark})", f"the blue crate (blue {mark})"
    texts = [f"Does {names[0]} do it to {names[1]} in way {number}?" for number in range(1, 11)]
    texts[6], texts[9] = f"Is {names[0]} up to something?", f"Is it done to {names[1]}?"
    return reply(json.dumps({"questions": [{"id": number, "text": text} for number, text in enumerate(texts, start=1)]}))


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder with its size and the time it was changed."""
    found = (Path(folder) / name for folder, _, names in os.walk(root) for name in names)
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def settings(world: Path, url: str, **changes):
    return judged_world.config(world, url, unknown_verbs="judge", judge_settings={"prices": PRICES}, **changes)


def test_the_estimate_of_a_run_whose_judge_words_questions_sends_and_writes_nothing_and_counts_them(world, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with ChatServer(script) as server:
        config = tmp_path / "judge.toml"
        config.write_text(
            f'unknown_verbs = "judge"\n[settings.openai]\nbase_url = "{server.url}"\n'
            "[settings.openai.prices]\ninput = 1\noutput = 10\n"
        )
        before = contents(tmp_path)
        words = ["run", "--model", str(world / "model"), "--bench", str(world / "bench"), "--judge", "openai:m"]
        done = CliRunner().invoke(main, [*words, "--config", str(config), "--estimate"])
        assert server.asked == []
    assert done.exit_code == errors.EXIT_OK, done.output
    # Three videos, and two wordings: of a and b the second comes from the cache.
    assert done.stdout.startswith("estimate: 5 requests")
    assert "2 of the requests word questions for verbs that the lexicon does not know" in done.stdout
    assert contents(tmp_path) == before


def test_a_plan_writes_nothing_and_asks_nobody_however_it_is_made(world, tmp_path):
    with ChatServer(script) as server:
        before = contents(tmp_path)
        for changes in ({}, {"consistency": "tracks"}, {"unknown_verbs": "templates"}, {"workers": 2}, {"limit": 1}):
            run = Run(judged_world.config(world, server.url, **{"unknown_verbs": "judge", **changes}))
            assert run.plan.estimate() is not None
        assert server.asked == []
    assert contents(tmp_path) == before
    assert not (tmp_path / "home").exists()


def test_the_estimate_counts_what_is_asked_then(world):
    with ChatServer(script) as server:
        run = Run(settings(world, server.url))
        expected = run.plan.estimate()
        run.execute()
    assert expected is not None
    assert expected.requests == len(server.asked) == 5
    assert expected.cost == pytest.approx((expected.input_tokens * 1.0 + expected.output_tokens * 10.0) / 1e6)


def test_questions_are_worded_once_and_decide_key_and_folder(world):
    with ChatServer(script) as server:
        run = Run(settings(world, server.url))
        assert run.plan.settled is None
        settled = run.settle()
        assert len(server.asked) == 2
        assert run.settle() is settled
        assert run.execute().store.header == settled.header
        assert len(server.asked) == 5
        again = Run(settings(world, server.url)).settle()
        assert len(server.asked) == 5
    assert again.header.key == settled.header.key
    assert {item.template for asked in settled.questions.values() for item in asked} == {"written"}
    plain = Run(judged_world.config(world, "http://127.0.0.1:9/v1")).plan.settled
    assert plain is not None
    assert plain.header.comparability.questions != settled.header.comparability.questions


def test_what_the_wording_cost_counts_toward_the_limit_of_that_call(world):
    judge = {"prices": PRICES, "concurrency": 1, "image_tokens": 1}
    with ChatServer(script) as server:
        plain = judged_world.config(world, server.url, judge_settings=judge, max_cost=1e-9, out=str(world / "plain"))
        told = re.search(r"may cost (\d+\.\d+)", Run(plain).execute().stopped)
        assert told is not None
        assert server.asked == []
        # Room for one video beside both wordings; for all three, were the wordings forgotten.
        limit = 2 * REPLY_COST + float(told[1]) + REPLY_COST / 2
        result = Run(
            judged_world.config(world, server.url, unknown_verbs="judge", judge_settings=judge, max_cost=limit)
        ).execute()
        assert len(server.asked) == 3
    assert "is spent" in result.stopped
    assert not result.complete


def test_a_limit_that_leaves_no_room_for_the_wording_ends_the_run_before_it_begins(world):
    with ChatServer(script) as server:
        with pytest.raises(BudgetError):
            Run(settings(world, server.url, max_cost=1e-6)).execute()
        assert server.asked == []
    assert not (world / "run").exists()


def test_settings_that_cannot_work_are_told_by_the_plan(world):
    with pytest.raises(UsageError, match="writes no questions"):
        Plan.of(judged_world.config(world, "", judge="geometry", consistency="tracks", settings={}, unknown_verbs="judge"))
    with pytest.raises(UsageError, match="needs the cache"):
        Plan.of(judged_world.config(world, "http://127.0.0.1:9/v1", unknown_verbs="judge", cache="off"))


def test_of_a_judge_that_cannot_say_what_wording_takes_the_requests_are_counted_and_the_cost_is_unknown(world, monkeypatch):
    monkeypatch.delattr(openai_judge.OpenAIJudge, "estimate_wording")
    found = Plan.of(settings(world, "http://127.0.0.1:9/v1")).estimate()
    assert isinstance(found, CostEstimate)
    assert (found.requests, found.cost) == (5, None)


def test_an_estimate_may_be_a_judge_s_own_object_or_none(world, monkeypatch):
    own = SimpleNamespace(requests=3, input_tokens=30, output_tokens=6, cost=1.0, basis="a guess")
    monkeypatch.setattr(openai_judge.OpenAIJudge, "estimate", lambda *_, **__: own)
    found = Plan.of(settings(world, "http://127.0.0.1:9/v1")).estimate()
    assert found is not None
    assert found.requests == 5
    assert found.cost is not None
    assert found.cost > 1.0
    assert found.basis.startswith("a guess; 2 of the requests")
    monkeypatch.setattr(openai_judge.OpenAIJudge, "estimate", lambda *_, **__: None)
    assert Plan.of(settings(world, "http://127.0.0.1:9/v1")).estimate() is None
