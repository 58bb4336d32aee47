"""Runs on a Ray cluster of three local nodes: bytes, lost actors and nodes, errors, and how a run ends."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from intergeneval import errors
from intergeneval.errors import BackendError, ConfigError, RefusedError
from intergeneval.exam import ExamSpec, examine
from intergeneval.records import ScoreStatus
from intergeneval.run import ray_engine
from intergeneval.run.engine import LOST
from intergeneval.run.ray_engine import RayEngine
from intergeneval.run.run import Run
from tests.cluster.conftest import IDS, ROOT, STORE, command

KILLS = ROOT / "reports" / "cluster" / "kills.py"


def scores(result) -> bytes:
    return (result.store.folder / "scores.jsonl").read_bytes()


def at(cluster) -> str:
    return f"ray:{cluster.address}"


def begun(config) -> list[str]:
    return re.findall(r"begun (\w+)", Path(config.settings["fatal"]["log"]).read_text())


def wait_for(what, seconds=60.0):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.02)
    assert what()


@pytest.fixture
def whole(world):
    """What nobody disturbed: the scores of the first process alone."""
    return scores(Run(world("whole")).execute())


def test_three_nodes_give_the_bytes_of_one_process_and_are_all_at_work(world, whole, cluster):
    told = world("run", at(cluster), workers=3)
    assert scores(Run(told).execute()) == whole
    assert sorted(begun(told)) == sorted(IDS)


def test_an_actor_that_is_killed_costs_nothing_but_time(world, whole, cluster):
    told = world("run", at(cluster), workers=3, kills=["s3", "s7"], times=1)
    assert scores(Run(told).execute()) == whole
    assert sorted(begun(told)) == sorted([*IDS, "s3", "s7"])


def test_a_plug_in_that_ends_its_process_fails_on_its_video_alone(world, whole, cluster):
    told = world("run", at(cluster), workers=3, kills=["s5"])
    result = Run(told).execute()
    found = {score.sample_id: score for score in result.scores}
    assert (found["s5"].status, found["s5"].reason) == (ScoreStatus.UNANSWERED, LOST)
    assert [score.sample_id for score in result.unscored] == ["s5"]
    assert begun(told).count("s5") == 3
    # The same command looks at it again, on whatever engine.
    again = Run(replace(told, engine="", settings={"fatal": {**told.settings["fatal"], "times": 3}})).execute()
    assert (again.observed, scores(again)) == (1, whole)


def test_a_node_that_is_gone_without_grace_costs_40_seconds_at_most(world, whole, cluster):
    node = cluster.add_node(num_cpus=1, **STORE)
    told = world("run", at(cluster), workers=4, seconds=1.0)
    log = Path(told.settings["fatal"]["log"])
    lost = []

    def lose() -> None:
        wait_for(lambda: log.exists() and log.read_text().count("begun") >= 4)
        lost.append(time.monotonic())
        cluster.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=lose)
    thread.start()
    result = Run(told).execute()
    thread.join()
    assert scores(result) == whole
    assert time.monotonic() - lost[0] < 40
    # Twice was begun only what that node was at.
    assert len(begun(told)) <= len(IDS) + 1


@pytest.fixture(scope="module")
def local(package):
    """A cluster of this machine that several tests share."""
    engine = RayEngine(count=2)
    yield engine
    engine.close()


class Setup:
    """Workers that do `run`, out of a heap of `ballast`."""

    def __init__(self, run, places=(), ballast=b""):
        self.run, self.places, self.ballast = run, places, ballast

    def build(self):
        return self.run

    def lost(self, job):
        return "lost"


def test_an_error_keeps_type_text_and_exit_code(local):
    with pytest.raises(RefusedError, match="the account is empty") as caught:
        list(local.outcomes(Setup(refuse), [1, 2]))
    found = caught.value
    assert (str(found), found.begun, found.exit_code) == ("the account is empty", True, errors.EXIT_USAGE)


def refuse(job):
    raise RefusedError("the account is empty", begun=True)


def end(job):
    """End the process the first time that it is asked to."""
    if job is not None and not Path(job).exists():
        Path(job).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_setup_of_300_kb_is_there_for_the_worker_that_replaces_a_lost_one(local, tmp_path):
    jobs = [None, str(tmp_path / "ended"), None]
    found = list(local.outcomes(Setup(end, ballast=bytes(300_000)), jobs))
    assert sorted(map(str, found)) == sorted(map(str, jobs))


def test_numbers_beyond_the_reach_of_floats_arrive_beside_none(local):
    jobs = [2**53 + 1, None, 2**53 + 3]
    assert sorted(local.outcomes(Setup(same), jobs), key=str) == sorted(jobs, key=str)


def same(job):
    return job


def test_a_node_that_does_not_see_a_folder_is_refused_by_name(local):
    # Where this process alone has something.
    place = Path(f"/proc/self/task/{os.getpid()}")
    with pytest.raises(ConfigError, match=rf"node \S+ cannot share this run: {place} is not visible there"):
        list(local.outcomes(Setup(same, [place]), [1]))


def test_where_no_worker_gets_ready_the_run_stops_with_the_reason(local, monkeypatch):
    monkeypatch.setattr(ray_engine, "READY_SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(BackendError, match="no worker of the cluster got ready for 2 s: has it free cores"):
        list(local.outcomes(Slow(same), [1]))
    assert time.monotonic() - began < 10


class Slow(Setup):
    """Workers that are not ready in time."""

    def build(self):
        time.sleep(60)


def test_an_address_at_which_nobody_listens_is_refused_within_five_seconds(world):
    began = time.monotonic()
    with pytest.raises(ConfigError, match=r"engine 'ray:127\.0\.0\.1:9': nobody answers there"):
        Run(world("run", "ray:127.0.0.1:9")).execute()
    assert time.monotonic() - began < 5


def test_an_address_without_port_is_refused():
    with pytest.raises(ConfigError, match="HOST:PORT"):
        RayEngine("somewhere")


def test_stdout_is_json_alone(world, whole):
    done = subprocess.run(
        command(world("run", "ray", workers=2), "--json"), capture_output=True, text=True, check=True, timeout=120
    )
    assert len(json.loads(done.stdout)["samples"]) == len(IDS)


def children_of(pid: int) -> set[int]:
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found |= {int(place.parent.name)} | children_of(int(place.parent.name))
    return found


def left(children, *, killed):
    """Return those that live on. Of a local cluster whose driver was `killed`, Ray itself leaves two agents that do no work."""
    agents = ("ray::Dashboard", "ray::RuntimeEnv") if killed else ()
    places = [Path(f"/proc/{child}/comm") for child in children]
    return {int(place.parent.name) for place in places if place.exists() and not place.read_text().startswith(agents or "\0")}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_run_that_is_told_to_end_leaves_no_process_and_the_process_pool_goes_on(world, whole, number):
    told = world("run", "ray", workers=2, seconds=0.5)
    process = subprocess.Popen(command(told), stderr=subprocess.PIPE, text=True)
    wait_for((Path(told.out) / "answers.jsonl").exists)
    children = children_of(process.pid)
    assert len(children) >= 3
    began = time.monotonic()
    process.send_signal(number)
    _, text = process.communicate(timeout=30)
    try:
        wait_for(lambda: not left(children, killed=number == signal.SIGKILL), 10 - (time.monotonic() - began))
    finally:
        for child in left(children, killed=False):
            os.kill(child, signal.SIGKILL)
    assert process.returncode == (-9 if number == signal.SIGKILL else errors.EXIT_INTERRUPTED)
    if number != signal.SIGKILL:
        assert "run the same command again to go on" in text
    result = Run(replace(told, engine="", workers=2)).execute()
    assert 0 < result.observed < len(IDS)
    assert scores(result) == whole


def test_an_exam_on_a_cluster_gives_the_card_of_one_process(tmp_path):
    spec = ExamSpec(judge="oracle", tracker="stored", seed=3, scenes=2, policies=("perfect", "no-action"), size=(120, 180))
    alone, shared = (
        examine(spec, tmp_path / name, workers=2, engine=engine).card for name, engine in (("alone", "processes"), ("ray", "ray"))
    )
    for card in (alone, shared):
        card.pop("made")
    assert alone == shared


def test_after_kills_at_random_moments_runs_end_in_the_same_bytes_with_nothing_done_twice_but_what_was_under_way(tmp_path):
    command = [sys.executable, str(KILLS), str(tmp_path), "--engine", "ray", "--times", "3", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for target in ("driver", "worker", "node"):
        assert f"| ray | {target} | 3 | 3 |" in done.stdout
    assert "a video that ends every worker: failed after three tries, the others scored" in done.stdout
