"""Errors that a server hides in a reply of status 200, and replies that it broke off: told, repeated or kept as each deserves."""

from __future__ import annotations

import json

import pytest

from intergeneval.errors import RefusedError
from intergeneval.records import AnswerStatus
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, Fault, good, reply


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


def in_choice(error):
    return {"choices": [{"index": 0, "error": error, "finish_reason": "error", "message": {"content": ""}}]}


def in_message(error):
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "", "error": error}}]}


CREDITS = {"code": 402, "message": "Insufficient credits"}
FLAGGED = {"code": 403, "message": "Input was flagged", "metadata": {"reasons": ["violence"]}}
NO_EYE = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
FOR_ALL = {
    "credits, in the choice": (in_choice(CREDITS), "no credit or quota left .status 402."),
    "credits, in the message": (in_message(CREDITS), "no credit or quota left"),
    "credits, in a text": (in_choice("Insufficient credits"), "no credit or quota left .status 200."),
    "a status in a text": (in_choice({"code": "402", "message": "no"}), "no credit or quota left"),
    "the whole reply, of a key": ({"code": 401, "msg": "expired"}, "does not accept the key|wants a key"),
    "the whole reply, of an account": ({"code": "Arrearage", "message": "Access denied"}, "no credit or quota left"),
    "MiniMax": ({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "no credit"),
    "a list": ([{"error": CREDITS}], "no credit or quota left"),
    "no projector": (Fault(status=500, body=json.dumps({"error": {"code": 500, "message": NO_EYE}}).encode()), "no pictures"),
    "no projector, with status 200": ({"error": {"type": "server_error", "message": NO_EYE}}, "takes no pictures here"),
}


@pytest.mark.parametrize("name", FOR_ALL)
def test_an_error_within_a_reply_that_meets_every_video_stops_the_run_at_the_first_request(world, name):
    given, said = FOR_ALL[name]
    with ChatServer(lambda _: given) as server:
        with pytest.raises(RefusedError, match=said):
            judged_world.run(world, server.url)
        assert len(server.asked) == 1


FILTERED = {
    "flagged, in the choice": in_choice(FLAGGED),
    "flagged, in the message": in_message(FLAGGED),
    "Gemini, a blocked prompt": {"choices": [], "promptFeedback": {"blockReason": "SAFETY"}},
    "Gemini, for another reason and without choices": {"prompt_feedback": {"block_reason": "OTHER"}},
    "Gemini, beside an empty message": {**in_message(None), "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
    "DashScope": {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."},
    "a code with the reply": {"detail": {"code": "content_filter", "message": "no"}},
}


@pytest.mark.parametrize("name", FILTERED)
def test_a_filter_that_says_so_within_a_reply_is_asked_once_a_video(world, name):
    with ChatServer(lambda _: FILTERED[name]) as server:
        result = judged_world.run(world, server.url, limit=2)
        assert len(server.asked) == 2
    assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.REFUSED}


PASSING = {
    "overloaded": in_choice({"code": 503, "message": "overloaded"}),
    "a rate limit without a number, worded like an empty account": in_choice(
        {"code": "rate_limit_exceeded", "message": "insufficient quota for this minute"}
    ),
    "in the message": in_message({"message": "upstream failed"}),
    "the whole reply": {"code": "InternalError", "message": "try again"},
    "FastAPI": {"detail": "Something went wrong"},
    "ERROR_LIMIT": reply("", finish_reason="ERROR_LIMIT"),
}


@pytest.mark.parametrize("name", PASSING)
def test_an_error_within_a_reply_that_may_pass_is_tried_again(world, name):
    with ChatServer(lambda asked: PASSING[name] if asked.number == 0 else reply(good(asked))) as server:
        result = judged_world.run(world, server.url, limit=1)
        assert len(server.asked) == 2
    assert result.scores[0].if_ == 1.0


@pytest.mark.parametrize("error", [{"code": 0, "message": ""}, {"code": None}, {}, "", None])
def test_an_error_that_says_nothing_beside_a_good_reply_is_none(world, error):
    with ChatServer(lambda asked: {**reply(good(asked)), "error": error}) as server:
        result = judged_world.run(world, server.url, limit=1)
        assert len(server.asked) == 1
    assert result.scores[0].if_ == 1.0


INTERRUPTED = (
    *("insufficient_system_resource", "network_error", "abort", "ABORTED", "timeout", "TIMEOUT", "Cancelled", "canceled"),
    *("USER_CANCEL", "FinishReason.ABORT", "NetworkError"),
)


@pytest.mark.parametrize("reason", INTERRUPTED)
def test_a_reply_that_was_broken_off_is_tried_again_and_is_no_answer_to_repair(world, reason):
    def script(asked: Asked):
        return reply(good(asked)[:-40], finish_reason=reason) if asked.number == 0 else reply(good(asked))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=1)
        assert [asked.turns for asked in server.asked] == [2, 2]
    assert result.scores[0].if_ == 1.0
    assert judged_world.answers(result.store)[0].usage["failures"] == {"error in reply": 1}


@pytest.mark.parametrize("reason", INTERRUPTED)
def test_a_reply_that_was_whole_when_it_was_broken_off_is_kept(world, reason):
    with ChatServer(lambda asked: reply(f"```json\n{good(asked)}", finish_reason=reason)) as server:
        result = judged_world.run(world, server.url, limit=1)
        assert len(server.asked) == 1
    assert result.scores[0].if_ == 1.0


def test_an_object_amid_words_that_were_broken_off_is_not_taken_for_the_answer(world):
    with ChatServer(lambda asked: reply(f"Let me try {good(asked)} or else", finish_reason="abort")) as server:
        result = judged_world.run(world, server.url, limit=1)
    assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.FAILED}


@pytest.mark.parametrize("reason", ["context_length", "CONTEXT_LENGTH_EXCEEDED", "ContextLength"])
def test_an_end_of_the_context_is_a_cut_whose_entries_are_kept(world, reason):
    def script(asked: Asked):
        return reply(good(asked)[:-40], finish_reason=reason) if asked.number == 0 else reply(good(asked))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=1)
        assert len(server.asked[0].frames) > 2
        # What was seen was told whole, and all answers but the last.
        assert (server.asked[1].labels, server.asked[1].frames, server.asked[1].turns) == (["0.10"], [], 2)
        assert len(server.asked) == 2
    assert result.scores[0].if_ == 1.0


@pytest.mark.parametrize("status", [500, 200])
def test_a_server_that_breaks_at_the_schema_is_asked_without(world, status):
    def script(asked: Asked):
        error = {"error": {"code": 500, "message": "failed to parse grammar", "type": "server_error"}}
        refused = Fault(status=status, body=json.dumps(error).encode())
        return refused if "response_format" in asked.request else reply(good(asked))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, judge_settings={"concurrency": 1})
        assert ["response_format" in asked.request for asked in server.asked] == [True, False, False, False]
    assert [score.if_ for score in result.scores] == [1.0] * 3
