"""A cluster whose nodes see nothing of the first process's folders: videos travel with their jobs, or come from a URL."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from intergeneval import errors
from intergeneval.config import RunConfig
from intergeneval.errors import ConfigError
from intergeneval.records import ScoreStatus, Video, VideoStatus
from intergeneval.run.engine import LOST
from intergeneval.run.run import Run
from tests.build import workshop
from tests.build.test_build_shards import files
from tests.cluster.conftest import IDS
from tests.cluster.test_ray_engine import at, begun, scores


@pytest.fixture
def apart(tmp_path, tiny_files):
    """A folder that this process alone sees: a path that leads, in any other process, to nothing or elsewhere."""
    handle = os.open(tmp_path, os.O_RDONLY)
    place = Path(f"/proc/self/fd/{handle}")
    for name, made in zip(("bench", "model"), tiny_files, strict=True):
        (tmp_path / name).symlink_to(made)
    yield place
    os.close(handle)


def told(world, apart, out, **changes):
    config = world(out, **changes)
    return replace(config, model=str(apart / "model"), bench=str(apart / "bench"), out=str(apart / out))


def test_nodes_that_see_no_folder_are_refused_and_with_carry_make_the_bytes_of_one_process(world, apart, cluster):
    whole = scores(Run(told(world, apart, "whole")).execute())
    config = told(world, apart, "run", engine=at(cluster), workers=3)
    with pytest.raises(ConfigError, match=r"node \S+ cannot share this run: .*/run/run\.json is not visible there"):
        Run(config).execute()
    carried = Run(replace(config, carry=True)).execute()
    assert scores(carried) == whole
    assert sorted(begun(config)) == sorted(IDS)
    stills = [{path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.webp")} for folder in (
        apart / "whole" / "stills", apart / "run" / "stills"
    )]  # fmt: skip
    assert stills[0] == stills[1] != {}


def test_a_carried_video_whose_workers_end_is_failed_and_the_rest_is_scored(world, apart, cluster):
    config = replace(told(world, apart, "run", engine=at(cluster), workers=3, kills=["s5"]), carry=True)
    result = Run(config).execute()
    assert [(score.sample_id, score.status) for score in result.unscored] == [("s5", ScoreStatus.UNANSWERED)]
    assert {video.reason for video in result.store.read("videos", Video) if video.status is VideoStatus.FAILED} == {LOST}
    assert begun(config).count("s5") == 3


def test_videos_that_a_source_makes_come_back_into_the_run_folder(apart, cluster):
    base = RunConfig(model="staged:perfect", bench="staged", tracker="stored", limit=4, workers=1, cache="off")
    whole = Run(replace(base, out=str(apart / "whole"))).execute()
    carried = Run(replace(base, out=str(apart / "run"), engine=at(cluster), workers=3, carry=True)).execute()
    assert scores(carried) == scores(whole)
    made = [{path.name: path.read_bytes() for path in (apart / out / "videos").rglob("*.mp4")} for out in ("whole", "run")]
    assert made[0] == made[1] != {}


@pytest.mark.parametrize("carry", [False, True], ids=["benchmark shared", "nothing shared"])
def test_videos_and_run_folder_behind_urls_on_a_cluster(tmp_path, tiny_files, apart, cluster, monkeypatch, carry):
    bench, model = tiny_files
    monkeypatch.setenv("INTERGENEVAL_CACHE", str((apart if carry else tmp_path) / "cache/answers.sqlite"))
    base = RunConfig(model=str(model), bench=str(bench), tracker="stored", out=str(tmp_path / "whole"), workers=1, cache="off")
    whole = scores(Run(base).execute())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = replace(
        base,
        model=f"file://{model}",
        bench=str(apart / "bench" if carry else bench),
        out=f"file://{elsewhere}/run",
        engine=at(cluster),
        workers=3,
        carry=carry,
    )
    assert scores(Run(given).execute()) == whole
    assert (elsewhere / "run/scores.jsonl").read_bytes() == whole
    assert len(list((elsewhere / "run/stills").rglob("*.webp"))) == 2 * len(IDS)


def test_a_build_on_a_cluster_makes_the_benchmark_of_one_process(tmp_path, cluster):
    names = ("s0", "s1", "s2")
    for name in names:
        workshop.write_picture(tmp_path / f"source/{name}.png")
    workshop.write_list(tmp_path / "source", [{"id": name, "prompt": workshop.PROMPT} for name in names])
    workshop.write_boxes(tmp_path / "boxes.jsonl", dict.fromkeys(names, workshop.EVERYBODY))
    tools = ("--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow", "--json")
    plain = workshop.build(tmp_path, *tools, out="plain")
    assert plain.exit_code == errors.EXIT_OK, plain.output
    shared = workshop.build(tmp_path, *tools, "--engine", at(cluster), "--workers", 3, out="shared")
    assert shared.exit_code == errors.EXIT_OK, shared.output
    assert json.loads(shared.stdout)["samples"] == list(names)
    one, two = files(tmp_path / "plain"), files(tmp_path / "shared")
    assert two.pop("bench.toml").replace(b"shared", b"plain") == one.pop("bench.toml")
    assert two == one
