"""Several GPUs of one machine, of which there is none here: what each worker is told to see."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from intergeneval.config import RunConfig
from intergeneval.run.gpus import VISIBLE, environments, gpus
from intergeneval.run.run import Run
from tests import tiny_world
from tests.run import fatal_tracker

IDS = ("a", "b", "c", "d", "e", "f")


def test_gpus_are_those_that_the_environment_names_else_those_whose_device_files_are_there(tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert gpus({}, tmp_path) == ("0", "1")
    assert gpus({VISIBLE: "3, MIG-4f,5"}, tmp_path) == ("3", "MIG-4f", "5")
    assert gpus({VISIBLE: "1,-1,2"}, tmp_path) == ("1",)
    assert gpus({VISIBLE: ""}, tmp_path) == ()


def test_a_second_worker_of_a_gpu_comes_after_the_first_of_every_other():
    assert [item[VISIBLE] for item in environments(("0", "1"), 2)] == ["0", "1", "0", "1"]


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(fatal_tracker.install(tmp_path / "package")))
    bench, model = tiny_world.write_benchmark(tmp_path / "bench", IDS), tiny_world.write_videos(tmp_path / "model", IDS)
    settings = {"fatal": {"log": str(tmp_path / "log"), "exclusive": True, "seconds": 0.3}}
    return RunConfig(
        model=str(model), bench=str(bench), tracker="fatal", out=str(tmp_path / "run"), cache="off", settings=settings
    )


def seen(config):
    """Return (GPU, process) of every video that was tracked."""
    return re.findall(r"ended \w+ on (\S+) in (\d+)", Path(config.settings["fatal"]["log"]).read_text())


def test_a_backend_that_holds_a_gpu_is_given_one_process_a_gpu_which_sees_that_one_alone(world, monkeypatch):
    monkeypatch.setenv(VISIBLE, "2,5")
    assert Run(world).execute().complete
    found = seen(world)
    assert len(found) == len(IDS)
    assert {card for card, _ in found} == {"2", "5"}
    assert len(set(found)) == 2


def test_workers_per_gpu_share_one(world, monkeypatch):
    monkeypatch.setenv(VISIBLE, "2")
    assert Run(replace(world, workers_per_gpu=2)).execute().complete
    assert {card for card, _ in seen(world)} == {"2"}
    assert len({process for _, process in seen(world)}) == 2


@pytest.mark.parametrize(
    "changes", [{"visible": "2"}, {"visible": "2,5", "workers": 1}, {"visible": "2,5", "device": "cuda:1"}], ids=str
)
def test_one_gpu_one_worker_or_a_device_of_the_settings_stay_in_the_first_process(world, monkeypatch, changes):
    monkeypatch.setenv(VISIBLE, changes["visible"])
    told = {**world.settings["fatal"], **({"device": changes["device"]} if "device" in changes else {})}
    assert Run(replace(world, workers=changes.get("workers", 0), settings={"fatal": told})).execute().complete
    assert {card for card, _ in seen(world)} == {changes["visible"]}
    assert len(set(seen(world))) == 1
