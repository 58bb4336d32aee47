"""Jobs in the actors of a Ray cluster: one command over many machines.

Ray moves jobs and outcomes, and starts workers; what becomes of a job whose worker ends is decided as everywhere (`engine`). The
first process stays the only one that writes stage files. Jobs and outcomes travel as our own pickle, and what a job raises as
data: an exception that passes through Ray comes out as another one.

An actor that is lost is not restarted but replaced, and gets no job before it says that it is ready.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from intergeneval.errors import BackendError, ConfigError, MissingDependencyError
from intergeneval.run.engine import MOST_UNREADY, J, Line, O, Raised, Setup, Ticket
from intergeneval.run.node_facts import NodeFacts

READY_SECONDS = 180.0
"""How long there may be no actor that is ready."""
_PROBE_SECONDS = 3.0
_LOCAL_STORE = 100 << 20
"""Bytes of the object store of a cluster of one machine: jobs and outcomes are small and pass at once."""
_BEGUN, _DONE, _RAISED = "begun", "done", "raised"


class RayEngine:
    """The engine over a cluster: the one at `address`, or one of this machine alone that is started and ended here.

    `count` actors; 0: one a core of the cluster. With `gpus` each is given so many of its node's (a fraction shares one), and
    there are no more actors than that allows; one where the cluster has no GPU. Raises MissingDependencyError without the package
    ray, ConfigError for an address at which nobody listens. A cluster that this process has joined before is used as it is.
    """

    def __init__(self, address: str = "", count: int = 0, gpus: float = 0.0) -> None:
        self._gpus = gpus
        self._actors: list[_Actor[Any]] = []
        self._unready = 0
        self._ready_at = 0.0
        try:
            import ray
        except ModuleNotFoundError:
            raise MissingDependencyError(
                "engine 'ray' needs the package 'ray', which is not installed; pip install 'intergeneval[ray]'"
            ) from None
        self._ray = ray
        if address:
            _probe(address)
        began = not ray.is_initialized()
        if began:
            _connect(ray, address, count)
        self._ends = began
        there = ray.cluster_resources()
        if gpus and not there.get("GPU"):
            # Each needs one of its own: without any there is one worker.
            self._gpus, self._count = 0.0, 1
        else:
            most = int(there.get("GPU", 0) / gpus if gpus else there.get("CPU", 1))
            self._count = max(min(count or most, most) if gpus else count or most, 1)

    def outcomes(self, setup: Setup[J, O], jobs: Sequence[J]) -> Generator[O, None, None]:
        """Give what comes of each job, as `Engine` says.

        Raises ConfigError for a machine of the cluster that is unlike this one or does not see what the setup names.
        """
        line = Line(jobs)
        shared = self._ray.put(pickle.dumps((setup, str(Path.cwd()))))
        facts = NodeFacts.here(setup.places, type(setup))
        self._ready_at = time.monotonic()
        for actor in self._actors:
            actor.prepare(shared)
        try:
            while len(line) or self._busy:
                self._fill(line, shared)
                yield from self._hear(setup, line, facts)
        except BaseException:
            self._drop_all()
            raise

    def close(self) -> None:
        """End the actors, and the cluster where it was started here."""
        self._drop_all()
        if self._ends and self._ray.is_initialized():
            self._ray.shutdown()

    @property
    def _busy(self) -> list[_Actor[Any]]:
        return [actor for actor in self._actors if actor.ticket is not None]

    def _fill(self, line: Line[Any], shared: object) -> None:
        while len(self._actors) < min(self._count, len(line) + len(self._busy)):
            remote = self._ray.remote(_Worker).options(
                num_cpus=1, num_gpus=self._gpus, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD"
            )
            actor: _Actor[Any] = _Actor(remote.remote())
            actor.prepare(shared)
            self._actors.append(actor)
        machines = frozenset(actor.node for actor in self._actors if actor.ready)
        for actor in self._actors:
            if actor.ready and actor.ticket is None:
                beside = [other.ticket for other in self._actors if other.ticket is not None and other.node == actor.node]
                ticket = line.take(beside, actor.node, machines)
                if ticket is not None:
                    actor.give(ticket)

    def _hear(self, setup: Setup[Any, O], line: Line[Any], facts: NodeFacts) -> Iterator[O]:
        """Wait until an actor says something or is lost, and give what came of it."""
        waited = {actor.waits_for: actor for actor in self._actors if actor.waits_for is not None}
        heard, _ = self._ray.wait(list(waited), num_returns=len(waited), timeout=0.0)
        if not heard:
            heard, _ = self._ray.wait(list(waited), num_returns=1, timeout=1.0)
        if any(actor.ready for actor in self._actors):
            self._ready_at = time.monotonic()
        elif time.monotonic() - self._ready_at > READY_SECONDS:
            raise BackendError(
                f"no worker of the cluster got ready for {READY_SECONDS:.0f} s: has it free cores, and are its nodes alive? "
                "The same command goes on"
            )
        for item in heard:
            actor = waited[item]
            try:
                kind, content = pickle.loads(self._ray.get(actor.next()))  # noqa: S301  # what our own worker packed
            except self._ray.exceptions.RayError as error:
                yield from self._lost(actor, setup, line, error)
                continue
            if kind == _RAISED:
                raised, theirs = content
                if theirs is not None:
                    # What is not alike there is why backends could not be built.
                    _refuse_unlike(facts, theirs)
                raise raised.unpack()
            if kind == _BEGUN:
                actor.begun = True
            elif actor.ticket is None:
                self._greet(actor, facts, *content)
            else:
                actor.ticket, actor.begun, actor.waits_for = None, False, None
                yield content

    def _greet(self, actor: _Actor[Any], mine: NodeFacts, theirs: NodeFacts, node: str) -> None:
        _refuse_unlike(mine, theirs)
        actor.ready, actor.node, actor.waits_for, self._unready = True, node, None, 0

    def _lost(self, actor: _Actor[Any], setup: Setup[Any, O], line: Line[Any], error: Exception) -> Iterator[O]:
        if isinstance(error, self._ray.exceptions.RayTaskError):
            raise error
        self._drop(actor)
        if not actor.ready:
            self._unready += 1
            if self._unready >= MOST_UNREADY * max(self._count, 1):
                raise BackendError(
                    f"{self._unready} workers in a row ended before they were ready: killed, or out of memory? Fewer --workers "
                    "need less; the same command goes on"
                )
        ticket = actor.ticket
        if ticket is not None:
            ticket.lost_at.add(actor.node)
            if not line.back(ticket, begun=actor.begun):
                yield setup.lost(ticket.job)

    def _drop(self, actor: _Actor[Any]) -> None:
        self._actors.remove(actor)
        # It may be out of reach only, and would go on beside the one that takes its place.
        with contextlib.suppress(Exception):
            self._ray.kill(actor.handle)

    def _drop_all(self) -> None:
        for actor in list(self._actors):
            self._drop(actor)


@dataclass(slots=True, eq=False)
class _Actor(Generic[J]):
    """A worker somewhere, as the first process sees it."""

    handle: Any
    ready: bool = False
    node: str = ""
    begun: bool = False
    """Whether it is at its job."""
    ticket: Ticket[J] | None = None
    waits_for: Any = None
    """What it will say next; None where it has nothing to do."""

    def prepare(self, setup: object) -> None:
        """Have it make itself ready."""
        self.ready, self.waits_for = False, self.handle.ready.remote(setup)

    def give(self, ticket: Ticket[J]) -> None:
        """Have it do a job, of which it says when it has begun."""
        self.ticket = ticket
        self.waits_for = self.handle.do.options(num_returns="streaming").remote(pickle.dumps(ticket.job))

    def next(self) -> Any:
        """Return the reference to what it said."""
        return self.waits_for if self.ticket is None else next(self.waits_for)


class _Worker:
    """What lives in an actor. It is made without anything that can fail: an error there would come out as a lost actor."""

    def __init__(self) -> None:
        self._run: Callable[[Any], Any] | None = None

    def ready(self, packed: bytes) -> bytes:
        """Build what does jobs of this setup, and tell of the machine."""
        import ray

        facts: NodeFacts | None = None
        try:
            setup, folder = pickle.loads(packed)  # noqa: S301  # packed by the first process
            with contextlib.suppress(OSError):
                # Paths of the command line mean what they mean there; whether they are there is told next.
                os.chdir(folder)
            facts = NodeFacts.here(setup.places, type(setup))
            self._run = setup.build()
            return pickle.dumps((_DONE, (facts, ray.get_runtime_context().get_node_id())))
        except Exception as error:  # noqa: BLE001  # raised again where the run goes on
            return pickle.dumps((_RAISED, (Raised.of(error), facts)))

    def do(self, packed: bytes) -> Generator[bytes, None, None]:
        """Say that a job is begun, then what came of it."""
        yield pickle.dumps((_BEGUN, None))
        try:
            assert self._run is not None
            said = pickle.dumps((_DONE, self._run(pickle.loads(packed))))  # noqa: S301  # packed by the first process
        except Exception as error:  # noqa: BLE001  # raised again where the run goes on
            said = pickle.dumps((_RAISED, (Raised.of(error), None)))
        yield said


def _refuse_unlike(mine: NodeFacts, theirs: NodeFacts) -> None:
    """Raise ConfigError naming a node that is unlike this machine, and in what."""
    if unlike := mine.unlike(theirs):
        raise ConfigError(
            f"node {theirs.name} cannot share this run: {'; '.join(unlike)}; all nodes need equal packages, and folders that "
            "all see under one path (or --carry, with which the videos of a run travel)"
        )


def _probe(address: str) -> None:
    """Raise ConfigError where nobody listens: Ray itself would try for minutes, and could not be interrupted."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isdecimal()):
        raise ConfigError(f"engine 'ray:{address}': the address is not of the form HOST:PORT, such as that of `ray start --head`")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PROBE_SECONDS):
            pass
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"engine 'ray:{address}': nobody answers there ({error}); start a cluster with `ray start --head`"
        ) from None


def _connect(ray: Any, address: str, count: int) -> None:
    """Join the cluster at an address, or start one of this machine; signals keep the meaning that they have."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    here: dict[str, Any] = {"num_cpus": count} if count else {}
    local = {**here, "include_dashboard": False, "object_store_memory": _LOCAL_STORE}
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM) if main else None
    try:
        # Without an address Ray joins whatever cluster it finds.
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **({} if address else local))
    except Exception as error:
        # Ray raises a plain Exception where a machine is too busy to start it in time.
        raise BackendError(f"engine 'ray{':' if address else ''}{address}': {error}; the same command goes on") from error
    finally:
        if main:
            signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
