"""Workers of a build: each has a detector or tracker of its own, the benchmark is that of one process, and one may be lost."""

from __future__ import annotations

import json
import os

import cv2
import pytest

from intergeneval import bench, errors
from intergeneval.run.engine import LOST, MOST_LOSSES
from tests.build import fatal_tools, workshop
from tests.build.test_build_shards import files
from tests.fakes.chat_server import ChatServer

NAMES = ("s0", "s1", "s2", "s3")
WIDE = 200
"""Width of the picture of ``s2``, by which the tracker knows it."""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Give what builds over three pictures and a clip, with the two plug-ins, and what they wrote down."""
    monkeypatch.syspath_prepend(str(fatal_tools.install(tmp_path / "package")))
    for name in NAMES[:3]:
        frame = workshop.picture()
        if name == "s2":
            frame = cv2.copyMakeBorder(frame, 0, 0, 0, WIDE - frame.shape[1], cv2.BORDER_REPLICATE)
        workshop.write_picture(tmp_path / f"source/{name}.png", frame)
    workshop.write_clip(tmp_path / "source/s3.mp4")
    prompts = {name: f"A man in a red coat lifts a blue mug, take {name}." for name in NAMES}
    workshop.write_list(tmp_path / "source", [{"id": name, "prompt": text} for name, text in prompts.items()])
    workshop.write_boxes(tmp_path / "boxes.jsonl", dict.fromkeys(NAMES, workshop.EVERYBODY))
    model = workshop.Model()
    model.scenes = {text: workshop.scene("man", "mug") for text in prompts.values()}
    tools = ("--detector", f"fatal-finder:{tmp_path}/boxes.jsonl", "--tracker", "fatal-cutter", "--cache", "off", "--json")

    def build(out, *arguments, find=(), cut=0):
        log = tmp_path / f"{out}.log"
        log.touch()
        told = f'[settings.fatal-finder]\nlog = "{log}"\nkills = {json.dumps(find)}\n'
        told += f'[settings.fatal-cutter]\nlog = "{log}"\nkills = {cut}\n'
        with ChatServer(model) as server:
            done = workshop.build(tmp_path, *tools, *arguments, server=server, more=told, out=out)
            asked = len(server.asked)
        return done, [line.split() for line in log.read_text().splitlines()], asked

    return tmp_path, build


@pytest.mark.parametrize("given", [("--workers", 2), ("--engine", "processes")], ids=["workers", "engine"])
def test_workers_find_and_cut_out_and_the_benchmark_is_that_of_one_process(made, given):
    root, build = made
    plain, there, asked = build("plain")
    assert plain.exit_code == errors.EXIT_OK, plain.output
    assert {int(line[2]) for line in there} == {os.getpid()}
    shared, elsewhere, asked_again = build("shared", *given)
    assert shared.exit_code == errors.EXIT_OK, shared.output
    assert asked_again == asked
    assert sorted(line[:2] for line in elsewhere) == sorted(line[:2] for line in there)
    assert os.getpid() not in {int(line[2]) for line in elsewhere}
    one, two = files(root / "plain"), files(root / "shared")
    assert two.pop("bench.toml").replace(b"shared", b"plain") == one.pop("bench.toml")
    assert two == one
    assert bench.check(root / "shared") == []
    again, nothing, asked_again = build("shared", *given)
    assert (again.exit_code, asked_again) == (errors.EXIT_OK, 0)
    assert nothing == elsewhere


def test_items_that_end_their_workers_are_left_out_with_the_reason_and_the_same_command_makes_them(made):
    root, build = made
    ended, tries, _ = build("shared", "--workers", 2, find=["s1"], cut=WIDE)
    assert ended.exit_code == errors.EXIT_INCOMPLETE
    result = json.loads(ended.stdout)
    assert result["samples"] == ["s0", "s3"]
    assert {drop["sample_id"]: drop["reason"] for drop in result["dropped"]} == {
        "s1": f"detecting failed: {LOST}",
        "s2": LOST,
    }
    assert [line[1] for line in tries].count("s1") == MOST_LOSSES
    assert [line[1] for line in tries if line[0] == "cut"].count(str(WIDE)) == MOST_LOSSES
    plain, _, _ = build("plain")
    mended, _, _ = build("shared", "--workers", 2)
    assert (plain.exit_code, mended.exit_code) == (errors.EXIT_OK, errors.EXIT_OK)
    one, two = files(root / "plain"), files(root / "shared")
    assert two.pop("bench.toml").replace(b"shared", b"plain") == one.pop("bench.toml")
    assert two == one


def test_a_picture_that_no_worker_can_open_is_left_out_as_by_one_process(made):
    root, build = made
    (root / "source/s0.png").write_bytes(b"no picture")
    plain, _, _ = build("plain")
    shared, _, _ = build("shared", "--workers", 2)
    dropped = [json.loads(done.stdout)["dropped"] for done in (plain, shared)]
    assert dropped[0] == dropped[1]
    assert [drop["sample_id"] for drop in dropped[0]] == ["s0"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--engine", "threads"), "engine 'threads' is neither 'processes' nor 'ray'"),
        (("--workers", -1), "workers -1 is not between 0 and"),
    ],
)
def test_an_engine_that_there_is_not_is_refused(made, given, said):
    _, build = made
    refused, _, _ = build("shared", *given)
    assert refused.exit_code == errors.EXIT_USAGE
    assert said in refused.output
