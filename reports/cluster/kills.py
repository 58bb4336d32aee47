"""Kills at random moments: the command, a worker, a node; whether the same bytes come of it, and what was done twice.

`python reports/cluster/kills.py FOLDER [--engine processes|ray] [--kill driver|worker|node ...] [--times N] [--seed N]`: runs
over small videos whose tracker writes down what it begins. Each is disturbed once, at a moment drawn between its first video and
its last; a command that was killed is given again. What may be done twice is what was begun and not written down at that moment.
Last of each engine comes a video that ends every worker that is at it. Prints a row of a table a target; ends with 1 where a run
did not end as it should.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.records import Tracks
from intergeneval.run.engine import LOST
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.stored import StoredTracker

VIDEOS, SECONDS, WORKERS = 16, 0.15, 3
TARGETS = {"processes": ("driver", "worker"), "ray": ("driver", "worker", "node")}
_STORE = {"object_store_memory": 80 << 20}
_LIMIT = 600.0
"""Seconds within which anything that is waited for must come, on a machine of whatever load."""


class LoggedTracker(StoredTracker):
    """Does as `stored`, taking its time, and writes down what it begins; ends its process at one sample."""

    def __init__(self, argument: str, settings: Mapping[str, Any]) -> None:
        """`settings`: file `log`, `seconds` a video, and the sample that is `fatal`."""
        super().__init__(Path(argument) if argument else None)
        self._settings = settings

    def track(self, request: TrackRequest) -> Tracks:
        """Write down sample and process, wait, and read the tracks."""
        with Path(self._settings["log"]).open("a") as log:
            log.write(f"{request.sample.id} {os.getpid()}\n")
        if request.sample.id == self._settings.get("fatal"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self._settings["seconds"])
        return super().track(request)


@dataclass(frozen=True, slots=True)
class Trial:
    """One run, its files and its command."""

    folder: Path
    engine: str
    root: Path

    @property
    def out(self) -> Path:
        """The run folder."""
        return self.folder / "run"

    def start(self, fatal: str = "") -> subprocess.Popen[str]:
        """Start the command."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log.touch()
        told = {"log": str(self._log), "seconds": SECONDS, **({"fatal": fatal} if fatal else {})}
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in told.items())
        (self.folder / "run.toml").write_text(f'cache = "off"\n[settings.logged]\n{lines}')
        given = ["--model", str(self.root / "model"), "--bench", str(self.root / f"bench-{VIDEOS}"), "--tracker", "logged"]
        given += ["--config", str(self.folder / "run.toml"), "--out", str(self.out), "--workers", str(WORKERS)]
        code = "from intergeneval.cli import main; main()"
        command = [sys.executable, "-c", code, "run", *given, *(["--engine", self.engine] if self.engine else [])]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def begun(self) -> list[tuple[str, int]]:
        """Return (sample, process) of what was begun, in order."""
        return [(line.split()[0], int(line.split()[1])) for line in self._log.read_text().splitlines()]

    def written(self) -> set[str]:
        """Return the samples whose tracks are written down."""
        place = self.out / "tracks.jsonl"
        lines = place.read_bytes().splitlines(keepends=True) if place.exists() else []
        return {json.loads(line)["sample_id"] for line in lines if line.endswith(b"\n")}

    def scores(self) -> dict[str, dict[str, Any]]:
        """Return the scores by sample."""
        found = [json.loads(line) for line in (self.out / "scores.jsonl").read_bytes().splitlines()]
        return {item["sample_id"]: item for item in found}


@dataclass(slots=True)
class Told:
    """What came of the trials of one target."""

    kills: int = 0
    same: int = 0
    under_way: int = 0
    """Videos that were begun and not written down when something was killed."""
    twice: int = 0
    """Videos that were begun again."""
    beyond: int = 0
    """Those of them that had been written down, or were begun more often than once a kill."""


class Bench:
    """The videos, the engine, and what can be killed of it."""

    def __init__(self, root: Path, engine: str, cluster: Any, nodes: list[Any]) -> None:
        self.root, self.engine, self._cluster, self._nodes = root, engine, cluster, nodes
        self._at = f"ray:{cluster.address}" if cluster is not None else engine

    def trial(self, name: str) -> Trial:
        """Return a trial in an empty folder."""
        folder = self.root / f"kills-{self.engine}" / name
        shutil.rmtree(folder, ignore_errors=True)
        return Trial(folder, self._at, self.root)

    def kill(self, target: str, process: subprocess.Popen[str], trial: Trial, chance: random.Random) -> None:
        """Kill what is named."""
        if target == "driver":
            process.kill()
            process.communicate()
        elif target == "worker":
            alive = sorted({pid for _, pid in trial.begun() if Path(f"/proc/{pid}").exists()})
            os.kill(chance.choice(alive), signal.SIGKILL)
        else:
            node = self._nodes.pop(chance.randrange(len(self._nodes)))
            self._cluster.remove_node(node, allow_graceful=False)
            self._nodes.append(self._cluster.add_node(num_cpus=1, **_STORE))


def wait_for(what: Callable[[], bool], name: str) -> None:
    """Wait until something is so. Raises TimeoutError."""
    until = time.monotonic() + _LIMIT
    while not what():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {_LIMIT:.0f} s for {name}")
        time.sleep(0.005)


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for a command. Raises RuntimeError where it fails."""
    _, text = process.communicate(timeout=_LIMIT)
    if process.returncode:
        raise RuntimeError(f"the command ended with {process.returncode}:\n{text}")


def disturbed(bench: Bench, target: str, number: int, seed: int, whole: bytes, told: Told) -> None:
    """Disturb one run, have it end, and note what came of it."""
    chance = random.Random(f"{seed} {target} {number}")
    trial = bench.trial(f"{target}-{number}")
    process = trial.start()
    first = chance.randrange(1, VIDEOS)
    wait_for(lambda: len(trial.begun()) >= first or process.poll() is not None, "a video to be begun")
    time.sleep(chance.uniform(0, SECONDS))
    before = trial.written()
    bench.kill(target, process, trial, chance)
    if target == "driver":
        # Its workers notice; what they begin until then is under way.
        time.sleep(1.0)
        before = trial.written()
    at_kill = Counter(name for name, _ in trial.begun())
    finish(trial.start() if target == "driver" else process)
    under_way = set(at_kill) - before
    again = {name: count - 1 for name, count in Counter(name for name, _ in trial.begun()).items() if count > 1}
    told.kills += 1
    told.same += (trial.out / "scores.jsonl").read_bytes() == whole
    told.under_way += len(under_way)
    told.twice += sum(again.values())
    told.beyond += sum(count if name not in under_way else count - 1 for name, count in again.items())


def fatal(bench: Bench, whole: Mapping[str, Mapping[str, Any]]) -> str:
    """Run with a video that ends every worker; return what is wrong with what came of it, empty where nothing is."""
    name = f"s{VIDEOS // 2:05d}"
    trial = bench.trial("fatal")
    finish(trial.start(fatal=name))
    found, begun = trial.scores(), Counter(sample for sample, _ in trial.begun())
    if (found[name]["status"], found[name]["reason"]) != ("unanswered", LOST):
        return f"{name} is {found[name]['status']}: {found[name]['reason']}"
    if {**found, name: None} != {**whole, name: None}:
        return "other videos are scored differently"
    return "" if begun == {**dict.fromkeys(whole, 1), name: 3} else f"begun: {dict(begun)}"


def install(root: Path, name: str, place: str) -> Path:
    """Register a tracker of these scripts for all processes to come; return the folder that registers it."""
    package = root / "package"
    info, here = package / f"{name}-1.dist-info", Path(__file__).parent
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[intergeneval.trackers]\n{name} = {place}\n")
    path = [str(package), str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")]
    os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, path)), RAY_USAGE_STATS_ENABLED="0")
    return package


@contextmanager
def prepared(root: Path, engine: str) -> Iterator[Bench]:
    """Write videos, register the tracker, and start the nodes of a cluster where one is wanted."""
    import growth

    growth.write(root, VIDEOS)
    install(root, "logged", "kills:LoggedTracker")
    if engine != "ray":
        yield Bench(root, engine, None, [])
        return
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **_STORE})
    try:
        yield Bench(root, engine, cluster, [cluster.add_node(num_cpus=1, **_STORE) for _ in range(WORKERS)])
    finally:
        cluster.shutdown()


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, and print what came of it; return 0 where all ended as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", choices=sorted(TARGETS), default="processes")
    parser.add_argument("--kill", nargs="+", choices=("driver", "worker", "node"), help="default: all that the engine has")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    faults = []
    asked.folder.mkdir(parents=True, exist_ok=True)
    with prepared(asked.folder.resolve(), asked.engine) as bench:
        undisturbed = bench.trial("whole")
        finish(undisturbed.start())
        whole = (undisturbed.out / "scores.jsonl").read_bytes()
        print("| engine | killed | times | equal bytes | videos under way then | begun again | beyond what was under way |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for target in asked.kill or TARGETS[asked.engine]:
            told = Told()
            for number in range(asked.times):
                disturbed(bench, target, number, asked.seed, whole, told)
            row = (told.kills, told.same, told.under_way, told.twice, told.beyond)
            print(f"| {asked.engine} | {target} | {' | '.join(map(str, row))} |", flush=True)
            if told.same < told.kills or told.beyond:
                faults.append(target)
        wrong = fatal(bench, undisturbed.scores())
        print(f"\n{asked.engine}: a video that ends every worker: {wrong or 'failed after three tries, the others scored'}")
    return 1 if faults or wrong else 0


if __name__ == "__main__":
    # Workers elsewhere know nothing of a `__main__`: they import this file by its name.
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(importlib.import_module("kills").main())
