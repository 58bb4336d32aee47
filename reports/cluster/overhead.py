"""What an engine costs a job: jobs that do nothing, and 24 that take two seconds each, by processes and by Ray on 1 to 3 nodes.

`python reports/cluster/overhead.py [--nodes N] [--burn]`: without nodes by processes. A job of two seconds sleeps: what is
measured is the engine, also on a machine on which others work. With `--burn` it takes two seconds of CPU time, however long that
is on a clock; what counts then is how long a worker waits from the end of one job to the beginning of its next, and the CPU time
of the first process. Starting is told apart: it is over when every worker has said so by a first job.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from intergeneval.run.engine import Engine
from intergeneval.run.processes import Processes

JOBS, SECONDS, EMPTY = 24, 2.0, 2_000
PAYLOAD = bytes(20_000)
"""About what a job and what comes of it weigh."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job."""

    payload: bytes
    worker: str
    """Who did it."""
    began: float
    """When, by the one clock that all processes of a machine share."""
    ended: float


@dataclass(frozen=True, slots=True)
class Working:
    """Workers that take as long as a job says, and give back what they got."""

    burn: bool
    """Whether they take CPU time, or sleep."""
    places: Sequence[Path] = ()

    def build(self) -> Callable[[tuple[float, bytes]], Done]:
        """Return what works."""
        return partial(_work, burn if self.burn else time.sleep)

    def lost(self, job: tuple[float, bytes]) -> Done:
        """Return what is given of a job that no worker lived through."""
        raise AssertionError(job[0])


def _work(take: Callable[[float], None], job: tuple[float, bytes]) -> Done:
    began = time.monotonic()
    take(job[0])
    return Done(job[1], f"{socket.gethostname()} {os.getpid()}", began, time.monotonic())


def burn(seconds: float) -> None:
    """Take so many seconds of this thread's CPU time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(10_000))


def waited(done: Sequence[Done]) -> list[float]:
    """Return seconds between the end of one job of a worker and the beginning of its next, for all workers."""
    by_worker: dict[str, list[Done]] = {}
    for job in sorted(done, key=lambda item: item.began):
        by_worker.setdefault(job.worker, []).append(job)
    return [second.began - first.ended for jobs in by_worker.values() for first, second in pairwise(jobs)]


def measure(engine: Engine, workers: int, *, burns: bool) -> dict[str, float]:
    """Return seconds of starting, of a job that does nothing, and what share the engine adds to jobs of two seconds."""
    setup, began = Working(burns), time.perf_counter()
    # A second for each, so that none gets two while another starts.
    jobs = [(1.0, b"")] * workers + [(0.0, PAYLOAD)] * EMPTY + [(SECONDS, PAYLOAD)] * JOBS
    told = [(time.perf_counter(), time.process_time(), given) for given in engine.outcomes(setup, jobs)]
    engine.close()
    started = max(when for when, _, given in told if not given.payload)
    empty = [when for when, _, given in told[: workers + EMPTY] if given.payload]
    found = {
        "workers": workers,
        # A first job that burns its second takes longer than that on a clock.
        "start_s": round(started - began - 1.0, 2),
        "empty_job_ms": round((empty[-1] - empty[0]) / (len(empty) - 1) * 1000, 2),
    }
    # The long ones are the last in the line, and as many as there are workers begin together.
    took, ideal = told[-1][0] - told[workers + EMPTY - 1][0], SECONDS * -(-JOBS // workers)
    if not burns:
        return {**found, "long_jobs_s": round(took, 2), "ideal_s": ideal, "overhead": round(took / ideal - 1, 4)}
    long = [given for _, _, given in told[workers + EMPTY :]]
    busy, idle = sum(job.ended - job.began for job in long), waited(long)
    driver = told[-1][1] - told[workers + EMPTY - 1][1]
    return {
        **found,
        "long_jobs_s": round(took, 2),
        "busy_s": round(busy, 2),
        "wait_ms": round(sum(idle) / len(idle) * 1000, 2),
        "longest_wait_ms": round(max(idle) * 1000, 2),
        "driver_cpu_ms": round(driver / JOBS * 1000, 2),
        # Of two seconds of CPU time, of which a machine of one's own takes two seconds.
        "overhead": round(sum(idle) / len(idle) / SECONDS, 4),
    }


def main() -> None:
    """Measure one engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=0, help="nodes of a Ray cluster of this machine, with one worker each")
    parser.add_argument("--workers", type=int, default=2, help="worker processes, without nodes")
    parser.add_argument("--burn", action="store_true", help="jobs take CPU time instead of sleeping")
    asked = parser.parse_args()
    if not asked.nodes:
        print(json.dumps({"engine": "processes", **measure(Processes(asked.workers), asked.workers, burns=asked.burn)}))
        return
    from ray.cluster_utils import Cluster

    from intergeneval.run.ray_engine import RayEngine

    store = {"object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **store})
    for _ in range(asked.nodes):
        cluster.add_node(num_cpus=1, **store)
    try:
        engine = RayEngine(cluster.address, asked.nodes)
        print(json.dumps({"engine": "ray", "nodes": asked.nodes, **measure(engine, asked.nodes, burns=asked.burn)}))
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    # Workers elsewhere know nothing of a `__main__`: they import this file by its name.
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    importlib.import_module("overhead").main()
