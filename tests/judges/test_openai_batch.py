"""The batch judge in whole runs over a loopback server with batches: submit, leave, come back, and all that goes wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from intergeneval import videos
from intergeneval.cli import main
from intergeneval.errors import BackendError, ConfigError, UsageError
from intergeneval.judges.openai.wire import Received
from intergeneval.judges.openai_batch.api import BatchApi
from intergeneval.judges.openai_batch.entries import Got
from intergeneval.judges.openai_batch.replay import ReplayClient
from intergeneval.plugins import build
from intergeneval.records import AnswerStatus
from intergeneval.run.run import Run
from intergeneval.store.spending import spending
from tests import judged_world, tiny_world
from tests.fakes.batch_server import BatchServer
from tests.fakes.chat_server import Asked, Fault, good, reply

BATCH = "openai-batch:test-model"
PRICES = {"input": 1.0, "output": 10.0, "cached_input": 0.5}
COST = (600 * 1.0 + 400 * 0.5 + 100 * 10.0) / 1e6
"""What one reply costs by this table."""


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


def batch(world, url, *, own=None, **changes):
    """One call of `run` with the batch judge; `own` are settings of batches."""
    made = judged_world.config(world, url, **{"judge": BATCH, **changes})
    return Run(replace(made, settings={**made.settings, "openai-batch": own or {}})).execute()


def until_whole(world, url, *, most=6, **changes):
    """Call it as often as it takes; return the last result and how many calls that were."""
    for calls in range(1, most + 1):
        result = batch(world, url, **changes)
        if result.complete:
            return result, calls
    raise AssertionError(f"not whole after {most} calls: {result.waiting or result.unscored}")


def lines(folder):
    """The lines of the stages that a judge fills, without order."""
    return {name: sorted((folder / f"{name}.jsonl").read_text().splitlines()) for name in ("answers", "consistency")}


def same_as_openai(world, server, folder, **changes):
    """Whether a run folder has the very records of the ordinary judge, asked by the same server with an empty cache."""
    ordinary = judged_world.run(
        world, server.url, out=str(world / "ordinary"), cache=str(world / "ordinary.sqlite"), **changes
    ).store.folder
    assert lines(folder) == lines(ordinary)
    assert (folder / "scores.jsonl").read_bytes() == (ordinary / "scores.jsonl").read_bytes()
    return True


def paid_once(server):
    return set(server.paid.values()) == {1}


def test_it_is_handed_in_left_and_taken_in_with_the_very_records_of_the_ordinary_judge(world):
    with BatchServer() as server:
        first = batch(world, server.url)
        assert (first.complete, len(server.batches), server.asked) == (False, 1, [])
        assert "3 requests in 1 batch" in first.waiting
        assert "the same command takes in the replies" in first.waiting
        assert not judged_world.answers(first.store)
        second = batch(world, server.url)
        assert (second.complete, second.waiting, len(server.batches)) == (True, "", 1)
        assert paid_once(server)
        assert batch(world, server.url).observed == 0
        assert same_as_openai(world, server, second.store.folder)


def test_while_the_server_is_at_it_a_call_asks_after_it_and_hands_in_nothing(world):
    with BatchServer() as server:
        server.ends = lambda _: "in_progress"
        results = [batch(world, server.url) for _ in range(3)]
        assert (len(server.batches), server.calls["GET /batches/ID"]) == (1, 2)
        assert "batch-0 (in_progress" in results[-1].waiting


def test_what_a_batch_paid_the_ordinary_judge_finds_and_the_other_way_round(world):
    with BatchServer() as server:
        until_whole(world, server.url)
        asked = len(server.asked)
        judged_world.run(world, server.url, out=str(world / "other"))
        assert len(server.asked) == asked
        judged_world.run(world, server.url, out=str(world / "third"), cache=str(world / "new.sqlite"))
        assert batch(world, server.url, out=str(world / "fourth"), cache=str(world / "new.sqlite")).complete
        assert len(server.batches) == 1


def test_both_ways_are_one_judge_so_either_goes_on_with_a_run_of_the_other(world):
    with BatchServer() as server:
        waits = batch(world, server.url)
        ordinary = judged_world.run(world, server.url, cache="off")
        assert ordinary.complete
        assert ordinary.store.header.key == waits.store.header.key
        assert ordinary.store.header.comparability.judge == "openai:test-model"


def faulty_once(asked: Asked):
    """Two of ten answers are unusable at first, and good in the repair turn."""
    found = json.loads(good(asked))
    if asked.turns == 2:
        found["answers"][2]["answer"] = "perhaps"
        del found["answers"][5]
    return reply(json.dumps(found))


def test_a_repair_turn_goes_with_the_next_batch_and_the_records_are_those_of_the_ordinary_judge(world):
    with BatchServer(faulty_once) as server:
        result, calls = until_whole(world, server.url)
        assert (calls, len(server.batches)) == (3, 2)
        assert paid_once(server)
        assert [asked.turns for asked in server.asked] == [2, 2, 2, 4, 4, 4]
        assert same_as_openai(world, server, result.store.folder)


@pytest.mark.parametrize("cache", ["", "off"])
def test_it_can_wait_itself_through_all_rounds_and_with_no_cache(world, cache):
    with BatchServer(faulty_once) as server:
        changes = {"cache": cache} if cache else {}
        result = batch(world, server.url, own={"wait": 20, "poll": 0.02}, **changes)
        assert (result.complete, len(server.batches)) == (True, 2)
        assert paid_once(server)


def test_waiting_ends_in_time_without_a_reply(world):
    with BatchServer() as server:
        server.ends = lambda _: "in_progress"
        result = batch(world, server.url, own={"wait": 0.3, "poll": 0.05})
        assert not result.complete
        assert 2 <= server.calls["GET /batches/ID"] <= 8


@pytest.mark.parametrize("ending", ["expired", "cancelled"])
def test_of_a_batch_that_ended_early_what_was_done_is_kept_and_the_rest_handed_in_again(world, ending):
    with BatchServer() as server:
        server.ends = lambda item: ending if item["id"] == "batch-0" else "completed"
        server.executes = lambda number: bool(number) or len(server.batches) > 1
        result, calls = until_whole(world, server.url)
        assert (calls, len(server.batches)) == (3, 2)
        assert len(server.files[server.batches["batch-1"]["input_file_id"]].splitlines()) == 1
        assert paid_once(server)
        assert same_as_openai(world, server, result.store.folder)


def test_a_batch_that_fails_validation_is_one_sentence_and_nothing_is_recorded(world):
    def ends(item):
        if item["id"] != "batch-0":
            return "completed"
        item["errors"] = {"data": [{"code": "model_not_found", "message": "sk-secret " * 50, "param": "model", "line": 1}]}
        return "failed"

    with BatchServer() as server:
        server.ends = ends
        batch(world, server.url)
        with pytest.raises(ConfigError, match=r"the server refused batch batch-0: model_not_found, model in line 1; ") as caught:
            batch(world, server.url)
        assert "the server serves no model 'test-model': name one with --judge openai-batch:MODEL" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.exit_code == 2
        assert not (world / "run" / "answers.jsonl").exists()
        assert until_whole(world, server.url)[1] == 2


@pytest.mark.parametrize(
    ("fault", "way"),
    [
        ({"code": "invalid_json_line", "line": 3}, "cut off or changed on its way: call again"),
        ({"code": "url_mismatch", "line": 1}, "set endpoint under"),
        ({"code": "too_many_tasks"}, "set requests under"),
        ({"code": "invalid_request", "message": "The model `m` does not exist"}, "--judge openai-batch:MODEL"),
        ({"code": "billing_hard_limit_reached"}, "no credit or quota left: top it up"),
    ],
)
def test_what_fails_validation_names_what_to_change(world, fault, way):
    def ends(item):
        item["errors"] = {"data": [{"code": "of no known cause"}, fault]}
        return "failed"

    with BatchServer() as server:
        server.ends = ends
        batch(world, server.url)
        with pytest.raises(ConfigError, match=way):
            batch(world, server.url)


def test_a_full_queue_names_the_setting_that_hands_in_less(world):
    def ends(item):
        item["errors"] = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None}]}
        return "failed"

    with BatchServer() as server:
        server.ends = ends
        batch(world, server.url)
        with pytest.raises(ConfigError, match="waiting_tokens"):
            batch(world, server.url)


def test_no_more_tokens_wait_at_once_than_is_allowed(world):
    with BatchServer() as server:
        first = batch(world, server.url, own={"waiting_tokens": 15_000})
        assert "1 request in 1 batch" in first.waiting
        assert "2 more follow" in first.waiting
        result, calls = until_whole(world, server.url, own={"waiting_tokens": 15_000})
        assert (result.complete, calls, len(server.batches)) == (True, 3, 3)
        assert paid_once(server)


def test_a_server_that_refuses_the_schema_is_asked_without_in_the_next_batch(world):
    def script(asked: Asked):
        return Fault(status=400) if "response_format" in asked.request else reply(good(asked))

    with BatchServer(script) as server:
        result, calls = until_whole(world, server.url)
        assert (calls, len(server.batches)) == (3, 2)
        (first, *_) = judged_world.answers(result.store)
        assert first.usage["failures"] == {"http 400": 1}


def test_passing_errors_of_single_lines_are_asked_again_and_counted(world):
    def script(asked: Asked):
        return Fault(status=500) if asked.number < 3 else reply(good(asked))

    with BatchServer(script) as server:
        result, calls = until_whole(world, server.url)
        assert (calls, len(server.batches)) == (3, 2)
        assert spending(result.store).transient == {"http 500": 3}
        assert spending(result.store).requests == 6


@pytest.mark.parametrize(("status", "kind"), [(403, "permission"), (500, "http 500")])
def test_a_line_that_only_fails_is_recorded_as_the_ordinary_judge_does_and_a_resume_asks_anew(world, status, kind):
    with BatchServer(lambda asked: Fault(status=status) if not asked.number % 2 else reply(good(asked))) as server:
        server.script = lambda _: Fault(status=status)
        for _ in range(4):
            result = batch(world, server.url)
        answers = judged_world.answers(result.store)
        assert {item.status for item in answers} == {AnswerStatus.FAILED}
        assert {item.usage["kind"] for item in answers} == {kind}
        server.script = lambda asked: reply(good(asked))
        result, _ = until_whole(world, server.url)
        assert [score.if_ for score in result.scores] == [1.0] * 3


def test_lines_that_say_nothing_of_what_was_asked_change_nothing_and_a_missing_one_is_asked_again(world):
    def line(asked, given):
        return None if len(server.batches) == 1 and asked["custom_id"] == first_key(server) else given

    def first_key(server):
        return json.loads(server.files["file-0"].splitlines()[0])["custom_id"]

    with BatchServer() as server:
        server.line = line
        batch(world, server.url)
        odd = [
            b"",
            b"{",
            b"[1]",
            b"null",
            b'{"custom_id": 5}',
            b'{"custom_id": "other", "response": {"status_code": 200}}',
            b"[" * 9999,
        ]
        original = server._execute

        def execute(item):
            original(item)
            name = item["output_file_id"]
            server.files[name] = b"\n".join(odd) + b"\n" + server.files[name] + server.files[name]

        server._execute = execute
        result, calls = until_whole(world, server.url)
        assert (result.complete, calls, len(server.batches)) == (True, 2, 2)
        assert [score.if_ for score in result.scores] == [1.0] * 3


def damaged(server, change):
    """Let lines of output be changed as bytes."""
    original = server._execute

    def execute(item):
        original(item)
        for name in {"output_file_id", "error_file_id"} & set(item):
            before = server.files[item[name]]
            server.files[item[name]] = change(before)
            assert server.files[item[name]] != before

    server._execute = execute


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"completion_tokens": 100', b'"completion_tokens": ' + b"1" * 6001),
        (b'"model": "served-1"', b'"model": "served\x01-1"'),
        (b'"model": "served-1"', b'"model": "served\xff-1"'),
        (b'"model": "served-1"', b'"model": "served\\ud800-1"'),
        (b'"status_code": 200', b'"status_code": "200"'),
        (b'"status_code": 200', b'"status_code": 201'),
        (b'"status_code": 200', b'"status_code": 299.0'),
    ],
    ids=["long number", "control character", "no UTF-8", "half a pair", "text", "201", "float"],
)
def test_an_odd_line_is_read_as_the_ordinary_judge_reads_it_and_paid_once(world, old, new):
    table = {"prices": PRICES, "image_tokens": 0}
    with BatchServer() as server:
        damaged(server, lambda content: content.replace(old, new))
        result, calls = until_whole(world, server.url, judge_settings=table)
        assert (calls, len(server.batches)) == (2, 1)
        assert paid_once(server)
        assert spending(result.store).cost > 0
        assert spending(result.store).transient == {}
        if b"status" not in old:
            said = [json.dumps(reply(good(asked))).encode().replace(old, new) for asked in server.asked]
            again = iter(said)
            server.script = lambda _: Fault(body=next(again))
            assert same_as_openai(world, server, result.store.folder, judge_settings=table)


MOST_FOUR = {"message": "At most 4 image(s) may be provided in one request, sk-secret", "type": "BadRequestError", "code": 400}
MOST_TWO = {**MOST_FOUR, "message": MOST_FOUR["message"].replace("4", "2")}


@pytest.mark.parametrize(
    ("place", "status", "error", "kind"),
    [
        ("body", 400, MOST_TWO, "too many pictures"),
        ("beside", 400, MOST_TWO, "too many pictures"),
        ("line", 400, MOST_TWO, "too many pictures"),
        ("body", 400, MOST_FOUR, "too many pictures"),
        ("beside", 400, MOST_FOUR, "too many pictures"),
        ("line", 400, MOST_FOUR, "too many pictures"),
        ("body", 400, {"message": "'temperature' is not supported, sk-secret", "code": 400}, "temperature"),
        ("line", 500, {"message": "the model takes at most 0 image, sk-secret"}, "no pictures"),
        ("body", 429, {"message": "sk-secret", "type": "insufficient_quota", "code": 429}, "quota"),
    ],
)
def test_a_refused_line_is_told_in_the_words_of_the_ordinary_judge_and_its_own_words_are_not_kept(
    world, place, status, error, kind
):
    def line(_, given):
        response = {"status_code": status, "request_id": "r", "body": {"error": error} if place == "body" else None}
        return {**given, "response": None if place == "line" else response, "error": None if place == "body" else error}

    body = json.dumps({"error": error}).encode()
    with BatchServer(lambda _: Fault(status=status, body=body)) as server:
        server.line = line
        # A number that can be kept to is tried once, as by the ordinary judge; what refuses that as well is not tried again.
        rounds = 2 if error is MOST_FOUR else 1
        for _ in range(rounds):
            batch(world, server.url)
        answers = judged_world.answers(batch(world, server.url).store)
        assert len(server.batches) == rounds
        assert {item.usage["kind"] for item in answers} == {kind}
        with pytest.raises(BackendError) as ordinary:
            judged_world.run(world, server.url, out=str(world / "other"), cache="off")
        assert all(item.reason in str(ordinary.value) for item in answers)
        assert not [path for path in (world / "run").rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


def test_a_journal_of_before_keeps_its_bytes_and_a_refusal_in_it_is_still_told():
    before = {"key": "k", "status": 429, "body": '{"error": {"code": "insufficient_quota"}}'}
    assert Got.from_json(before).to_json() == before
    client = build("judges", BATCH, {"base_url": "http://127.0.0.1:1/v1"})
    with pytest.raises(BackendError, match="no credit or quota left"):
        raise replayed(client.settings, client.batch, Got.from_json(before))


def replayed(settings, own, got):
    """What comes of a reply that is an error, without a run around it."""
    client = ReplayClient.__new__(ReplayClient)
    BatchApi.__init__(client, settings, own)
    client._got = got
    try:
        return client._failed(Received(status=got.status, headers={}, content=got.body.encode()), 0.0, 4, schema=False)
    finally:
        client.close()


def test_what_a_server_writes_cannot_spoil_the_journal_and_the_key_stands_nowhere(world, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", 'sk-se"cret')

    said = 'my key is sk-se\\"cret \\ud800'

    def script(asked: Asked):
        # In the reason of each answer and in the line of each frame.
        last = f'"frame": {asked.shown[-1]}, "answer"'
        text = good(asked).replace('"reason": "seen"', f'"reason": "{said}"').replace("as before", said)
        told = reply(text.replace('"frame": 0, "answer"', last))
        assert told["choices"][0]["message"]["content"].count(said) == len(asked.labels) + len(asked.frames) > 10
        return {**told, "model": "served-\ud800", "usage": {"prompt_tokens": -5, "completion_tokens": "x"}, "more": {"a": "\x00"}}

    with BatchServer(script) as server:
        server.line = lambda _, line: {**line, "note": 'sk-se"cret'}
        result, _ = until_whole(world, server.url)
        assert [score.if_ for score in result.scores] == [1.0] * 3
        written = [path for path in world.rglob("*") if path.is_file()]
        assert {"batches.jsonl", "answers.jsonl", "cache.sqlite"} <= {path.name for path in written}
        assert not [path for path in written if b"cret" in path.read_bytes()]
        answers = judged_world.answers(result.store)
        assert all("my key is ***" in text for item in answers for text in (item.reason, item.evidence["seen"]))
        assert not list((world / "run").glob(".batch*"))


def test_files_stay_under_the_limits_of_the_server(world):
    with BatchServer() as server:
        first = batch(world, server.url, own={"requests": 2})
        assert "3 requests in 2 batches" in first.waiting
        assert sorted(len(item.splitlines()) for item in server.files.values()) == [1, 2]
        size = max(len(line) for item in server.files.values() for line in item.splitlines())
        assert until_whole(world, server.url, own={"requests": 2})[1] == 1
        (world / "second").mkdir()
        own = {"megabytes": 2.5 * size / 1e6}
        batch(world, server.url, own=own, out=str(world / "second" / "run"), cache="off")
        assert sorted(len(server.files[item["input_file_id"]].splitlines()) for item in server.batches.values()) == [1, 1, 2, 2]
        assert all(len(item) <= own["megabytes"] * 1e6 for item in server.files.values())


def test_a_request_that_fits_into_no_file_fails_and_says_so(world):
    with BatchServer() as server:
        result = batch(world, server.url, own={"megabytes": 0.005})
        assert not server.files
        assert {item.usage["kind"] for item in judged_world.answers(result.store)} == {"oversized"}


def test_the_batch_of_another_run_is_not_taken(world):
    with BatchServer() as server:
        batch(world, server.url, cache="off")
        other = batch(world, server.url, cache="off", out=str(world / "other"))
        assert "batch-1" in other.waiting
        assert "batch-0" not in other.waiting
        batch(world, server.url, cache="off", out=str(world / "other"))
        assert server.batches["batch-0"]["status"] == "validating"


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("fault", [Fault(status=500), Fault(drop=True)], ids=["an error", "a broken connection"])
def test_a_batch_that_was_made_though_the_reply_was_lost_is_found_and_not_made_twice(world, metadata, fault):
    with BatchServer() as server:
        server.keeps_metadata = metadata
        spoilt = iter([fault])
        server.after = lambda method, path: next(spoilt, None) if (method, path) == ("POST", "/batches") else None
        batch(world, server.url)
        assert (len(server.batches), server.calls["POST /batches"]) == (1, 1)
        assert until_whole(world, server.url)[1] == 1
        assert paid_once(server)


def test_where_batches_cannot_be_listed_a_lost_reply_makes_no_second_batch_until_it_is_given_up(world):
    with BatchServer() as server:
        server.before = lambda method, path: Fault(status=404) if (method, path) == ("GET", "/batches") else None
        spoilt = iter([Fault(drop=True)])
        server.after = lambda method, path: next(spoilt, None) if (method, path) == ("POST", "/batches") else None
        with pytest.raises(BackendError, match="it cannot be told whether the batch was made"):
            batch(world, server.url)
        with pytest.raises(ConfigError, match="forget = ") as caught:
            batch(world, server.url)
        assert len(server.batches) == 1
        name = str(caught.value).split('forget = ["')[1].split('"')[0]
        assert until_whole(world, server.url, own={"forget": [name]})[0].complete


def test_a_server_that_is_away_loses_nothing(world):
    with BatchServer() as server:
        server.before = lambda method, path: Fault(status=503) if path == "/batches" else None
        with pytest.raises(BackendError, match="nothing is lost, the same command goes on"):
            batch(world, server.url)
        server.before = lambda *_: None
        assert until_whole(world, server.url)[0].complete
        assert (server.calls["POST /files"], len(server.batches)) == (1, 1)
        assert paid_once(server)


@pytest.mark.parametrize(
    ("status", "way"), [(404, "use --judge openai:MODEL"), (401, r"put a valid key into \$OPENAI_API_KEY"), (413, "megabytes")]
)
def test_a_refusal_is_one_sentence_with_the_way_out_and_the_next_call_tries_anew(world, status, way):
    with BatchServer() as server:
        server.before = lambda method, path: Fault(status=status) if path == "/files" else None
        with pytest.raises(ConfigError, match=way):
            batch(world, server.url, own={"requests": 1})
        server.before = lambda *_: None
        assert until_whole(world, server.url)[0].complete
        assert paid_once(server)


QUOTA = Fault(status=429, body=b'{"error": {"message": "sk-secret", "code": "insufficient_quota"}}')
NO_MODEL = Fault(status=400, body=b'{"error": {"message": "sk-secret", "code": "model_not_found"}}')


@pytest.mark.parametrize(
    ("path", "fault", "way"),
    [
        ("/batches", QUOTA, "a batch was refused: the account has no credit or quota left .status 429.: top it up"),
        ("/files", QUOTA, "the account has no credit or quota left"),
        ("/batches", NO_MODEL, "the server serves no model 'test-model' .status 400.: name one with --judge openai-batch:MODEL"),
        ("/batches", Fault(status=302), "set base_url in .settings.openai. to the final address"),
        ("/files", Fault(status=402), "no credit"),
    ],
)
def test_what_no_other_try_changes_is_refused_at_once_and_names_the_setting(world, path, fault, way):
    calls = []
    with BatchServer() as server:

        def before(method, called):
            calls.append((method, called))
            return fault if (method, called) == ("POST", path) else None

        server.before = before
        with pytest.raises(ConfigError, match=way) as caught:
            batch(world, server.url)
        assert caught.value.exit_code == 2
        assert "secret" not in str(caught.value)
        assert calls.count(("POST", path)) == 1
        server.before = lambda *_: None
        assert until_whole(world, server.url)[0].complete
        assert paid_once(server)


@pytest.mark.parametrize("path", ["/batches/batch-0", "/files/file-1/content"])
def test_an_account_that_ran_empty_meanwhile_is_told_so_and_the_batch_is_kept(world, path):
    with BatchServer() as server:
        batch(world, server.url)
        server.before = lambda _, called: QUOTA if called == path else None
        with pytest.raises(ConfigError, match="no credit or quota left") as caught:
            batch(world, server.url)
        assert "forget" not in str(caught.value)
        server.before = lambda *_: None
        assert until_whole(world, server.url)[1] == 1
        assert paid_once(server)


def test_a_batch_is_asked_after_where_it_lies_and_given_up_only_on_demand(world):
    with BatchServer() as server, BatchServer() as other:
        batch(world, server.url)
        with pytest.raises(ConfigError, match="was handed in at"):
            batch(world, other.url)
        kept = dict(server.batches)
        server.batches.clear()
        with pytest.raises(ConfigError, match=r'forget = \["batch-0"\]'):
            batch(world, server.url)
        server.batches = {"batch-9": kept["batch-0"]}
        assert until_whole(world, server.url, own={"forget": ["batch-0"]})[0].complete


def test_the_cost_limit_counts_what_waits_and_what_came_at_the_price_of_batches(world):
    table = {"prices": PRICES, "image_tokens": 0}
    with BatchServer() as server:
        # A request may cost about 0.008 by the estimate, half of it in a batch.
        own = {"price": 0.5}
        first = batch(world, server.url, own=own, judge_settings=table, max_cost=0.012)
        waiting = [json.loads(line) for line in server.files["file-0"].splitlines()]
        assert len(waiting) < 3
        assert first.stopped
        again = batch(world, server.url, own=own, judge_settings=table, max_cost=0.0001)
        assert (len(server.batches), again.complete) == (1, False)
        result, _ = until_whole(world, server.url, own=own, judge_settings=table, max_cost=1.0)
        assert spending(result.store).cost == pytest.approx(3 * COST / 2)
        assert paid_once(server)


def test_shards_hand_in_each_for_itself_and_a_plain_run_takes_all_in(world):
    with BatchServer() as server:
        for shard in ("1/2", "2/2"):
            result = batch(world, server.url, shard=shard)
            assert not result.complete
        assert len(server.batches) == 2
        taken = batch(world, server.url, shard="2/2")
        assert taken.complete
        result = batch(world, server.url)
        assert (result.complete, len(server.batches)) == (True, 2)
        assert paid_once(server)
        calls = server.calls.total()
        assert batch(world, server.url).observed == 0
        assert server.calls.total() == calls, "what another writer took in is taken in again"
        assert same_as_openai(world, server, result.store.folder)


def test_several_workers_see_the_videos_and_one_writes_the_batch(world):
    with BatchServer() as server:
        result, calls = until_whole(world, server.url, workers=2)
        assert (calls, len(server.batches)) == (2, 1)
        assert paid_once(server)
        assert same_as_openai(world, server, result.store.folder)


def test_a_video_whose_pixels_changed_meanwhile_is_asked_anew_and_one_with_other_bytes_around_them_is_not(world):
    with BatchServer() as server:
        batch(world, server.url)
        first = world / "model" / "a.mp4"
        first.write_bytes(first.read_bytes() + b"\0" * 16)
        frames = (tiny_world.frame_at(index, 7) for index in range(tiny_world.FRAMES))
        videos.write_video(world / "model" / "b.mp4", frames, 8.0)
        result, calls = until_whole(world, server.url)
        assert (calls, len(server.batches)) == (2, 2)
        assert len(server.files[server.batches["batch-1"]["input_file_id"]].splitlines()) == 1
        assert [score.if_ for score in result.scores] == [1.0] * 3


def command(world, url, *words, own=""):
    path = world / "judge.toml"
    settings = "\n".join(f"{name} = {value}" for name, value in judged_world.FAST.items())
    path.write_text(
        f'tracker = "stored"\nconsistency = "judge"\nworkers = 1\n[settings.openai]\nbase_url = "{url}"\n{settings}\n'
        f"[settings.openai.prices]\ninput = 1\noutput = 10\n[settings.openai-batch]\nprice = 0.5\n{own}"
    )
    place = ["--model", str(world / "model"), "--bench", str(world / "bench"), "--out", str(world / "run")]
    words = ["run", *place, "--judge", BATCH, "--config", str(path), "--cache", str(world / "cache.sqlite"), *words]
    return CliRunner().invoke(main, words)


def test_on_the_command_line_it_ends_with_3_and_says_what_waits_and_then_with_0(world):
    with BatchServer() as server:
        estimate = command(world, server.url, "--estimate")
        assert "in batches at 0.5 of the price table" in estimate.stdout
        assert not server.calls
        first = command(world, server.url)
        assert first.exit_code == 3
        assert "WAITING: 3 requests in 1 batch" in first.stdout
        assert "INCOMPLETE: 3 of 3 videos" in first.stdout
        second = command(world, server.url)
        assert second.exit_code == 0, second.output
        assert f"cost {3 * (1000 + 1000) / 1e6 / 2:.4f}" in second.stdout


def test_half_the_price_is_half_the_estimate(world):
    settings = {"base_url": "http://127.0.0.1:1/v1", "prices": PRICES}
    ordinary = build("judges", "openai:m", settings).estimate(10, 100, 12, assess=True)
    half = build("judges", "openai-batch:m", {**settings, "price": 0.5}).estimate(10, 100, 12, assess=True)
    assert half.cost == pytest.approx(ordinary.cost / 2)
    assert half.input_tokens == ordinary.input_tokens


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["validate", "--judge", BATCH, "--scenes", "2"], "an exam asks some videos twice and needs each reply at once"),
        (["bench", "build", "prompts.txt", "--text-only", "--judge", BATCH], "each step of a build needs the replies"),
    ],
)
def test_what_needs_each_reply_at_once_refuses_with_the_judge_to_take_instead(world, monkeypatch, words, why):
    monkeypatch.chdir(world)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    (world / "prompts.txt").write_text("a\tA tall block pushes a crate.\n")
    done = CliRunner().invoke(main, [*words, "--out", str(world / "made")])
    assert done.exit_code == 2
    assert why in done.stderr
    assert "openai:test-model" in done.stderr.replace(BATCH, "")
    assert not (world / "made").exists()


def test_doctor_asks_the_model_and_looks_for_the_batch_interface(world):
    with BatchServer() as server:
        settings = {"base_url": server.url, **judged_world.FAST}
        assert "has a batch interface" in build("judges", BATCH, settings).probe()
        server.before = lambda method, path: Fault(status=404) if path == "/batches" else None
        with pytest.raises(BackendError, match="its batches cannot be listed: the server answered with status 404"):
            build("judges", BATCH, settings).probe()


@pytest.mark.parametrize(
    ("own", "named"),
    [({"requests": 0}, "requests 0"), ({"price": -1}, "price -1"), ({"wait": "long"}, "wait"), ({"api_key": "x"}, "secrets")],
)
def test_a_setting_that_cannot_be_used_is_named(world, own, named):
    with pytest.raises(UsageError, match=named):
        batch(world, "http://127.0.0.1:1/v1", own=own)


def test_a_run_until_decided_waits_for_the_replies_that_its_next_look_needs(world):
    with BatchServer() as server:
        known = judged_world.run(world, server.url, out=str(world / "known"), cache="off")
        changes = {"until_decided": str(known.store.folder), "judge_settings": {"concurrency": 1}}
        first = batch(world, server.url, **changes)
        assert (first.complete, first.decision, len(server.batches)) == (False, None, 1)
        assert "1 request in 1 batch" in first.waiting
        last, calls = until_whole(world, server.url, **changes)
        assert (calls, len(server.batches), last.waiting) == (3, 3, "")
        assert (last.decision.clusters, last.decision.outcome.value) == (3, "inconclusive")
        assert paid_once(server)
        assert [score.if_ for score in last.scores] == [score.if_ for score in known.scores]
