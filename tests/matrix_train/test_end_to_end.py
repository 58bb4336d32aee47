"""The commands of docs/training.md, as a user types them, from clips to a score, on each backbone."""

import json

import pytest
import tiny_pipeline
from click.testing import CliRunner

from intergeneval.cli import main as intergeneval
from intergeneval.videos import Reader
from matrix_train.cli import main as matrix_train

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
SMALL = (
    "data.frames=9", "data.height=64", "data.width=64",
    "lora.rank=4", "lora.alpha=2", "lora.layers=[1,2]", "layers.v2t=[1]", "layers.v2v=[2]", "decoder.widths=[4,4,4]",
    "decoder.scale=2", "train.steps=1", "train.validate_every=1",
)  # fmt: skip
"""The recipe `matrix` at the size of the tiny pipelines; everything else stays as the recipe has it."""


def succeed(command, *arguments):
    found = CliRunner().invoke(command, [str(item) for item in arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_pipeline.dataset(tmp_path_factory.mktemp("clips") / "data", clips=2)


@pytest.mark.parametrize("name", ["cogvideox", "wan", "hunyuan", "hunyuan-concat"])
def test_a_user_gets_from_clips_to_a_score_by_the_commands_of_the_docs(tmp_path, data, name):
    base, bench = tiny_pipeline.pipeline(tmp_path / "base", name), tiny_pipeline.benchmark(tmp_path / "bench")
    assert "2 of 2 clips can be trained on" in succeed(matrix_train, "check", data, "--frames", 9, "--model", base)
    small = [item for value in SMALL for item in ("--set", value)]
    place = ["--set", f"model.path={base}", "--set", f"data.path={data}", "--set", f"data.cache={tmp_path / 'cache'}"]
    succeed(matrix_train, "fit", "matrix", "--out", tmp_path / "runs" / "matrix", *place, *small)
    adapter = tmp_path / "runs" / "matrix" / "adapter"
    masks = ["--mask", bench / "one.png", "--mask", bench / "two.png"]
    drawn = ["--prompt", tiny_pipeline.CAPTIONS[0], "--out", tmp_path / "video.mp4", "--steps", 2]
    assert "9 frames" in succeed(matrix_train, "sample", adapter, "--image", bench / "first.png", *masks, *drawn)
    (tmp_path / "run.toml").write_text("[settings.matrix]\nsteps = 2\n")
    where = ["--out", tmp_path / "scored", "--config", tmp_path / "run.toml", "--workers", 1, "--json"]
    run = CliRunner().invoke(intergeneval, ["run", "--model", str(adapter), "--bench", str(bench), *map(str, where)])
    scored = json.loads(run.stdout)
    (item,) = scored["samples"]
    assert (scored["model"], item["sample_id"]) == ("matrix", "s1")
    # What random weights make is another picture from the first frame on: the video is there and whole, and the score says so.
    assert (item["status"], run.exit_code) == ("foreign_first_frame", 3), item
    assert "first frame" in item["reason"]
    assert sum(1 for _ in Reader(tmp_path / "scored" / "videos" / "s1" / "0.mp4")) == 9
