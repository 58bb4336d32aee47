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
commands that worked and have bad news.
"""

from __future__ import annotations

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
