"""Judging through a server that misbehaves in every way we know: never a wrong score, every failure named and counted."""

from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
import time

import pytest

from intergeneval.errors import StoreError
from intergeneval.records import AnswerStatus
from intergeneval.store.spending import spending
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, Fault, good, reply


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


def said(asked: Asked, change) -> dict:
    """A good reply after `change` was called with its object."""
    found = json.loads(good(asked))
    change(found)
    return reply(json.dumps(found))


FILTERED = b'{"error": {"code": "content_filter", "message": "The response was filtered"}}'


def without_choices(_: Asked) -> dict:
    return {"model": "served-1", "choices": []}


ALWAYS = {
    "429 with Retry-After": (lambda _: Fault(status=429, headers={"Retry-After": "0.05"}), "failed", "rate limit"),
    "429 that asks for an hour": (lambda _: Fault(status=429, headers={"Retry-After": "3600"}), "failed", "rate limit"),
    "500": (lambda _: Fault(status=500), "failed", "http 500"),
    "503": (lambda _: Fault(status=503), "failed", "http 503"),
    "a request that is refused": (lambda _: Fault(status=418), "failed", "http 418"),
    "a content filter before the model": (lambda _: Fault(status=400, body=FILTERED), "refused", "content filter"),
    "no reply in time": (lambda _: Fault(sleep=1.6), "failed", "timeout"),
    "a dropped connection": (lambda _: Fault(drop=True), "failed", "connection"),
    "truncated JSON around the reply": (lambda _: Fault(body=b'{"choices": [{"mess'), "failed", "broken reply"),
    "JSON that is no reply": (lambda _: Fault(body=b"[1, 2]"), "failed", "empty choices"),
    "empty choices": (without_choices, "failed", "empty choices"),
    "truncated JSON in the reply": (lambda asked: reply(good(asked)[:-30]), "unparsed", "reply"),
    "a reply cut off before it began": (lambda _: reply("", finish_reason="length"), "unparsed", "cut off"),
    "thinking cut off": (lambda _: reply("", reasoning_content="So", finish_reason="MAX_TOKENS"), "unparsed", "cut off"),
    "prose": (lambda _: reply("Yes, everything happens as described: yes, yes, yes."), "unparsed", "reply"),
    "two good objects": (lambda asked: reply(good(asked) + good(asked)), "unparsed", "reply"),
    "good JSON in thinking that does not end": (lambda asked: reply("<think>" + good(asked)), "unparsed", "reply"),
    "an empty reply": (lambda _: reply(""), "unparsed", "reply"),
    "no words at all": (lambda _: reply(None), "unparsed", "reply"),
    "the same name twice": (lambda asked: reply(good(asked)[:-1] + ', "answers": [], "frames": []}'), "unparsed", "reply"),
    "a refusal": (lambda _: reply(None, refusal="I cannot help with that."), "refused", "refusal"),
    "a content filter": (lambda _: reply("", finish_reason="content_filter"), "refused", "refusal"),
    "SAFETY": (lambda _: reply("", finish_reason="SAFETY"), "refused", "refusal"),
    "a filter without a message": (
        lambda _: {"choices": [{"index": 0, "finish_reason": "content_filter: PROHIBITED_CONTENT"}]},
        "refused",
        "refusal",
    ),
    "a filter behind a router": (
        lambda _: {"choices": [{**reply("")["choices"][0], "native_finish_reason": "FinishReason.RECITATION"}]},
        "refused",
        "refusal",
    ),
    "an error in the choice": (
        lambda asked: {"choices": [{**reply(good(asked))["choices"][0], "error": {"code": 502, "message": "upstream"}}]},
        "failed",
        "error in reply",
    ),
    "an error as the way to finish": (lambda asked: reply(good(asked), finish_reason="error"), "failed", "error in reply"),
    "an error with status 200": (lambda _: {"error": {"message": "overloaded", "code": 529}}, "failed", "error in reply"),
}


@pytest.mark.parametrize("name", ALWAYS)
def test_a_server_that_always_fails_leaves_no_score_and_each_failure_is_counted_by_kind(world, name):
    script, status, kind = ALWAYS[name]
    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=2)
    assert [score.if_ for score in result.scores] == [None, None]
    assert not result.complete
    answers = judged_world.answers(result.store)
    assert {answer.status.value for answer in answers} == {status}
    assert {item.status.value for item in judged_world.assessed(result.store)} == {status}
    assert spending(result.store).unanswered == {f"{status}: {kind}": 22}  # 2 videos, 10 questions and 1 assessment each
    with ChatServer() as server:
        again = judged_world.run(world, server.url, limit=2)
    assert [score.if_ for score in again.scores] == [1.0, 1.0]
    assert len(server.asked) == 2


PARTS = {
    "a wrong question id": lambda found: found["answers"][3].update(question="7.9"),
    "a number for an id": lambda found: found["answers"][3].update(question=4),
    "a frame that was not shown": lambda found: found["answers"][3].update(frame=1),
    "a frame beyond the end": lambda found: found["answers"][3].update(frame=10**9),
    "a negative frame": lambda found: found["answers"][3].update(frame=-1),
    "a frame in words": lambda found: found["answers"][3].update(frame="the first"),
    "half a frame": lambda found: found["answers"][3].update(frame=0.5),
    "true for a frame": lambda found: found["answers"][3].update(frame=False),
    "a yes without a frame": lambda found: found["answers"][3].update(frame=None),
    "no frame at all": lambda found: found["answers"][3].pop("frame"),
    "another word": lambda found: found["answers"][3].update(answer="probably"),
    "two words": lambda found: found["answers"][3].update(answer="yes and no"),
    "an answer that is no text": lambda found: found["answers"][3].update(answer=["yes"]),
    "an answer left out": lambda found: found["answers"].pop(3),
    "two answers to one question": lambda found: found["answers"].append({**found["answers"][3], "answer": "no"}),
    "an answer that is no object": lambda found: found["answers"].__setitem__(3, "yes"),
}


@pytest.mark.parametrize("name", PARTS)
def test_one_faulty_answer_is_unparsed_alone_and_is_asked_again_once(world, name):
    with ChatServer(lambda asked: said(asked, PARTS[name]) if len(asked.labels) > 3 else reply("?")) as server:
        result = judged_world.run(world, server.url, limit=1)
    by_id = {answer.question_id: answer for answer in judged_world.answers(result.store)}
    assert {number for number, answer in by_id.items() if answer.status is AnswerStatus.UNPARSED} == {4}
    assert {answer.status for number, answer in by_id.items() if number != 4} == {AnswerStatus.OK}
    assert result.scores[0].if_ is None
    assert [asked.labels for asked in server.asked[1:]] == [["0.4"]]
    with ChatServer() as server:
        again = judged_world.run(world, server.url, limit=1)
    assert again.scores[0].if_ == 1.0
    assert server.questions == ["0.4"]


FRAMES = {
    "a frame left out": lambda found: found["walk"].pop(2),
    "a frame twice": lambda found: found["walk"].append(found["walk"][2]),
    "a frame nobody asked about": lambda found: found["walk"][2].update(frame=1),
    "a line for no frame": lambda found: found["walk"].__setitem__(2, "as before"),
    "no walk at all": lambda found: found.pop("walk"),
    "an unknown instance": lambda found: found.update(missing=["id9: 4"]),
    "missing in a frame that was not shown": lambda found: found.update(missing=["id1: 1"]),
    "missing in no frame": lambda found: found.update(missing=["id1"]),
    "a word for a list": lambda found: found.update(emerged="false"),
    "a word for a frame": lambda found: found.update(emerged=["none"]),
    "a truth value for a frame": lambda found: found.update(emerged=[True]),
    "emerged in a frame that was not shown": lambda found: found.update(emerged=[1]),
    "nothing on what emerged": lambda found: found.pop("emerged"),
    "an odd body in a frame that was not shown": lambda found: found.update(bodies=["other: 1"]),
    "nothing on bodies": lambda found: found.pop("bodies"),
}


def deny(found) -> None:
    """Answer no to the fourth question, which needs no frame."""
    found["answers"][3].update(answer="no", frame=None)


@pytest.mark.parametrize("name", FRAMES)
def test_a_faulty_statement_on_frames_is_no_statement_at_all_and_only_a_yes_waits_for_one(world, name):
    def script(asked: Asked):
        def change(found) -> None:
            FRAMES[name](found)
            if asked.labels:
                deny(found)

        return said(asked, change)

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=1)
        before = {answer.question_id: answer.status for answer in judged_world.answers(result.store)}
        (assessed,) = judged_world.assessed(result.store)
        server.script = lambda asked: reply(good(asked))
        again = judged_world.run(world, server.url, limit=1)
    first, second, third = server.asked
    assert (second.labels, second.frames) == ([], first.frames)
    assert (assessed.status, assessed.emergence, assessed.disappearance) == (AnswerStatus.UNPARSED, None, None)
    # What a yes is worth depends on what its frame shows, a plain no on nothing.
    assert before == {number: AnswerStatus.OK if number == 4 else AnswerStatus.UNPARSED for number in range(1, 11)}
    assert result.scores[0].if_ is None
    # The answers were paid for and are kept: the frames alone are asked about.
    assert (third.labels, third.frames) == ([], first.frames)
    assert judged_world.assessed(again.store)[-1].status is AnswerStatus.OK
    assert again.scores[0].kisa_raw == pytest.approx(5 / 6)


STATEMENTS = {
    "a frame left out": lambda found: found["frames"].pop(2),
    "a frame twice": lambda found: found["frames"].append(found["frames"][2]),
    "an unknown instance": lambda found: found["frames"][2].update(missing=["id9"]),
    "a word for a truth value": lambda found: found["frames"][2].update(emerged="false"),
    "a frame nobody asked about": lambda found: found["frames"][2].update(frame=1),
}
ASK_BEFORE = """{% for item in questions %}
[{{ item.label }}] {{ item.text }}
{% endfor %}
{% if instances %}
Go through frames {{ frames | join(", ") }} one by one.
{% endif %}
"""


@pytest.mark.parametrize("name", STATEMENTS)
def test_in_the_layout_of_own_words_of_before_a_faulty_statement_on_frames_is_none_and_spoils_no_answer(world, name):
    folder = world / "prompts"
    folder.mkdir()
    (folder / "ask.j2").write_text(ASK_BEFORE)
    with ChatServer(lambda asked: said(asked, STATEMENTS[name])) as server:
        result = judged_world.run(world, server.url, limit=1, prompts=str(folder))
    (assessed,) = judged_world.assessed(result.store)
    assert (assessed.status, assessed.emergence, assessed.disappearance) == (AnswerStatus.UNPARSED, None, None)
    assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.OK}
    assert result.scores[0].if_ is None


def test_a_repaired_reply_counts_and_says_what_was_wrong(world):
    with ChatServer(lambda asked: reply("Certainly!") if asked.turns == 2 else reply(good(asked))) as server:
        result = judged_world.run(world, server.url, limit=1)
    assert result.scores[0].if_ == 1.0
    first, second = server.asked
    assert second.turns == 4
    assert "not one JSON object" in second.text
    assert second.pictures == first.pictures


def test_what_passes_is_survived_and_every_failed_attempt_is_counted(world):
    passing = [Fault(status=500), Fault(drop=True), Fault(status=429, headers={"Retry-After": "0.1"}), Fault(body=b"{")]

    def script(asked: Asked):
        return passing[asked.number] if asked.number < len(passing) else reply(good(asked))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, judge_settings={"attempts": 6, "concurrency": 1})
    assert [score.if_ for score in result.scores] == [1.0, 1.0, 1.0]
    spent = spending(result.store)
    assert spent.transient == {"http 500": 1, "connection": 1, "rate limit": 1, "broken reply": 1}
    assert (spent.requests, spent.unanswered) == (7, {})


def test_a_rate_limit_holds_everything_back_for_as_long_as_asked_and_says_so(world):
    notices: list[str] = []
    times: list[float] = []

    def script(asked: Asked):
        times.append(time.monotonic())
        return Fault(status=429, headers={"Retry-After": "2"}) if asked.number == 0 else reply(good(asked))

    from intergeneval.run.run import Run

    with ChatServer(script) as server:
        settings = judged_world.config(world, server.url, judge_settings={"concurrency": 1})
        result = Run(settings).execute(on_notice=notices.append)
    assert all(score.if_ == 1.0 for score in result.scores)
    assert times[1] - times[0] >= 2
    assert notices == ["rate limit: waiting 2 s as the server asks, then at most 1 requests at once"]


def test_a_server_that_refuses_schemas_is_asked_once_without_and_that_is_remembered(world):
    def script(asked: Asked):
        return Fault(status=400) if "response_format" in asked.request else reply(good(asked))

    with ChatServer(script) as server:
        first = judged_world.run(world, server.url, judge_settings={"concurrency": 1})
        assert ["response_format" in asked.request for asked in server.asked] == [True, False, False, False]
        second = judged_world.run(world, server.url, out=str(world / "second"))
        assert len(server.asked) == 4
    assert [score.if_ for score in second.scores] == [score.if_ for score in first.scores] == [1.0, 1.0, 1.0]


def test_nobody_at_the_address_is_a_failure_with_a_sentence(world):
    result = judged_world.run(world, "http://127.0.0.1:9/v1", limit=1)
    assert {answer.reason for answer in judged_world.answers(result.store)} == {
        "the connection broke (ConnectError) (3 attempts)"
    }


def _run_in_process(root, url, cache):
    judged_world.run(root, url, cache=cache, judge_settings={"concurrency": 2, "timeout": 30.0})


@pytest.mark.parametrize("remembers", [True, False], ids=["with the cache", "by the run folder alone"])
def test_after_a_kill_at_most_the_requests_in_flight_are_asked_again(tmp_path, remembers):
    cache = str(tmp_path / "cache.sqlite") if remembers else "off"
    ids = tuple(f"s{number}" for number in range(12))
    tiny_world.write_benchmark(tmp_path / "bench", ids)
    tiny_world.write_videos(tmp_path / "model", ids)
    with ChatServer(latency=0.15) as server:
        process = multiprocessing.get_context("spawn").Process(target=_run_in_process, args=(tmp_path, server.url, cache))
        process.start()
        until = time.monotonic() + 60
        while len(server.asked) < 6 and time.monotonic() < until:
            time.sleep(0.005)
        process.kill()
        process.join(30)
        before = len(server.asked)
        assert 6 <= before < 12
        result = judged_world.run(tmp_path, server.url, cache=cache)
        assert all(score.if_ == 1.0 for score in result.scores)
        pictures = [tuple(asked.pictures) for asked in server.asked]
        assert len(set(pictures)) == 12
        assert len(pictures) - 12 <= 2  # two at once were in flight


def test_interrupting_does_not_wait_for_the_server_and_the_same_command_goes_on(world):
    settings = judged_world.config(world, "URL", judge_settings={"timeout": 60.0}).to_json()
    code = "import json, sys; from intergeneval.config import RunConfig; from intergeneval.run.run import Run; "
    # What is started in the background inherits a deaf ear for interrupts; these tests may be.
    code += "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "Run(RunConfig.from_json(json.loads(sys.argv[1]))).execute()"
    with ChatServer(latency=30.0) as server:
        words = json.dumps(settings).replace("URL", server.url)
        process = subprocess.Popen([sys.executable, "-c", code, words], stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 60
        while not server.asked and time.monotonic() < until:
            time.sleep(0.01)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert time.monotonic() - began < 10
        assert "KeyboardInterrupt" in said
    with ChatServer() as server:
        result = judged_world.run(world, server.url)
    assert all(score.if_ == 1.0 for score in result.scores)


def test_a_damaged_cache_ends_the_run_with_the_way_out_instead_of_failing_its_videos(world):
    (world / "cache.sqlite").write_text("not a database at all, but long enough to be taken for one")
    with ChatServer() as server:
        with pytest.raises(StoreError, match="choose another"):
            judged_world.run(world, server.url)
        assert server.asked == []
