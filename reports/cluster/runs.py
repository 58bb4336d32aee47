"""What an engine costs a run: 24 videos that take two seconds of CPU time each, by no engine, by processes and by Ray.

`python reports/cluster/runs.py FOLDER [--workers N ...] [--nodes N] [--rounds N]`: no engine and some numbers of processes by
turns, so that what others do on the machine meets all alike, or the nodes of a cluster. Every run must end in the same bytes, of
which each line shows a hash. A tracker takes the time and writes down clock and CPU time when it begins and ends. From the end of
one to the end of the next a worker decodes, tracks and judges one video; the run without engine writes besides. What an engine
adds is told by CPU time, that of its workers and of the first process, and by the clock: how long it is from one video's tracker
to the next. Prints a line of JSON a run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from intergeneval.config import RunConfig
from intergeneval.ids import sha256_bytes
from intergeneval.records import Tracks
from intergeneval.run.engine import Engine
from intergeneval.run.processes import Processes
from intergeneval.run.run import Run
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.stored import StoredTracker

VIDEOS, SECONDS = 24, 2.0
_STORE = {"object_store_memory": 80 << 20}


class BurningTracker(StoredTracker):
    """Does as `stored` after two seconds of CPU time, and writes down process, beginning, end and CPU time then."""

    def __init__(self, argument: str, settings: Mapping[str, Any]) -> None:
        """`settings`: file `log`."""
        super().__init__(Path(argument) if argument else None)
        self._log = Path(settings["log"])

    def track(self, request: TrackRequest) -> Tracks:
        """Take the time, and read the tracks."""
        from overhead import burn

        began = time.monotonic()
        burn(SECONDS)
        with self._log.open("a") as log:
            log.write(f"{os.getpid()} {began} {time.monotonic()} {time.process_time()}\n")
        return super().track(request)


def measure(root: Path, name: str, engine: Engine | None, workers: int) -> dict[str, float | str]:
    """Run once; return a hash of the scores, seconds and CPU seconds."""
    out, log = root / f"burning-{name}", root / f"burning-{name}.log"
    shutil.rmtree(out, ignore_errors=True)
    log.unlink(missing_ok=True)
    config = RunConfig(
        model=str(root / "model"),
        bench=str(root / f"bench-{VIDEOS}"),
        tracker="burning",
        out=str(out),
        workers=workers,
        cache="off",
        settings={"burning": {"log": str(log)}},
    )
    began, mine = time.monotonic(), list[float]()
    Run(config, engine=engine).execute(lambda _: mine.append(time.process_time()))
    took = time.monotonic() - began
    by_worker: dict[str, list[tuple[float, float, float]]] = {}
    for line in log.read_text().splitlines():
        worker, *numbers = line.split()
        by_worker.setdefault(worker, []).append((float(numbers[0]), float(numbers[1]), float(numbers[2])))
    steps = [pair for found in by_worker.values() for pair in pairwise(sorted(found))]
    return {
        "engine": name,
        "scores": sha256_bytes((out / "scores.jsonl").read_bytes())[:12],
        "workers": len(by_worker),
        "start_s": round(min(found[0][0] for found in by_worker.values()) - began, 2),
        "run_s": round(took, 2),
        "worker_cpu_s": round(sum(second[2] - first[2] for first, second in steps) / len(steps), 3),
        # Without engine the first process is the worker.
        "driver_cpu_s": round((mine[-1] - mine[0]) / (len(mine) - 1), 4) if engine is not None else 0.0,
        "between_ms": round(sum(second[0] - first[1] for first, second in steps) / len(steps) * 1000, 1),
    }


@contextmanager
def engines(nodes: int, processes: Sequence[int]) -> Iterator[dict[str, tuple[Engine | None, int]]]:
    """Give name -> engine and number of workers."""
    if not nodes:
        yield {"none": (None, 1), **{f"processes, {count}": (Processes(count), count) for count in processes}}
        return
    from ray.cluster_utils import Cluster

    from intergeneval.run.ray_engine import RayEngine

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **_STORE})
    for _ in range(nodes):
        cluster.add_node(num_cpus=1, **_STORE)
    engine = RayEngine(cluster.address, nodes)
    try:
        yield {f"ray, {nodes}": (engine, nodes)}
    finally:
        engine.close()
        cluster.shutdown()


def main() -> None:
    """Measure by turns, and end with 1 where bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=0, help="nodes of a Ray cluster of this machine, with one worker each")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 3], help="numbers of worker processes, without nodes")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    import growth
    import kills

    root = asked.folder.resolve()
    root.mkdir(parents=True, exist_ok=True)
    growth.write(root, VIDEOS)
    sys.path.insert(0, str(kills.install(root, "burning", "runs:BurningTracker")))
    seen = set()
    with engines(asked.nodes, asked.workers) as given:
        for _ in range(asked.rounds):
            for name, (engine, workers) in given.items():
                found = measure(root, name, engine, workers)
                seen.add(found["scores"])
                print(json.dumps(found), flush=True)
    print("equal bytes" if len(seen) == 1 else f"{len(seen)} different ends")
    sys.exit(len(seen) != 1)


if __name__ == "__main__":
    # Workers elsewhere know nothing of a `__main__`: they import this file by its name.
    sys.path.insert(0, str(Path(__file__).parent))
    importlib.import_module("runs").main()
