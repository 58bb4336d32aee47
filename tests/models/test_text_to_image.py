"""First frames painted by tiny random text-to-image pipelines of diffusers, loaded from disk as any other pipeline is."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.cli import main
from intergeneval.errors import BackendError, ConfigError
from intergeneval.sources import text_to_image
from tests.build import workshop
from tests.fakes.chat_server import ChatServer, reply
from tests.models import checkpoints, pictures

QUICK = {"steps": 2, "height": pictures.SIDE, "width": pictures.SIDE}
TEXT = "Two goats stand in a yard, one white and one brown."
PAIRS = 12


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def folder(weights):
    return pictures.stable_diffusion(weights / "tiny-sd")


@pytest.mark.parametrize("make", [pictures.stable_diffusion, pictures.pixart], ids=["unet-clip", "transformer-t5"])
def test_a_text_and_a_seed_give_one_picture_and_another_text_or_seed_gives_another(make, weights):
    painter = text_to_image.create(str(make(weights / f"one-{make.__name__}")), QUICK)
    first = painter.paint(TEXT, 0)
    assert (first.shape, first.dtype) == ((pictures.SIDE, pictures.SIDE, 3), np.uint8)
    assert first.std() > 0
    painter.close()
    assert (painter.paint(TEXT, 0) == first).all()
    assert (painter.paint(TEXT, 1) != first).any()
    assert (painter.paint("Three geese sit on a roof.", 0) != first).any()


def test_a_pipeline_that_changes_pictures_paints_by_its_sibling_for_text(folder, weights):
    other = pictures.stable_diffusion(weights / "tiny-sd-image", from_image=True)
    assert json.loads((other / "model_index.json").read_text())["_class_name"] == "StableDiffusionImg2ImgPipeline"
    painted = [text_to_image.create(str(place), QUICK).paint(TEXT, 0) for place in (folder, other)]
    assert (painted[0] == painted[1]).all()


def test_what_decides_a_picture_is_told_and_where_it_is_painted_is_not(folder):
    plain = text_to_image.create(str(folder), QUICK)
    assert plain.id.startswith("diffusers:tiny-sd@")
    assert plain.describe() != text_to_image.create(str(folder), {**QUICK, "steps": 3}).describe()
    assert plain.describe() != text_to_image.create(str(folder), {**QUICK, "arguments": {"eta": 0.5}}).describe()
    assert plain.describe() != text_to_image.create(str(folder), {**QUICK, "dtype": "float32"}).describe()
    assert plain.describe() == text_to_image.create(str(folder), {**QUICK, "device": "cpu", "offload": True}).describe()


def test_a_further_argument_of_the_pipeline_reaches_it(folder):
    plain, noisy = (text_to_image.create(str(folder), {**QUICK, "arguments": {"eta": eta}}) for eta in (0.0, 1.0))
    assert (plain.paint(TEXT, 0) != noisy.paint(TEXT, 0)).any()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"stepps": 3}, "has no setting 'stepps'; it knows arguments"),
        ({"steps": 0}, "steps is 0; it is a whole number from 1 to 1000"),
        ({"guidance": "high"}, "guidance is 'high'; it is a number"),
        ({"arguments": {"prompt": "x"}}, "arguments names 'prompt', which the build sets itself"),
        ({"arguments": {"brightness": 2}}, "StableDiffusionPipeline takes no brightness; leave that setting out"),
        ({"device": "cuda:99"}, "device 'cuda:99' is not there"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_before_anything_is_loaded(folder, settings, told):
    with pytest.raises(ConfigError, match=told):
        text_to_image.create(str(folder), settings)


def test_a_pipeline_that_makes_videos_and_a_folder_without_one_are_refused(weights, tmp_path):
    with pytest.raises(ConfigError, match="CogVideoXPipeline makes videos; give a text-to-image pipeline"):
        text_to_image.create(str(checkpoints.cogvideox(weights / "tiny-video", image=False)), {})
    with pytest.raises(ConfigError, match=r"holds no model_index\.json"):
        text_to_image.create(str(tmp_path), {})
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "QwenImageEditPipeline"}))
    with pytest.raises(ConfigError, match="changes pictures and paints none"):
        text_to_image.create(str(tmp_path), {})


def test_pixels_that_are_no_numbers_and_a_withheld_picture_are_no_picture(folder, monkeypatch):
    painter = text_to_image.create(str(folder), QUICK)
    pipeline = painter._pipeline.get()
    # What half precision gives where it overflows.
    pipeline.vae.decoder.conv_out.bias.data.fill_(float("nan"))
    with pytest.raises(BackendError, match="pixels that are not numbers; try dtype float32"):
        painter.paint(TEXT, 0)
    painter.close()
    checked = painter._pipeline.get()
    monkeypatch.setattr(checked, "run_safety_checker", lambda image, *_: (image, [True]))
    with pytest.raises(BackendError, match="withheld the picture of seed 4; try another seed"):
        painter.paint(TEXT, 4)


def test_weights_that_are_damaged_leave_every_sample_waiting_with_the_reason(folder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    place = next((broken / "unet").glob("*.safetensors"))
    place.write_bytes(place.read_bytes()[:100])
    write_pairs(tmp_path, 1)
    boxes = workshop.write_boxes(tmp_path / "boxes.jsonl", {})
    done = workshop.build(tmp_path, "--text-to-image", broken, "--detector", f"stored:{boxes}", "--tracker", "flow")
    assert done.exit_code == 3
    reasons = {(line["step"], line["pending"]) for line in workshop.lines(tmp_path / "bench/dropped.jsonl")}
    assert reasons == {("painting", True)}
    assert "the weights cannot be loaded" in done.output


def write_pairs(place, count):
    """The first pairs of whodoes, as a list without any picture."""
    rows = workshop.lines(Path(bench.load("whodoes").root) / "prompts.jsonl")[: 2 * count]
    workshop.write_list(place / "source", rows)
    return rows


def willing(asked):
    """A model that says yes to every crop."""
    assert asked.pictures
    return reply(json.dumps({"reason": "looked", "match": True}))


def test_twelve_pairs_of_whodoes_become_a_benchmark_of_first_frames_with_learned_models_and_a_run_takes_it(
    folder, weights, sam2_folder, tmp_path
):
    rows = write_pairs(tmp_path, PAIRS)
    dino = checkpoints.grounding_dino(weights / "tiny-dino")
    more = (
        "[settings.grounding_dino]\nbox_threshold = 0.0\ntext_threshold = 0.0\n"
        f"[settings.diffusers]\nsteps = 2\nheight = {2 * pictures.SIDE}\nwidth = {3 * pictures.SIDE}\n"
    )
    options = ("--text-to-image", folder, "--detector", f"grounding_dino:{dino}", "--tracker", f"hf:{sam2_folder}", "--json")
    with ChatServer(willing) as server:
        done = workshop.build(tmp_path, *options, server=server, more=more)
    result = json.loads(done.stdout)
    assert len(rows) == 2 * PAIRS
    assert result["painted"] == {row["id"]: 0 for row in rows}
    painted = list((tmp_path / "bench/build/painted").glob("*.png"))
    assert len(painted) == PAIRS
    # What random weights find is chance; whatever both twins of a pair come to, they come to alike.
    assert bench.check(tmp_path / "bench") == []
    made = bench.load(str(tmp_path / "bench"))
    assert len(made.samples) >= PAIRS
    frames = {}
    for sample in made.samples:
        frames.setdefault(sample.scene, []).append((made.root / sample.image).read_bytes())
    assert all(len(set(some)) == 1 for some in frames.values())
    report = bench.check_suite(made, made.suite or bench.Suite())
    assert report.twins == len(made.samples), [str(fault) for fault in report.faults]
    videos = tmp_path / "videos"
    first = made.samples[0].id
    workshop.write_clip(videos / f"{first}.mp4", frames=6)
    command = ["run", "--model", videos, "--bench", tmp_path / "bench", "--samples", first, "--out", tmp_path / "run"]
    ran = CliRunner().invoke(main, [str(part) for part in command])
    assert ran.exit_code in (0, 3), ran.output
    assert (tmp_path / "run/scores.jsonl").is_file()
