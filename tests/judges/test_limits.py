"""How many requests may be in flight, how long a server makes us wait, and how much may be spent."""

import datetime
import threading
import time

import pytest

from intergeneval.errors import BudgetError
from intergeneval.judges.openai.client import retry_after
from intergeneval.judges.openai.limiter import Limiter
from intergeneval.judges.services import Budget


def test_never_more_in_flight_than_allowed_and_all_get_their_turn():
    limiter, lock, now, most, done = Limiter(3), threading.Lock(), 0, 0, 0

    def send():
        nonlocal now, most, done
        with limiter.turn():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with lock:
                now -= 1
                done += 1

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most, done) == (3, 12)


def test_a_burst_of_complaints_halves_once_and_good_requests_bring_the_limit_back():
    limiter = Limiter(16)
    with limiter.turn() as first, limiter.turn() as second:
        assert limiter.slow_down(first, 0.0)
        assert not limiter.slow_down(second, 0.0)
    assert limiter.limit == 8
    for _ in range(8 + 9):
        limiter.speed_up()
    assert 9 <= limiter.limit <= 10
    for _ in range(500):
        limiter.speed_up()
    assert limiter.limit == 16


def test_the_limit_never_falls_below_one_and_a_pause_holds_everybody_back():
    limiter = Limiter(2)
    for _ in range(4):
        with limiter.turn() as began:
            limiter.slow_down(began, 0.0)
    assert limiter.limit == 1
    with limiter.turn() as began:
        limiter.slow_down(began, 0.2)
    start = time.monotonic()
    with limiter.turn():
        assert time.monotonic() - start >= 0.19


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e308", None),
        ("9" * 400, None),
        ("604801", None),
        ("1_000", None),
        ("\u0663", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Mon, 01 Jan 1601 00:00:00 GMT", None),
        ("Wed, 21 Oct 99999 07:28:30 GMT", None),
        ("Wed, 99 Oct 2026 99:99:99 GMT", None),
        ("Wed, 21 Oct 2026 07:28:30 +999999999999", None),
        ("Wed", None),
        (" , ", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text, seconds):
    now = datetime.datetime(2026, 10, 21, 7, 28, tzinfo=datetime.UTC)
    assert retry_after(text, now) == seconds


def test_a_budget_counts_what_is_in_flight_and_learns_what_requests_cost():
    budget = Budget(1.0)
    first = budget.admit(0.3)
    second = budget.admit(0.3)
    budget.admit(0.3)
    with pytest.raises(BudgetError, match=r"may cost 0\.3"):
        budget.admit(0.3)
    budget.settle(first, 0.0)
    budget.settle(second, 0.4)
    assert budget.spent == pytest.approx(0.4)
    with pytest.raises(BudgetError, match=r"may cost 0\.4"):
        budget.admit(0.1)


def test_no_limit_admits_everything():
    budget = Budget()
    for _ in range(100):
        budget.settle(budget.admit(1e9), 1e9)
    assert budget.spent == pytest.approx(1e11)
