"""Runs with judges that think first or are cut off: what they say is paid once, and what may mean two things has no score."""

from __future__ import annotations

import json

import pytest

from intergeneval.errors import BackendError
from intergeneval.judges import parsing
from intergeneval.plugins import build
from intergeneval.records import AnswerStatus
from intergeneval.store.spending import spending
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, Fault, good, reply
from tests.judges.test_openai import is_writing, written
from tests.judges.test_wrapped_replies import AMBIGUOUS, WRAPPED, wrap


def world_of(root, count):
    """A benchmark of `count` samples with a video each."""
    ids = tuple(f"s{number:02}" for number in range(count))
    tiny_world.write_benchmark(root / "bench", ids)
    tiny_world.write_videos(root / "model", ids)
    return ids


def by_video(replies):
    """A script that gives each video it sees for the first time the next of `replies`, and goes on with it."""
    shown: dict[tuple[str, ...], int] = {}
    return lambda asked: replies[shown.setdefault(tuple(asked.pictures), len(shown))](asked)


def spoken(shape):
    return lambda asked: reply(wrap(shape, good(asked), good(asked, "no")))


def unclear(write):
    return lambda asked: reply(write(good(asked), good(asked, "no")))


PLACED = {
    "reasoning_content": lambda asked: reply("", reasoning_content=good(asked)),
    "reasoning_content without content": lambda asked: reply(None, reasoning_content=f"Well. {good(asked)}\n"),
    "reasoning, said twice": lambda asked: reply("\n", reasoning=good(asked), reasoning_content=good(asked)),
    "reasoning beside the answer": lambda asked: reply(good(asked), reasoning_content=good(asked, "no")),
    "details of reasoning": lambda asked: reply("", reasoning_details=[{"type": "reasoning.text", "text": good(asked)}]),
    "nothing but tokens in content": lambda asked: reply("<think></think><|im_end|>", reasoning=f"```json\n{good(asked)}\n```"),
    "parts": lambda asked: reply([{"type": "text", "text": good(asked)[:40]}, {"type": "text", "text": good(asked)[40:]}]),
    "a part that thinks": lambda asked: reply(
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": good(asked, "no")}]},
            {"type": "text", "text": good(asked)},
        ]
    ),
    "a part of reasoning": lambda asked: reply(
        [{"type": "reasoning", "text": good(asked, "no")}, {"type": "output_text", "text": good(asked)}]
    ),
    "a thought": lambda asked: reply([{"text": good(asked, "no"), "thought": True}, {"text": good(asked)}]),
    "nothing but a part that thinks": lambda asked: reply([{"type": "reasoning", "text": good(asked)}]),
}


def test_a_judge_that_thinks_is_read_at_once_in_every_spelling(tmp_path):
    replies = [*map(spoken, WRAPPED.values()), *PLACED.values()]
    world_of(tmp_path, len(replies))
    with ChatServer(by_video(replies)) as server:
        result = judged_world.run(tmp_path, server.url, judge_settings={"concurrency": 1})
    names = [*WRAPPED, *PLACED]
    assert {names[number]: score.if_ for number, score in enumerate(result.scores)} == dict.fromkeys(names, 1.0)
    assert len(server.asked) == len(replies)
    assert spending(result.store).unanswered == {}


MISPLACED = {
    "an answer amid thinking": lambda asked: reply("", reasoning_content=f"{good(asked)} or is it?"),
    "two answers amid thinking": lambda asked: reply("", reasoning_content=good(asked) + good(asked, "no")),
    "two fields that differ": lambda asked: reply("", reasoning_content=good(asked), reasoning=good(asked, "no")),
    "words beside an answer in thinking": lambda asked: reply("Done.", reasoning_content=good(asked)),
    "parts with two objects": lambda asked: reply([{"type": "text", "text": good(asked)}, {"type": "text", "text": good(asked)}]),
}


def test_an_ambiguous_reply_is_unparsed_in_whole_runs_and_no_score_is_made_of_it(tmp_path):
    replies = [*map(unclear, AMBIGUOUS.values()), *MISPLACED.values()]
    assert len(replies) >= 20
    world_of(tmp_path, len(replies))
    with ChatServer(by_video(replies)) as server:
        result = judged_world.run(tmp_path, server.url, judge_settings={"concurrency": 1})
    names = [*AMBIGUOUS, *MISPLACED]
    assert {names[number]: score.if_ for number, score in enumerate(result.scores)} == dict.fromkeys(names)
    assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.UNPARSED}
    assert {item.status for item in judged_world.assessed(result.store)} == {AnswerStatus.UNPARSED}
    assert len(server.asked) == 2 * len(replies)


def test_the_repair_turn_does_not_show_the_model_its_own_thinking(tmp_path):
    world_of(tmp_path, 1)

    def script(asked: Asked):
        found = json.loads(good(asked))
        if asked.turns == 2:
            found["answers"][0]["answer"] = "maybe"
        return reply(f"<think>{'so ' * 1000}</think>{json.dumps(found)}")

    with ChatServer(script) as server:
        result = judged_world.run(tmp_path, server.url)
    assert result.scores[0].if_ == 1.0
    shown = server.asked[1].request["messages"][2]
    assert shown["role"] == "assistant"
    assert shown["content"].startswith('{"walk"')


# -- replies that are cut off


class Limited:
    """Writes at most as many tokens, of four characters, as a request allows, and `spent` of them on thinking."""

    def __init__(self, spent: int = 0, most: int = 10**6, reason: str = "length") -> None:
        self.spent, self.most, self.reason = spent, most, reason

    def __call__(self, asked: Asked):
        limit = next(asked.request[name] for name in ("max_tokens", "max_completion_tokens") if name in asked.request)
        if limit > self.most:
            return Fault(status=400)
        text = good(asked)
        room = max(0, limit - self.spent) * 4
        return reply(text[:room], finish_reason=self.reason if len(text) > room else "stop")


def two_interactions(root):
    """One video with twenty questions."""
    world_of(root, 1)
    judged_world.change_samples(root, lambda row: row["interactions"].append({**row["interactions"][0], "verb": "touches"}))


def parameters(**values):
    return {"judge_settings": {"parameters": {"temperature": 0, **values}}}


@pytest.mark.parametrize("reason", ["length", "MAX_TOKENS", "FinishReason.MAX_TOKENS", "max_output_tokens"])
def test_of_a_cut_reply_the_complete_answers_are_kept_and_the_rest_is_asked_for_once_with_more_room(tmp_path, reason):
    two_interactions(tmp_path)
    with ChatServer(Limited(reason=reason)) as server:
        result = judged_world.run(tmp_path, server.url, consistency="tracks", **parameters(max_tokens=350))
        judged_world.run(tmp_path, server.url, consistency="tracks", out=str(tmp_path / "other"), **parameters(max_tokens=350))
    first, second = server.asked
    assert len(first.labels) == 20
    assert second.labels == first.labels[-len(second.labels) :]
    assert 5 < len(second.labels) < 15
    assert (second.turns, second.pictures) == (2, first.pictures)
    assert [asked.request["max_tokens"] for asked in server.asked] == [350, 700]
    assert [answer.status for answer in judged_world.answers(result.store)] == [AnswerStatus.OK] * 20
    assert result.scores[0].if_ == 1.0


def test_what_was_seen_before_a_reply_was_cut_is_kept_and_what_is_open_is_asked_for_by_the_next_run_alone(tmp_path):
    world_of(tmp_path, 1)
    server_says = Limited(reason="MAX_TOKENS")
    with ChatServer(lambda asked: server_says(asked) if asked.number == 0 else Fault(status=500)) as server:
        result = judged_world.run(tmp_path, server.url, **parameters(max_tokens=250))
        (assessed,) = judged_world.assessed(result.store)
        assert assessed.status is AnswerStatus.OK
        assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.OK, AnswerStatus.FAILED}
        rest = server.asked[1].labels
        assert 0 < len(rest) < 10
        assert (server.asked[1].frames, "What was seen:" in server.asked[1].text) == ([], True)
        server.script = lambda asked: reply(good(asked))
        again = judged_world.run(tmp_path, server.url, **parameters(max_tokens=250))
        assert (server.asked[-1].labels, server.asked[-1].frames) == (rest, [])
        count = len(server.asked)
        other = judged_world.run(tmp_path, server.url, out=str(tmp_path / "other"), **parameters(max_tokens=250))
        assert len(server.asked) == count
    assert (again.scores[0].if_, other.scores[0].if_) == (1.0, 1.0)


def test_a_reply_cut_off_in_its_thinking_gets_more_room_and_what_is_cut_twice_names_the_setting(tmp_path):
    world_of(tmp_path, 1)
    with ChatServer(Limited(spent=700)) as server:
        result = judged_world.run(tmp_path, server.url, **parameters(max_completion_tokens=700))
        assert [asked.request["max_completion_tokens"] for asked in server.asked] == [700, 1400]
        assert all("max_tokens" not in asked.request for asked in server.asked)
    assert result.scores[0].if_ == 1.0
    with ChatServer(Limited(spent=2000)) as server:
        result = judged_world.run(tmp_path, server.url, cache="off", out=str(tmp_path / "other"), **parameters(max_tokens=700))
        assert len(server.asked) == 2
    assert spending(result.store).unanswered == {"unparsed: cut off": 11}
    (reason,) = {answer.reason.split(";")[0] for answer in judged_world.answers(result.store)}
    assert reason == "the reply was cut off at max_tokens 1400"
    assert "raise it in [settings.openai.parameters]" in judged_world.answers(result.store)[0].reason


def test_a_server_that_grants_no_more_room_is_asked_for_the_rest_as_before(tmp_path):
    two_interactions(tmp_path)
    with ChatServer(Limited(most=250)) as server:
        result = judged_world.run(tmp_path, server.url, consistency="tracks", **parameters(max_tokens=250))
    assert [answer.status for answer in judged_world.answers(result.store)] == [AnswerStatus.OK] * 20
    assert [asked.request["max_tokens"] for asked in server.asked] == [250, 500, 500, 250]  # with a schema and without


def test_without_a_limit_of_ours_the_rest_is_asked_for_without_one(tmp_path):
    world_of(tmp_path, 1)

    def script(asked: Asked):
        assert "max_tokens" not in asked.request
        text = good(asked)
        return reply(text[:600], finish_reason="length") if asked.number == 0 else reply(text)

    with ChatServer(script) as server:
        result = judged_world.run(tmp_path, server.url, **parameters())
    assert len(server.asked) == 2
    assert result.scores[0].if_ == 1.0


def test_an_inquiry_that_was_cut_off_is_asked_again_with_more_room_and_names_the_setting_if_that_is_not_enough(tmp_path):
    world_of(tmp_path, 1)
    judged_world.change_samples(tmp_path, lambda row: row["interactions"][0].update(verb="flummoxes"))

    def script(asked: Asked):
        if not is_writing(asked):
            return reply(good(asked))
        cut = asked.request["max_tokens"] <= 4096
        return reply(written(asked)[: -30 if cut else None], finish_reason="length" if cut else "stop")

    with ChatServer(script) as server:
        result = judged_world.run(tmp_path, server.url, unknown_verbs="judge")
        assert [(asked.turns, asked.request["max_tokens"]) for asked in server.asked] == [(2, 4096), (2, 8192), (2, 4096)]
        assert result.scores[0].if_ == 1.0
        server.script = lambda asked: reply("{", finish_reason="length")
        with pytest.raises(BackendError, match="cut off at max_tokens 8192"):
            judged_world.run(tmp_path, server.url, unknown_verbs="judge", judge="openai:other", out=str(tmp_path / "other"))


def test_an_error_in_a_reply_is_survived_when_the_next_attempt_goes_well(tmp_path):
    world_of(tmp_path, 1)
    broken = [
        {"error": {"message": "overloaded", "code": 529}, "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
        {"choices": [{**reply("")["choices"][0], "error": {"code": "sk-secret"}}]},
    ]
    with ChatServer(lambda asked: broken[asked.number] if asked.number < 2 else reply(good(asked))) as server:
        result = judged_world.run(tmp_path, server.url)
    assert result.scores[0].if_ == 1.0
    spent = spending(result.store)
    assert (spent.transient, spent.requests) == ({"error in reply": 2}, 3)
    assert (spent.input_tokens, spent.output_tokens) == (1007, 103)


def test_a_reply_that_was_read_before_is_read_the_same_and_the_revision_tells_the_new_words(tmp_path):
    assert parsing.load_object('{"reason": "<think> and </think> {"}') == {"reason": "<think> and </think> {"}
    revision = build("judges", "openai:m", {"base_url": "http://127.0.0.1:9/v1"}).revision
    assert revision.startswith("prompts 2-")
    assert revision.endswith(", parser 2, parameters 9e60a240")
