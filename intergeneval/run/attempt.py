"""The guard around any backend: what it gives, or how it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from intergeneval.errors import BudgetError, DeferredError, IntergenevalError, RefusedError, StoreError

T = TypeVar("T")

NEVER_A_FAILURE: tuple[type[IntergenevalError], ...] = (BudgetError, DeferredError, RefusedError, StoreError)
"""No failures of a backend: the cost limit is a decision; what is answered later is under way; a server that refuses everything
would fail every item alike; on a full disk or a damaged cache paid answers would be lost."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a backend failed, as it is recorded with the item."""

    kind: str
    """Class of the exception."""
    text: str
    """Its message; for one that is not ours, with the class before it."""

    def __str__(self) -> str:
        return self.text


def attempt(call: Callable[[], T], passing: tuple[type[Exception], ...] = (), due: type[T] | None = None) -> T | Failure:
    """Return what a backend gives, or its failure.

    Backends are other people's code, and one item that breaks one must not end a run over hundreds: whatever it raises is
    recorded with the item, counted as unscored, and asked again by a resume. `passing` are exceptions that go on upwards, beside
    those that never are a failure. `due` is what the call must give; anything else is a failure as well.
    """
    try:
        given = call()
    except (*NEVER_A_FAILURE, *passing):
        raise
    except IntergenevalError as error:
        return Failure(type(error).__name__, str(error))
    except Exception as error:  # noqa: BLE001  # see above: recorded with its type and text, never dropped
        return Failure(type(error).__name__, f"{type(error).__name__}: {error}")
    if due is not None and not isinstance(given, due):
        return Failure("TypeError", f"it gave a {type(given).__name__} where a {due.__name__} is due")
    return given
