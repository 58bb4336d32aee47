"""The guard around any backend: what it gives, or the message of its failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from intergeneval.errors import BudgetError, IntergenevalError, StoreError

T = TypeVar("T")


def attempt(call: Callable[[], T]) -> T | str:
    """Return what a backend gives, or the message of its failure.

    Backends are other people's code, and one video that breaks one must not end a run over hundreds: whatever it raises is
    recorded with the item, counted as unscored, and asked again by a resume. BudgetError passes, a decision and no failure, and
    StoreError: a full disk or a damaged cache is no fault of the video, and paid answers would be lost.
    """
    try:
        return call()
    except (BudgetError, StoreError):
        raise
    except IntergenevalError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # see above: recorded with its type and text, never dropped
        return f"{type(error).__name__}: {error}"
