"""Workers that end under their videos: which losses count, what is recorded, and that the rest is scored."""

import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
import types
from dataclasses import replace
from pathlib import Path

import pytest

from intergeneval import errors
from intergeneval.config import RunConfig
from intergeneval.errors import BackendError, MissingDependencyError, RefusedError
from intergeneval.exam.policy_runs import run_policies
from intergeneval.exam.spec import ExamSpec
from intergeneval.records import ScoreStatus
from intergeneval.run.engine import LOST, Line, Raised, Ticket
from intergeneval.run.processes import Processes
from intergeneval.run.ray_engine import RayEngine
from intergeneval.run.run import Run
from tests import tiny_world
from tests.run import fatal_tracker

IDS = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Settings of a run over six videos in two workers, whose tracker does as it is told."""
    monkeypatch.syspath_prepend(str(fatal_tracker.install(tmp_path / "package")))
    bench, model = tiny_world.write_benchmark(tmp_path / "bench", IDS), tiny_world.write_videos(tmp_path / "model", IDS)

    def config(out="run", **settings):
        told = {"fatal": {"log": str(tmp_path / f"{out}.log"), **settings}}
        return RunConfig(
            model=str(model), bench=str(bench), tracker="fatal", out=str(tmp_path / out), workers=2, cache="off", settings=told
        )

    return config


def said(config: RunConfig) -> str:
    return Path(config.settings["fatal"]["log"]).read_text()


def test_a_video_that_ends_its_worker_three_times_is_recorded_as_failed_and_the_rest_is_scored(world):
    whole = Run(replace(world("whole"), workers=1)).execute()
    told = world(kills=["c"])
    result = Run(told).execute()
    scores = {score.sample_id: score for score in result.scores}
    assert (scores["c"].status, scores["c"].reason, scores["c"].if_) == (ScoreStatus.UNANSWERED, LOST, None)
    assert [score for score in result.scores if score.sample_id != "c"] == [
        item for item in whole.scores if item.sample_id != "c"
    ]
    assert [score.sample_id for score in result.unscored] == ["c"]
    assert not result.complete
    begun = re.findall(r"begun (\w)", said(told))
    assert begun.count("c") == 3
    assert begun[-1] == "c"
    # What waited behind it or ran beside it was not done more often for that.
    assert sorted(begun) == sorted((*IDS, "c", "c"))


def test_the_third_try_has_nothing_beside_it(world):
    told = world(kills=["a", "b"], seconds=0.2)
    Run(told).execute()
    lines = said(told).splitlines()
    last = {name: max(place for place, line in enumerate(lines) if line.startswith(f"begun {name}")) for name in ("a", "b")}
    # All that was begun before the last tries has ended, but for those that were lost.
    for place in last.values():
        open_ = [line.split()[1] for line in lines[:place] if line.startswith("begun")]
        assert {name for name in open_ if f"ended {name}" not in "\n".join(lines[:place])} <= {"a", "b"}
    assert min(last.values()) >= len(lines) - 2


def test_two_losses_are_made_good_without_a_trace_in_the_scores(world):
    whole = Run(replace(world("whole"), workers=1)).execute().store.folder
    result = Run(world(kills=["c", "e"], times=2)).execute()
    assert result.complete
    assert (result.store.folder / "scores.jsonl").read_bytes() == (whole / "scores.jsonl").read_bytes()


def test_a_resume_looks_at_the_failed_video_again_and_ends_in_the_same_scores(world):
    whole = Run(replace(world("whole"), workers=1)).execute().store.folder
    first = Run(world(kills=["c"])).execute()
    said_ = []
    again = Run(world(kills=["c"], times=3)).execute(on_notice=said_.append)
    assert (again.observed, again.complete, said_) == (1, True, [])
    assert (first.store.folder / "scores.jsonl").read_bytes() == (whole / "scores.jsonl").read_bytes()


def test_a_video_that_was_scored_before_and_now_ends_its_workers_is_not_called_another_file(world):
    Run(world()).execute()
    model = Path(world().model)
    (model / "c.mp4").write_bytes((model / "d.mp4").read_bytes())
    said_ = []
    result = Run(world(kills=["c"])).execute(on_notice=said_.append)
    assert [score.status for score in result.scores if score.sample_id == "c"] == [ScoreStatus.UNANSWERED]
    assert said_ == []


@pytest.mark.parametrize("moment", range(4))
def test_workers_killed_at_random_moments_cost_what_they_were_at_and_no_byte(world, moment):
    whole = Run(replace(world("whole"), workers=1)).execute().store.folder
    told, chance, killed = world(seconds=0.1), random.Random(moment), []

    def kill(_):
        if len(killed) < 2:
            time.sleep(chance.uniform(0, 0.2))
            victim = chance.choice(multiprocessing.active_children())
            victim.kill()
            killed.append(victim)

    result = Run(told).execute(kill)
    assert len(killed) == 2
    assert result.complete
    assert (result.store.folder / "scores.jsonl").read_bytes() == (whole / "scores.jsonl").read_bytes()
    assert len(re.findall(r"begun", said(told))) <= len(IDS) + len(killed)


def test_one_worker_is_a_process_of_its_own_where_the_engine_is_named(world):
    result = Run(replace(world(kills=["c"]), workers=1, engine="processes")).execute()
    assert [score.sample_id for score in result.unscored] == ["c"]


def test_workers_that_never_get_ready_end_the_run_with_one_message(world):
    with pytest.raises(BackendError, match=r"3 workers in a row ended before they were ready.*exit code -9"):
        Run(world(parent=os.getpid())).execute()


def test_a_cluster_that_does_not_start_is_told_in_one_message(monkeypatch):
    def init(**_):
        raise Exception("The current node timed out during startup.")  # so does Ray

    ray = types.SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with pytest.raises(BackendError, match=r"engine 'ray': The current node timed out.*; the same command goes on"):
        RayEngine()


def test_what_a_backend_lacks_in_a_worker_is_told_as_what_it_is(tmp_path):
    with pytest.raises(MissingDependencyError, match="no such wheel") as caught:
        list(Processes(2).outcomes(_Lacks(), [1, 2, 3]))
    assert caught.value.exit_code == errors.EXIT_USAGE
    assert "in build" in caught.value.__notes__[0]


class _Lacks:
    def build(self):
        raise MissingDependencyError("no such wheel")

    def lost(self, job):
        raise AssertionError


class _Refuses:
    def build(self):
        return _refuse

    def lost(self, job):
        raise AssertionError


def _refuse(job):
    raise RefusedError("the account is empty", begun=True)


def test_an_error_whose_constructor_wants_more_than_its_text_arrives_whole():
    with pytest.raises(RefusedError, match="the account is empty") as caught:
        list(Processes(1).outcomes(_Refuses(), [1]))
    assert caught.value.begun


@pytest.mark.parametrize("error", [OSError(28, "full", "x"), UnicodeDecodeError("utf-8", b"x", 0, 1, "odd"), KeyError("k")])
def test_errors_of_python_arrive_whole(error):
    found = Raised.of(error).unpack()
    assert (type(found), str(found), found.args) == (type(error), str(error), error.args)


def test_large_jobs_and_large_outcomes_do_not_wait_for_each_other():
    jobs = [bytes(4 << 20)] * 8
    assert list(Processes(2).outcomes(_Echo(), jobs)) == jobs


class _Echo:
    def build(self):
        return bytes

    def lost(self, job):
        raise AssertionError


def test_a_loss_counts_only_for_the_job_that_was_begun():
    line = Line(["a", "b"])
    first = line.take([])
    second = line.take([first])
    for _ in range(5):
        assert line.back(second, begun=False)
        second = line.take([])
    assert line.back(first, begun=True)
    assert line.take([second]) is first
    assert line.back(first, begun=True)
    # Twice lost: not beside another.
    assert line.take([second]) is None
    assert line.take([]) is first
    assert not line.back(first, begun=True)


def test_an_exam_names_the_video_that_ends_its_workers_and_goes_on(world, tmp_path):
    plain = ExamSpec(judge="oracle", tracker="stored", seed=3, scenes=2, policies=("perfect", "no-action"), size=(120, 180))
    whole = run_policies(plain, tmp_path / "whole", 1)
    scene = whole[0].videos[0].sample_id
    # Two tries of both policies, the third of one, then three of the video itself.
    told = {"log": str(tmp_path / "exam.log"), "kills": [scene], "times": 8}
    spec = replace(plain, tracker="fatal", settings={"fatal": told})
    with pytest.raises(BackendError, match=f"{scene} cannot be graded: {re.escape(LOST)}; the same command looks at it again"):
        run_policies(spec, tmp_path / "exam", 2)
    again = run_policies(spec, tmp_path / "exam", 2)
    assert [run.videos for run in again] == [run.videos for run in whole]


def test_a_job_that_is_to_run_alone_does_so_on_another_machine_where_there_is_one():
    line = Line(["a", "b"])
    for machine in ("x", "y"):
        ticket = line.take([], machine)
        ticket.losses, ticket.lost_at = 1, {machine}
        line.back(ticket, begun=True)
    both = frozenset("xy")
    other = Ticket(2, "c")
    assert line.take([other], "y", both) is None
    # Two machines take one each, at the same time.
    assert line.take([], "y", both).lost_at == {"x"}
    assert line.take([], "y", both) is None
    assert line.take([], "x", both).lost_at == {"y"}
    # Lost on all there are: wherever there is room.
    ticket.lost_at = {"x", "y"}
    ticket.losses = 1
    line.back(ticket, begun=True)
    assert line.take([], "x", both) is ticket


def test_nothing_runs_beside_a_job_that_runs_alone_not_even_one_that_comes_back_from_another_machine_meanwhile():
    line = Line(["a", "b"])
    first = line.take([], "x")
    for _ in range(2):
        second = line.take([], "y")
        line.back(second, begun=True)
    alone = line.take([], "y")
    assert alone is second
    line.back(first, begun=False)
    assert line.take([alone], "y") is None
    assert line.take([], "x") is first


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=lambda number: number.name)
def test_a_signal_of_a_scheduler_to_all_processes_ends_the_run_and_the_same_command_goes_on(world, tmp_path, number):
    told = world(seconds=0.5)
    (tmp_path / "c.toml").write_text(f'cache = "off"\n[settings.fatal]\nlog = "{told.settings["fatal"]["log"]}"\nseconds = 0.5\n')
    command = [sys.executable, "-c", "from intergeneval.cli import main; main()", "run", "--model", told.model]
    command += ["--bench", told.bench, "--tracker", "fatal", "--out", told.out, "--workers", "2", "--config", tmp_path / "c.toml"]
    path = os.pathsep.join([str(tmp_path / "package"), *filter(None, [os.environ.get("PYTHONPATH"), str(Path.cwd())])])
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until, answers = time.monotonic() + 60, Path(told.out) / "answers.jsonl"
    # Until the first video is recorded whole: its file is there a moment before its line is.
    while not (answers.exists() and answers.stat().st_size) and time.monotonic() < until:
        time.sleep(0.02)
    # As `scancel --full` does: workers are in the group too.
    os.killpg(process.pid, number)
    _, text = process.communicate(timeout=20)
    assert process.returncode == errors.EXIT_INTERRUPTED
    assert f"stopped by {number.name}; run the same command again to go on" in text
    assert "Traceback" not in text
    result = Run(told).execute()
    assert 0 < result.observed < len(IDS)
    assert result.complete
