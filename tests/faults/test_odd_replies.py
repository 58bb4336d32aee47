"""What a server writes beside the answer loses none that was paid for, and takes no more time and memory than an attempt may."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from intergeneval.errors import BackendError
from intergeneval.judges.openai import OpenAIJudge
from intergeneval.judges.openai.probing import probe_request
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.services import Services
from intergeneval.records import Answer, AnswerStatus
from intergeneval.store.answer_cache import Cache
from intergeneval.store.run_folder import LineFile, read_lines
from tests.fakes.odd_replies import FAILED, LATER, READ, Odd, all_of_them
from tests.fakes.raw_server import RawServer

ATTEMPTS = 3
SLACK = 20.0
"""Seconds beside the attempts: this machine may have neighbours."""
ODD = all_of_them()


@dataclass
class Outcome:
    """What came of one odd reply."""

    answers: list[Answer]
    again: list[Answer]
    seconds: float
    requests: int
    error: str = ""


def judge_for(server: RawServer, number: int, odd: Odd, cache: Cache, attempts: int = ATTEMPTS) -> OpenAIJudge:
    settings = OpenAISettings(
        model=f"odd-{number}", base_url=server.url(number), attempts=attempts, timeout=odd.timeout, backoff=0.02, concurrency=2
    )
    judge = OpenAIJudge(settings)
    judge.attach(Services(cache=cache))
    return judge


def outcome(server: RawServer, number: int, odd: Odd, cache: Cache, attempts: int = ATTEMPTS) -> Outcome:
    """Ask, then ask again: what was answered must come from the cache."""
    judge, request, began = judge_for(server, number, odd, cache, attempts), probe_request(assess=False), time.monotonic()
    try:
        answers, error = judge.answer(request), ""
    except BackendError as caught:
        answers, error = [], str(caught)
    seconds, requests = time.monotonic() - began, server.attempts[number]
    judge.close()
    again = []
    if odd.due != FAILED:
        judge = judge_for(server, number, odd, cache)
        again = judge.answer(request)
        judge.close()
        assert server.attempts[number] == requests, (error, answers[:1], again[:1])
    return Outcome(answers, again, seconds, requests, error)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    cache = Cache(tmp_path_factory.mktemp("odd") / "cache.sqlite")
    with RawServer([odd.play for odd in ODD]) as server, ThreadPoolExecutor(8) as pool:
        waiting = {odd.name: pool.submit(outcome, server, number, odd, cache) for number, odd in enumerate(ODD)}
        found = {name: item.exception() or item.result() for name, item in waiting.items()}
    cache.close()
    return found


def test_there_are_three_hundred_kinds_and_each_has_a_name_of_its_own():
    assert len({odd.name for odd in ODD}) == len(ODD) >= 300


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.due != FAILED], ids=lambda odd: odd.name)
def test_an_answer_that_was_paid_for_is_kept_whatever_stands_beside_it(odd, outcomes, tmp_path):
    found = outcomes[odd.name]
    assert isinstance(found, Outcome), found
    assert {answer.status for answer in found.answers} == {AnswerStatus.OK}, (found.error, found.answers[:1])
    assert found.requests == {READ: 1, LATER: 2}[odd.due]
    file = LineFile(tmp_path / "answers.jsonl")
    file.append(found.answers)
    file.close()
    assert list(read_lines(file.path, Answer)) == found.answers
    text = file.path.read_text(encoding="utf-8")
    assert "\x1b" not in json.loads(text.splitlines()[0])["reason"]
    usage = found.answers[0].usage
    assert all(name.isprintable() and len(name) <= 201 for name in usage["served"])
    assert 0 <= usage["input_tokens"] <= 10**9
    assert 0 <= usage["output_tokens"] <= 10**9
    assert [answer.value for answer in found.again] == [answer.value for answer in found.answers]


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.due == FAILED], ids=lambda odd: odd.name)
def test_what_is_no_answer_is_a_failure_with_a_sentence(odd, outcomes):
    found = outcomes[odd.name]
    assert isinstance(found, Outcome), found
    if found.error:
        assert "refused" in found.error or "status" in found.error
        return
    assert {answer.status for answer in found.answers} == {AnswerStatus.FAILED}
    assert all(answer.reason and answer.reason.isprintable() and len(answer.reason) < 400 for answer in found.answers)


def test_no_odd_reply_takes_longer_than_its_attempts(outcomes):
    slow = {odd.name: outcomes[odd.name].seconds for odd in ODD if outcomes[odd.name].seconds > ATTEMPTS * odd.timeout + SLACK}
    assert slow == {}


MEMORY = """
import resource, sys, tempfile, pathlib
from tests.faults.test_odd_replies import ODD, FAILED, outcome
from intergeneval.store.answer_cache import Cache
from tests.fakes.raw_server import RawServer
numbers = [n for n, odd in enumerate(ODD) if odd.name in sys.argv[1:]]
assert len(numbers) == len(sys.argv) - 1
unit = 1 if sys.platform == "darwin" else 1024
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
with tempfile.TemporaryDirectory() as folder, RawServer([odd.play for odd in ODD]) as server:
    cache = Cache(pathlib.Path(folder) / "cache.sqlite")
    first = next(n for n, odd in enumerate(ODD) if odd.name == "message.refusal")
    outcome(server, first, ODD[first], cache)
    before = peak()
    for number in numbers:
        outcome(server, number, ODD[number], cache, attempts=1)
    print(peak() - before)
"""
FLOODS = (
    *("headers without end", "one header without end", "interim replies", "chunks, quickly", "trailers"),
    *("a body without length", "gzip that yields nothing", "empty gzips"),
)
EXPLODING = [odd.name for odd in ODD if "200 MB" in odd.name or odd.name.removeprefix("endless: ") in (*FLOODS, "a large reply")]


@pytest.mark.parametrize(
    ("names", "most"),
    [(EXPLODING, 64 << 20), (["millions of lists", "a deep nest", "body: 100,000 members"], 320 << 20)],
    ids=["what explodes or never ends", "what JSON takes"],
)
def test_no_odd_reply_takes_more_memory_than_a_reply_may(names, most):
    done = subprocess.run([sys.executable, "-c", MEMORY, *names], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < most
