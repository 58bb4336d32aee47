"""The embedded model: what comes with the package makes videos, and what does not come says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from intergeneval.errors import BackendError, ConfigError
from matrix_train import builtin
from matrix_train.backbones.files import resolve
from matrix_train.backbones.loading import load_pipeline
from matrix_train.data.staged import Format, paint
from matrix_train.sample.builtin import create
from matrix_train.sample.config import SampleConfig, find_model
from matrix_train.sample.pipeline import sample
from matrix_train.sample.source import MatrixSource

SIZE, FRAMES = (96, 144), 17


def test_the_embedded_pipeline_makes_a_video_that_starts_like_its_first_frame():
    from intergeneval.staged import scene

    pipeline = load_pipeline(resolve("builtin:staged-base"), torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    first = paint(scene(4000, 0), "perfect", Format(size=SIZE, frames=FRAMES)).frames[0]
    other = paint(scene(4000, 7), "perfect", Format(size=SIZE, frames=FRAMES)).frames[0]
    video = sample(pipeline, first, scene(4000, 0).sample().prompt, frames=FRAMES, steps=8, seed=0, guidance=1.0)
    assert video.shape == (FRAMES, *SIZE, 3)

    def distance(picture):
        return np.abs(video[0].astype(float) - picture).mean()

    # It is this scene that is shown, and not just any.
    assert distance(first) < 0.6 * distance(other)


def scored(out, model, fill):
    """Run a model's first scene by the ordinary command, with fresh memory filled with something else (glibc)."""
    config = out.with_suffix(".toml")
    config.write_text("[settings.builtin]\nsteps = 2\n")
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from intergeneval.cli import main; main()"),
            *("run", "--model", model, "--bench", "staged", "--limit", "1", "--config", str(config), "--out", str(out), "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MALLOC_PERTURB_": fill},
    )
    # Where its one video cannot be followed the run is whole, and its score is not there.
    (item,) = json.loads(done.stdout)["samples"]
    assert (item["status"], done.returncode) in (("ok", 0), ("untracked", 3)), done.stderr
    return out


@pytest.mark.parametrize(("name", "fills"), [("staged-base", ("0", "170")), ("staged-matrix", ("0",))])
def test_the_embedded_model_is_scored_by_the_ordinary_command_and_twice_the_same(tmp_path, name, fills):
    first, *others = [scored(tmp_path / fill, f"builtin:{name}", fill) for fill in fills]
    assert len((first / "scores.jsonl").read_text().splitlines()) == 1
    assert json.loads((first / "run.json").read_text())["model"] == name
    for other in others:
        for file in ("scores.jsonl", "tracks.jsonl", "videos/staged-1-000/0.mp4"):
            assert (first / file).read_bytes() == (other / file).read_bytes(), file


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("staged-matrix", "train them with: matrix-train fit"),
        ("staged-base", "matrix-train pretrain dit staged-small"),
        ("binding-base", "matrix-train pretrain dit binding-small"),
    ],
)
def test_weights_that_do_not_come_with_the_package_are_told_in_one_sentence_with_the_way_out(tmp_path, monkeypatch, name, way):
    monkeypatch.setattr(builtin, "ROOT", tmp_path)
    with pytest.raises(ConfigError, match=f"brings no weights for it; .*{way}") as found:
        create(name, {})
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("name", "told"), [("", "needs a name"), ("nobody", "there are: staged-base, staged-matrix, binding-base")]
)
def test_a_wrong_name_is_told_with_those_that_exist(name, told):
    with pytest.raises(ConfigError, match=told):
        create(name, {})


def test_what_travels_with_the_package_is_small_and_holds_nothing_that_could_run():
    files = [path for path in (builtin.ROOT / builtin.BASE).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25e6
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".csv", ".md", ".toml"}


def test_clips_of_the_staged_world_can_be_trained_on_as_they_are(tmp_path):
    from matrix_train.cli import main

    made = CliRunner().invoke(main, ["pretrain", "clips", str(tmp_path / "clips"), "--count", "3", "--size", "64", "96"])
    assert made.exit_code == 0, made.output
    checked = CliRunner().invoke(
        main, ["check", str(tmp_path / "clips"), "--frames", "17", "--model", "builtin:staged-base", "--json"]
    )
    found = json.loads(checked.stdout)
    assert (found["clips"], found["usable"]) == (3, 3)
    # Bystanders are tracked and not spoken of; nothing else is remarked.
    assert all("takes part in no interaction" in fault["what"] for fault in found["faults"])


def test_roles_of_staged_captions_stand_where_the_words_are():
    from intergeneval.staged import scenes
    from matrix_train.data.staged import clip_of

    for scene in scenes(3000, 60):
        clip, names = clip_of(scene), {item.id: item.appearance for item in scene.sample().instances}
        assert len(clip.interactions) == len(scene.acts)
        for act, told in zip(scene.acts, clip.interactions, strict=True):
            words = {role: [clip.caption[first:last] for first, last in told.spans(role)] for role in ("sub", "verb", "obj")}
            lowered = {role: [text.lower() for text in texts] for role, texts in words.items()}
            assert lowered == {
                "sub": [names[act.subject].lower()],
                "verb": [act.script.verb],
                "obj": [names[act.object].lower()],
            }
        ends = [last for told in clip.interactions for role in ("sub", "verb", "obj") for _, last in told.spans(role)]
        assert ends == sorted(ends)


def test_masks_of_staged_clips_lie_on_the_instances_and_writing_goes_on_where_it_stopped(tmp_path):
    from intergeneval.staged import scene
    from matrix_train.data.clips import mask_tracks
    from matrix_train.data.reading import read_dataset
    from matrix_train.data.staged import write_staged_clips

    form = Format(size=(64, 96), frames=9)
    assert write_staged_clips(tmp_path, seed=3000, count=1, frames=9, size=(64, 96)) == 1
    before = {path: path.stat().st_mtime_ns for path in Path(tmp_path).rglob("*.png")}
    assert write_staged_clips(tmp_path, seed=3000, count=2, frames=9, size=(64, 96)) == 2
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    clips = read_dataset(tmp_path)
    painted = paint(scene(3000, 0), "perfect", form)
    for number, (name, masks) in enumerate(mask_tracks(tmp_path, clips[0]).items()):
        assert name == clips[0].instances[number].id
        assert masks.shape == (9, 64, 96)
        assert np.array_equal(masks, painted.shares[number] >= 0.5)
        assert masks[0].any()


@pytest.fixture
def hub(monkeypatch):
    """A hub that holds the embedded base as ``somebody/base`` and nothing else; gives what was asked of it."""
    asked = []

    def one_file(name, part):
        asked.append(part)
        if name != "somebody/base":
            raise OSError("no such repository")
        return str(builtin.folder(builtin.BASE) / part)

    def whole(name):
        asked.append("everything")
        if name != "somebody/base":
            raise OSError("no such repository")
        return str(builtin.folder(builtin.BASE))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", one_file)
    monkeypatch.setattr("diffusers.DiffusionPipeline.download", whole)
    return asked


def adapter_on(folder, base):
    """The embedded adapter with another base in its mark."""
    shutil.copytree(builtin.folder(builtin.ADAPTER), folder)
    mark = json.loads((folder / "matrix_config.json").read_text())
    (folder / "matrix_config.json").write_text(json.dumps({**mark, "base": base}))
    return str(folder)


def test_an_adapter_whose_base_lies_on_the_hub_is_planned_without_fetching_its_weights(tmp_path, hub):
    folder = adapter_on(tmp_path / "adapter", "somebody/base")
    guidance = {"kinds": ["cmg"], "cmg_layers": [2]}
    source = MatrixSource(folder, {"dtype": "float32", "steps": 1, "attention_guidance": guidance})
    assert source.describe()["base"] == "somebody/base"
    assert set(hub) == {"model_index.json", "transformer/config.json"}
    assert find_model(folder, SampleConfig()).base() == builtin.folder(builtin.BASE)
    assert hub[-1] == "everything"


def test_a_base_that_cannot_be_had_or_layers_it_does_not_have_are_told_before_the_first_video(tmp_path, hub):
    with pytest.raises(ConfigError, match="nobody/base is no folder here and cannot be looked up on the hub"):
        MatrixSource(adapter_on(tmp_path / "gone", "nobody/base"), {})
    with pytest.raises(ConfigError, match="cmg_layers is not set"):
        MatrixSource(adapter_on(tmp_path / "unset", "somebody/base"), {"attention_guidance": {"kinds": ["cmg"]}})
    with pytest.raises(ConfigError, match="cmg_layers is not set"):
        MatrixSource("somebody/base", {"attention_guidance": {"kinds": ["cmg"]}})
    assert hub.count("everything") == 1


def test_a_model_that_cannot_be_loaded_is_tried_once(tmp_path, monkeypatch):
    tried = []

    def broken(*given):
        tried.append(given)
        raise RuntimeError("out of memory")

    monkeypatch.setattr("matrix_train.sample.generate.Generator", broken)
    source = create(builtin.ADAPTER, {})
    for _ in range(3):
        with pytest.raises(BackendError, match="out of memory"):
            source._generator.get()
    assert len(tried) == 1
