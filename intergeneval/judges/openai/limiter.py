"""How many requests are in flight at once: as many as the server bears, halved when it complains and raised one by one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Limiter:
    """Lets at most `most` threads send at once, fewer after the server complained, none before it wants to hear again."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = float(most)
        self._active = 0
        self._resume_at = 0.0
        self._cut_at = float("-inf")

    @property
    def limit(self) -> int:
        """How many may send at once now."""
        return int(self._limit)

    @contextlib.contextmanager
    def turn(self) -> Iterator[float]:
        """Wait for a turn to send and hold it; gives the time at which it began."""
        with self._changed:
            while (pause := self._resume_at - self._clock()) > 0 or self._active >= int(self._limit):
                self._changed.wait(pause if pause > 0 else None)
            self._active += 1
        try:
            yield self._clock()
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def slow_down(self, began: float, pause: float) -> bool:
        """Note a complaint about a request sent at `began`, and that nothing is to be sent for `pause` seconds.

        Complaints about requests that were sent before the last cut do not cut again. Returns whether this one did.
        """
        with self._changed:
            self._resume_at = max(self._resume_at, self._clock() + pause)
            cut = began >= self._cut_at
            if cut:
                self._cut_at = self._clock()
                self._limit = max(1.0, int(self._limit) / 2)
            self._changed.notify_all()
            return cut

    def speed_up(self) -> None:
        """Note a request that went well: after as many as may be in flight, one more may."""
        with self._changed:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)
            self._changed.notify_all()
