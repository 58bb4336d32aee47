"""Every error a user can meet, in one tree, each with the exit code the command line gives it.

```
IntergenevalError            (exit 1)  anything below; never raised itself
├── UsageError               (exit 2)  the command, a config file or an argument is wrong
│   ├── ConfigError          (exit 2)  a config file or option holds a value we cannot use
│   ├── UnknownPluginError   (exit 2)  a name nobody registered
│   ├── BenchError           (exit 2)  a benchmark is damaged or incomplete
│   ├── RecordError          (exit 2)  a stored record does not have the shape it must have
│   └── ComparabilityError   (exit 2)  runs that were not made alike are put side by side
├── MediaError               (exit 1)  a video, image or mask cannot be read; the run records it and goes on
├── BackendError             (exit 1)  a tracker, detector, judge or source failed
│   ├── MissingDependencyError (exit 2) a backend needs a package that is not installed
│   ├── BudgetError          (exit 1)  the next request would go beyond ``--max-cost``; the run stops cleanly
│   ├── DeferredError        (exit 3)  the judge was asked and replies later; nothing is recorded yet
│   └── RefusedError         (exit 2)  a judge's server refuses every request for one cause; the text names the setting
└── StoreError               (exit 1)  a run folder cannot be written or read
```

Verdicts are not errors: ``EXIT_INCOMPLETE``, ``EXIT_REGRESSION`` and ``EXIT_INCONCLUSIVE`` are returned by
commands that worked and have bad news. A command that is told to end, by Ctrl-C, SIGTERM, or the SIGUSR1 with which
a scheduler of jobs announces the end, exits with ``EXIT_INTERRUPTED``.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

EXIT_OK = 0
EXIT_CRASH = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_REGRESSION = 4
EXIT_INCONCLUSIVE = 5
EXIT_INTERRUPTED = 130


class IntergenevalError(Exception):
    """Base of every error this project raises on purpose; its text is one message a user can act on."""

    exit_code = EXIT_CRASH


class UsageError(IntergenevalError):
    """The command line or its arguments are wrong."""

    exit_code = EXIT_USAGE


class ConfigError(UsageError):
    """A config file or option holds a value that cannot be used; the text names file, field and value."""


class UnknownPluginError(UsageError):
    """A source, benchmark, tracker, detector or judge was named that nobody registered."""


class BenchError(UsageError):
    """A benchmark is damaged or incomplete; the text names file, field and fix."""


class RecordError(UsageError):
    """A stored record has unknown, missing or ill-typed fields; the text names the record and the field."""


class ComparabilityError(UsageError):
    """Runs with different comparability keys were to be compared; the text names the fields that differ."""


class MediaError(IntergenevalError):
    """A video, image or mask file cannot be decoded; the text names the file and what is wrong with it."""


class BackendError(IntergenevalError):
    """A tracker, detector, judge or source failed on one item."""


class MissingDependencyError(BackendError):
    """A backend needs a package that is not installed; the text gives the command that installs it."""

    exit_code = EXIT_USAGE


class BudgetError(BackendError):
    """A request was not sent because it could take the run beyond its cost limit; nothing was asked and nothing is recorded."""


class RefusedError(BackendError):
    """A server refuses what it is asked for a cause that meets every request; the text names it and the setting that mends it.

    `begun` says whether it had answered before: then what it answered is kept, and the run stops cleanly.
    """

    exit_code = EXIT_USAGE

    def __init__(self, text: str, *, begun: bool) -> None:
        super().__init__(text)
        self.begun = begun


class DeferredError(BackendError):
    """A judge was asked and replies later, or will be asked later; nothing is recorded until the same command is given again."""

    exit_code = EXIT_INCOMPLETE


class StoreError(IntergenevalError):
    """A run folder cannot be created, read or written."""


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
