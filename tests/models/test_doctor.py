"""`intergeneval doctor` with weights: what is named is loaded and used once."""

import json

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from tests.models import checkpoints


def doctor(*arguments):
    done = CliRunner().invoke(main, ["doctor", "--json", *arguments])
    return done.exit_code, {(item["kind"], item["name"]): item for item in json.loads(done.stdout)}


def test_every_learned_backend_is_tried_with_its_weights(sam2_folder, tmp_path):
    dino = checkpoints.grounding_dino(tmp_path / "dino")
    vlm = checkpoints.qwen3_vl(tmp_path / "vlm")
    pipeline = checkpoints.cogvideox(tmp_path / "pipeline")
    specs = {
        "tracker": f"hf:{sam2_folder}",
        "detector": f"grounding_dino:{dino}",
        "judge": f"hf:{vlm}",
        "model": f"diffusers:{pipeline}",
    }
    code, found = doctor(*[part for name, spec in specs.items() for part in (f"--{name}", spec)])
    assert code == 0
    for name, spec in specs.items():
        item = found[{"model": "source"}.get(name, name), spec]
        assert item["ok"], item
        assert "GiB" in item["detail"]
    assert "followed an instance through 3 frames" in found["tracker", specs["tracker"]]["detail"]
    assert "made 9 frames" in found["source", specs["model"]]["detail"]


def test_the_sam2_package_and_sam_3_are_tried_with_their_settings(tmp_path):
    config = tmp_path / "run.toml"
    config.write_text(f"[settings.sam2]\noverrides = {checkpoints.SAM2_SMALL!r}\n")
    tracker = f"sam2:{checkpoints.sam2_package(tmp_path)}"
    detector = f"sam3:{checkpoints.sam3(tmp_path / 'tiny-sam3')}"
    code, found = doctor("--tracker", tracker, "--detector", detector, "--config", str(config))
    assert code == 0, found
    assert "followed an instance through 3 frames" in found["tracker", tracker]["detail"]
    assert "looked at one frame" in found["detector", detector]["detail"]


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_weights_that_do_not_load_are_told_with_exit_code_1(sam2_folder, tmp_path, damage):
    folder = tmp_path / "weights"
    if damage == "cut":
        folder.mkdir()
        for item in sam2_folder.iterdir():
            (folder / item.name).write_bytes(item.read_bytes()[: 2000 if item.suffix == ".safetensors" else None])
    code, found = doctor("--tracker", f"hf:{folder}")
    item = found["tracker", f"hf:{folder}"]
    assert code == 1
    assert not item["ok"]
    assert ("no file or folder" if damage == "missing" else "cannot be loaded") in item["detail"]


def test_without_weights_every_registered_backend_loads_here():
    code, found = doctor()
    assert code == 0
    for name in (
        ("tracker", "hf"),
        ("tracker", "sam2"),
        ("detector", "grounding_dino"),
        ("detector", "sam3"),
        ("source", "diffusers"),
        ("judge", "hf"),
    ):
        assert found[name]["ok"], found[name]
    assert found["device", "cpu"]["ok"]
