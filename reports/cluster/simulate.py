"""A long run on a cluster, by simulation: what workers and nodes that end cost in time, waiting and work done twice.

`python reports/cluster/simulate.py [--clips N] [--nodes N] [--gpus N] ...`: every number it rests on is an option with its
default below. Which job is done where, when and how often is decided by the line that the engines use
(`intergeneval.run.engine.Line`), not by a model of it. A try ends its worker with the probability `--failures`, at any moment of
it; every `--node-loss` seconds a node goes with all that is on it, which is noticed `--notice` seconds later, and comes back.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
from dataclasses import dataclass, field

from intergeneval.run.engine import Line, Ticket

INPUTS: dict[str, tuple[float, str]] = {
    "clips": (100_000, "clips"),
    "nodes": (16, "nodes"),
    "gpus": (4, "workers a node, one a GPU"),
    "seconds": (
        12.0,
        "mean seconds of a clip in a worker: decoding, a learned tracker, sampled frames; assumed, measure your own",
    ),
    "spread": (0.4, "standard deviation of the logarithm of those seconds; assumed"),
    "failures": (0.01, "probability that a try ends its worker"),
    "hopeless": (0.0001, "share of clips that end every worker"),
    "node_loss": (600.0, "seconds between two nodes that go"),
    "notice": (16.0, "seconds until a node that went is noticed; 13 to 20 measured with ray 2.60.0"),
    "away": (300.0, "seconds until it is there again; assumed"),
    "start": (10.0, "seconds until a new worker is ready: import and weights; assumed"),
    "driver_ms": (5.0, "milliseconds of the first process for a clip: 3.4 for records and scores, 1.6 for Ray; measured"),
    "driver_mb": (166.0, "megabytes of the first process before the first clip; measured"),
    "clip_kb": (6.2, "kilobytes of the first process for each clip of the run; measured"),
    "seed": (0, "seed of the random numbers"),
}


@dataclass(slots=True, eq=False)
class Worker:
    """One worker, or the place for one while its node is away."""

    node: str
    ticket: Ticket[float] | None = None
    since: float = 0.0
    up: bool = True
    """Whether it can be given a job."""
    life: int = 0
    """Counts its ends: what was to happen to an earlier life does not."""


@dataclass(slots=True)
class Sums:
    """What is counted on the way, in seconds of workers."""

    useful: float = 0.0
    lost: float = 0.0
    done: int = 0
    failed: int = 0
    ends: int = 0
    driver: float = 0.0
    waits: list[float] = field(default_factory=list)


class Simulation:
    """One run, event by event."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.random = random.Random(given.seed)
        self.line = Line([self._seconds() for _ in range(given.clips)])
        names = [f"node-{number}" for number in range(given.nodes)]
        self.workers = {name: [Worker(name) for _ in range(given.gpus)] for name in names}
        self.away: set[str] = set()
        self.sums = Sums()
        self.now = self.driver_free = 0.0
        self._events: list[tuple[float, int, str, object, int]] = []
        self._count = 0

    def _seconds(self) -> float:
        """Return the seconds of a clip, negative for one that ends every worker."""
        drawn = (
            self.random.lognormvariate(0.0, self.given.spread) * self.given.seconds / 2.718281828 ** (self.given.spread**2 / 2)
        )
        return -drawn if self.random.random() < self.given.hopeless else drawn

    def _at(self, time: float, kind: str, what: object, life: int = 0) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, kind, what, life))

    def run(self) -> Sums:
        """Go on until every clip is done or failed."""
        for group in self.workers.values():
            for worker in group:
                worker.up = False
                self._at(self.given.start, "ready", worker)
        self._at(self.given.node_loss, "node", None)
        while self.sums.done + self.sums.failed < self.given.clips:
            self.now, _, kind, what, life = heapq.heappop(self._events)
            if kind == "node":
                self._lose_node()
            elif kind == "noticed":
                self._notice(str(what))
            elif isinstance(what, Worker) and life == what.life:
                getattr(self, f"_{kind}")(what)
        return self.sums

    def _ready(self, worker: Worker) -> None:
        worker.up = True
        self._give(worker)

    def _give(self, worker: Worker) -> None:
        everywhere = frozenset(self.workers) - self.away
        beside = [other.ticket for other in self.workers[worker.node] if other.ticket is not None]
        ticket = self.line.take(beside, worker.node, everywhere)
        if ticket is None:
            return
        worker.ticket, worker.since = ticket, self.now
        length = abs(ticket.job)
        if ticket.job < 0 or self.random.random() < self.given.failures:
            self._at(self.now + self.random.random() * length, "ended", worker, worker.life)
        else:
            self._at(self.now + length, "done", worker, worker.life)

    def _done(self, worker: Worker) -> None:
        self.sums.useful += self.now - worker.since
        self.sums.done += 1
        worker.ticket = None
        # The first process takes one outcome after another, and hands the next job out when it has.
        took = self.given.driver_ms / 1000
        self.driver_free = max(self.driver_free, self.now) + took
        self.sums.driver += took
        self.sums.waits.append(self.driver_free - self.now)
        worker.life += 1
        worker.up = False
        self._at(self.driver_free, "ready", worker, worker.life)
        self._wake(worker.node)

    def _ended(self, worker: Worker) -> None:
        self._take_back(worker)
        self._at(self.now + self.given.start, "ready", worker, worker.life)
        self._wake_all()

    def _take_back(self, worker: Worker) -> None:
        ticket, worker.ticket = worker.ticket, None
        worker.life += 1
        worker.up = False
        if ticket is None:
            return
        self.sums.ends += 1
        self.sums.lost += self.now - worker.since
        ticket.lost_at.add(worker.node)
        if not self.line.back(ticket, begun=True):
            self.sums.failed += 1

    def _lose_node(self) -> None:
        self._at(self.now + self.given.node_loss, "node", None)
        there = sorted(set(self.workers) - self.away)
        if len(there) > 1:
            name = self.random.choice(there)
            self.away.add(name)
            for worker in self.workers[name]:
                # Nothing more comes of it; that it is gone is not known yet.
                worker.life += 1
                worker.up = False
            self._at(self.now + self.given.notice, "noticed", name)

    def _notice(self, name: str) -> None:
        for worker in self.workers[name]:
            self._take_back(worker)
            self._at(self.now + self.given.away, "back", worker, worker.life)
        self._wake_all()

    def _back(self, worker: Worker) -> None:
        self.away.discard(worker.node)
        self._at(self.now + self.given.start, "ready", worker, worker.life)

    def _wake(self, node: str) -> None:
        for worker in self.workers[node]:
            if worker.up and worker.ticket is None and len(self.line):
                self._give(worker)

    def _wake_all(self) -> None:
        for node in self.workers:
            self._wake(node)


def told(given: argparse.Namespace, simulation: Simulation) -> dict[str, object]:
    """Return what came of it, rounded as far as it means something."""
    sums, all_ = simulation.sums, given.nodes * given.gpus
    ideal = sums.useful / all_
    waits = sorted(sums.waits)
    return {
        "inputs": vars(given),
        "hours": round(simulation.now / 3600, 3),
        "hours_without_losses": round(ideal / 3600, 3),
        "clips_an_hour": round(sums.done / simulation.now * 3600),
        "workers_at_useful_work": round(sums.useful / (simulation.now * all_), 4),
        "work_done_twice": round(sums.lost / sums.useful, 4),
        "workers_that_ended_under_a_clip": sums.ends,
        "clips_failed": sums.failed,
        "first_process_busy": round(sums.driver / simulation.now, 4),
        "wait_for_first_process_ms": {"median": _ms(waits, 0.5), "p999": _ms(waits, 0.999)},
        "first_process_mb": round(given.driver_mb + given.clips * given.clip_kb / 1000),
    }


def _ms(waits: list[float], share: float) -> float:
    return round(waits[min(int(len(waits) * share), len(waits) - 1)] * 1000, 1)


def main() -> None:
    """Simulate one run as the options say."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, (default, text) in INPUTS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"{text} (default {default})"
        )
    given = parser.parse_args()
    simulation = Simulation(given)
    simulation.run()
    print(json.dumps(told(given, simulation), indent=1))


if __name__ == "__main__":
    main()
