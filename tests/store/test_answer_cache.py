"""The answer cache: one file for many threads and processes, one transaction an answer."""

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest

from intergeneval.errors import StoreError
from intergeneval.records.disk import cache_file
from intergeneval.store.answer_cache import Cache


@pytest.fixture
def cache(tmp_path):
    found = Cache(tmp_path / "deep" / "answers.sqlite")
    yield found
    found.close()


def test_what_was_put_is_got_also_by_another_that_opens_the_file(cache):
    assert cache.get("k") is None
    cache.put("k", "judge", {"value": "yes", "frame": 3})
    cache.remember_server("host", "model", {"served": "v1"})
    other = Cache(cache.path)
    assert other.get("k") == {"value": "yes", "frame": 3}
    assert other.server("host", "model") == {"served": "v1"}
    assert other.server("host", "other") == {}
    other.close()


def test_looking_at_an_absent_cache_makes_no_file(cache):
    assert cache.stats().answers == 0
    assert cache.clear() == 0
    assert not cache.path.exists()


def test_stats_count_by_judge_and_clear_removes_one_judge_or_all(cache):
    for number in range(5):
        cache.put(f"a{number}", "first", {})
    cache.put("b", "second", {})
    assert cache.stats().judges == {"first": 5, "second": 1}
    assert cache.clear("first") == 5
    assert cache.stats().judges == {"second": 1}
    assert cache.clear() == 1
    assert cache.get("b") is None


def _put_many(path, first):
    found = Cache(path)
    for number in range(first, first + 100):
        found.put(str(number), "judge", {"n": number})
    found.close()


def test_threads_and_processes_write_into_it_at_once(cache):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_put_many, args=(cache.path, first)) for first in (0, 100)]
    threads = [threading.Thread(target=_put_many, args=(cache.path, first)) for first in (200, 300)]
    for worker in [*processes, *threads]:
        worker.start()
    for worker in [*processes, *threads]:
        worker.join(60)
    assert cache.stats().answers == 400
    assert cache.get("399") == {"n": 399}


def _put_and_die(path):
    import os
    import signal

    Cache(path).put("k", "judge", {"value": "yes"})
    os.kill(os.getpid(), signal.SIGKILL)


def test_an_answer_outlives_the_process_that_was_killed_right_after(cache):
    process = multiprocessing.get_context("spawn").Process(target=_put_and_die, args=(cache.path,))
    process.start()
    process.join(60)
    assert cache.get("k") == {"value": "yes"}


def test_a_file_that_is_no_cache_is_named_with_the_way_out(tmp_path):
    path = tmp_path / "answers.sqlite"
    path.write_text("not a database at all, but long enough to be taken for one")
    with pytest.raises(StoreError, match="choose another"):
        Cache(path).get("k")


def test_a_cache_of_another_version_is_refused(cache):
    cache.put("k", "judge", {})
    cache.close()
    database = sqlite3.connect(cache.path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="schema 99"):
        cache.get("k")


def test_the_file_lies_where_the_environment_says(tmp_path):
    assert cache_file({"INTERGENEVAL_CACHE": "/x/y.sqlite"}) == Path("/x/y.sqlite")
    assert cache_file({"XDG_CACHE_HOME": "/c"}) == Path("/c/intergeneval/answers.sqlite")
    assert cache_file({}) == Path.home() / ".cache" / "intergeneval" / "answers.sqlite"
