"""Wan and HunyuanVideo, image-to-video and text-to-video: whole tiny random pipelines, loaded from disk and run."""

import json
from hashlib import sha256

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.cli import main
from intergeneval.sources import diffusers as source_module
from tests.models import checkpoints, pipelines

SETTINGS = {"steps": 1, "height": 64, "width": 96, "frames": 9}
KINDS = {
    "wan-image": (pipelines.wan, 16.0, True),
    "wan-text": (lambda folder: pipelines.wan(folder, image=False), 16.0, False),
    "hunyuan-image": (pipelines.hunyuan, 24.0, True),
    "cogvideox-text": (lambda folder: checkpoints.cogvideox(folder, image=False), 8.0, False),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory):
    make, rate, image = KINDS[request.param]
    return make(tmp_path_factory.mktemp("weights") / request.param), rate, image


def test_sample_seed_and_where_there_is_one_the_first_frame_decide_the_video(kind, monkeypatch):
    folder, rate, image = kind
    source = source_module.create(str(folder), SETTINGS)
    found = bench.load("clips")
    source.attach(found.root)
    coffee, juggle = found.samples

    def made(sample, seed):
        return np.stack(list(source.video(sample, seed).frames()))

    first = made(coffee, 0)
    assert first.shape == (9, 64, 96, 3)
    assert first.std() > 0
    assert source.video(coffee, 0).fps == rate
    assert (first == made(coffee, 0)).all()
    assert (first != made(coffee, 1)).any()
    assert (first != made(juggle, 0)).any()
    if image:
        monkeypatch.setattr(source, "_first_frame", lambda _: found.root / juggle.image)
        assert (first != made(coffee, 0)).any()


def test_a_run_makes_several_videos_a_prompt_and_scores_them(kind, tmp_path, monkeypatch):
    folder, rate, _ = kind
    config = tmp_path / "run.toml"
    lines = "\n".join(f"{name} = {value}" for name, value in {**SETTINGS, "seeds": 2}.items())
    config.write_text(f"[settings.diffusers]\n{lines}\n")
    command = ["run", "--model", str(folder), "--bench", "clips", "--samples", "juggle", "--config", str(config)]
    done = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "run")])
    # What random weights paint begins with another picture than the benchmark's: the run is whole, and its code says that
    # scores are not there.
    assert done.exit_code == 3, done.output
    scores = [json.loads(line) for line in (tmp_path / "run" / "scores.jsonl").read_text().splitlines()]
    assert [(item["seed"], item["status"], item["if"]) for item in scores] == [
        (0, "foreign_first_frame", None),
        (1, "foreign_first_frame", None),
    ], done.output
    videos = [json.loads(line) for line in (tmp_path / "run" / "videos.jsonl").read_text().splitlines()]
    assert {(item["seed"], item["frames"], item["fps"], item["status"]) for item in videos} == {
        (0, 9, rate, "foreign_first_frame"),
        (1, 9, rate, "foreign_first_frame"),
    }
    files = {item["seed"]: (tmp_path / "run" / item["path"]) for item in videos}
    assert {seed: sha256(path.read_bytes()).hexdigest() for seed, path in files.items()} == {
        item["seed"]: item["sha256"] for item in videos
    }
    assert len({item["sha256"] for item in videos}) == 2
    monkeypatch.setattr(source_module.DiffusersSource, "_generate", lambda *_: pytest.fail("generated again"))
    assert CliRunner().invoke(main, [*command, "--out", str(tmp_path / "run")]).exit_code == 3
