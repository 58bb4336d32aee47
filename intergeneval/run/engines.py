"""Which engine a run asks for, by its name."""

from __future__ import annotations

from intergeneval.config import RAY
from intergeneval.run.engine import Engine
from intergeneval.run.processes import Processes


def engine_of(name: str, workers: int, *, cluster_workers: int = 0, exclusive: bool = False) -> Engine:
    """Return the engine of a name (``processes``, ``ray``, ``ray:HOST:PORT``; empty: processes) with so many workers.

    `cluster_workers` is how many a cluster is to have, 0: one a core of it; `exclusive` says that each needs a GPU of its own, or
    is the only one where there is none. Raises MissingDependencyError and ConfigError as `RayEngine` does.
    """
    kind, _, address = name.partition(":")
    if kind != RAY:
        return Processes(max(workers, 1))
    from intergeneval.run.ray_engine import RayEngine

    return RayEngine(address, cluster_workers, gpus=1.0 if exclusive else 0.0)
