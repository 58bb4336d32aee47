"""How a command ends that is told to: by SIGTERM, or by the SIGUSR1 with which a scheduler of jobs announces the end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Told(KeyboardInterrupt):
    """A signal asked the command to end; its text is the signal's name."""


@contextlib.contextmanager
def ending_by_signals() -> Iterator[None]:
    """Raise Told on a signal inside of the block, once: what follows it would disturb the ending.

    Outside of the main thread, where no signal can be heard, and for those that are ignored already, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            # A handler that was not set from Python cannot be put back by it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _end(number: int, _frame: FrameType | None) -> None:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Told(signal.Signals(number).name)
