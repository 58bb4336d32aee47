"""A perfect model, which shows its first frame for ever, through the source of pipelines: masks must still meet their things."""

import inspect
import json

import diffusers
import numpy as np
import pytest
from click.testing import CliRunner
from diffusers import CogVideoXImageToVideoPipeline
from diffusers.video_processor import VideoProcessor

from intergeneval import bench
from intergeneval import masks as rle
from intergeneval.cli import main
from intergeneval.errors import ConfigError
from intergeneval.records import Tracks
from intergeneval.sources import diffusers as source_module
from intergeneval.videos import Reader, write_video
from tests.models import checkpoints
from tests.shaped_things import SHAPES, benchmark, worst

MODELS = {
    "CogVideoX": ("CogVideoXImageToVideoPipeline", {"sample_height": 60, "sample_width": 90}, (480, 720), 8.0),
    "CogVideoX 1.5": (
        "CogVideoXImageToVideoPipeline",
        {"sample_height": 96, "sample_width": 170, "patch_size_t": 2},
        (768, 1360),
        16.0,
    ),
    "Wan": ("WanImageToVideoPipeline", {}, (480, 832), 16.0),
    "HunyuanVideo": ("HunyuanVideoImageToVideoPipeline", {}, (720, 1280), 24.0),
}
"""Name -> class, config of the transformer, default size and rate of the published models."""


class Mirror:
    """A pipeline's way with a picture and nothing else: the processor of diffusers on the way in and on the way out."""

    transformer = None

    def __init__(self, size):
        self.size = size

    def __call__(self, image, num_frames, height=None, width=None, **_):
        processor = VideoProcessor(vae_scale_factor=8)
        pixels = processor.preprocess(image, height=height or self.size[0], width=width or self.size[1])
        video = pixels[:, :, None].repeat(1, 1, num_frames, 1, 1)
        return type("Output", (), {"frames": processor.postprocess_video(video, output_type="np")})()


def folder_of(root, kind, **index):
    (root / "transformer").mkdir(parents=True)
    (root / "model_index.json").write_text(
        json.dumps({"_class_name": MODELS[kind][0], "transformer": ["diffusers", "T"], **index})
    )
    (root / "transformer" / "config.json").write_text(json.dumps(MODELS[kind][1]))
    return root


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_perfect_model_keeps_things_under_their_masks_whatever_the_shapes(shape, kind, tmp_path, monkeypatch):
    masks = benchmark(tmp_path / "bench", SHAPES[shape])
    found = bench.load(str(tmp_path / "bench"))
    source = source_module.create(str(folder_of(tmp_path / "model", kind)), {"frames": 9})
    source.attach(found.root)
    monkeypatch.setattr(source._pipeline, "get", lambda: Mirror(MODELS[kind][2]))
    video = source.video(found.samples[0], 0)
    write_video(tmp_path / "video.mp4", video.frames(), video.fps)
    reader = Reader(tmp_path / "video.mp4", size=found.samples[0].size, keep=False)
    *_, last = reader
    assert (reader.source_size, video.fps) == MODELS[kind][2:]
    assert worst(masks, last) >= 0.95


class Perfect(CogVideoXImageToVideoPipeline):
    """CogVideoX whose weights do not matter: what it decodes is the picture that it encoded."""

    def prepare_latents(self, image, *given, **more):
        self.seen = image
        return super().prepare_latents(image, *given, **more)

    def decode_latents(self, latents):
        return self.seen[:, :, None].repeat(1, 1, 4 * (latents.shape[1] - 1) + 1, 1, 1)


@pytest.mark.parametrize(("shape", "fit"), [("16:9", "crop"), ("3:2", "crop"), ("1:1", "crop"), ("1:1", "scale")])
def test_a_run_tracks_every_thing_from_its_mask_and_records_what_the_model_was_given(shape, fit, tmp_path, monkeypatch):
    weights = checkpoints.cogvideox(tmp_path / "tiny")
    masks = benchmark(tmp_path / "bench", SHAPES[shape])
    monkeypatch.setattr(source_module.DiffusersSource, "_load", lambda _: Perfect.from_pretrained(weights))
    config = tmp_path / "run.toml"
    config.write_text(f'fit = "{fit}"\n[settings.diffusers]\nsteps = 1\nframes = 9\nheight = 320\nwidth = 480\n')
    command = ["run", "--model", str(weights), "--bench", str(tmp_path / "bench"), "--config", str(config)]
    out = tmp_path / "out"
    done = CliRunner().invoke(main, [*command, "--out", str(out)])
    assert done.exit_code in (0, 3), done.output
    tracks = Tracks.from_line((out / "tracks.jsonl").read_text().splitlines()[0], where="tracks")
    assert tracks.status == "ok", tracks.reason
    for name, mask in masks.items():
        last = rle.decode(tracks.track(name).masks[-1], tracks.size)
        # The tracker's outlines are a pixel of the small video wider than things are, which is 8 percent of the smallest.
        assert (last & mask).sum() / (last | mask).sum() >= 0.88, name
    *_, shown = Reader(out / "videos" / "things" / "0.mp4", size=SHAPES[shape], fit=fit, keep=False)
    assert worst(masks, shown) >= 0.95
    video, header = (json.loads((out / name).read_text().splitlines()[0]) for name in ("videos.jsonl", "run.json"))
    windows = {"16:9": [25, 0, 270, 480], "3:2": None, "1:1": [0, 80, 320, 320]}
    assert video.get("window") == (windows[shape] if fit == "crop" else None)
    assert ("geometry" in header) == (fit == "crop" and shape != "3:2")

    # The folder of videos is a model like any other, and comes out the same without knowing how it was made.
    (tmp_path / "plain.toml").write_text(f'fit = "{fit}"\n')
    again = ["run", "--model", str(out / "videos"), "--bench", str(tmp_path / "bench"), "--out", str(tmp_path / "again")]
    again += ["--config", str(tmp_path / "plain.toml")]
    assert CliRunner().invoke(main, again).exit_code in (0, 3)
    assert (tmp_path / "again" / "tracks.jsonl").read_text() == (out / "tracks.jsonl").read_text()


def test_a_run_that_stretched_its_first_frames_is_not_gone_on_with_and_one_of_the_same_shape_is(tmp_path, monkeypatch):
    weights = checkpoints.cogvideox(tmp_path / "tiny")
    monkeypatch.setattr(source_module.DiffusersSource, "_load", lambda _: Perfect.from_pretrained(weights))
    config = tmp_path / "run.toml"
    config.write_text('fit = "crop"\n[settings.diffusers]\nsteps = 1\nframes = 9\nheight = 64\nwidth = 96\n')
    for shape in ("3:2", "1:1"):
        folder = tmp_path / shape.replace(":", "-")
        benchmark(folder / "bench", SHAPES[shape])
        command = ["run", "--model", str(weights), "--bench", str(folder / "bench"), "--config", str(config)]
        command += ["--out", str(folder / "out")]
        with monkeypatch.context() as before:
            # As older versions were: no source said anything of its geometry.
            before.setattr("intergeneval.run.plan.Plan._geometry", lambda _: "")
            assert CliRunner().invoke(main, command).exit_code in (0, 3)
        done = CliRunner().invoke(main, command)
        if shape == "3:2":
            assert done.exit_code in (0, 3), done.output
        else:
            assert done.exit_code == 2
            assert "stretched where they have another there, first frames as 64x64 in the middle of 96x64" in done.output


@pytest.mark.parametrize("kind", MODELS)
def test_the_default_sizes_of_the_table_are_those_of_the_pipelines(kind, tmp_path):
    source = source_module.create(str(folder_of(tmp_path / "model", kind)), {})
    assert source._size == MODELS[kind][2]


def test_the_table_names_pipelines_that_there_are_with_their_own_sizes_and_rates():
    from intergeneval.plugins.video_models import RATES, TABLE

    assert all(hasattr(diffusers, name) for name in RATES)
    for row in TABLE:
        for name in row.pipelines:
            taken = inspect.signature(getattr(diffusers, name).__call__).parameters
            told = tuple(taken[side].default for side in ("height", "width"))
            assert told in ((None, None), row.size) or name == "ConsisIDPipeline", name
            assert not row.told or taken[row.told].default == row.rate


@pytest.mark.parametrize(
    ("kind", "index", "rate"), [("Wan", {}, 16.0), ("Wan", {"expand_timesteps": True}, 24.0), ("CogVideoX 1.5", {}, 16.0)]
)
def test_the_rate_comes_from_the_files_and_leaves_the_hash_where_it_was_right(kind, index, rate, tmp_path):
    source = source_module.create(str(folder_of(tmp_path / "model", kind, **index)), {"frames": 9})
    assert source._rate == rate
    former = {"Wan": 16.0, "CogVideoX 1.5": 8.0}[kind]
    assert source.describe().get("rate") == (None if rate == former else rate)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (
            "WanImageToVideoPipeline",
            {"frames": 82},
            "frames is 82, and Wan 2.1, Wan 2.2 A14B would give 81 frames; .* set 81 or 85",
        ),
        ("CogVideoXPipeline", {"frames": 13}, "frames is 13, and CogVideoX would give 16 frames"),
        ("LTXImageToVideoPipeline", {"frames": 97, "height": 500}, "height and width are 500 and 704, .* set 512 and 704"),
        ("AnimateDiffPipeline", {}, r"how many frames a second a AnimateDiffPipeline makes is not known; set fps"),
        ("StableVideoDiffusionPipeline", {}, "takes no prompt"),
    ],
)
def test_what_a_model_would_change_or_nobody_knows_is_refused_before_it_is_loaded(name, settings, message, tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": name}))
    with pytest.raises(ConfigError, match=message):
        source_module.create(str(tmp_path), settings)


def test_a_pipeline_that_is_told_a_rate_is_told_the_one_that_is_written(tmp_path, monkeypatch):
    benchmark(tmp_path / "bench", (512, 704))
    found = bench.load(str(tmp_path / "bench"))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text('{"_class_name": "LTXImageToVideoPipeline"}')
    seen = {}
    for settings, rate, told in (({}, 25.0, None), ({"fps": 12}, 12.0, 12.0)):
        source = source_module.create(str(tmp_path / "model"), {"frames": 9, **settings})
        source.attach(found.root)
        mirror = Mirror((512, 704))
        monkeypatch.setattr(source._pipeline, "get", lambda mirror=mirror: lambda **given: seen.update(given) or mirror(**given))
        seen.clear()
        video = source.video(found.samples[0], 0)
        assert np.stack(list(video.frames())).shape == (9, 512, 704, 3)
        assert (video.fps, seen.get("frame_rate")) == (rate, told)


def test_a_video_of_another_size_or_length_than_was_told_is_refused_with_both(tmp_path, monkeypatch):
    benchmark(tmp_path / "bench", (512, 704))
    found = bench.load(str(tmp_path / "bench"))
    source = source_module.create(str(folder_of(tmp_path / "model", "Wan")), {"frames": 9, "height": 512, "width": 704})
    source.attach(found.root)
    for shape, message in (((9, 512, 688, 3), "688x512 where 704x512 was to come"), ((8, 512, 704, 3), "gave 8 frames where 9")):
        made = type("Output", (), {"frames": [np.zeros(shape)]})()
        monkeypatch.setattr(source._pipeline, "get", lambda made=made: lambda **_: made)
        with pytest.raises(source_module.BackendError, match=message):
            list(source.video(found.samples[0], 0).frames())
