"""How a run begins, is stopped and goes on: killed, asked, on other processes, past odd steps, from another adapter."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import tiny_pipeline
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from intergeneval.errors import BackendError, ConfigError
from matrix_train import config as configs
from matrix_train.backbones import load_encoders
from matrix_train.backbones.load_encoders import late_encoder, load_encoder
from matrix_train.config import ConditionConfig, LoraConfig
from matrix_train.data.clips import read_own, write_own
from matrix_train.data.encoding import path_of
from matrix_train.model import checkpoint, resuming
from matrix_train.model.aligned import trainable_state
from matrix_train.train.loop import Run
from matrix_train.train.start import take_up_log

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("going-on")
    tiny_pipeline.cogvideox(root / "base")
    tiny_pipeline.dataset(root / "data")
    return root


def settings_of(places, **train):
    settings = tiny_pipeline.config(places / "base", places / "data")
    wanted = {"steps": 6, "batch": 1, "log_every": 1, "warmup": 1, "rate": 1e-2, "seed": 3, "save_every": 2, **train}
    return replace(settings, train=replace(settings.train, **wanted))


@pytest.fixture(scope="module")
def unbroken(places):
    Run(settings_of(places), places / "unbroken").fit()
    return places / "unbroken"


def contents(folder):
    """Every file of a run but the diagrams, which hold the hour of the day."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and "tensorboard" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


KILLED = """
import os, signal, sys
from pathlib import Path
from matrix_train import config as configs
from matrix_train.train.loop import Run
def say(line):
    if line.startswith("step 5/"):
        os.kill(os.getpid(), signal.SIGKILL)
Run(configs.load(Path(sys.argv[1])), Path(sys.argv[2]), say).fit()
"""


def test_a_run_that_was_killed_ends_in_the_files_of_an_unbroken_one_to_the_last_bit(places, unbroken, tmp_path):
    (tmp_path / "c.toml").write_text(configs.dump(settings_of(places)))
    (tmp_path / "killed.py").write_text(KILLED)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    out = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, str(tmp_path / "killed.py"), str(tmp_path / "c.toml"), str(out)],
        env=env, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()] == [1, 2, 3, 4, 5]
    Run(settings_of(places), out).fit()
    assert contents(out) == contents(unbroken)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_writes_a_checkpoint_and_the_run_goes_on_from_it_to_the_same_files(places, unbroken, tmp_path, number):
    heard = []

    def say(line):
        # Heard at the end of the step after the one that is told.
        if line.startswith("step 2/"):
            os.kill(os.getpid(), number)
        if line.startswith("step 4/"):
            heard.append((tmp_path / "run" / "checkpoint-0000003" / resuming.STATE).is_file())

    if number == signal.SIGTERM:
        with pytest.raises(KeyboardInterrupt):
            Run(settings_of(places), tmp_path / "run", say).fit()
        assert resuming.latest(tmp_path / "run").name == "checkpoint-0000003"
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        Run(settings_of(places), tmp_path / "run").fit()
    else:
        Run(settings_of(places), tmp_path / "run", say).fit()
        assert heard == [True]
    assert contents(tmp_path / "run") == contents(unbroken)


def poisoned(places, cache, clip="clip2"):
    """A cache one of whose clips has no finite latent."""
    settings = settings_of(places, steps=8)
    settings = replace(settings, data=replace(settings.data, cache=str(cache)))
    Run(replace(settings, train=replace(settings.train, steps=1)), cache.parent / "first").fit()
    [record] = [item for item in read_own(places / "data") if item.id == clip]
    path = path_of(cache, record)
    with safe_open(str(path), framework="pt") as stream:
        metadata = stream.metadata()
    tensors = load_file(path)
    tensors["video"] = tensors["video"] * float("nan")
    save_file(tensors, str(path), metadata)
    return settings


def test_a_step_that_is_not_finite_is_skipped_counted_and_ends_the_run_only_beyond_the_limit(places, tmp_path):
    settings, lines = poisoned(places, tmp_path / "cache"), []
    done = Run(settings, tmp_path / "run", lines.append).fit()
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    skipped = [row for row in rows if "skipped" in row]
    # Eight steps of one clip each are two epochs of four clips.
    assert [(row["skipped"], row["why"], row["clips"]) for row in skipped] == [
        (1, "the loss", ["clip2"]),
        (2, "the loss", ["clip2"]),
    ]
    assert [row["step"] for row in rows] == list(range(1, 9))
    assert any("is skipped (2 of at most 20): the loss is not finite on clip2" in line for line in lines)
    assert all(torch.isfinite(item).all() for item in load_file(done.folder / checkpoint.LORA).values())
    strict = replace(settings, train=replace(settings.train, skip_limit=1))
    with pytest.raises(BackendError, match=r"2 steps were skipped; .*set train\.skip_limit above 1 to go on"):
        Run(strict, tmp_path / "strict").fit()
    # It may go on from there, and counts what it had skipped before.
    Run(settings, tmp_path / "strict").fit()
    assert resuming.read_progress(resuming.latest(tmp_path / "strict")).skipped == 2


def test_another_number_of_processes_is_refused_unless_the_clips_of_a_step_stay(places, unbroken, tmp_path):
    settings, folder = settings_of(places), unbroken / "checkpoint-0000004"
    with pytest.raises(ConfigError, match=r"began on 1 processes of 1 clips and is now to go on with 2 of 1; .*start 1 "):
        resuming.check_config(folder, settings, 2)
    pair = tmp_path / "checkpoint-0000004"
    pair.mkdir()
    (pair / checkpoint.CONFIG).write_text(configs.dump(settings))
    state = {"step": 4, "skipped": 0, "processes": 2, "asked": False, "optimiser": {}}
    torch.save(state, pair / resuming.STATE)
    with pytest.raises(ConfigError, match=r"start 2 processes, or train\.batch = 2"):
        resuming.check_config(pair, settings, 1)
    wider = replace(settings, train=replace(settings.train, batch=2))
    assert resuming.check_config(pair, wider, 1) == ["train.batch"]
    with pytest.raises(ConfigError, match=r"train\.batch was 1 and is now 2"):
        resuming.check_config(folder, wider, 1)


def test_a_checkpoint_from_before_this_was_noted_goes_on(places, unbroken, tmp_path):
    folder = tmp_path / "checkpoint-0000004"
    folder.mkdir()
    (folder / checkpoint.CONFIG).write_text(configs.dump(settings_of(places)))
    torch.save({"step": 4, "optimiser": {}}, folder / resuming.STATE)
    assert resuming.read_progress(folder) == resuming.Progress(step=4)
    assert resuming.check_config(folder, settings_of(places), 3) == []


def test_lines_behind_a_checkpoint_and_a_torn_one_leave_the_log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    take_up_log(path, 2)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_a_run_begins_with_the_tensors_of_another_adapter_whatever_its_alpha(places, unbroken, tmp_path):
    start = str(unbroken / "adapter")
    lines = []
    same = settings_of(places, steps=0, init_from=start)
    Run(same, tmp_path / "same", lines.append).fit()
    assert (tmp_path / "same" / "adapter" / checkpoint.LORA).read_bytes() == (unbroken / "adapter" / checkpoint.LORA).read_bytes()
    assert lines == [f"begun with {start}"]
    louder = replace(same, lora=LoraConfig(rank=4, alpha=4, layers=(1, 2)))
    Run(louder, tmp_path / "louder").fit()
    one, other = (load_file(folder / "adapter" / checkpoint.LORA) for folder in (unbroken, tmp_path / "louder"))
    assert all(torch.allclose(one[key], other[key] * (2 if "lora_B" in key else 1)) for key in one)
    for change, message in (
        ({"lora": LoraConfig(rank=8, alpha=2, layers=(1, 2))}, r"has rank 4; set lora\.rank = 4"),
        ({"lora": LoraConfig(rank=4, alpha=2, layers=(1,))}, r"adapts transformer_blocks\.2.* which lora\.layers leaves out"),
        ({"condition": ConditionConfig(id_map="none")}, r"was trained with an id map, and condition\.id_map is 'none'"),
    ):
        with pytest.raises(ConfigError, match=message):
            Run(replace(same, **change), tmp_path / "odd").fit()


def test_what_an_adapter_lacks_begins_anew_and_is_told(places, unbroken, tmp_path):
    lines = []
    wider = replace(
        settings_of(places, steps=0, init_from=str(unbroken / "adapter")), lora=LoraConfig(rank=4, alpha=2, layers=(0, 1, 2))
    )
    run = Run(wider, tmp_path / "wider", lines.append)
    fresh = {name: item.clone() for name, item in trainable_state(run.model).items() if "blocks.0." in name}
    run.fit()
    assert any(line.startswith("note: 8 of 24 tensors of lora are not in") for line in lines)
    assert all(torch.equal(run.model.state_dict()[name], item) for name, item in fresh.items())


def test_a_run_that_would_align_nothing_is_refused(places, tmp_path):
    data = tiny_pipeline.dataset(tmp_path / "data", clips=2)
    mute = [
        replace(clip, interactions=(replace(clip.interactions[0], subject_spans=(), verb_spans=(), object_spans=()),))
        for clip in read_own(data)
    ]
    write_own(data, tuple(mute))
    settings = settings_of(places, steps=1)
    settings = replace(settings, data=replace(settings.data, path=str(data)))
    message = r"loss\.sga is 0\.3 and none of the 2 training clips has a role \(sub, obj, verb\) with text in the caption"
    with pytest.raises(ConfigError, match=message):
        Run(settings, tmp_path / "run")
    # Told to do without, and where half of the clips will do.
    Run(replace(settings, loss=replace(settings.loss, sga=0.0)), tmp_path / "without").fit()
    write_own(data, (mute[0], read_own(places / "data")[1]))
    lines = []
    Run(settings, tmp_path / "half", lines.append)
    assert any(line.startswith("note: 1 of 2 training clips have no role (sub, obj, verb) with text") for line in lines)


def test_with_a_full_cache_no_encoder_is_loaded(places, unbroken, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("an encoder was loaded")

    monkeypatch.setattr(load_encoders, "load_pipeline", never)
    lines = []
    plain = settings_of(places, steps=1)
    plain = replace(plain, condition=replace(plain.condition, image_noise="none"))
    Run(plain, tmp_path / "run", lines.append).fit()
    assert "0 of 4 clips encoded, the others were cached" in lines


RESTARTED = """
import json, sys, time
from matrix_train.cli import main
main(["fit", *sys.argv[2:]], standalone_mode=False)
with open(sys.argv[1], "w") as stream:
    json.dump({"modules": sorted(sys.modules), "seconds": time.process_time()}, stream)
"""


def test_a_restart_with_a_full_cache_loads_the_code_of_no_pipeline_and_no_text_encoder(places, unbroken, tmp_path):
    # First frames get noise, so that the VAE is needed.
    settings = settings_of(places, steps=1)
    assert settings.condition.image_noise == "recipe"
    (tmp_path / "c.toml").write_text(configs.dump(settings))
    (tmp_path / "restarted.py").write_text(RESTARTED)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [str(tmp_path / "told.json"), str(tmp_path / "c.toml"), "--out", str(tmp_path / "run")]
    subprocess.run([sys.executable, str(tmp_path / "restarted.py"), *arguments], env=env, check=True, capture_output=True)
    told = json.loads((tmp_path / "told.json").read_text())
    heavy = ("diffusers.pipelines.cogvideo", "transformers.models.t5", "sklearn")
    assert [name for name in told["modules"] if name.startswith(heavy)] == []
    assert "diffusers.models.autoencoders.autoencoder_kl_cogvideox" in told["modules"]
    print(f"\na restart with a full cache, one step included: {told['seconds']:.1f} CPU s, {len(told['modules'])} modules")


@pytest.mark.parametrize("name", ["cogvideox", "wan", "hunyuan", "hunyuan-concat"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_encoders_say_the_same_of_themselves_before_they_are_loaded(tmp_path, name, dtype):
    folder, cpu = tiny_pipeline.pipeline(tmp_path / "base", name), torch.device("cpu")
    assert late_encoder(folder, dtype, cpu).describe() == load_encoder(folder, dtype, cpu).describe()
