"""What a scheduler of jobs says to a run: SIGUSR1 asks for a checkpoint, SIGTERM for one and an end.

A signal is noted and heeded at the end of the step, when weights and optimiser agree.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

SAVE, STOP = 1, 2
"""What was asked for; of several processes the most that any was asked counts."""
_MEANING = {signal.SIGUSR1: SAVE, signal.SIGTERM: STOP}


class Asked:
    """Notes the signals of a block of code; outside of the main thread, where none can be heard, it notes nothing."""

    def __init__(self) -> None:
        self._most = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in _MEANING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            # A handler that was not set from Python cannot be put back by it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._most = max(self._most, _MEANING[signal.Signals(number)])

    def take(self) -> int:
        """Return what was asked for since the last call: 0, SAVE or STOP."""
        most, self._most = self._most, 0
        return most
