"""Training on real tiny pipelines from disk: the loop, what it saves, what a resumed run does, what two processes do."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tiny_pipeline
import torch
from click.testing import CliRunner
from diffusers import CogVideoXImageToVideoPipeline, HunyuanVideoImageToVideoPipeline, WanImageToVideoPipeline
from safetensors.torch import load_file

from intergeneval.errors import BackendError, ConfigError
from intergeneval.records import Sample
from matrix_train import config as configs
from matrix_train.cli import main
from matrix_train.data import precompute
from matrix_train.data.cache import check_key
from matrix_train.model import checkpoint, resuming
from matrix_train.sample.generate import target_of
from matrix_train.sample.source import create
from matrix_train.train.loop import Run
from matrix_train.train.rates import learning_factor

CLASSES = {
    "cogvideox": CogVideoXImageToVideoPipeline,
    "wan": WanImageToVideoPipeline,
    "hunyuan": HunyuanVideoImageToVideoPipeline,
    "hunyuan-concat": HunyuanVideoImageToVideoPipeline,
}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("training")
    for name in CLASSES:
        tiny_pipeline.pipeline(root / name, name)
    tiny_pipeline.dataset(root / "data")
    return root


def settings_of(places, name="cogvideox", **train):
    settings = tiny_pipeline.config(places / name, places / "data")
    settings = replace(settings, data=replace(settings.data, cache=str(places / f"cache-{name}")))
    wanted = {"steps": 4, "batch": 2, "log_every": 1, "warmup": 1, "rate": 1e-2, "seed": 3, **train}
    return replace(settings, train=replace(settings.train, **wanted))


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(places):
    """One adapter, trained for four steps."""
    out = places / "trained"
    lines = []
    settings = settings_of(places, save_every=2, validate_every=4)
    done = Run(settings, out, lines.append, fold_alpha=True).fit()
    return out, done, lines, settings


def test_a_run_logs_every_term_per_layer_and_timestep_bin_and_says_what_it_costs_first(trained):
    out, done, lines, _ = trained
    rows = log_of(out)
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    expected = {"loss", "denoising", "sga", "spa", "sga/v2t/1", "spa/v2v/2", "sga/bce", "spa/dice", "gradient/lora"}
    assert expected <= set(rows[0])
    for term in ("denoising", "sga", "spa/iou"):
        assert any(key.startswith(f"{term}/bin") for key in rows[0])
    costs = next(index for index, line in enumerate(lines) if "TFLOP" in line)
    assert costs < next(index for index, line in enumerate(lines) if line.startswith("step 1/"))
    assert done.steps == 4
    assert list((out / "tensorboard").glob("events.*"))


def test_validation_writes_a_video_and_an_overlay_of_every_supervised_map(trained):
    names = {path.name for path in (trained[0] / "validation" / "0000004").iterdir()}
    assert "000.mp4" in names
    assert {f"000-{name}-0-{role}.mp4" for name in ("v2t-1", "v2v-2") for role in ("sub", "obj", "verb")} <= names


def test_a_resumed_run_has_the_losses_of_an_unbroken_one(places):
    settings = settings_of(places, steps=6, save_every=3)
    unbroken = places / "unbroken"
    Run(settings, unbroken).fit()
    broken = places / "broken"
    Run(settings, broken).fit()
    # What a run killed after step 4 leaves: the checkpoint of step 3 and no later one.
    for path in sorted((broken / "checkpoint-0000006").iterdir()):
        path.unlink()
    (broken / "log.jsonl").unlink()
    Run(settings, broken).fit()
    assert [row["step"] for row in log_of(broken)] == [4, 5, 6]
    assert log_of(broken) == log_of(unbroken)[3:]
    one, other = (load_file(folder / "adapter" / checkpoint.LORA) for folder in (unbroken, broken))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_is_not_resumed_with_another_arm_but_may_go_on_longer(trained):
    out, _, _, settings = trained
    folder = out / "checkpoint-0000002"
    other = replace(settings, layers=replace(settings.layers, v2t=(), t2v=(1,)))
    with pytest.raises(ConfigError, match=r"layers\.v2t was \[1\] and is now \[\]; a run goes on with the config it began with"):
        resuming.check_config(folder, other)
    assert resuming.check_config(folder, settings) == []
    longer = replace(settings, train=replace(settings.train, steps=settings.train.steps + 1))
    assert resuming.check_config(folder, longer) == ["train.steps"]


def test_a_damaged_trainer_state_is_named(trained, tmp_path):
    (tmp_path / resuming.STATE).write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"trainer_state\.pt: is damaged; delete"):
        resuming.load_state(tmp_path, torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))]))


def test_the_base_recipe_leaves_a_folder_that_changes_nothing(places, tmp_path):
    recipe = Path(configs.__file__).parent / "recipes" / "base.toml"
    pipeline = settings_of(places).model.path
    Run(configs.load(recipe, (f'model.path="{pipeline}"',)), tmp_path / "run").fit()
    loaded = quiet(CogVideoXImageToVideoPipeline.from_pretrained(pipeline))
    before = outputs(loaded)
    checkpoint.load_matrix(loaded, tmp_path / "run" / "adapter")
    assert np.array_equal(outputs(loaded), before)


def test_the_config_beside_a_checkpoint_reads_back_as_it_was(trained):
    out, _, _, settings = trained
    assert configs.load(out / "checkpoint-0000002" / checkpoint.CONFIG) == settings


def test_every_recipe_is_a_whole_config_and_differs_only_in_its_arm():
    folder = Path(configs.__file__).parent / "recipes"
    found = {path.stem: configs.load(path) for path in folder.glob("*.toml")}
    assert set(found) == {"base", "lora-all", "lora", "spa", "sga-t2v", "sga-v2t", "matrix", "target"}
    matrix = found["matrix"]
    for name, item in found.items():
        assert (item.data, item.model, item.decoder, item.readout.mode) == (
            matrix.data, matrix.model, matrix.decoder, "probs" if name == "target" else "logits",
        )  # fmt: skip
        assert (item.condition.id_map == "none") == (name == "base")
    assert replace(found["spa"], layers=matrix.layers) == matrix
    assert replace(found["lora-all"], lora=matrix.lora) == found["lora"]


def outputs(pipeline, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, 64, 64, generator=generator)
    return pipeline(
        image=image, prompt="a red box pushes a blue ball", height=64, width=64, num_frames=9, num_inference_steps=2,
        generator=torch.Generator().manual_seed(1), output_type="np",
    ).frames[0]  # fmt: skip


def quiet(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("name", CLASSES)
def test_an_adapter_saved_and_loaded_gives_the_output_of_the_model_that_was_trained(places, name):
    settings = settings_of(places, name, steps=2)
    run = Run(settings, places / f"round-{name}")
    folder = run.fit().folder
    model, batch = run.model.eval(), run.batches.draw(0)
    with torch.no_grad():
        noisy = run.backbone.noising.mix(batch.clean, batch.noise, batch.time_B)
        wanted = run.backbone.predict(noisy, batch.time_B, batch.condition)
        bare = model.projection.grown.abs().max()
    assert bare > 0
    pipeline = CLASSES[name].from_pretrained(places / name)
    adapted = checkpoint.load_matrix(pipeline, folder)
    wrapped = type(run.backbone)(pipeline.transformer, run.backbone.noising)
    plain = {key: value for key, value in batch.condition.items() if key != "id_map"}
    found = []
    with torch.no_grad():
        for index in range(len(batch.clips)):
            adapted.id_map = batch.condition["id_map"][index : index + 1]
            one = {key: value[index : index + 1] for key, value in plain.items()}
            found.append(wrapped.predict(noisy[index : index + 1], batch.time_B[index : index + 1], one))
        adapted.id_map = None
        without = wrapped.predict(noisy, batch.time_B, plain)
    assert torch.allclose(torch.cat(found), wanted, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(without, wanted, rtol=1e-4, atol=1e-5)


def test_diffusers_own_loader_takes_the_adapter_with_its_alpha(trained, places):
    out = trained[0]
    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(places / "cogvideox")
    pipeline.load_lora_weights(out / "adapter")
    layer = pipeline.transformer.transformer_blocks[1].attn1.to_q
    assert layer.scaling == {"default_0": 0.5}
    folded = CogVideoXImageToVideoPipeline.from_pretrained(places / "cogvideox")
    folded.load_lora_weights(out / "adapter", weight_name=checkpoint.FOLDED)
    other = folded.transformer.transformer_blocks[1].attn1.to_q
    assert other.scaling == {"default_0": 1.0}
    hidden = torch.randn(2, layer.in_features, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(layer(hidden), other(hidden), atol=1e-6)
        assert not torch.allclose(layer(hidden), layer.base_layer(hidden), atol=1e-4)


def test_an_adapter_of_another_backbone_is_refused_in_one_sentence(trained, places):
    with pytest.raises(ConfigError, match="the adapter was trained on cogvideox; this pipeline is wan"):
        checkpoint.load_matrix(WanImageToVideoPipeline.from_pretrained(places / "wan"), trained[0] / "adapter")


def test_an_adapter_of_another_size_of_model_is_refused(trained, places):
    wider = tiny_pipeline.cogvideox(places / "wider", width=24)
    with pytest.raises(ConfigError, match="does not fit this pipeline"):
        checkpoint.load_matrix(CogVideoXImageToVideoPipeline.from_pretrained(wider), trained[0] / "adapter")


def test_a_torn_adapter_file_is_named(trained, tmp_path):
    for path in (trained[0] / "adapter").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / checkpoint.REST).write_bytes(b"torn")
    with pytest.raises(ConfigError, match=r"matrix\.safetensors: cannot be read"):
        checkpoint.restore(Run(trained[3], tmp_path / "out").model, tmp_path)


def sample_of(root):
    """The one sample of a benchmark folder."""
    return Sample.from_line((tiny_pipeline.benchmark(root) / "samples.jsonl").read_text(), where="samples.jsonl")


def test_the_source_generates_from_the_benchmarks_own_first_frame_and_masks(trained, tmp_path):
    sample = sample_of(tmp_path)
    source = create(str(trained[0] / "adapter"), {"dtype": "float32", "steps": 2})
    source.attach(tmp_path)
    assert source.name == "trained"
    assert source.seeds(sample, (4, 5)) == (4, 5)
    video = source.video(sample, 4)
    frames = np.stack(list(video.frames()))
    assert frames.shape == (9, 64, 64, 3)
    assert np.array_equal(frames, np.stack(list(source.video(sample, 4).frames())))
    assert not np.array_equal(frames, np.stack(list(source.video(sample, 5).frames())))
    swapped = replace(sample, instances=sample.instances[::-1])
    assert not np.array_equal(frames, np.stack(list(source.video(swapped, 4).frames())))
    assert "no first-frame mask" in source.video(replace(sample, instances=(replace(sample.instances[0], mask=None),)), 0).missing
    assert source.describe()["adapter"][checkpoint.LORA]


def test_the_command_line_trains_checks_and_samples(places, tmp_path):
    sample = sample_of(tmp_path)
    (tmp_path / "c.toml").write_text(configs.dump(settings_of(places, steps=1)))
    runner = CliRunner()
    found = runner.invoke(
        main, ["fit", str(tmp_path / "c.toml"), "--out", str(tmp_path / "run"), "--set", "train.seed=9", "--json"]
    )
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["steps"] == 1
    cache = runner.invoke(main, ["precompute", str(tmp_path / "c.toml"), "--json"])
    assert json.loads(cache.stdout)["encoded"] == 0
    shards = [runner.invoke(main, ["precompute", str(tmp_path / "c.toml"), "--shard", f"{i}/3", "--json"]) for i in (1, 2, 3)]
    assert [json.loads(part.stdout)["clips"] for part in shards] == [2, 1, 1]
    for told in (signal.SIGTERM, signal.SIGUSR1):
        # As a scheduler of jobs asks a shard to end, in the middle of its work.
        with mock.patch.object(precompute, "fill_cache", lambda *_, told=told: signal.raise_signal(told)):
            ended = runner.invoke(main, ["precompute", str(tmp_path / "c.toml"), "--shard", "1/3"])
        assert (ended.exit_code, "interrupted" in ended.stderr) == (130, True)
    odd = runner.invoke(main, ["precompute", str(tmp_path / "c.toml"), "--shard", "4/3"])
    assert (odd.exit_code, "shard '4/3' is not of the form I/N" in odd.stderr) == (2, True)
    checked = runner.invoke(main, ["check", str(places / "data"), "--frames", "9"])
    assert (checked.exit_code, checked.stdout.strip()) == (0, "4 of 4 clips can be trained on")
    assert runner.invoke(main, ["check", str(places / "data"), "--frames", "49"]).exit_code == 3
    masks = [item for instance in sample.instances for item in ("--mask", str(tmp_path / instance.mask))]
    arguments = ["sample", str(tmp_path / "run" / "adapter"), "--image", str(tmp_path / "first.png"), *masks]
    arguments += ["--prompt", sample.prompt, "--out", str(tmp_path / "v.mp4"), "--steps", "2", "--dtype", "float32"]
    made = runner.invoke(main, arguments)
    assert made.exit_code == 0, made.output
    assert (tmp_path / "v.mp4").stat().st_size > 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("layers.v2t=[7]", "layer 7 does not exist; cogvideox has layers 0 to 3"),
        ("lora.layers=[9]", "lora.layers: layer 9 does not exist"),
        ("data.height=96", "the cache is stale: sizes was"),
        ("data.height=100", "data: a size of 100x64 is no multiple of 8 pixels"),
        ("readout.mode=softmax", "readout.mode is 'softmax'"),
        ('data.path=""', "data.path is empty"),
        ("decoder.maps_per_call=-1", "decoder.maps_per_call is -1"),
        ("train.pace=1", "unknown field 'pace'"),
        ("train.rate=-1", "train.rate, decoder_rate and weight_decay must not be negative"),
        ("loss.spa_roles=[]", "loss.spa_roles is empty, so its layers [2] would be aligned with nothing"),
        ("layers.v2t=[1,1]", "layers.v2t is [1, 1]; a layer stands in it twice"),
        ("data.height=8", "data: a size of 8x64 is below 16 pixels"),
        ("model.path=/nowhere", "is not a diffusers pipeline folder"),
        ("nonsense", "is not of the form section.field=value"),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_2(places, tmp_path, override, message):
    (tmp_path / "c.toml").write_text(configs.dump(settings_of(places, steps=1)))
    found = CliRunner().invoke(main, ["fit", str(tmp_path / "c.toml"), "--out", str(tmp_path / "run"), "--set", override])
    assert found.exit_code == 2, found.output
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_a_table_that_is_none_is_named_before_it_is_overridden(tmp_path):
    (tmp_path / "c.toml").write_text('model = "THUDM/CogVideoX-5b-I2V"\n')
    with pytest.raises(ConfigError, match=r"override 'model\.path=x': model is 'THUDM/CogVideoX-5b-I2V' in the config file"):
        configs.load(tmp_path / "c.toml", ("model.path=x",))


def test_infinity_and_rare_characters_survive_the_config_beside_a_checkpoint(tmp_path):
    wanted = configs.Config(
        data=configs.DataConfig(path="clips \U0001f3c0 \\ é"), train=configs.TrainConfig(clip_norm=float("inf"))
    )
    (tmp_path / "c.toml").write_text(configs.dump(wanted), encoding="utf-8")
    assert configs.load(tmp_path / "c.toml") == wanted


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": 3}, "seeds is 3; it must be a list of whole numbers"),
        ({"seeds": ["a"]}, "seeds is"),
        ({"seeds": []}, "seeds is"),
        ({"fps": "fast"}, "fps is 'fast'; it must be a number above 0"),
        ({"fps": 0}, "fps is 0"),
        ({"height": 100, "width": 64}, "both must be multiples of 8"),
    ],
)
def test_a_setting_of_the_source_that_cannot_be_is_named(trained, settings, message):
    with pytest.raises(ConfigError, match=message):
        create(str(trained[0] / "adapter"), settings)


def test_a_folded_file_of_an_earlier_adapter_does_not_stay_beside_a_later_one(trained, places, tmp_path):
    folder = shutil.copytree(trained[0] / "adapter", tmp_path / "adapter")
    assert (folder / checkpoint.FOLDED).is_file()
    checkpoint.save(Run(trained[3], tmp_path / "run").model, folder, 9)
    assert not (folder / checkpoint.FOLDED).exists()


def test_an_adapter_with_one_target_is_shown_the_object_as_in_training(tmp_path):
    sample = sample_of(tmp_path)
    masks = {name: np.full((2, 2), name == "id1") for name in ("id1", "id2")}
    swapped = replace(sample, interactions=(replace(sample.interactions[0], subject="id2", object="id1"),))
    assert target_of(sample, masks) is masks["id2"]
    assert target_of(swapped, masks) is masks["id1"]
    assert target_of(replace(swapped, interactions=()), masks) is masks["id2"]
    with pytest.raises(ConfigError, match="id1 is the target of the first interaction and has no first-frame mask"):
        target_of(swapped, {"id2": masks["id2"]})


def test_a_gpu_without_memory_left_is_told_in_one_sentence(places, tmp_path, monkeypatch):
    run = Run(settings_of(places, steps=1), tmp_path / "run")

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(run, "_step", full)
    with pytest.raises(BackendError, match=r"the GPU has no memory left; set model\.gradient_checkpointing = true"):
        run.fit()


def test_the_rate_warms_up_and_falls_as_a_cosine():
    train = configs.TrainConfig(steps=110, warmup=10)
    assert learning_factor(0, train) == pytest.approx(0.1)
    assert learning_factor(10, train) == 1.0
    assert learning_factor(60, train) == pytest.approx(0.5)
    assert learning_factor(110, train) == pytest.approx(0.0)


DDP = """
import torch
torch.set_num_threads(1)
from pathlib import Path
from unittest import mock
from matrix_train import config as configs
from matrix_train.train.loop import Run
Run(configs.load(Path({config!r})), Path({out!r})).fit()
"""


def test_two_processes_equal_one_with_the_same_global_batch(places, tmp_path):
    one = settings_of(places, steps=3, batch=2)
    Run(one, tmp_path / "one").fit()
    (tmp_path / "two.toml").write_text(configs.dump(replace(one, train=replace(one.train, batch=1))))
    script = tmp_path / "ddp.py"
    script.write_text(DDP.format(config=str(tmp_path / "two.toml"), out=str(tmp_path / "two")))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, str(script)], stderr=subprocess.PIPE, text=True,
            env={**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank},
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    try:
        errors = [process.communicate(timeout=300)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(item[-2000:] for item in errors)
    worst = 0.0
    for mine, theirs in zip(log_of(tmp_path / "one"), log_of(tmp_path / "two"), strict=True):
        worst = max(worst, abs(mine["loss"] - theirs["loss"]) / abs(mine["loss"]))
    for name in (checkpoint.LORA, checkpoint.REST):
        first, second = (load_file(tmp_path / folder / "adapter" / name) for folder in ("one", "two"))
        # Whole files: AdamW divides by the gradient's size, so an entry whose gradient is rounding alone moves at random.
        joined = [torch.cat([item.flatten() for _, item in sorted(state.items())]) for state in (first, second)]
        worst = max(worst, ((joined[0] - joined[1]).norm() / joined[0].norm()).item())
    print(f"\ntwo processes against one: largest relative difference {worst:.1e}")
    assert worst < 1e-5


def test_damaged_files_and_places_that_cannot_be_are_told_in_one_sentence(trained, places, tmp_path):
    out, _, _, settings = trained
    torn = shutil.copytree(out / "adapter", tmp_path / "torn")
    (torn / checkpoint.LORA).write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"pytorch_lora_weights\.safetensors: cannot be read"):
        checkpoint.load_matrix(CogVideoXImageToVideoPipeline.from_pretrained(places / "cogvideox"), torn)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/run: the folder cannot be made \(Not a directory\)"):
        Run(settings, tmp_path / "file" / "run")
    with pytest.raises(ConfigError, match="the config cannot be read"):
        configs.load(tmp_path)
    (tmp_path / "cache.json").write_text("{")
    with pytest.raises(ConfigError, match="is damaged, so what the cache was made for is not known"):
        check_key(tmp_path, {"version": 1})
