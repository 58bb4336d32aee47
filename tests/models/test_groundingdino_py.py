"""The ``groundingdino_py`` detector: the package's own classes, tiny random weights in a file of its form."""

import pytest
import torch
from click.testing import CliRunner
from transformers import BertModel

from intergeneval.cli import main
from intergeneval.detectors import DetectRequest, groundingdino_py
from intergeneval.errors import BackendError, ConfigError
from tests.models import checkpoints, scenes

LOW = {"box_threshold": 0.1, "text_threshold": 0.1}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return checkpoints.groundingdino_package(tmp_path_factory.mktemp("weights"))


def request(count=2, classes=("man", "coffee mug")):
    given = scenes.request([], scenes.masks(1))
    return DetectRequest(sample=given.sample, video=given.video, frames=dict(enumerate(scenes.frames(count))), classes=classes)


def test_boxes_lie_in_the_frame_and_belong_to_asked_classes_whatever_the_batch(package):
    place, settings = package
    one, two = (groundingdino_py.create(str(place), {**settings, **LOW, "batch": batch}).detect(request()) for batch in (1, 2))
    items = [item for frame in one.found for item in frame]
    assert items
    for item in items:
        assert item.class_ in ("man", "coffee mug")
        x0, y0, x1, y1 = item.box
        assert 0 <= x0 < x1 <= scenes.SIZE[1]
        assert 0 <= y0 < y1 <= scenes.SIZE[0]
    for first, second in zip(one.found, two.found, strict=True):
        assert [item.score for item in first] == pytest.approx([item.score for item in second], abs=1e-4)


def test_the_text_is_read_as_the_library_reads_it_under_the_same_mask(package):
    _, settings = package
    bert = BertModel.from_pretrained(settings["text_encoder"]).eval()
    ids = torch.tensor([[101, 1031, 1012, 1032, 1033, 1012, 102]])
    mask = torch.eye(7, dtype=torch.bool)[None]
    mask[0, 1:3, 1:3] = mask[0, 3:6, 3:6] = True
    places, kinds = torch.tensor([[0, 0, 1, 0, 1, 2, 0]]), torch.zeros_like(ids)
    with torch.inference_mode():
        mine = groundingdino_py.TextEncoder(bert)(ids, mask, kinds, places)["last_hidden_state"]
        theirs = bert(ids, attention_mask=mask[:, None], token_type_ids=kinds, position_ids=places).last_hidden_state
        unmasked = bert(ids, token_type_ids=kinds, position_ids=places).last_hidden_state
    assert torch.allclose(mine, theirs, atol=1e-5)
    assert not torch.allclose(mine, unmasked, atol=1e-3)


def written(settings, config):
    overrides = "\n".join(f"{name} = {value}" for name, value in settings["overrides"].items())
    config.write_text(
        f'[settings.groundingdino_py]\nside = 64\ntext_encoder = "{settings["text_encoder"]}"\n'
        f"[settings.groundingdino_py.overrides]\n{overrides}\n"
    )
    return config


def test_doctor_tries_it_with_its_settings(package, tmp_path):
    place, settings = package
    config = written(settings, tmp_path / "run.toml")
    done = CliRunner().invoke(main, ["doctor", "--detector", f"groundingdino_py:{place}", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "looked at one frame" in done.stdout


def test_a_run_assesses_emergence_with_it(package, tmp_path):
    place, settings = package
    config = written(settings, tmp_path / "run.toml")
    command = ["run", "--model", "bench:clips", "--samples", "juggle", "--detector", f"groundingdino_py:{place}"]
    done = CliRunner().invoke(main, [*command, "--config", str(config), "--json", "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("{")  # the package prints as it builds, and must not do so among the results


def test_what_cannot_be_used_is_named(package, tmp_path):
    place, settings = package
    with pytest.raises(ConfigError, match="say which checkpoint file"):
        groundingdino_py.create("", {})
    other = tmp_path / "mine.pth"
    other.write_bytes(place.read_bytes())
    with pytest.raises(ConfigError, match="'mine' does not tell its configuration"):
        groundingdino_py.create(str(other), settings)
    with pytest.raises(ConfigError, match=r"config '/tmp/evil.py' is none of"):
        groundingdino_py.create(str(other), {**settings, "config": "/tmp/evil.py"})
    with pytest.raises(ConfigError, match="overrides names 'hiden_dim'"):
        groundingdino_py.create(str(place), {**settings, "overrides": {"hiden_dim": 1}})
    deeper = {**settings, "overrides": {**settings["overrides"], "enc_layers": 2}}
    with pytest.raises(BackendError, match="parts are missing"):
        groundingdino_py.create(str(place), deeper).detect(request(1))
