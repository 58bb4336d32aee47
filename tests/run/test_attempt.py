"""The guard around a backend: what is recorded as its failure, and what ends the run."""

import pytest

from intergeneval.errors import BackendError, BudgetError, MediaError, StoreError
from intergeneval.run.attempt import Failure, attempt


def raising(error):
    def call():
        raise error

    return call


def test_what_a_backend_gives_is_given_on_even_where_it_is_a_text():
    assert attempt(lambda: "a text") == "a text"
    assert attempt(lambda: None) is None


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (BackendError("no GPU is free"), "BackendError", "no GPU is free"),
        (KeyError("boxes"), "KeyError", "KeyError: 'boxes'"),
        (RuntimeError(), "RuntimeError", "RuntimeError: "),
    ],
)
def test_what_it_raises_is_a_failure_with_its_kind_and_words(error, kind, text):
    failure = attempt(raising(error))
    assert failure == Failure(kind, text)
    assert str(failure) == text


@pytest.mark.parametrize("error", [BudgetError("too dear"), StoreError("disk full"), KeyboardInterrupt(), SystemExit(1)])
def test_the_cost_limit_a_full_disk_and_an_interrupt_are_no_failures(error):
    with pytest.raises(type(error)):
        attempt(raising(error))


def test_what_is_not_of_the_kind_that_is_due_is_a_failure():
    assert attempt(lambda: 3, due=int) == 3
    for given, name in (("I could not", "str"), (None, "NoneType")):
        assert attempt(lambda given=given: given, due=int) == Failure("TypeError", f"it gave a {name} where a int is due")


def test_the_caller_says_what_else_goes_on_upwards():
    assert isinstance(attempt(raising(MediaError("torn"))), Failure)
    with pytest.raises(MediaError, match="torn"):
        attempt(raising(MediaError("torn")), passing=(MediaError,))
    with pytest.raises(BudgetError):
        attempt(raising(BudgetError("too dear")), passing=(MediaError,))
