"""Several servers of one model as one judge, over real loopback servers: who is asked, what is kept, and servers that go away."""

from __future__ import annotations

import threading
import time

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.errors import ConfigError, RefusedError
from intergeneval.judges.openai import create
from intergeneval.judges.openai.client import Took
from intergeneval.judges.openai.servers import Servers
from intergeneval.judges.openai.settings import read_servers
from intergeneval.plugins import build
from intergeneval.records import AnswerStatus
from intergeneval.run.run import Run
from intergeneval.store.spending import spending
from tests import judged_world, tiny_world
from tests.fakes.chat_server import ChatServer, Fault, good, reply

VIDEOS = 12
KEY = "sk-a-key-of-many-characters"


@pytest.fixture
def world(tmp_path):
    """A benchmark of twelve samples, each with a video of its own look."""
    names = tuple(f"s{number:02}" for number in range(VIDEOS))
    tiny_world.write_benchmark(tmp_path / "bench", names)
    tiny_world.write_videos(tmp_path / "model", names)
    return tmp_path


def settings(*servers: ChatServer, **changes):
    # Nothing here waits for a time-out: on a busy machine one of a second would be met by good servers.
    return {"base_url": [server.url for server in servers], "concurrency": 2, "timeout": 30.0, **changes}


def run(world, *servers, on_notice=lambda _: None, judge=None, **changes):
    config = judged_world.config(world, "", judge_settings=settings(*servers, **(judge or {})), **changes)
    return Run(config).execute(on_notice=on_notice)


def whole(result):
    return [score.if_ for score in result.scores] == [1.0] * VIDEOS


def test_all_are_asked_each_within_its_concurrency_and_a_slow_one_gets_fewer(world):
    with ChatServer(latency=0.4) as slow, ChatServer(latency=0.02) as first, ChatServer(latency=0.02) as second:
        assert whole(run(world, slow, first, second))
        asked = [len(server.asked) for server in (slow, first, second)]
        assert sum(asked) == VIDEOS
        assert 0 < asked[0] < min(asked[1:])
        assert max(server.most_at_once for server in (slow, first, second)) <= 2


def test_key_revision_and_bytes_do_not_depend_on_which_servers_there_are_or_how_many(world):
    with ChatServer() as first, ChatServer() as second:
        one = judged_world.run(world, first.url, out=str(world / "one"), cache="off")
        two = run(world, first, second, out=str(world / "two"), cache="off")
        other = run(world, second, out=str(world / "other"), cache="off")
    keys = {result.store.header.key for result in (one, two, other)}
    assert len(keys) == 1
    scores = {(result.store.folder / "scores.jsonl").read_bytes() for result in (one, two, other)}
    assert len(scores) == 1


def test_one_cache_serves_all_and_what_one_said_alone_is_known_when_another_joins_it(world):
    with ChatServer() as first, ChatServer() as second:
        judged_world.run(world, first.url, out=str(world / "one"), limit=8)
        run(world, first, second, out=str(world / "two"))
        assert len(first.asked) + len(second.asked) == VIDEOS
        again = run(world, second, first, out=str(world / "three"))
        assert len(first.asked) + len(second.asked) == VIDEOS
    assert whole(again)
    assert spending(again.store).requests == 0


def test_one_budget_holds_for_all(world):
    prices = {"prices": {"input": 1.0, "output": 10.0, "cached_input": 0.5}, "image_tokens": 10}
    with ChatServer() as first, ChatServer() as second:
        result = run(world, first, second, judge=prices, max_cost=0.02)
        asked = len(first.asked), len(second.asked)
    assert min(asked) >= 1
    assert sum(asked) < VIDEOS
    assert result.stopped
    assert not result.refused
    cost = spending(result.store).cost
    assert cost == pytest.approx(sum(asked) * 0.0018)  # 600 tokens sent, 400 from the cache, 100 received
    assert cost <= 0.02


def test_a_server_that_is_killed_is_left_aside_and_said_and_its_questions_go_to_the_others(world):
    said = []
    with ChatServer(latency=0.1) as first, ChatServer(latency=0.1) as second, ChatServer(latency=0.1) as third:
        second.script = dying(second, 2)
        result = run(world, first, second, third, on_notice=said.append)
        assert whole(result)
        # Only the first answer of the killed one came through; what was on its way there was asked elsewhere, once.
        assert len(first.asked) + len(third.asked) == VIDEOS - 1
    aside = [text for text in said if "left aside" in text]
    assert len(aside) == 1
    assert second.url.split("/")[2] in aside[0]
    assert spending(result.store).transient["connection"] >= 1


def dying(server: ChatServer, number: int):
    """A script that ends its server, as a kill does, when it is asked for the so many-th time."""

    def script(asked):
        if asked.number + 1 >= number:
            server.kill()
        return reply(good(asked))

    return script


def test_when_all_are_killed_the_run_stops_cleanly_and_the_same_command_goes_on(world):
    fast = {"attempts": 2, "concurrency": 1}
    with ChatServer() as first, ChatServer() as second:
        for server in (first, second):
            server.script = dying(server, 3)
        result = run(world, first, second, judge=fast)
    assert result.refused
    assert "none of its 2 servers answers" in result.stopped
    done = [answer for answer in judged_world.answers(result.store) if answer.status is AnswerStatus.OK]
    assert len(done) == 40  # two videos each, of ten questions
    with ChatServer() as first, ChatServer() as second:
        assert whole(run(world, first, second))
        assert len(first.asked) + len(second.asked) == VIDEOS - 4


def test_when_none_was_ever_there_the_command_says_so(world):
    first, second = ChatServer(), ChatServer()
    urls = [server.url for server in (first, second)]
    for server in (first, second):
        server._http.server_close()
    with pytest.raises(RefusedError, match="none of its 2 servers answers") as caught:
        Run(judged_world.config(world, "", judge_settings={"base_url": urls, "attempts": 2})).execute()
    assert not caught.value.begun


def test_one_that_comes_back_is_asked_again(world):
    said = []
    gone = threading.Event()

    def sometimes(asked):
        if asked.number == 0:
            gone.set()
            return Fault(status=500)
        return reply(good(asked))

    def patient(asked):
        gone.wait(10)
        time.sleep(0.1)
        return reply(good(asked))

    with ChatServer(sometimes) as first, ChatServer(patient) as second:
        assert whole(run(world, first, second, on_notice=said.append))
        assert len(first.asked) > 1
    assert [text.split(" ", 1)[1] for text in said if "answers again" in text] == ["answers again"]


def test_one_that_is_only_busy_is_waited_for_and_the_others_do_more(world):
    said = []

    def at_first(asked):
        return Fault(status=429, headers={"Retry-After": "0.5"}) if asked.number < 2 else reply(good(asked))

    with ChatServer(at_first) as busy, ChatServer(latency=0.05) as free:
        result = run(world, busy, free, on_notice=said.append)
        assert whole(result)
        assert len(free.asked) > len(busy.asked) - 2
    assert not [text for text in said if "left aside" in text]


def test_one_that_hangs_from_the_start_holds_up_one_request_and_no_more(world):
    others = threading.Event()

    def hanging(asked):
        others.wait(20)
        return reply(good(asked))

    def prompt(asked):
        if asked.number == VIDEOS - 2:
            others.set()
        return reply(good(asked))

    with ChatServer(hanging) as hung, ChatServer(prompt) as second:
        assert whole(run(world, hung, second, judge={"concurrency": VIDEOS}))
        assert (len(hung.asked), len(second.asked)) == (1, VIDEOS - 1)


def test_a_request_for_which_all_are_too_busy_is_sent_to_each_as_to_one_and_has_failed(world):
    with ChatServer(lambda _: Fault(status=503)) as first, ChatServer(lambda _: Fault(status=429)) as second:
        result = run(world, first, second, judge={"attempts": 3}, limit=1)
        assert (len(first.asked), len(second.asked)) == (3, 3)
    assert not result.stopped
    (reason,) = {answer.reason for answer in judged_world.answers(result.store)}
    assert "(3 attempts), and so at 2 servers in turn" in reason


def test_a_server_that_is_away_for_a_week_stops_nothing():
    def compose(_):
        return {"model": "m", "messages": [{"role": "system", "content": ""}, {"role": "user", "content": "Frame 0:"}]}

    with ChatServer(lambda _: Fault(status=500)) as away, ChatServer() as second:
        servers = Servers(read_servers("m", settings(away, second, backoff=0.01, longest_wait=0.01)))
        servers._servers[0].losses = 7 * 86_400 // 300
        found = [servers.send(compose, 0.0, Took()).server.place for _ in range(3) if not time.sleep(0.02)]
        assert len(away.asked) >= 1
        servers.close()
    assert set(found) == {second.url.split("/")[2]}


def test_what_one_of_them_refuses_for_good_names_it_and_no_key_is_said(world, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    wrong = Fault(status=401, body=f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode())
    with ChatServer(lambda _: wrong) as first, ChatServer(latency=1.0) as second:
        with pytest.raises(RefusedError) as caught:
            run(world, first, second)
        assert first.url.split("/")[2] in str(caught.value)
        assert first.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(caught.value)
    assert not any(KEY.encode() in path.read_bytes() for path in world.rglob("*") if path.is_file())


def test_doctor_tries_each_of_them(world):
    config = world / "judge.toml"
    with ChatServer() as first, ChatServer() as second:
        config.write_text(f'[settings.openai]\nbase_url = ["{first.url}", "{second.url}"]\n')
        told = CliRunner().invoke(main, ["doctor", "--judge", "openai:m", "--config", str(config)])
        assert (len(first.asked), len(second.asked)) == (1, 1)
        for server in (first, second):
            assert f"{server.url.split('/')[2]} serves served-1" in " ".join(told.output.split())
        second.script = lambda _: Fault(status=404)
        told = CliRunner().invoke(main, ["doctor", "--judge", "openai:m", "--config", str(config)])
        assert told.exit_code != 0
        assert f"{second.url.split('/')[2]}: " in " ".join(told.output.split())


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ([], "the address of at least one server"),
        (["http://127.0.0.1:1/v1", ""], "the address of at least one server"),
        (["http://127.0.0.1:1/v1", 7], "the address of at least one server"),
        (["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/chat/completions"], "127.0.0.1:1 is listed twice"),
        (["http://127.0.0.1:1/v1", f"http://{KEY}@127.0.0.1:2/v1"], "holds a user, password or query"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused_without_any_password(urls, said):
    with pytest.raises(ConfigError, match=said) as caught:
        create("m", {"base_url": urls})
    assert KEY not in str(caught.value)


def test_batches_lie_at_one_server_and_a_list_is_refused(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(ConfigError, match="openai-batch' takes one address"):
        build("judges", "openai-batch:m", {"base_url": ["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"]})
