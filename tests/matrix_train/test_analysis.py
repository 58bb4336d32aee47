"""`matrix-train analyze` from a pipeline and a benchmark to tables, plots and one page, on real classes with random weights."""

import json
import re

import pandas as pd
import pytest
import tiny_bench
import tiny_pipeline
from click.testing import CliRunner

from matrix_train.cli import main

STEPS = 3


def analyze(*arguments):
    return CliRunner().invoke(main, ["analyze", *map(str, arguments)])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("analysis")
    tiny_pipeline.cogvideox(root / "pipeline")
    # A name that must be escaped on the page.
    tiny_bench.benchmark(root / "scenes <b>", samples=3)
    return root


def arguments(world, out, *more):
    data = world / "scenes <b>"
    return (
        world / "pipeline", "--bench", data, "--out", out, "--tracker", f"stored:{data / 'tracks'}", "--json",
        "--set", f"video.steps={STEPS}", "--set", "page.overlays=1", "--set", "page.frames=2", *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(world):
    out = world / "out"
    result = analyze(*arguments(world, out))
    assert result.exit_code == 0, result.output
    return out, json.loads(result.stdout)


def test_every_layer_step_role_and_kind_is_scored(done):
    out, summary = done
    steps = pd.read_parquet(out / "aas.parquet")
    assert len(steps) == 3 * 4 * STEPS * 3 * 3
    assert summary["videos"] == 3
    assert set(steps["kind"]) == {"v2t", "v2v", "t2v"}
    assert (steps["aas"] > 0).all()
    assert (steps["aas"] <= steps["total"] + 1e-9).all()
    assert steps[steps["kind"] == "v2v"]["total"].max() < 1
    heads = pd.read_parquet(out / "heads.parquet")
    assert len(heads) == 2 * 3 * 4 * 2
    assert len(pd.read_parquet(out / "layers.parquet")) == 2 * 3 * 4
    assert all(len(chosen) == 1 for chosen in summary["influential"].values())
    assert not list((out / "maps").iterdir())


def test_the_page_stands_alone_and_escapes_names(done):
    out, _ = done
    text = (out / "index.html").read_text()
    assert "scenes &lt;b&gt;" in text
    assert "<script" not in text
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(addresses) > 8
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert all(alt for alt in re.findall(r'<img [^>]*alt="([^"]*)"', text))
    assert len(list((out / "overlays").glob("*.jpg"))) == 9
    assert "currentColor" in (out / "plots" / "layers-v2t.svg").read_text()


def test_a_second_run_samples_nothing_and_adds_successes_and_failures(world, done):
    out, _ = done
    video = out / "videos" / "scene-0" / "0.mp4"
    before, stamp = (out / "aas.parquet").read_bytes(), video.stat().st_mtime_ns
    labels = world / "labels.csv"
    labels.write_text("sample_id,seed,label\nscene-0,0,success\nscene-1,0,failure\nscene-2,0,success\n")
    result = analyze(*arguments(world, out, "--sets", labels))
    assert result.exit_code == 0, result.output
    assert video.stat().st_mtime_ns == stamp
    assert (out / "aas.parquet").read_bytes() == before
    layers = pd.read_parquet(out / "layers.parquet")
    assert layers["successes"].tolist() == [1] * len(layers)
    assert "Successes against failures" in (out / "index.html").read_text()


def test_a_video_that_is_done_again_gives_the_same_bytes(world, done):
    out, _ = done
    before = (out / "aas.parquet").read_bytes()
    film = (out / "videos" / "scene-1" / "0.mp4").read_bytes()
    (out / "records" / "scene-1-0.json").unlink()
    result = analyze(*arguments(world, out))
    assert result.exit_code == 0, result.output
    assert (out / "videos" / "scene-1" / "0.mp4").read_bytes() == film
    assert (out / "aas.parquet").read_bytes() == before


def test_an_analysis_of_something_else_is_refused(world, done):
    out, _ = done
    result = analyze(*arguments(world, out, "--set", "video.steps=5"))
    assert result.exit_code == 2
    assert "another config.video.steps" in result.output


def test_a_video_that_cannot_be_tracked_is_told_and_left_for_the_next_run(world):
    data, out = world / "scenes <b>", world / "broken"
    hidden = data / "tracks" / "scene-1.tracks.json"
    text = hidden.read_text()
    hidden.unlink()
    try:
        result = analyze(*arguments(world, out))
    finally:
        hidden.write_text(text)
    assert result.exit_code == 3
    assert "no stored tracks" in result.stderr
    assert json.loads(result.stdout)["videos"] == 2
    # The maps are there: only the tracks were missing, and the video is not made again.
    stamp = (out / "videos" / "scene-1" / "0.mp4").stat().st_mtime_ns
    assert [path.name for path in (out / "maps").iterdir()] == ["scene-1-0.safetensors"]
    again = analyze(*arguments(world, out))
    assert json.loads(again.stdout)["videos"] == 3
    assert (out / "videos" / "scene-1" / "0.mp4").stat().st_mtime_ns == stamp


def test_real_clips_are_noised_and_scored_with_their_own_tracks(world):
    data = tiny_pipeline.dataset(world / "clips", clips=2)
    result = analyze(
        world / "pipeline", "--bench", data, "--on", "clips", "--out", world / "clips-out", "--json",
        "--set", "clips.timesteps=[200, 800]", "--set", 'maps.kinds=["v2v"]', "--set", "page.overlays=0",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    steps = pd.read_parquet(world / "clips-out" / "aas.parquet")
    assert sorted(steps["timestep"].unique()) == [200.0, 800.0]
    assert len(steps) == 2 * 4 * 2 * 3
    assert json.loads(result.stdout)["suggested"]["v2t"] == []


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (("--bench", "nowhere"), "no benchmark is called 'nowhere'"),
        (("--bench", "clips", "--set", "maps.kinds=['x']"), "maps.kinds holds 'x'"),
        (("--bench", "clips", "--set", "maps.nothing=1"), "unknown field 'nothing'"),
        (("--bench", "clips", "--tracker", "nobody"), "no tracker is called 'nobody'"),
        (("--bench", "clips", "--sets", "nowhere"), "neither a run folder nor a file of labels"),
        (("--bench", "clips", "--limit", "0"), "--limit is 0"),
        (("--on", "clips", "--bench", "nowhere"), "nowhere is not a folder"),
        (("--bench", "clips"), "is not a diffusers pipeline folder"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_2(tmp_path, more, wrong):
    result = analyze(tmp_path / "no-model", "--out", tmp_path / "out", *more)
    assert result.exit_code == 2, result.output
    assert wrong in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_a_model_can_be_named_in_a_config_file(tmp_path):
    (tmp_path / "a.toml").write_text('[model]\npath = "/nowhere"\n[video]\nsteps = 7\n')
    from matrix_train.analysis.config import load

    config = load(str(tmp_path / "a.toml"), ("video.steps=9",))
    assert (config.model.path, config.video.steps) == ("/nowhere", 9)
    result = analyze(tmp_path / "b.toml", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "there is no such config file" in result.output
