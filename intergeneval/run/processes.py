"""Jobs in several processes: fresh ones, each with backends of its own, fed a few jobs at a time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic

from intergeneval.errors import BackendError
from intergeneval.run.engine import MOST_UNREADY, J, Line, O, Raised, Setup, Ticket

MAX_WORKERS = 8
_LEAVE_SECONDS = 10.0
"""How long a worker that has nothing more to do may take to end."""
_READY, _BEGUN, _DONE, _RAISED = "ready", "begun", "done", "raised"
_QUIET = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""What reaches all processes of a terminal or of a scheduler's job; the first process alone answers it."""


class Processes:
    """The engine of one machine: `count` processes, with the environment variables that each is given of `environments`."""

    def __init__(self, count: int, environments: Sequence[Mapping[str, str]] = ()) -> None:
        self._count = count
        self._environments = environments or ({},)

    def outcomes(self, setup: Setup[J, O], jobs: Sequence[J]) -> Generator[O, None, None]:
        """Give what comes of each job, as `Engine` says; few are handed out at a time, so that nothing piles up in memory."""
        crew: _Crew[J, O] = _Crew(setup, Line(jobs), self._count, self._environments)
        try:
            while crew.fill():
                yield from crew.hear()
        except BaseException:
            # What a worker has begun is made anew by the next run, and nobody waits for it now.
            crew.kill()
            raise
        crew.leave()

    def close(self) -> None:
        """Do nothing: workers last as long as a call."""


@dataclass(slots=True, eq=False)
class _Worker(Generic[J]):
    """A process, as the first one sees it."""

    process: SpawnProcess
    pipe: Connection[Any, Any]
    place: int
    """Which of the environments it has."""
    ready: bool = False
    begun: bool = False
    """Whether it is at the first of its jobs."""
    jobs: deque[Ticket[J]] = field(default_factory=deque)


class _Crew(Generic[J, O]):
    """The processes of one call, and what they are at."""

    def __init__(self, setup: Setup[J, O], line: Line[J], count: int, environments: Sequence[Mapping[str, str]]) -> None:
        self._setup = setup
        self._line = line
        self._count = count
        self._environments = environments
        self._workers: list[_Worker[J]] = []
        self._unready = 0

    def fill(self) -> bool:
        """Start workers for what there is to do and hand out jobs; False once all are done."""
        under_way = len(self._under_way)
        if not (len(self._line) or under_way):
            return False
        while len(self._workers) < min(self._count, len(self._line) + under_way):
            self._workers.append(self._start())
        for depth in (0, 1):
            for worker in self._workers:
                # A second job waits where the first is done, unless so few are left that another worker would be free for it.
                if worker.ready and len(worker.jobs) == depth and (depth == 0 or len(self._line) > self._count):
                    self._give(worker)
        return True

    def hear(self) -> Iterator[O]:
        """Wait until a worker says something or ends, and give what came of it."""
        heard = wait([worker.pipe for worker in self._workers])
        for worker in [worker for worker in self._workers if worker.pipe in heard]:
            try:
                kind, content = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self._lost(worker)
                continue
            if kind == _RAISED:
                raise content.unpack()
            if kind == _READY:
                worker.ready, self._unready = True, 0
            elif kind == _BEGUN:
                worker.begun = True
            else:
                worker.jobs.popleft()
                worker.begun = False
                yield content

    @property
    def _under_way(self) -> list[Ticket[J]]:
        return [ticket for worker in self._workers for ticket in worker.jobs]

    def _start(self) -> _Worker[J]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        taken = [worker.place for worker in self._workers]
        place = min(range(len(self._environments)), key=taken.count)
        process = context.Process(target=_work, args=(theirs, self._setup, self._environments[place]))
        process.start()
        # Only then does the end of the process end the pipe.
        theirs.close()
        return _Worker(process, ours, place)

    def _give(self, worker: _Worker[J]) -> None:
        ticket = self._line.take(self._under_way)
        if ticket is not None:
            worker.jobs.append(ticket)
            # One that has ended meanwhile is heard of by its pipe.
            with contextlib.suppress(OSError):
                worker.pipe.send(ticket.job)

    def _lost(self, worker: _Worker[J]) -> Iterator[O]:
        self._workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        if not worker.ready:
            self._unready += 1
            if self._unready >= MOST_UNREADY:
                raise BackendError(
                    f"{self._unready} workers in a row ended before they were ready (the last with exit code "
                    f"{worker.process.exitcode}): killed, or out of memory? Fewer --workers need less; the same command goes on"
                )
        begun = worker.begun
        for place, ticket in reversed(list(enumerate(worker.jobs))):
            if not self._line.back(ticket, begun=begun and place == 0):
                yield self._setup.lost(ticket.job)

    def leave(self) -> None:
        """Let workers that have nothing more to do end by themselves."""
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.pipe.send(None)
        for worker in self._workers:
            worker.process.join(_LEAVE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()


def _work(pipe: Connection[Any, Any], setup: Setup[J, O], environment: Mapping[str, str]) -> None:
    """Do jobs until there are no more: the whole life of a worker."""
    for number in _QUIET:
        signal.signal(number, signal.SIG_IGN)
    os.environ.update(environment)
    jobs = queue.SimpleQueue[Any]()
    # Jobs are taken off the pipe at once: two processes that each wait for the other to read would wait for ever.
    threading.Thread(target=_receive, args=(pipe, jobs), daemon=True).start()
    try:
        run = setup.build()
        _send(pipe, _READY, None)
        while (job := jobs.get()) is not None:
            if isinstance(job, Exception):
                raise job
            _send(pipe, _BEGUN, None)
            _send(pipe, _DONE, run(job))
    except Exception as error:  # noqa: BLE001  # raised again where the run goes on
        _send(pipe, _RAISED, Raised.of(error))


def _receive(pipe: Connection[Any, Any], jobs: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            jobs.put(pipe.recv())
    except (EOFError, OSError):
        # The first process was killed: nobody would read what this worker makes.
        os._exit(1)
    except Exception as error:  # noqa: BLE001  # a job that cannot be unpacked: raised where the jobs are done
        jobs.put(error)


def _send(pipe: Connection[Any, Any], kind: str, content: object) -> None:
    try:
        pipe.send((kind, content))
    except ConnectionError:
        os._exit(1)


def worker_count(wanted: int, items: int, backends: Iterable[object]) -> int:
    """Return how many processes share `items`: `wanted`, or with 0 one a core up to 8; one where a backend says so."""
    if exclusive(backends):
        return 1
    return min(wanted or min(_usable_cores(), MAX_WORKERS), items)


def exclusive(backends: Iterable[object]) -> bool:
    """Return whether a backend says that processes of one GPU or server must not each have it."""
    return not all(getattr(backend, "parallel", True) for backend in backends)


def _usable_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
