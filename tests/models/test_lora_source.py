"""Adapters on a tiny random CogVideoX base: the forms that trainers write, put on their base and generated with."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from intergeneval import bench
from intergeneval.errors import BackendError, ConfigError
from intergeneval.sources import diffusers as source_module
from tests.models import checkpoints

SETTINGS = {"steps": 1, "height": 64, "width": 96, "frames": 9}
LAYER = "transformer_blocks.1.attn1.to_q"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return checkpoints.cogvideox(tmp_path_factory.mktemp("weights") / "tiny-cogvideox")


def adapter(folder, form):
    """Write one adapter of rank 4 in a form; every form holds the same numbers."""
    random = torch.Generator().manual_seed(0)
    down, up = torch.randn(4, 32, generator=random), torch.randn(32, 4, generator=random)
    folder.mkdir()
    if form == "peft":
        names = {f"base_model.model.{LAYER}.lora_A.weight": down, f"base_model.model.{LAYER}.lora_B.weight": up}
        save_file(names, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 4, "lora_alpha": 4}))
    else:
        names = {f"transformer.{LAYER}.lora_A.weight": down, f"transformer.{LAYER}.lora_B.weight": up}
        save_file(names, folder / "pytorch_lora_weights.safetensors")
    return folder


def frames(source):
    coffee = bench.load("clips").samples[0]
    source.attach(bench.load("clips").root)
    return np.stack(list(source.video(coffee, 0).frames()))


def test_one_adapter_in_two_forms_gives_one_video_that_is_not_the_bases(base, tmp_path):
    plain = frames(source_module.create(str(base), SETTINGS))
    settings = {**SETTINGS, "base": str(base)}
    made = [frames(source_module.create_lora(str(adapter(tmp_path / form, form)), settings)) for form in ("peft", "diffusers")]
    assert (made[0] == made[1]).all()
    assert (made[0] != plain).any()
    off = frames(source_module.create_lora(str(tmp_path / "peft"), {**settings, "scale": 0.0}))
    assert (off == plain).all()


def test_an_adapter_of_another_model_is_refused_in_one_sentence(base, tmp_path):
    place = tmp_path / "other"
    place.mkdir()
    other = "transformer.blocks.0.attn1.to_q"
    names = {f"{other}.lora_A.weight": torch.zeros(4, 32), f"{other}.lora_B.weight": torch.zeros(32, 4)}
    save_file(names, place / "pytorch_lora_weights.safetensors")
    source = source_module.create_lora(str(place), {**SETTINGS, "base": str(base)})
    with pytest.raises(BackendError, match=r"^lora: .*pytorch_lora_weights.safetensors") as caught:
        frames(source)
    assert "\n" not in str(caught.value)


def test_an_adapter_without_its_base_and_a_folder_without_one_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="--set base=PIPELINE"):
        source_module.create_lora(str(adapter(tmp_path / "peft", "peft")), SETTINGS)
    with pytest.raises(ConfigError, match="holds no LoRA weights"):
        source_module.create_lora(str(tmp_path), {"base": "x"})
