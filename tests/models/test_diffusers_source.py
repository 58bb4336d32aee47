"""Generating videos with a tiny random CogVideoX pipeline, loaded from disk as any other pipeline is."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.cli import main
from intergeneval.errors import ConfigError
from intergeneval.sources import diffusers as source_module
from intergeneval.sources.diffusers import Generation, noise_seed
from tests.models import checkpoints

SETTINGS = {"steps": 1, "height": 64, "width": 96, "frames": 9}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return checkpoints.cogvideox(tmp_path_factory.mktemp("weights") / "tiny-cogvideox")


@pytest.fixture
def source(pipeline):
    made = source_module.create(str(pipeline), SETTINGS)
    made.attach(bench.load("clips").root)
    return made


def config(folder, **settings):
    place = folder / "run.toml"
    lines = "\n".join(f"{name} = {value}" for name, value in {**SETTINGS, **settings}.items())
    place.write_text(f"[settings.diffusers]\n{lines}\n")
    return str(place)


def test_one_seed_gives_one_video_and_another_seed_or_sample_gives_another(source):
    coffee, juggle = bench.load("clips").samples
    first, again, other, elsewhere = (
        np.stack(list(source.video(sample, seed).frames()))
        for sample, seed in ((coffee, 0), (coffee, 0), (coffee, 1), (juggle, 0))
    )
    assert first.shape == (9, 64, 96, 3)
    assert (first == again).all()
    assert (first != other).any()
    assert (first != elsewhere).any()
    assert noise_seed("coffee", 0) != noise_seed("juggle", 0)


def test_the_first_frame_decides_an_image_to_video_result(source, monkeypatch):
    coffee = bench.load("clips").samples[0]
    first = np.stack(list(source.video(coffee, 0).frames()))
    other_frame = source._root / bench.load("clips").samples[1].image
    monkeypatch.setattr(source, "_first_frame", lambda _: other_frame)
    assert (np.stack(list(source.video(coffee, 0).frames())) != first).any()


def test_a_run_generates_scores_and_never_generates_again(pipeline, tmp_path, monkeypatch):
    out = tmp_path / "run"
    arguments = ["run", "--model", str(pipeline), "--bench", "clips", "--samples", "juggle", "--seeds", "0,3", "--out", str(out)]
    arguments += ["--config", config(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    # A whole run; what random weights paint begins with another picture than the benchmark's, and nobody scores that.
    assert done.exit_code == 3, done.output
    videos = [json.loads(line) for line in (out / "videos.jsonl").read_text().splitlines()]
    assert {(item["seed"], item["frames"], item["fps"], item["status"]) for item in videos} == {
        (0, 9, 8.0, "foreign_first_frame"),
        (3, 9, 8.0, "foreign_first_frame"),
    }
    assert len({item["sha256"] for item in videos}) == 2
    scores = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    assert [(item["seed"], item["status"], item["if"]) for item in scores] == [
        (0, "foreign_first_frame", None),
        (3, "foreign_first_frame", None),
    ]

    lines = [json.loads(line) for line in (out / "videos" / "manifest.jsonl").read_text().splitlines()]
    assert lines[0]["settings"]["diffusers"] == SETTINGS
    assert {(item["seed"], item["path"], item["sha256"]) for item in lines[1:]} == {
        (item["seed"], f"juggle/{item['seed']}.mp4", item["sha256"]) for item in videos
    }
    again = ["run", "--model", str(out / "videos"), "--samples", "juggle", "--out", str(tmp_path / "again")]
    assert CliRunner().invoke(main, again).exit_code == 3
    read = [json.loads(line) for line in (tmp_path / "again" / "videos.jsonl").read_text().splitlines()]
    assert {(item["seed"], item["sha256"], item["status"]) for item in read} == {
        (item["seed"], item["sha256"], "foreign_first_frame") for item in videos
    }

    def never(*_):
        raise AssertionError("generated again")

    monkeypatch.setattr(source_module.DiffusersSource, "_generate", never)
    before = (out / "scores.jsonl").read_bytes()
    assert CliRunner().invoke(main, arguments).exit_code == 3
    assert (out / "scores.jsonl").read_bytes() == before


def test_a_killed_run_goes_on_with_the_videos_it_lacks_and_ends_with_the_same_bytes(pipeline, tmp_path, monkeypatch):
    settings = config(tmp_path, seeds=2)

    def run(out):
        command = [
            "run",
            "--model",
            str(pipeline),
            "--bench",
            "clips",
            "--samples",
            "juggle",
            "--out",
            str(out),
            "--config",
            settings,
        ]
        return CliRunner().invoke(main, command)

    assert run(tmp_path / "whole").exit_code == 3
    generate, made = source_module.DiffusersSource._generate, []

    def stops_after_one(self, sample, seed, image):
        if made:
            raise KeyboardInterrupt
        made.append(seed)
        return generate(self, sample, seed, image)

    monkeypatch.setattr(source_module.DiffusersSource, "_generate", stops_after_one)
    assert run(tmp_path / "parts").exit_code == 130
    monkeypatch.setattr(source_module.DiffusersSource, "_generate", lambda *given: made.append(given[2]) or generate(*given))
    assert run(tmp_path / "parts").exit_code == 3
    assert made == [0, 1]
    assert (tmp_path / "parts" / "scores.jsonl").read_bytes() == (tmp_path / "whole" / "scores.jsonl").read_bytes()


def test_a_text_to_video_pipeline_needs_no_first_frame(tmp_path):
    folder = checkpoints.cogvideox(tmp_path / "tiny-text", image=False)
    source = source_module.create(str(folder), SETTINGS)
    frames = list(source.video(bench.load("clips").samples[0], 0).frames())
    assert len(frames) == 9
    assert frames[0].std() > 0


def test_a_video_with_pixels_that_are_not_numbers_is_a_failure_not_a_video(source, monkeypatch):
    broken = type("Broken", (), {"__call__": lambda self, **_: type("Out", (), {"frames": [np.full((2, 8, 8, 3), np.nan)]})})()
    monkeypatch.setattr(source._pipeline, "get", lambda: broken)
    with pytest.raises(source_module.BackendError, match="pixels that are not numbers"):
        list(source.video(bench.load("clips").samples[0], 0).frames())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step": 3}, "has no setting 'step'"),
        ({"frames": 1}, "frames is 1"),
        ({"fps": 0}, "fps is 0"),
        ({"steps": "9"}, "steps is '9'"),
    ],
)
def test_settings_that_cannot_be_used_are_named(pipeline, settings, message):
    with pytest.raises(ConfigError, match=message):
        source_module.create(str(pipeline), settings)


@pytest.mark.parametrize(
    ("index", "message"), [('{"_class_name": "MyOwnPipeline"}', "names the pipeline 'MyOwnPipeline'"), ("{", "does not say")]
)
def test_a_folder_that_brings_its_own_code_or_no_index_is_refused(tmp_path, index, message):
    (tmp_path / "model_index.json").write_text(index)
    with pytest.raises(ConfigError, match=message):
        source_module.create(str(tmp_path), {})


def test_an_image_pipeline_is_refused(tmp_path):
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    with pytest.raises(ConfigError, match="makes no videos"):
        source_module.create(str(tmp_path), {})


def test_generation_says_what_decides_a_video(source):
    assert Generation(**SETTINGS).arguments() == {"num_inference_steps": 1, "height": 64, "width": 96, "num_frames": 9}
    assert source.describe()["weights"].startswith("tiny-cogvideox@")
