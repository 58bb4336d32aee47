"""Videos in several processes: fresh ones, each with backends of its own, fed a few jobs at a time."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event
from pathlib import Path

from intergeneval.bench import Benchmark
from intergeneval.config import RunConfig
from intergeneval.run.backends import Backends
from intergeneval.run.job import Job, Outcome
from intergeneval.run.video import VideoPipeline

MAX_WORKERS = 8

_pipeline: VideoPipeline | None = None  # one a worker process, made by its initialiser; the only module state there is


def run_in_processes(
    workers: int, setup: tuple[RunConfig, Path, Benchmark], jobs: Sequence[Job]
) -> Iterator[tuple[Outcome, ...]]:
    """Run jobs in fresh processes, few at a time, so that neither jobs nor outcomes pile up in memory."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    given = (os.getpid(), stop, *setup)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=given) as pool:
        waiting, running = iter(jobs), set[Future[tuple[Outcome, ...]]]()
        try:
            while True:
                while len(running) < 2 * workers and (job := next(waiting, None)) is not None:
                    running.add(pool.submit(_run_in_worker, job))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except BaseException as error:
            if not isinstance(error, Exception):
                # Interrupted: what a worker has begun is made anew by the next run, and nobody waits for it now.
                stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker(parent: int, stop: Event, config: RunConfig, folder: Path, benchmark: Benchmark) -> None:
    global _pipeline  # noqa: PLW0603  # an initialiser has no other way to hand over
    import cv2

    # Ctrl-C reaches all processes of a terminal; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    if config.worker_memory is not None:
        # What the process maps of its libraries is not counted: it is the data that grows with a video.
        most = round(config.worker_memory * (1 << 30))
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    threading.Thread(target=end_with_parent, args=(parent, stop), daemon=True).start()
    _pipeline = VideoPipeline(config, folder, Backends.build(config, benchmark.root), benchmark)


def end_with_parent(parent: int, stop: Event | None = None) -> None:
    """Leave when the parent was killed or says so: nobody would read what this worker makes."""
    while os.getppid() == parent:
        if stop is None:
            time.sleep(0.5)
        elif stop.wait(0.5):
            break
    os._exit(1)


def _run_in_worker(job: Job) -> tuple[Outcome, ...]:
    assert _pipeline is not None
    return _pipeline.run(job)


def worker_count(wanted: int, items: int, backends: Iterable[object]) -> int:
    """Return how many processes share `items`: `wanted`, or with 0 one a core up to 8; one where a backend says so."""
    if not all(getattr(backend, "parallel", True) for backend in backends):
        return 1
    return min(wanted or min(_usable_cores(), MAX_WORKERS), items)


def _usable_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
