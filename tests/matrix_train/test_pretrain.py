"""Pretraining from nothing: tiny configs of the real pieces, a few steps each."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from intergeneval.errors import ConfigError
from intergeneval.staged import scenes
from matrix_train.backbones.cogvideox.untrained import VaeShape, decode, encode, load_vae, new_vae, take_vae
from matrix_train.backbones.loading import load_pipeline
from matrix_train.cli import main
from matrix_train.pretrain.config import DitConfig, PretrainConfig, TextConfig, VaeConfig, WorldConfig, dump, load, names, read
from matrix_train.pretrain.dit import Places, draw, train_dit
from matrix_train.pretrain.latents import cells_of, encode_world, load_latents
from matrix_train.pretrain.text import new_tokenizer, token_ids
from matrix_train.pretrain.vae import _Pool, train_vae
from matrix_train.pretrain.world import ROLE_FAULTS, captions, policy_of, world_clip
from matrix_train.sample.pipeline import sample

TINY = PretrainConfig(
    world=WorldConfig(clips=4, frames=9, height=32, width=48, oversampling=1),
    vae=VaeConfig(
        channels=(4, 4, 4, 4), latent=4, groups=2, steps=5, freeze=3, batch=1, still_batch=2, clips=2, crop=32,
        warmup=2, save_every=2,
    ),
    text=TextConfig(width=16, layers=1, heads=2, tokens=60),
    dit=DitConfig(heads=2, head_width=16, layers=2, time_width=16, steps=5, batch=2, warmup=2, save_every=2, near=2.0),
)  # fmt: skip


def small_run(folder, config=TINY):
    """The whole way, as the commands go it."""
    autoencoder = train_vae(config, folder / "vae")
    encode_world(config, autoencoder, folder / "latents")
    latents = load_latents(config, autoencoder, folder / "latents")
    places = Places(out=folder / "dit", vae=autoencoder, pipeline=folder / "pipeline")
    return train_dit(config, latents, places), latents


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    small_run(folder)
    return folder


def weights(folder):
    from safetensors.torch import load_file

    return {path.parent.name: load_file(path) for path in sorted(folder.rglob("*.safetensors"))}


def test_what_pretraining_leaves_is_an_ordinary_pipeline_that_makes_a_video_from_a_first_frame(run):
    pipeline = load_pipeline(run / "pipeline", torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    clip = world_clip(TINY.world, 0)
    video = sample(pipeline, clip.frames[0], clip.caption, frames=9, steps=2, seed=0)
    assert video.shape == (9, 32, 48, 3)
    assert video.std() > 0


def test_no_file_of_a_pipeline_holds_where_it_was_made(run):
    files = [path for path in (run / "pipeline").rglob("*") if path.is_file()]
    assert not [path for path in files if str(run).encode() in path.read_bytes()]


def test_a_rate_that_falls_early_and_goes_up_again_is_that_of_runs_that_were_made_longer(tmp_path):
    short = replace(TINY, dit=replace(TINY.dit, steps=4, rate=1e-2))
    longer = replace(short, dit=replace(short.dit, steps=6))
    small_run(tmp_path / "sittings", short)
    small_run(tmp_path / "sittings", longer)
    small_run(tmp_path / "whole", replace(longer, dit=replace(longer.dit, schedules=((4, 4),))))
    small_run(tmp_path / "one", longer)
    found = {name: weights(tmp_path / name / "pipeline")["transformer"] for name in ("sittings", "whole", "one")}
    assert all(torch.equal(item, found["whole"][name]) for name, item in found["sittings"].items())
    assert not all(torch.equal(item, found["one"][name]) for name, item in found["whole"].items())
    with pytest.raises(ValueError, match=r"dit\.schedules is \[\[3, 4\], \[3, 9\]\]"):
        replace(TINY.dit, schedules=((3, 4), (3, 9)))


def test_an_interrupted_run_ends_with_the_weights_of_an_unbroken_one(run, tmp_path):
    short = replace(TINY, vae=replace(TINY.vae, steps=5), dit=replace(TINY.dit, steps=5))

    class StopError(Exception):
        pass

    def stop_after(step):
        def say(line):
            if line.startswith(step):
                raise StopError

        return say

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("matrix_train.pretrain.vae._SAY_EVERY", 1)
        patched.setattr("matrix_train.pretrain.dit._SAY_EVERY", 1)
        with pytest.raises(StopError):
            # After a step that was not saved: steps 3 and 4 are done anew.
            train_vae(short, tmp_path / "vae", stop_after("vae 4/"))
        autoencoder = train_vae(short, tmp_path / "vae")
        encode_world(short, autoencoder, tmp_path / "latents")
        latents = load_latents(short, autoencoder, tmp_path / "latents")
        places = Places(out=tmp_path / "dit", vae=autoencoder, pipeline=tmp_path / "pipeline")
        with pytest.raises(StopError):
            train_dit(short, latents, places, stop_after("dit 4/"))
        train_dit(short, latents, places)
    whole, again = weights(run / "pipeline"), weights(tmp_path / "pipeline")
    assert whole.keys() == again.keys()
    for part, tensors in whole.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, again[part][name]), f"{part} {name}"
    assert (run / "dit" / "loss.csv").read_text() == (tmp_path / "dit" / "loss.csv").read_text()


def test_every_weight_of_transformer_and_text_encoder_learns(run, tmp_path):
    longer = replace(TINY, dit=replace(TINY.dit, steps=12, rate=1e-2))
    folder = run / "vae" / "model"
    latents = load_latents(TINY, folder, run / "latents")
    places = Places(out=tmp_path / "long", vae=folder, pipeline=tmp_path / "long-pipeline")
    train_dit(longer, latents, places)
    start = replace(longer, dit=replace(longer.dit, steps=1))
    first = Places(out=tmp_path / "short", vae=folder, pipeline=tmp_path / "short-pipeline")
    train_dit(start, latents, first)
    before, after = weights(tmp_path / "short-pipeline"), weights(tmp_path / "long-pipeline")
    for part in ("transformer", "text_encoder"):
        same = [name for name, tensor in before[part].items() if torch.equal(tensor, after[part][name])]
        # The table of T5 is shared under a second name by some versions; nothing else may stand still.
        assert same == []


def test_the_loss_of_the_transformer_falls_on_a_few_clips(run, tmp_path):
    config = replace(TINY, dit=replace(TINY.dit, steps=80, rate=5e-3, batch=4))
    latents = load_latents(TINY, run / "vae" / "model", run / "latents")
    train_dit(config, latents, Places(out=tmp_path / "d", vae=run / "vae" / "model", pipeline=tmp_path / "p"))
    with (tmp_path / "d" / "loss.csv").open() as stream:
        losses = [float(row["error"]) for row in csv.DictReader(stream)]
    assert len(losses) == 80
    assert np.mean(losses[-20:]) < 0.9 * np.mean(losses[:10])


def test_training_goes_on_from_a_pipeline_with_its_own_latent_factor(run, tmp_path):
    autoencoder = run / "pipeline" / "vae"
    factor = json.loads((autoencoder / "config.json").read_text())["scaling_factor"]
    asked = ["pretrain", "dit", str(write(tmp_path, TINY)), "--out", str(tmp_path / "run"), "--start", str(run / "pipeline")]
    asked += ["--set", "dit.steps=1", "--set", "dit.warmup=1", "--set", "dit.rate=1e-6"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    pipeline = tmp_path / "run" / "pipeline"
    assert json.loads((pipeline / "vae" / "config.json").read_text())["scaling_factor"] == factor
    # One step at a rate of nearly nothing: the weights are still the pipeline's.
    before, after = weights(run / "pipeline")["transformer"], weights(pipeline)["transformer"]
    assert all(torch.allclose(before[name].float(), after[name].float(), atol=2e-3) for name in before)


def write(folder, config):
    path = folder / "config.toml"
    path.write_text(dump(config))
    return path


def test_the_decoder_learns_on_after_the_encoder_is_final_so_that_latents_stay_valid(tmp_path):
    config = replace(TINY, vae=replace(TINY.vae, steps=3))
    folder = train_vae(config, tmp_path / "vae")
    encode_world(config, folder, tmp_path / "latents")
    before = weights(folder)["model"]
    train_vae(TINY, tmp_path / "vae")
    after = weights(folder)["model"]
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("encoder."))
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("decoder."))
    encode_world(config, folder, tmp_path / "latents")


def test_an_autoencoder_whose_latent_grows_decodes_as_before_until_it_learns(run, tmp_path):
    folder = run / "vae" / "model"
    old = load_vae(folder).eval()
    new = new_vae(VaeShape(channels=(4, 4, 4, 4), latent=6, layers=1, groups=2), (32, 48)).eval()
    take_vae(new, folder)
    pixels = torch.from_numpy(world_clip(TINY.world, 1).frames).float().div(127.5).sub(1).permute(3, 0, 1, 2)[None]
    with torch.no_grad():
        (mean, spread), (grown_mean, grown_spread) = encode(old, pixels).chunk(2, 1), encode(new, pixels).chunk(2, 1)
        assert torch.equal(grown_mean[:, :4], mean)
        assert torch.equal(grown_spread[:, :4], spread)
        assert torch.allclose(decode(new, grown_mean), decode(old, mean), atol=1e-5)
    grown = replace(TINY, vae=replace(TINY.vae, latent=6, steps=1, warmup=1))
    asked = ["pretrain", "vae", str(write(tmp_path, grown)), "--out", str(tmp_path / "run"), "--start", str(run / "pipeline")]
    assert CliRunner().invoke(main, asked).exit_code == 0
    learned = weights(tmp_path / "run" / "vae")["model"]["decoder.conv_in.conv.weight"]
    before = weights(run / "pipeline")["vae"]["decoder.conv_in.conv.weight"]
    # One step of the optimiser moves a weight by its rate at most; the pipeline's are in half precision.
    assert torch.allclose(learned[:, :4], before.float(), atol=3e-3)
    assert 0 < learned[:, 4:].abs().max() < 3e-3
    for wrong, message in (((4, 4, 4, 8), "block_out_channels"), ((4, 4, 4, 4), "fewer")):
        shape = VaeShape(channels=wrong, latent=3, layers=1, groups=2)
        with pytest.raises(ConfigError, match=message):
            take_vae(new_vae(shape, (32, 48)), folder)


def test_the_transformer_learns_on_the_run_s_own_autoencoder_where_it_has_one(run, tmp_path):
    """Else weights that were trained on after `pretrain vae --start` would be left aside."""
    own = replace(TINY, vae=replace(TINY.vae, seed=3, steps=1, warmup=1, freeze=1), dit=replace(TINY.dit, steps=1, warmup=1))
    command = [str(write(tmp_path, own)), "--out", str(tmp_path / "run"), "--start", str(run / "pipeline")]
    (tmp_path / "run" / "vae").mkdir(parents=True)
    early = CliRunner().invoke(main, ["pretrain", "dit", *command])
    assert early.exit_code == 2
    assert "train it first" in early.output
    for stage in ("vae", "dit"):
        done = CliRunner().invoke(main, ["pretrain", stage, *command])
        assert done.exit_code == 0, done.output
    kept, trained = (weights(tmp_path / "run" / place) for place in ("pipeline", "vae"))
    assert all(torch.allclose(kept["vae"][name].float(), trained["model"][name], atol=1e-3) for name in kept["vae"])


def test_a_transformer_is_not_begun_with_on_latents_it_does_not_take(run, tmp_path):
    grown = replace(TINY, vae=replace(TINY.vae, latent=6, steps=1, warmup=1, freeze=1))
    command = [str(write(tmp_path, grown)), "--out", str(tmp_path / "run"), "--start", str(run / "pipeline")]
    assert CliRunner().invoke(main, ["pretrain", "vae", *command]).exit_code == 0
    refused = CliRunner().invoke(main, ["pretrain", "dit", *command])
    assert refused.exit_code == 2
    assert "latents of 4 channels" in refused.output
    assert not (tmp_path / "run" / "latents").exists()


@pytest.mark.parametrize("stage", ["vae", "dit"])
def test_two_workers_take_the_steps_that_one_takes(run, tmp_path, stage):
    def learned(workers):
        out = tmp_path / str(workers)
        if stage == "vae":
            train_vae(replace(TINY, vae=replace(TINY.vae, batch=2, workers=workers)), out)
            return out / "loss.csv"
        latents = load_latents(TINY, run / "vae" / "model", run / "latents")
        places = Places(out=out, vae=run / "vae" / "model", pipeline=out / "pipeline")
        train_dit(replace(TINY, dit=replace(TINY.dit, workers=workers)), latents, places)
        return out / "loss.csv"

    one, two = (np.loadtxt(learned(count), delimiter=",", skiprows=1) for count in (1, 2))
    assert len(one) == 5
    # Sums are taken in another order; by the fifth step that shows in the fifth digit.
    assert np.allclose(one, two, rtol=1e-3)
    with pytest.raises(ValueError, match="workers is 3"):
        replace(TINY.dit, workers=3)


def test_half_precision_arithmetic_keeps_weights_whole_and_comes_near_the_exact_loss(run, tmp_path):
    latents = load_latents(TINY, run / "vae" / "model", run / "latents")
    places = Places(out=tmp_path / "d", vae=run / "vae" / "model", pipeline=tmp_path / "p")
    train_dit(replace(TINY, dit=replace(TINY.dit, precision="bfloat16")), latents, places)
    half, exact = (np.loadtxt(folder / "loss.csv", delimiter=",", skiprows=1) for folder in (tmp_path / "d", run / "dit"))
    assert np.allclose(half, exact, rtol=0.05)
    assert not np.array_equal(half, exact)
    state = torch.load(tmp_path / "d" / "state.pt", weights_only=True)
    assert {item.dtype for item in state["model"].values()} == {torch.float32}
    with pytest.raises(ValueError, match="float16"):
        replace(TINY.dit, precision="float16")


def test_the_fast_way_gives_equal_bytes_whether_interrupted_or_not(tmp_path):
    """Two threads in bfloat16, as the model of the package is made: whichever thread ends first."""
    fast = {"workers": 2, "precision": "bfloat16"}
    whole = replace(TINY, vae=replace(TINY.vae, batch=2, **fast), dit=replace(TINY.dit, **fast))
    broken = replace(whole, vae=replace(whole.vae, steps=2), dit=replace(whole.dit, steps=2))
    small_run(tmp_path / "a", whole)
    # The fall of the rate follows the number of steps: the first two steps lie in the warm-up.
    train_vae(broken, tmp_path / "b" / "vae")
    folder = train_vae(whole, tmp_path / "b" / "vae")
    encode_world(whole, folder, tmp_path / "b" / "latents")
    latents = load_latents(whole, folder, tmp_path / "b" / "latents")
    places = Places(out=tmp_path / "b" / "dit", vae=folder, pipeline=tmp_path / "b" / "pipeline")
    train_dit(broken, latents, places)
    train_dit(whole, latents, places)
    one, other = weights(tmp_path / "a" / "pipeline"), weights(tmp_path / "b" / "pipeline")
    assert all(torch.equal(tensor, other[part][name]) for part, tensors in one.items() for name, tensor in tensors.items())


def test_latents_of_another_precision_are_refused_and_come_near_the_exact_ones(run, tmp_path):
    half = replace(TINY, vae=replace(TINY.vae, precision="bfloat16"))
    folder = run / "vae" / "model"
    with pytest.raises(ConfigError, match="another precision"):
        encode_world(half, folder, run / "latents")
    encode_world(half, folder, tmp_path / "half")
    near, exact = load_latents(half, folder, tmp_path / "half"), load_latents(TINY, folder, run / "latents")
    assert torch.allclose(near.means.float(), exact.means.float(), atol=0.05)
    assert not torch.equal(near.means, exact.means)


def test_a_run_begun_before_a_field_was_there_goes_on_with_its_default(tmp_path):
    short = replace(TINY, vae=replace(TINY.vae, steps=2))
    train_vae(short, tmp_path / "vae")
    path = tmp_path / "vae" / "config.toml"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("candidates")))
    train_vae(TINY, tmp_path / "vae")
    with pytest.raises(ConfigError, match=r"vae\.candidates was 1 and is now 2"):
        train_vae(replace(TINY, vae=replace(TINY.vae, candidates=2)), tmp_path / "vae")


def test_crops_of_more_candidates_show_more_movement():
    def moved(candidates):
        own = replace(TINY.vae, candidates=candidates, crop=16, clips=4)
        config = replace(TINY, vae=own, world=replace(TINY.world, clips=4, frames=17))
        pool = _Pool(config, lambda _: None)
        return np.mean([float(pool.draw(2 * step)[0].diff(dim=2).abs().mean()) for step in range(60)])

    assert moved(6) > 1.3 * moved(1)


def test_latents_of_another_encoder_are_refused(run, tmp_path):
    other = train_vae(replace(TINY, vae=replace(TINY.vae, seed=7, steps=1)), tmp_path / "vae")
    with pytest.raises(ConfigError, match="another encoder"):
        encode_world(TINY, other, run / "latents")


def test_a_stage_refuses_to_go_on_under_another_config(run):
    with pytest.raises(ConfigError, match=r"vae\.rate was 0\.002 and is now 0\.1"):
        train_vae(replace(TINY, vae=replace(TINY.vae, rate=0.1)), run / "vae")


def test_two_processes_share_the_encoding_and_get_what_one_gets(run, tmp_path, monkeypatch):
    monkeypatch.setattr("matrix_train.pretrain.latents.SHARD", 1)
    autoencoder = run / "vae" / "model"
    for part in ((1, 2), (0, 2)):
        encode_world(TINY, autoencoder, tmp_path, part=part)
    shared = load_latents(TINY, autoencoder, tmp_path)
    monkeypatch.undo()
    alone = load_latents(TINY, autoencoder, run / "latents")
    assert torch.equal(shared.means, alone.means)
    assert torch.equal(shared.images, alone.images)
    assert shared.captions == alone.captions


def test_a_batch_depends_on_seed_and_step_alone_and_drops_captions_at_the_share_that_is_asked_for(run):
    latents = load_latents(TINY, run / "vae" / "model", run / "latents")
    own = replace(TINY.dit, batch=64, text_dropout=0.25)

    def moment(generator):
        return float(torch.randint(1000, (1,), generator=generator))

    first, again, other = draw(latents, own, 3, moment), draw(latents, own, 3, moment), draw(latents, own, 4, moment)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["noise"], other["noise"])
    dropped = np.mean([(draw(latents, own, step, moment)["caption"] == 0).float().mean() for step in range(20)])
    assert abs(dropped - 0.25) < 0.05
    assert not first["image"][:, :, 1:].any()


def test_the_first_latent_of_a_clip_is_near_its_first_frame_encoded_alone(run):
    clip = world_clip(TINY.world, 1)
    vae = load_vae(run / "vae" / "model")
    pixels = torch.from_numpy(clip.frames).float().div(127.5).sub(1).permute(3, 0, 1, 2)[None]
    with torch.no_grad():
        alone = encode(vae, pixels[:, :, :1])[0].chunk(2)[0][:, 0]
    latents = load_latents(TINY, run / "vae" / "model", run / "latents")
    assert torch.allclose(latents.images[1].float(), alone, atol=2e-3)


def test_a_third_of_the_world_is_played_wrongly_mostly_in_who_and_whom():
    policies = [policy_of(scene, 1 / 3) for scene in scenes(1000, 600)]
    wrong = [policy for policy in policies if policy != "perfect"]
    assert 0.27 < len(wrong) / 600 < 0.40
    assert sum(policy in ROLE_FAULTS for policy in wrong) > 0.6 * len(wrong)


def test_the_world_never_shows_scenes_of_the_benchmark():
    for seed in (1, 2):
        with pytest.raises(ValueError, match="benchmark"):
            WorldConfig(seed=seed)


def test_latent_cells_know_where_figures_are_in_space_and_time():
    figures = np.zeros((9, 32, 48), dtype=bool)
    figures[0, 8, 16] = figures[6, 31, 47] = True
    cells = cells_of(figures)
    assert cells.shape == (3, 4, 6)
    assert {tuple(map(int, place)) for place in np.argwhere(cells)} == {(0, 1, 2), (2, 3, 5)}


def test_every_caption_of_the_benchmark_is_made_of_whole_known_words_and_fits():
    config = read("staged-small")
    tokenizer = new_tokenizer(captions(config.world, 3000))
    told = [scene.sample().prompt for scene in scenes(1, 144)]
    ids = token_ids(tokenizer, told, config.text.tokens)
    pieces = {piece for row in ids.tolist() for piece in tokenizer.convert_ids_to_tokens(row)}
    assert {piece for piece in pieces if not piece.startswith("▁")} == {",", ".", "</s>", "<pad>"}
    with pytest.raises(ConfigError, match=r"text\.tokens is 8"):
        token_ids(tokenizer, told, 8)


def test_the_configs_of_the_package_read_back_as_they_are_written(tmp_path):
    assert names() == ("binding-gpu", "binding-large", "binding-small", "staged-gpu", "staged-small")
    for name in names():
        config = read(name)
        (tmp_path / "config.toml").write_text(dump(config))
        assert load(tmp_path / "config.toml") == config


def test_a_wrong_value_of_a_config_is_named(tmp_path):
    (tmp_path / "c.toml").write_text("[world]\nframes = 16\n")
    with pytest.raises(ConfigError, match=r"world\.frames is 16"):
        load(tmp_path / "c.toml")
    with pytest.raises(ConfigError, match="staged-small"):
        read("no-such-config")
