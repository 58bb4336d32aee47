"""Servers that refuse every request for one cause: what is sent, what is said, what is kept, and what goes on afterwards."""

from __future__ import annotations

import json
import threading
import time

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.errors import EXIT_CRASH, EXIT_USAGE, RefusedError
from intergeneval.records import AnswerStatus
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, Fault, good, reply

VIDEOS = 12
IDS = tuple(f"s{number:02}" for number in range(VIDEOS))


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench", IDS)
    tiny_world.write_videos(tmp_path / "model", IDS)
    return tmp_path


def refused(status: int, message: str, code: str | None = None, param: str | None = None) -> Fault:
    return Fault(status=status, body=json.dumps({"error": {"message": message, "code": code, "param": param}}).encode())


EMPTY = refused(429, "You exceeded your current quota", "insufficient_quota")
TEMPERATURE = refused(400, "Unsupported value: 'temperature' does not support 0", "unsupported_value", "temperature")


def capped(most: int):
    def script(asked: Asked):
        if len(asked.pictures) > most:
            return refused(400, f"At most {most} image(s) may be provided in one request.")
        return reply(good(asked))

    return script


def uncountable(asked: Asked):
    return refused(400, "Too many images in request.") if len(asked.pictures) > 4 else reply(good(asked))


def lower_each_time(asked: Asked):
    return refused(400, f"At most {len(asked.pictures) - 1} image(s) may be provided in one request.")


def renamed(asked: Asked):
    if "max_tokens" in asked.request:
        return refused(400, "Use 'max_completion_tokens' instead.", "unsupported_parameter", "max_tokens")
    return reply(good(asked))


REFUSALS = {
    "an empty account": (lambda _: EMPTY, 1, "the account has no credit or quota left (status 429): top it up"),
    "a key that is not taken": (lambda _: Fault(status=401), 1, "put a valid key into $OPENAI_API_KEY"),
    "a model nobody serves": (lambda _: refused(404, "no", "model_not_found"), 1, "name one with --judge openai:MODEL"),
    "another temperature": (lambda _: TEMPERATURE, 1, "write [settings.openai.parameters] without temperature"),
    "a redirect": (lambda _: Fault(status=307, headers={"Location": "http://127.0.0.1:9/"}), 1, "set base_url"),
    "a cap on pictures": (capped(2), 3, "the server takes at most 2 pictures a request, and 14 were sent"),
    "a cap it does not name": (uncountable, 3, "set pictures in [settings.openai] to a number that it takes"),
    "a cap that is none": (lambda _: refused(400, "At most 4 images"), 3, "takes at most 4 pictures a request, and 4 were sent"),
    "a cap that sinks": (lower_each_time, 3, "the server takes at most 5 pictures a request, and 6 were sent"),
    "a context too short": (lambda _: refused(400, "x", "context_length_exceeded"), 3, "lower max_tokens in"),
    "no cause that is known": (lambda _: refused(400, "no"), 3, "look into the server's log"),
}


@pytest.mark.parametrize(("name", "workers"), [*((name, 1) for name in REFUSALS), ("an empty account", 2)])
def test_a_refusal_that_meets_every_video_ends_the_run_at_once_with_one_sentence(world, name, workers):
    script, most, said = REFUSALS[name]
    settings = judged_world.config(world, "URL", judge_settings={"concurrency": 16}, workers=workers).to_json()
    with ChatServer(script, latency=0.05) as server:
        config = world / "run.toml"
        config.write_text(_toml(settings).replace("URL", server.url))
        done = CliRunner().invoke(main, ["run", "--config", str(config)])
        assert server.most_at_once == 1
        assert len(server.asked) == most
    assert done.exit_code == EXIT_USAGE
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    with ChatServer() as server:
        again = judged_world.run(world, server.url, workers=workers)
    assert [score.if_ for score in again.scores] == [1.0] * VIDEOS
    assert len(server.asked) == VIDEOS


@pytest.mark.parametrize("name", REFUSALS)
def test_doctor_names_the_same_cause_in_the_same_words(world, name):
    script, most, said = REFUSALS[name]
    config = world / "run.toml"
    with ChatServer(script) as server:
        config.write_text(f'[settings.openai]\nbase_url = "{server.url}"\n')
        done = CliRunner().invoke(main, ["doctor", "--judge", "openai:test-model", "--config", str(config)])
        assert len(server.asked) <= most
    assert done.exit_code == EXIT_CRASH
    assert said in done.stdout


def test_doctor_says_how_many_pictures_a_server_takes_that_takes_fewer(world):
    config = world / "run.toml"
    with ChatServer(capped(4)) as server:
        config.write_text(f'[settings.openai]\nbase_url = "{server.url}"\n')
        done = CliRunner().invoke(main, ["doctor", "--judge", "openai:test-model", "--config", str(config)])
    assert done.exit_code == 0, done.stdout
    assert "takes 4 pictures a request and a JSON schema; its reply could be scored" in done.stdout


def test_a_renamed_parameter_costs_one_request_in_a_whole_run_and_none_afterwards(world):
    with ChatServer(renamed) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 16})
        assert [score.if_ for score in result.scores] == [1.0] * VIDEOS
        assert len(server.asked) == VIDEOS + 1
        assert server.asked[1].request["max_completion_tokens"] == 4096
        judged_world.run(world, server.url, out=str(world / "other"))
        assert len(server.asked) == VIDEOS + 1  # everything from the cache, whose keys know one name only
        judged_world.change_samples(world, lambda row: row["instances"][0].update(appearance=f"{row['id']} block"))
        judged_world.run(world, server.url, out=str(world / "third"), limit=2)
        assert ["max_tokens" in asked.request for asked in server.asked[VIDEOS + 1 :]] == [False, False]


def test_a_server_that_only_knows_the_older_name_is_asked_under_it(world):
    def older(asked: Asked):
        if "max_completion_tokens" in asked.request:
            return refused(400, "Unrecognized request argument supplied: max_completion_tokens")
        return reply(good(asked))

    with ChatServer(older) as server:
        parameters = {"parameters": {"temperature": 0, "max_completion_tokens": 900}}
        result = judged_world.run(world, server.url, judge_settings=parameters)
        assert len(server.asked) == VIDEOS + 1
        assert server.asked[1].request["max_tokens"] == 900
    assert [score.if_ for score in result.scores] == [1.0] * VIDEOS


def test_a_server_that_takes_neither_name_is_asked_twice_in_all(world):
    def neither(asked: Asked):
        name = next(name for name in ("max_tokens", "max_completion_tokens") if name in asked.request)
        return refused(400, f"Unsupported parameter: '{name}'", "unsupported_parameter", name)

    with ChatServer(neither) as server:
        with pytest.raises(RefusedError, match="takes neither max_tokens nor max_completion_tokens"):
            judged_world.run(world, server.url)
        assert len(server.asked) == 2


def test_the_first_request_goes_alone_and_the_others_follow_side_by_side(world):
    waiting, together = threading.Event(), []

    def script(asked: Asked):
        if asked.number == 0:
            waiting.wait(0.6)
            together.append(server.most_at_once)
        return reply(good(asked))

    with ChatServer(script, latency=0.1) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 16, "timeout": 5.0})
        assert together == [1]
        assert server.most_at_once > 1
    assert [score.if_ for score in result.scores] == [1.0] * VIDEOS


def test_what_lies_in_one_video_stops_nothing_wherever_it_comes(world):
    faults = {
        0: refused(400, "filtered", "content_filter"),
        4: refused(413, "request entity too large"),
        5: refused(400, "messages.0: image exceeds 5 MB maximum"),
        6: refused(400, "x", "context_length_exceeded"),
        7: refused(400, "Too many images in request."),
        8: refused(400, "At most 2 image(s) may be provided in one request."),
    }
    with ChatServer(lambda asked: faults.get(asked.number) or reply(good(asked))) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 1})
        assert len(server.asked) == VIDEOS
    assert sum(score.if_ == 1.0 for score in result.scores) == VIDEOS - len(faults)
    assert result.stopped == ""
    found = [answer.status for answer in judged_world.answers(result.store)]
    assert (found.count(AnswerStatus.REFUSED), found.count(AnswerStatus.FAILED)) == (10, 50)


def test_a_cap_on_pictures_that_can_be_kept_is_met_once_and_every_video_is_asked_within_it(world):
    def script(asked: Asked):
        # Slow at first, so that other videos wait for their turn with requests that are made up already.
        time.sleep(0 if asked.number else 1.5)
        return capped(8)(asked)

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 16, "timeout": 5.0})
        assert [len(asked.pictures) > 8 for asked in server.asked] == [True] + [False] * 2 * VIDEOS
    assert [score.if_ for score in result.scores] == [1.0] * VIDEOS


def test_a_cap_named_in_the_middle_fails_no_video(world):
    with ChatServer(lambda asked: capped(8)(asked) if asked.number >= 5 else reply(good(asked))) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 1})
        assert len(server.asked) == 5 + 1 + 2 * (VIDEOS - 5)
    assert [score.if_ for score in result.scores] == [1.0] * VIDEOS


def test_a_cap_below_the_set_number_of_pictures_ends_the_run_and_names_the_setting(world):
    with ChatServer(capped(4)) as server:
        with pytest.raises(RefusedError, match=r"set pictures = 4 in \[settings.openai\]"):
            judged_world.run(world, server.url, judge_settings={"concurrency": 16, "pictures": 8})
        assert len(server.asked) == 3


@pytest.mark.parametrize("beyond", ["turns", "fewer"])
def test_what_was_answered_before_a_cap_was_named_is_not_asked_again(world, beyond):
    def script(asked: Asked):
        if asked.number == 0:
            found = json.loads(good(asked))
            return reply(json.dumps({**found, "answers": found["answers"][:4]}))
        return capped(8)(asked)

    with ChatServer(script) as server:
        settings = {"concurrency": 1, "beyond": beyond}
        result = judged_world.run(world, server.url, judge_settings=settings, limit=1, cache="off")
        asked = [len(asked.labels) for asked in server.asked]
    assert asked == [10, 6, 6]
    assert [score.if_ for score in result.scores] == [1.0]


def test_a_number_that_no_request_kept_is_not_remembered_of_the_server(world):
    with ChatServer(lambda asked: refused(400, "At most 4 images")) as server:
        with pytest.raises(RefusedError):
            judged_world.run(world, server.url)
        server.script = lambda asked: reply(good(asked))
        judged_world.run(world, server.url)
        assert len(server.asked) == 3 + VIDEOS


def test_a_refusal_of_the_first_video_alone_stops_nothing(world):
    with ChatServer(lambda asked: refused(413, "too large") if asked.number < 2 else reply(good(asked))) as server:
        result = judged_world.run(world, server.url)
        assert len(server.asked) == VIDEOS
    assert sum(score.if_ == 1.0 for score in result.scores) == VIDEOS - 2


def test_an_account_emptied_in_the_middle_stops_the_run_which_keeps_its_answers_and_goes_on(world):
    with ChatServer(lambda asked: EMPTY if asked.number >= 5 else reply(good(asked))) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 1})
        assert len(server.asked) == 5 + 3
    assert result.refused
    assert not result.complete
    assert "the account has no credit or quota left" in result.stopped
    assert sum(score.if_ == 1.0 for score in result.scores) == 5
    with ChatServer(lambda _: EMPTY) as server:
        with pytest.raises(RefusedError, match="top it up"):
            judged_world.run(world, server.url)
        assert len(server.asked) == 1
    assert sum(answer.status is AnswerStatus.OK for answer in judged_world.answers(result.store)) == 50
    with ChatServer() as server:
        again = judged_world.run(world, server.url)
        assert len(server.asked) == VIDEOS - 5
    assert [score.if_ for score in again.scores] == [1.0] * VIDEOS


def test_a_stop_in_the_middle_is_told_at_the_end_with_what_was_scored(world):
    settings = judged_world.config(world, "URL", judge_settings={"concurrency": 1}).to_json()
    with ChatServer(lambda asked: EMPTY if asked.number >= 5 else reply(good(asked))) as server:
        config = world / "run.toml"
        config.write_text(_toml(settings).replace("URL", server.url))
        done = CliRunner().invoke(main, ["run", "--config", str(config)])
    assert done.exit_code == 3
    assert "STOPPED: judge openai:test-model: the account has no credit or quota left" in done.stdout
    assert "max-cost" not in done.stdout


def test_a_rate_limit_at_the_first_request_is_waited_for_and_holds_the_others_back(world):
    times = []

    def script(asked: Asked):
        times.append(time.monotonic())
        limited = refused(429, "Rate limit reached", "rate_limit_exceeded")
        return limited if asked.number < 2 else reply(good(asked))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 8})
        assert len(server.asked) == VIDEOS + 2
    assert [score.if_ for score in result.scores] == [1.0] * VIDEOS


def test_words_of_a_refusal_reach_no_file_and_no_message(world):
    secret = "the-owl-flies-at-midnight"
    with ChatServer(lambda asked: refused(400, f"context window: {secret}") if asked.number else reply(good(asked))) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 1})
    with (
        ChatServer(lambda _: refused(401, secret, secret, secret)) as server,
        pytest.raises(RefusedError) as caught,
    ):
        judged_world.run(world, server.url, out=str(world / "other"), cache="off")
    assert secret not in str(caught.value)
    for path in result.store.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def _toml(settings: dict) -> str:
    names = ("model", "bench", "tracker", "out", "workers", "judge", "consistency", "cache")
    lines = [f"{name} = {json.dumps(settings[name])}" for name in names]
    judge = settings["settings"]["openai"]
    return "\n".join([*lines, "[settings.openai]", *(f"{name} = {json.dumps(value)}" for name, value in judge.items())]) + "\n"
