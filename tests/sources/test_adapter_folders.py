"""Folders that hold an adapter's weights are told from folders of videos, by the names of their tensors."""

import json

import numpy as np
import pytest

from intergeneval.config import RunConfig
from intergeneval.errors import UsageError
from intergeneval.plugins.adapters import adapter_in
from intergeneval.run.preflight import resolve

FORMS = {
    "peft": ("adapter_model.safetensors", "base_model.model.blocks.0.attn.to_q.lora_A.weight"),
    "diffusers": ("pytorch_lora_weights.safetensors", "transformer.blocks.0.attn.to_q.lora_A.weight"),
    "kohya": ("wan_lora.safetensors", "lora_unet_blocks_0_self_attn_q.lora_down.weight"),
}


def write(folder, form):
    file, name = FORMS[form]
    folder.mkdir()
    header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / file).write_bytes(len(header).to_bytes(8, "little") + header + np.zeros(1, np.float32).tobytes())
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_an_adapter_is_recognised_and_refused_with_the_way_to_score_it(tmp_path, form):
    folder = write(tmp_path / "adapter", form)
    assert adapter_in(folder).form == form
    with pytest.raises(UsageError, match=f"{form} form.*--set base="):
        resolve(RunConfig(model=str(folder), bench="clips"))


def test_a_folder_of_videos_or_of_other_weights_or_of_damage_is_no_adapter(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    assert adapter_in(tmp_path) is None
    folder = write(tmp_path / "both", "peft")
    (folder / "coffee.mp4").write_bytes(b"")
    assert resolve(RunConfig(model=str(folder), bench="clips"))[0].model.startswith("folder:")


def test_a_single_file_of_weights_is_refused_with_a_command_that_can_be_typed(tmp_path):
    folder = write(tmp_path / "my adapter", "kohya")
    file = folder / "wan_lora.safetensors"
    with pytest.raises(UsageError, match=f"--model 'lora:{file}' --set base="):
        resolve(RunConfig(model=str(file), bench="clips"))
    chosen, _ = resolve(RunConfig(model=str(file), bench="clips", settings={"lora": {"base": "somewhere"}}))
    assert chosen.model == f"lora:{file}"
