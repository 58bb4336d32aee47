"""Which engine a run asks for, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intergeneval.config import RAY
from intergeneval.run.engine import Engine
from intergeneval.run.processes import Processes


def engine_of(
    name: str, workers: int, places: Sequence[Mapping[str, str]] = (), *, cluster_workers: int = 0, gpu_share: float = 0.0
) -> Engine:
    """Return the engine of a name (``processes``, ``ray``, ``ray:HOST:PORT``; empty: processes) with so many workers.

    `places` are the environments of processes, of which each takes one; `cluster_workers` is how many workers a cluster is to
    have, 0: one a core of it; `gpu_share` is what each holds of a GPU, of which a cluster without any has one worker. Raises
    MissingDependencyError and ConfigError as `RayEngine` does.
    """
    kind, _, address = name.partition(":")
    if kind != RAY:
        return Processes(max(workers, 1), places)
    from intergeneval.run.ray_engine import RayEngine

    return RayEngine(address, cluster_workers, gpus=gpu_share)
