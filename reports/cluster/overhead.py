"""What an engine costs a job: jobs that do nothing, and 24 that take two seconds each, by processes and by Ray on 1 to 3 nodes.

`python reports/cluster/overhead.py [--nodes N]`: without nodes by processes. A job of two seconds sleeps: what is measured is the
engine, also on a machine on which others work. Starting is told apart: it is over when every worker has said so by a first job.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from intergeneval.run.engine import Engine
from intergeneval.run.processes import Processes

JOBS, SECONDS, EMPTY = 24, 2.0, 2_000
PAYLOAD = bytes(20_000)
"""About what a job and what comes of it weigh."""


class Sleeping:
    """Workers that sleep as long as a job says, and give back what they got."""

    places: Sequence[Path] = ()

    def build(self) -> Callable[[tuple[float, bytes]], bytes]:
        """Return what sleeps."""
        return _sleep

    def lost(self, job: tuple[float, bytes]) -> bytes:
        """Return what is given of a job that no worker lived through."""
        return job[1]


def _sleep(job: tuple[float, bytes]) -> bytes:
    time.sleep(job[0])
    return job[1]


def measure(engine: Engine, workers: int) -> dict[str, float]:
    """Return seconds of starting, of a job that does nothing, and what share the engine adds to jobs of two seconds."""
    setup, began = Sleeping(), time.perf_counter()
    # A second for each, so that none gets two while another starts.
    jobs = [(1.0, b"")] * workers + [(0.0, PAYLOAD)] * EMPTY + [(SECONDS, PAYLOAD)] * JOBS
    told = [(time.perf_counter(), given) for given in engine.outcomes(setup, jobs)]
    engine.close()
    started = max(when for when, given in told if not given)
    empty = [when for when, given in told[: workers + EMPTY] if given]
    # The long ones are the last in the line, and as many as there are workers begin together.
    took, ideal = told[-1][0] - told[workers + EMPTY - 1][0], SECONDS * -(-JOBS // workers)
    return {
        "workers": workers,
        "start_s": round(started - began - 1.0, 2),
        "empty_job_ms": round((empty[-1] - empty[0]) / (len(empty) - 1) * 1000, 2),
        "long_jobs_s": round(took, 2),
        "ideal_s": ideal,
        "overhead": round(took / ideal - 1, 4),
    }


def main() -> None:
    """Measure one engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=0, help="nodes of a Ray cluster of this machine, with one worker each")
    parser.add_argument("--workers", type=int, default=2, help="worker processes, without nodes")
    asked = parser.parse_args()
    if not asked.nodes:
        print(json.dumps({"engine": "processes", **measure(Processes(asked.workers), asked.workers)}))
        return
    from ray.cluster_utils import Cluster

    from intergeneval.run.ray_engine import RayEngine

    store = {"object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **store})
    for _ in range(asked.nodes):
        cluster.add_node(num_cpus=1, **store)
    try:
        engine = RayEngine(cluster.address, asked.nodes)
        print(json.dumps({"engine": "ray", "nodes": asked.nodes, **measure(engine, asked.nodes)}))
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    # Workers elsewhere know nothing of a `__main__`: they import this file by its name.
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    importlib.import_module("overhead").main()
