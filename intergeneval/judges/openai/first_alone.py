"""The first request of a run goes alone: a server that refuses it refuses the others too, and need not be asked for each."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from intergeneval.errors import RefusedError
from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.refusals import Refusal

MOST_REFUSED = 3
"""Most requests that are sent to a server that refuses them all."""


class FirstAlone:
    """Lets one request out at a time until the server has answered one, and none once it is known to refuse them all."""

    def __init__(self, judge: str) -> None:
        self._judge = judge
        self._changed = threading.Condition()
        self._answered = False
        self._busy = False
        self._refused = 0
        self._stop: tuple[str, bool] | None = None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and hold it. Raises RefusedError when nothing more is to be sent."""
        with self._changed:
            while not self._answered and self._busy and self._stop is None:
                self._changed.wait()
            self._raise()
            alone = not self._answered
            self._busy = self._busy or alone
        try:
            yield
        finally:
            if alone:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def went_well(self) -> None:
        """Note that the server answered: from now on requests go side by side."""
        with self._changed:
            self._answered = True
            self._refused = 0
            self._changed.notify_all()

    def refused_once(self) -> bool:
        """Note a request that was refused; return whether it may go out once more in other words."""
        with self._changed:
            if self._answered:
                return True
            self._refused += 1
            return self._refused < MOST_REFUSED

    def failed(self, refusal: Refusal | None) -> None:
        """Note that what was asked about one thing came to nothing. Raises RefusedError where that goes for all.

        Before the server has answered at all: at once for a cause that meets every request, else when `MOST_REFUSED` were
        refused. Later, an account that was emptied say, when as many in a row met such a cause; what may lie in one video stops
        nothing then. What passes (a time-out, a busy server) and what a content filter declines tell nothing of the others.
        """
        with self._changed:
            if refusal is None or refusal.cause is Cause.FILTER:
                self._answered = True
                self._changed.notify_all()
                return
            if self._answered and not refusal.everything:
                return
            # Before the first answer each request was counted, however worded.
            self._refused += 1 if self._answered else 0
            if self._refused >= MOST_REFUSED or (refusal.everything and not self._answered):
                many = f"the first {self._refused} requests were refused: " if not refusal.everything else ""
                text = (
                    f"judge {self._judge}: {many}{refusal.text}; nothing more was asked, and the same command goes on afterwards"
                )
                self._stop = self._stop or (text, self._answered)
                self._changed.notify_all()
            self._raise()

    def _raise(self) -> None:
        if self._stop is not None:
            raise RefusedError(self._stop[0], begun=self._stop[1])
