"""Threads that work through a line of items: for work that waits for a server more than it computes."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from intergeneval.errors import BudgetError, RefusedError

T = TypeVar("T")


@dataclass(slots=True)
class _End:
    """Tells a thread that nothing more comes."""


class ThreadPool(Generic[T]):
    """Calls `work` with each item from several threads.

    `stopped` says why no further item is taken, empty as long as there is no reason: a BudgetError ends the work quietly, and
    so does a RefusedError of a server that had answered before (`refused`). What else `work` raises is raised again where the
    next item is handed over.
    """

    def __init__(self, threads: int, work: Callable[[T], None], name: str = "pool") -> None:
        self.stopped = ""
        self.refused = False
        self.abandoned = False
        self._work_on = work
        self._error: BaseException | None = None
        # A short queue holds back whoever fills it: waiting items carry their pictures.
        self._waiting: queue.Queue[T | _End] = queue.Queue(maxsize=2 * threads)
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, item: T) -> bool:
        """Line an item up, waiting while the line is long; False once nothing more is taken. Raises what `work` raised."""
        self._put(item)
        return not self.stopped

    def finish(self) -> None:
        """Wait until every item in line was worked on. Raises what `work` raised."""
        for _ in self._threads:
            self._put(_End())
        for thread in self._threads:
            thread.join()
        self._raise()

    def abandon(self) -> None:
        """Let go of everything at once; `work` sees `abandoned` and should hand nothing on."""
        self.abandoned = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        # Threads that wait for work end; those that wait for a server end with it, or with this process.
        with contextlib.suppress(queue.Full):
            for _ in self._threads:
                self._waiting.put_nowait(_End())

    def _put(self, item: T | _End) -> None:
        self._raise()
        self._waiting.put(item)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while not isinstance(item := self._waiting.get(), _End):
            if self._error is not None or self.abandoned or self.stopped:
                continue
            try:
                self._work_on(item)
            except BudgetError as error:
                self.stopped = str(error)
            except RefusedError as error:
                if error.begun:
                    self.refused, self.stopped = True, str(error)
                else:
                    self._error = error
            except BaseException as error:  # noqa: BLE001  # a full disk, say: raised again where the work goes on
                self._error = error
