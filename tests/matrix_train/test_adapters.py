"""Adapter folders for those who load them: whole or refused, with a card, and as files of other tools and back."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import tiny_pipeline
import torch
from click.testing import CliRunner
from diffusers import CogVideoXImageToVideoPipeline, HunyuanVideoImageToVideoPipeline, WanImageToVideoPipeline
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import CHANNELS, shaken

from intergeneval.errors import ConfigError
from matrix_train import load_matrix
from matrix_train.backbones.loading import load_backbone, wrap
from matrix_train.cli import main
from matrix_train.config import ConditionConfig
from matrix_train.model import checkpoint
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.bring_back import bring_back
from matrix_train.model.export import export

CLASSES = {
    "cogvideox": CogVideoXImageToVideoPipeline,
    "wan": WanImageToVideoPipeline,
    "hunyuan": HunyuanVideoImageToVideoPipeline,
}
# diffusers fills the image branch of Wan with zero adapters, and peft remarks that the config does not list them.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:While injecting the PEFT adapters:RuntimeWarning"
)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Pipelines, and an adapter on each whose every tensor has moved, with an id map and without."""
    root = tmp_path_factory.mktemp("adapters")
    for name in CLASSES:
        tiny_pipeline.pipeline(root / name, name)
        for kind in ("palette", "none"):
            settings = tiny_pipeline.config(root / name, root / "data", condition=ConditionConfig(id_map=kind))
            model = shaken(AlignedModel(load_backbone(root / name, torch.float32), settings))
            checkpoint.save(model, root / f"{name}-{kind}", 7)
    return root


def pipeline_of(places, name):
    return CLASSES[name].from_pretrained(places / name)


def predicted(pipeline, name):
    """What a pipeline's transformer makes of fixed latents."""
    generator = torch.Generator().manual_seed(4)
    backbone = wrap(name, pipeline.transformer.eval(), pipeline.scheduler)
    condition = tiny_condition(name, generator)
    noisy = torch.randn(1, CHANNELS, 3, 8, 8, generator=generator)
    with torch.no_grad():
        return backbone.predict(noisy, torch.tensor([400.0]), condition)


def tiny_condition(name, generator):
    return tiny.condition("hunyuan-replace" if name == "hunyuan" else name, 1, generator, id_map=False)


def distance(one, other):
    return ((one - other).norm() / other.norm()).item()


@pytest.mark.parametrize("name", CLASSES)
def test_plain_diffusers_loads_the_whole_of_an_export(places, tmp_path, name):
    bare = predicted(pipeline_of(places, name), name)
    for kind in ("none", "palette"):
        ours = pipeline_of(places, name)
        adapted = load_matrix(ours, places / f"{name}-{kind}")
        if kind == "palette":
            adapted.id_map = None
        wanted = predicted(ours, name)
        export(places / f"{name}-{kind}", tmp_path / f"{kind}.safetensors", "diffusers", without_id_map=kind == "palette")
        plain = pipeline_of(places, name)
        plain.load_lora_weights(tmp_path, weight_name=f"{kind}.safetensors")
        error = distance(predicted(plain, name), wanted)
        print(f"\n{name}, id map {kind}: export through plain diffusers off by {error:.1e}")
        assert error < 1e-5
        assert distance(wanted, bare) > 100 * error


def test_a_fresh_process_without_this_package_loads_an_export(places, tmp_path):
    export(places / "cogvideox-palette", tmp_path / "a.safetensors", "diffusers", without_id_map=True)
    ours = pipeline_of(places, "cogvideox")
    load_matrix(ours, places / "cogvideox-palette").id_map = None
    with torch.no_grad():
        wanted = ours.transformer(**inputs(), return_dict=False)[0]
    script = tmp_path / "plain.py"
    script.write_text(PLAIN)
    done = subprocess.run(
        [sys.executable, "-P", str(script), str(places / "cogvideox"), str(tmp_path)],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, cwd="/",
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert distance(torch.from_numpy(np.load(tmp_path / "out.npy")), wanted) < 1e-5


PLAIN = """
import sys, numpy, torch
from diffusers import CogVideoXImageToVideoPipeline
assert "matrix_train" not in sys.modules
pipeline = CogVideoXImageToVideoPipeline.from_pretrained(sys.argv[1])
pipeline.load_lora_weights(sys.argv[2], weight_name="a.safetensors")
draw = torch.Generator().manual_seed(2)
with torch.no_grad():
    out = pipeline.transformer(
        hidden_states=torch.randn(1, 3, 8, 8, 8, generator=draw),
        encoder_hidden_states=torch.randn(1, 40, 12, generator=draw),
        timestep=torch.tensor([300]), return_dict=False,
        image_rotary_emb=(torch.ones(48, 16), torch.zeros(48, 16)),
    )[0]
numpy.save(sys.argv[2] + "/out.npy", out.numpy())
"""


def inputs():
    draw = torch.Generator().manual_seed(2)
    return {
        "hidden_states": torch.randn(1, 3, 8, 8, 8, generator=draw),
        "encoder_hidden_states": torch.randn(1, 40, 12, generator=draw),
        "timestep": torch.tensor([300]),
        "image_rotary_emb": (torch.ones(48, 16), torch.zeros(48, 16)),
    }


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("kind", ["diffusers", "kohya", "comfyui"])
def test_an_export_brought_back_is_the_adapter_that_it_was(places, tmp_path, name, kind):
    folder, file = places / f"{name}-none", tmp_path / "a.safetensors"
    assert export(folder, file, kind) == []
    info = bring_back(file, tmp_path / "back")
    assert info == checkpoint.read_info(folder)
    one, other = (load_file(path / checkpoint.LORA) for path in (folder, tmp_path / "back"))
    assert set(one) == set(other)
    assert all(torch.allclose(one[key], other[key], atol=1e-6) for key in one)
    ours, theirs = pipeline_of(places, name), pipeline_of(places, name)
    load_matrix(ours, folder)
    load_matrix(theirs, tmp_path / "back")
    assert distance(predicted(theirs, name), predicted(ours, name)) < 1e-5


def test_what_is_brought_back_from_a_file_that_says_nothing_of_us_needs_its_base_told(places, tmp_path):
    file = tmp_path / "a.safetensors"
    export(places / "hunyuan-none", file, "comfyui")
    save_file(load_file(file), str(tmp_path / "bare.safetensors"))
    with pytest.raises(ConfigError, match="does not say which base it is for; give it with --base"):
        bring_back(tmp_path / "bare.safetensors", tmp_path / "back")
    with pytest.raises(ConfigError, match="give --frames, --height and --width"):
        bring_back(tmp_path / "bare.safetensors", tmp_path / "back", base=str(places / "hunyuan"))
    bring_back(tmp_path / "bare.safetensors", tmp_path / "back", base=str(places / "hunyuan"), frames=9, size=(64, 64))
    ours, theirs = pipeline_of(places, "hunyuan"), pipeline_of(places, "hunyuan")
    load_matrix(ours, places / "hunyuan-none")
    load_matrix(theirs, tmp_path / "back")
    assert distance(predicted(theirs, "hunyuan"), predicted(ours, "hunyuan")) < 1e-5


@pytest.mark.parametrize(("name", "kind"), [("wan", "comfyui"), ("hunyuan", "comfyui")])
def test_diffusers_own_converters_read_the_names_of_the_models_makers(places, tmp_path, name, kind):
    """A second reader of those names, written by others."""
    export(places / f"{name}-none", tmp_path / "a.safetensors", kind)
    if name == "wan":
        # Its converter wants every block between the first and the last.
        tensors = load_file(tmp_path / "a.safetensors")
        assert {key.split(".")[2] for key in tensors} == {"1", "2"}
        assert {key.split(".")[3] for key in tensors} == {"self_attn", "cross_attn"}
    from diffusers.loaders import lora_conversion_utils as theirs

    read = {
        "wan": theirs._convert_non_diffusers_wan_lora_to_diffusers,
        "hunyuan": theirs._convert_hunyuan_video_lora_to_diffusers,
    }[name]
    tensors = {key: item for key, item in load_file(tmp_path / "a.safetensors").items() if "single_blocks" not in key}
    found = read(tensors)
    own = {key: item for key, item in load_file(places / f"{name}-none" / checkpoint.LORA).items() if "single" not in key}
    for module in {key.rsplit(".", 2)[0] for key in own}:
        change = found[f"{module}.lora_B.weight"] @ found[f"{module}.lora_A.weight"]
        assert torch.allclose(change, 0.5 * own[f"{module}.lora_B.weight"] @ own[f"{module}.lora_A.weight"], atol=1e-6)


def test_an_id_map_and_a_bias_are_refused_with_the_reason_where_a_format_has_no_place_for_them(places, tmp_path):
    with pytest.raises(ConfigError, match=r"was trained with an id map: 4 further channels .* which diffusers does not give"):
        export(places / "cogvideox-palette", tmp_path / "a", "diffusers")
    with pytest.raises(ConfigError, match=r"bias of patch_embed\.proj was trained on, and kohya's format has no place for one"):
        export(places / "cogvideox-palette", tmp_path / "a", "kohya", without_id_map=True)


def test_an_adapter_without_its_id_map_comes_back_with_the_projection_it_was_trained_with(places, tmp_path):
    for kind in ("diffusers", "comfyui"):
        export(places / "wan-palette", tmp_path / kind, kind, without_id_map=True)
        info = bring_back(tmp_path / kind, tmp_path / f"back-{kind}")
        assert (info.id_map, info.projection) == ("none", "")
        ours, theirs = pipeline_of(places, "wan"), pipeline_of(places, "wan")
        load_matrix(ours, places / "wan-palette").id_map = None
        load_matrix(theirs, tmp_path / f"back-{kind}")
        assert distance(predicted(theirs, "wan"), predicted(ours, "wan")) < 1e-5


def changed(places, target, change):
    """A copy of an adapter folder whose adapter file another tool has rewritten."""
    folder = shutil.copytree(places / "cogvideox-none", target)
    path = folder / checkpoint.LORA
    with safe_open(str(path), framework="pt") as stream:
        metadata = stream.metadata()
    tensors, metadata = change(load_file(path), metadata)
    save_file(tensors, str(path), metadata)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda tensors, told: (
                {key.replace("transformer.", "diffusion_model.", 1): item for key, item in tensors.items()},
                told,
            ),
            r"16 of its 16 tensors have names that are none of an adapter of diffusers.*'matrix-train import'",
        ),
        (
            lambda tensors, told: ({key: tensors[key] for key in sorted(tensors)[: len(tensors) // 2]}, told),
            r"holds 4 of the 8 modules that the adapter has, without transformer_blocks\.2\.attn1\.to_k",
        ),
        (
            lambda tensors, told: ({key: item for key, item in tensors.items() if "lora_A" in key}, told),
            r"has lora_A\.weight alone; it is not whole",
        ),
        (lambda tensors, _: (tensors, {"format": "pt"}), "its metadata names no rank and alpha, so its strength is not known"),
        (
            lambda tensors, told: (
                {**tensors, "transformer.transformer_blocks.9.attn1.to_q.lora_A.weight": torch.zeros(4, 32)},
                told,
            ),
            r"holds transformer_blocks\.9\.attn1\.to_q, which its metadata does not list",
        ),
    ],
    ids=["other names", "half of its tensors", "half of each pair", "no metadata", "one too many"],
)
def test_an_adapter_file_that_fits_in_part_or_not_at_all_is_refused(places, tmp_path, change, message):
    folder = changed(places, tmp_path / "adapter", change)
    pipeline = pipeline_of(places, "cogvideox")
    before = predicted(pipeline, "cogvideox")
    with pytest.raises(ConfigError, match=message):
        load_matrix(pipeline, folder)
    assert torch.equal(predicted(pipeline, "cogvideox"), before)


def test_a_video_before_the_id_map_was_set_is_refused_and_none_is_a_choice(places):
    pipeline = pipeline_of(places, "cogvideox")
    adapted = load_matrix(pipeline, places / "cogvideox-palette")
    with pytest.raises(ConfigError, match="trained with an id map and none was given; set id_map"):
        predicted(pipeline, "cogvideox")
    adapted.id_map = None
    assert torch.isfinite(predicted(pipeline, "cogvideox")).all()


def test_the_card_names_base_layers_and_losses_and_what_other_loaders_give(places):
    text = (places / "cogvideox-palette" / "README.md").read_text()
    for piece in (
        str(places / "cogvideox"), "layers 1, 2", "SGA: weight 0.3, roles sub, obj, verb, on v2t layers 1", "7 of 1 x 1 clips",
        "gives the LoRA alone", "matrix-train export",
    ):  # fmt: skip
        assert piece in text
    assert "gives it whole as well" in (places / "cogvideox-none" / "README.md").read_text()


def test_the_command_line_exports_and_imports(places, tmp_path):
    runner, file = CliRunner(), tmp_path / "a.safetensors"
    made = runner.invoke(main, ["export", str(places / "wan-none"), "--to", "kohya", "--out", str(file), "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["format"] == "kohya"
    names = {key.split(".")[0] for key in load_file(file)}
    assert "lora_unet_blocks_1_self_attn_q" in names
    back = runner.invoke(main, ["import", str(file), "--out", str(tmp_path / "back")])
    assert (back.exit_code, "rank 4, alpha 2" in back.stdout) == (0, True), back.output
    other = runner.invoke(main, ["import", str(file), "--out", str(tmp_path / "other"), "--base", str(places / "cogvideox")])
    assert other.exit_code == 2
    assert "name nothing of this cogvideox" in other.stderr
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    kept = runner.invoke(main, ["import", str(file), "--out", str(tmp_path / "mine")])
    assert (kept.exit_code, (tmp_path / "mine" / "letter.txt").read_text()) == (2, "keep")


def test_equal_trainings_write_equal_files_in_processes_of_different_hash_seeds(places, tmp_path):
    script = tmp_path / "save.py"
    script.write_text(SAVE)
    hashes = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([*sys.path])}
        out = tmp_path / seed
        done = subprocess.run(
            [sys.executable, str(script), str(places / "cogvideox"), str(out)],
            env=env,
            check=False,
            capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        hashes.add(tuple((path.name, path.read_bytes()) for path in sorted(out.iterdir())))
    assert len(hashes) == 1


SAVE = """
import sys
from pathlib import Path
import tiny_pipeline, torch
from tiny import shaken
from matrix_train.backbones.loading import load_backbone
from matrix_train.model import checkpoint
from matrix_train.model.aligned import AlignedModel
settings = tiny_pipeline.config(sys.argv[1], "data")
checkpoint.save(shaken(AlignedModel(load_backbone(Path(sys.argv[1]), torch.float32), settings)), Path(sys.argv[2]), 1)
"""


def test_an_adapter_saved_again_has_no_longer_what_the_other_had(places, tmp_path):
    folder = shutil.copytree(places / "cogvideox-none", tmp_path / "adapter")
    info = checkpoint.read_info(folder)
    (folder / checkpoint.MARK).write_text(json.dumps(replace(info, alpha=4).to_json()))
    with pytest.raises(ConfigError, match=r"says rank 4 and alpha 2, matrix_config\.json 4 and 4"):
        load_matrix(pipeline_of(places, "cogvideox"), folder)


def test_the_embedded_adapter_still_loads():
    from matrix_train.builtin import folder

    base = CogVideoXImageToVideoPipeline.from_pretrained(folder("staged-base"))
    assert load_matrix(base, Path(folder("staged-matrix"))).info.rank == 32
