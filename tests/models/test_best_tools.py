"""Which backends a run, a build and the page take where nobody says: those whose weights are here or can be had."""

from pathlib import Path

import huggingface_hub.constants
import pytest
from click.testing import CliRunner

from intergeneval.build.config import BuildConfig
from intergeneval.build.tools import best_tools, with_best_tools
from intergeneval.cli import main
from tests.build.prompted_videos import CHASE, videos


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    """Packages of learned models without their weights, and a model hub that cannot be reached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("intergeneval.build.tools._NEEDED", ("huggingface_hub",))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return lambda name, value: monkeypatch.setattr(huggingface_hub.constants, name, value)


@pytest.mark.parametrize("offline", [True, False])
def test_where_weights_are_neither_here_nor_to_be_had_the_ways_out_are_named_at_once(offline, no_weights):
    no_weights("HF_HUB_OFFLINE", offline)
    no_weights("HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}")
    videos(Path("model"), f"{CHASE}-0.mp4")
    done = CliRunner().invoke(main, ["run", "--model", "model", "--prompts", "names"])
    assert done.exit_code == 2
    assert "draw them:        intergeneval annotate model --prompts names" in done.output
    assert "IDEA-Research/grounding-dino-base and facebook/sam2.1-hiera-large are not, and cannot be fetched" in done.output
    assert "--detector grounding_dino:DIR --tracker hf:DIR" in done.output
    assert "pip install" not in done.output
    assert ("HF_HUB_OFFLINE is set" in done.output) is offline
    # The page cuts boxes out with what is there, by the same rule, and so does a build.
    assert best_tools().tracker == "flow"
    assert with_best_tools(BuildConfig(source="x", out="y")).detector == "none"


def test_weights_in_the_cache_are_taken_without_asking_anybody_each_backend_by_itself(no_weights, tmp_path):
    no_weights("HF_HUB_OFFLINE", True)
    folder = tmp_path / "cache" / "models--facebook--sam2.1-hiera-large"
    (folder / "snapshots" / "a1").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("a1")
    for name in ("config.json", "model.safetensors"):
        (folder / "snapshots" / "a1" / name).write_text("{}")
    assert (best_tools().detector, best_tools().tracker) == ("none", "hf")
