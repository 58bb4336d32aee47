"""A perfect model, which shows its first frame for ever, through the source of adapters and `matrix-train sample`."""

import json

import cv2
import numpy as np
import pytest
import tiny_pipeline
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.sources import GivesFirstFrames
from intergeneval.videos import Reader, write_video
from matrix_train.cli import main
from matrix_train.sample import generate
from matrix_train.sample.source import MatrixSource
from tests.shaped_things import SHAPES, benchmark, things, worst

SIZES = {"CogVideoXImageToVideoPipeline": (480, 720), "WanImageToVideoPipeline": (480, 832)}
SIZES["HunyuanVideoImageToVideoPipeline"] = (720, 1280)


class Still:
    """The first frame for ever; what else was given is kept."""

    def __init__(self, *_):
        self.masks = {}

    def frames(self, first, request, masks, *, seed):
        self.masks = {name: (mask, things(first)[name]) for name, mask in masks.items()}
        return np.repeat(first[None], 5, axis=0)


@pytest.mark.parametrize("fit", ["scale", "crop"])
@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_masks_meet_their_things_in_the_video_and_in_the_id_map_whatever_the_shapes(shape, kind, fit, tmp_path, monkeypatch):
    masks = benchmark(tmp_path / "bench", SHAPES[shape])
    found = bench.load(str(tmp_path / "bench"))
    for part in ("transformer", "vae"):
        (tmp_path / "model" / part).mkdir(parents=True)
        (tmp_path / "model" / part / "config.json").write_text('{"num_layers": 2}')
    (tmp_path / "model" / "model_index.json").write_text(json.dumps({"_class_name": kind}))
    size = SIZES[kind]
    source = MatrixSource(str(tmp_path / "model"), {"frames": 9, "height": size[0], "width": size[1]})
    assert isinstance(source, GivesFirstFrames)
    source.attach(found.root)
    source.give_by(fit)
    still = Still()
    monkeypatch.setattr(source._generator, "get", lambda: still)
    video = source.video(found.samples[0], 0)
    write_video(tmp_path / "video.mp4", video.frames(), video.fps)
    *_, last = Reader(tmp_path / "video.mp4", size=found.samples[0].size, fit=fit, keep=False)
    assert worst(masks, last) >= 0.95
    assert min((mask & thing).sum() / (mask | thing).sum() for mask, thing in still.masks.values()) >= 0.95


def test_a_sampled_video_has_the_shape_of_its_picture_and_the_rate_of_its_model(tmp_path, monkeypatch):
    folder = tiny_pipeline.wan(tmp_path / "tiny")
    benchmark(tmp_path / "bench", (360, 640))
    monkeypatch.setattr(generate, "Generator", Still)
    (tmp_path / "sample.toml").write_text("[sample]\nframes = 5\nheight = 160\nwidth = 256\n")
    command = ["sample", str(folder), "--image", str(tmp_path / "bench" / "first.png"), "--prompt", "a ball pushes a box"]
    command += ["--config", str(tmp_path / "sample.toml"), "--out", str(tmp_path / "video.mp4")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    reader = Reader(tmp_path / "video.mp4", keep=False)
    *_, last = reader
    assert (reader.size, reader.fps) == ((144, 256), 16.0)
    first = cv2.imread(str(tmp_path / "bench" / "first.png"))[..., ::-1]
    small = cv2.resize(first, (256, 144), interpolation=cv2.INTER_AREA)
    assert np.abs(last.astype(int) - small.astype(int)).mean() < 3
