"""Progress of long work on stderr: a bar with rate and ETA on a terminal, one line a minute in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from intergeneval.cli.terminal import plain

LOG_EVERY_SECONDS = 60.0


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Give a function to call with (done, total, what was just done); cleans up its line at the end."""
    if sys.stderr.isatty():
        yield from _bar(title)
    else:
        yield from _log(title)


def _bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, began = bar.add_task(title, total=None, rate=""), time.monotonic()

        def tell(done: int, total: int, what: str) -> None:
            seconds = time.monotonic() - began
            bar.update(
                task,
                completed=done,
                total=total,
                rate=f"{done / seconds:.2f}/s" if seconds else "",
                description=plain(f"{title} {what}"),
            )

        yield tell


def _log(title: str) -> Iterator[Callable[[int, int, str], None]]:
    began = last = time.monotonic()

    def tell(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LOG_EVERY_SECONDS or done == total:
            last, rate = now, done / max(now - began, 1e-9)
            left = (total - done) / rate
            sys.stderr.write(plain(f"{title}: {done}/{total}, {rate:.2f}/s, {left:.0f} s left, last {what}") + "\n")
            sys.stderr.flush()

    yield tell
