"""Fixed linear latents as a pipeline's autoencoder, and bases of the binding world on them: tiny, and by the real pipeline."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from intergeneval.errors import ConfigError
from matrix_train.backbones.cogvideox.linear import LinearVideoAutoencoder, fitted
from matrix_train.backbones.cogvideox.untrained import load_vae, new_scheduler, objective
from matrix_train.backbones.loading import load_backbone, load_pipeline
from matrix_train.backbones.sampling import sample_videos
from matrix_train.binding.measure import ASKED, Sampling, measure, summed
from matrix_train.binding.outcomes import Outcome
from matrix_train.binding.play import play
from matrix_train.binding.scene import LETTERS, Deed, scene
from matrix_train.cli import main
from matrix_train.pretrain.config import DitConfig, PretrainConfig, TextConfig, VaeConfig, WorldConfig, dump
from matrix_train.pretrain.dit import CURVE, Places, optimisers, train_dit
from matrix_train.pretrain.latents import load_latents
from matrix_train.pretrain.text import new_encoder, new_tokenizer, token_ids
from matrix_train.pretrain.world import captions, world_clip

TINY = PretrainConfig(
    world=WorldConfig(kind="binding", clips=8, frames=9, height=48, width=48),
    vae=VaeConfig(kind="linear", latent=8, clips=8),
    text=TextConfig(width=16, layers=1, heads=2, tokens=12),
    dit=DitConfig(
        heads=2, head_width=16, layers=2, time_width=16, steps=4, batch=4, warmup=2, save_every=2, predict="clean",
        optimiser="muon", measure=2,
    ),
)  # fmt: skip


def clips(count, seed=700):
    shown = [play(scene(seed, index), scene(seed, index).deeds[0], frames=9, size=(80, 80)).frames for index in range(count)]
    return torch.from_numpy(np.stack(shown)).permute(0, 4, 1, 2, 3).float().div(127.5).sub(1)


def decibels(one, other):
    return float(-10 * torch.log10(((one - other) / 2).square().mean()))


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture(scope="module")
def linear():
    return fitted(clips(80), 32)


def test_clips_that_it_was_not_made_from_come_back_better_than_from_the_learned_autoencoder_of_the_staged_base(linear):
    unseen = clips(20, seed=701)
    latent = linear.encode(unseen).latent_dist.mode()
    assert latent.shape == (20, 32, 3, 10, 10)
    # The embedded learned one gives 24.2 to 28.4 dB of its world.
    assert decibels(linear.decode(latent).sample, unseen) > 28.5


def test_where_nothing_moves_the_latent_is_zero_and_the_first_frame_is_coded_as_if_alone(linear):
    moving = clips(2)
    still = moving[:, :, :1].expand(-1, -1, 9, -1, -1)
    assert linear.encode(still).latent_dist.mode()[:, :, 1:].abs().max() < 1e-6
    alone = linear.encode(moving[:, :, :1]).latent_dist.mode()
    assert torch.allclose(linear.encode(moving).latent_dist.mode()[:, :, :1], alone)


def test_it_is_saved_and_loaded_like_any_component_and_draws_nothing_at_random(linear, tmp_path):
    linear.save_pretrained(tmp_path)
    again = load_vae(tmp_path)
    assert isinstance(again, LinearVideoAutoencoder)
    pixels = clips(2)
    kept, drawn = linear.encode(pixels).latent_dist.mode(), again.encode(pixels).latent_dist.sample()
    assert torch.allclose(kept, drawn, atol=1e-5)


def test_equal_clips_give_equal_bytes(linear):
    again = fitted(clips(80), 32)
    for name, item in linear.state_dict().items():
        assert torch.equal(item, again.state_dict()[name]), name


def test_shapes_without_blocks_and_more_channels_than_directions_are_told(linear):
    with pytest.raises(ConfigError, match="8 frames of 80x80 have no linear latents"):
        linear.encode(clips(1)[:, :, :8])
    with pytest.raises(ConfigError, match=r"vae\.latent is 300"):
        fitted(clips(2), 300)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The whole way by the commands, in one piece."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "config.toml").write_text(dump(TINY))
    for piece in ("vae", "dit"):
        done = CliRunner().invoke(main, ["pretrain", piece, str(folder / "config.toml"), "--out", str(folder / "out")])
        assert done.exit_code == 0, done.output
    return folder


def test_a_base_of_the_binding_world_is_an_ordinary_pipeline_that_says_what_it_predicts(run):
    folder = run / "out" / "pipeline"
    pipeline = load_pipeline(folder, torch.float32)
    assert type(pipeline.vae).__name__ == "LinearVideoAutoencoder"
    assert pipeline.scheduler.config.prediction_type == "sample"
    assert json.loads((folder / "video.json").read_text()) == {"fps": 4.0, "image_noise": "none"}
    clean, noise, time = torch.randn(1, 8, 3, 6, 6), torch.randn(1, 8, 3, 6, 6), torch.tensor([500.0])
    assert load_backbone(folder, torch.float32).noising.loss(clean, clean, noise, time).item() == 0


def test_such_a_base_is_loaded_where_nothing_of_it_was_imported_before(run):
    code = "import sys, torch; from pathlib import Path; from matrix_train.backbones.loading import load_pipeline; "
    code += "print(type(load_pipeline(Path(sys.argv[1]), torch.float32).vae).__name__)"
    words = [sys.executable, "-c", code, str(run / "out" / "pipeline")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "LinearVideoAutoencoder", done.stderr


def test_a_run_that_was_stopped_ends_with_the_weights_and_the_curve_of_one_in_one_piece(run, tmp_path):
    class StopError(Exception):
        pass

    def stop(line):
        if line.startswith("dit 2/4"):
            raise StopError

    vae, latents = run / "out" / "vae" / "model", load_latents(TINY, run / "out" / "vae" / "model", run / "out" / "latents")
    places = Places(out=tmp_path / "dit", vae=vae, pipeline=tmp_path / "pipeline")
    with pytest.raises(StopError):
        train_dit(TINY, latents, places, stop)
    assert not (tmp_path / "pipeline").exists()
    train_dit(TINY, latents, places)
    for name in ("transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"):
        assert (run / "out" / "pipeline" / name).read_bytes() == (tmp_path / "pipeline" / name).read_bytes()
    margins = [[row["margin"] for row in rows_of(path / "dit" / CURVE)] for path in (run / "out", tmp_path)]
    assert margins[0] == margins[1]


def test_the_curve_tells_accuracy_and_cpu_seconds_at_every_checkpoint(run):
    rows = rows_of(run / "out" / "dit" / CURVE)
    assert [row["step"] for row in rows] == ["2", "4"]
    seconds = [float(row["cpu_seconds"]) for row in rows]
    assert 0 < seconds[0] < seconds[1]
    assert all(0 <= float(row[name]) <= 1 for row in rows for name in ("subject", "object"))


def test_measuring_by_the_command_gives_what_the_function_gives(run):
    folder = run / "out" / "pipeline"
    words = ["pretrain", "measure", str(folder), "--scenes", "3", "--steps", "2", "--json"]
    told = json.loads(CliRunner().invoke(main, words).stdout)
    sampling = Sampling(steps=2, size=(48, 48))
    found = measure(load_pipeline(folder, torch.float32), seed=2, scenes=3, sampling=sampling)
    assert {name: told[name] for name in found.to_json()} == found.to_json()
    assert told["sampling"]["size"] == [48, 48]


def test_videos_made_together_are_those_made_one_by_one(run):
    pipeline = load_pipeline(run / "out" / "pipeline", torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    shown = [world_clip(TINY.world, index) for index in (0, 5)]
    firsts, told = [clip.frames[0] for clip in shown], [clip.caption for clip in shown]
    together = sample_videos(pipeline, firsts, told, frames=9, steps=3, seeds=[4, 9])
    for place, seed in enumerate((4, 9)):
        alone = sample_videos(pipeline, [firsts[place]], [told[place]], frames=9, steps=3, seeds=[seed])[0]
        assert np.abs(together[place].astype(int) - alone).max() <= 1


def test_standard_errors_are_over_scenes_and_not_over_videos():
    right, wrong = (Outcome(subject=True, object=value, margin=1.0 if value else -1.0) for value in (True, False))
    found = summed([(right, right), (wrong, wrong), (right, right), (wrong, wrong)])
    assert found.object == 0.5
    # Four scenes with values 1, 0, 1, 0: deviation .577 over the root of four; eight videos would have given .189.
    assert found.object_se == pytest.approx(0.2887, abs=1e-4)
    assert found.subject_se == 0


def test_a_third_of_the_clips_is_played_by_another_subject_or_to_another_object():
    world = replace(TINY.world, clips=400, height=32, width=32)
    shown = [world_clip(world, index).policy for index in range(world.clips)]
    shares = {name: shown.count(name) / len(shown) for name in set(shown)}
    assert set(shares) == {"perfect", "wrong-agent", "wrong-recipient"}
    assert abs(shares["perfect"] - 2 / 3) < 0.08
    assert abs(shares["wrong-agent"] - 1 / 6) < 0.06
    assert captions(world, 3) == tuple(scene(1000, 0).caption(scene(1000, 0).deeds[number]) for number in range(3))


def test_what_is_asked_of_a_model_differs_in_the_object_alone():
    for index in range(10):
        one, other = (scene(2, index).deeds[number] for number in ASKED)
        assert other == replace(one, object=other.object)
        assert one != other
    assert isinstance(one, Deed)
    assert max(ASKED) < len(LETTERS)


def test_muon_steps_the_matrices_that_mix_features_and_adamw_the_rest():
    model = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 4), "shared": torch.nn.Embedding(5, 3)})
    plain, matrices = optimisers(model, replace(TINY.dit))
    assert [item.shape for item in matrices.param_groups[0]["params"]] == [(4, 3)]
    assert sorted(tuple(item.shape) for item in plain.param_groups[0]["params"]) == [(4,), (5, 3)]
    (alone,) = optimisers(model, replace(TINY.dit, optimiser="adamw"))
    assert len(alone.param_groups[0]["params"]) == 3


def test_sampling_a_perfect_prediction_of_the_clean_latent_ends_in_it():
    """The library's scheduler and our objective mean the same by predicting the clean latent."""
    scheduler, clean = new_scheduler("sample"), torch.randn(1, 3, 8, 2, 2)
    scheduler.set_timesteps(5)
    noisy = torch.randn(clean.shape)
    for time in scheduler.timesteps:
        wanted = objective("sample").wanted(clean, noisy, time[None].float())
        noisy = scheduler.step(wanted, time, noisy, return_dict=False)[0]
    assert torch.allclose(noisy, clean, atol=1e-4)


def test_from_the_start_a_word_is_coded_otherwise_as_subject_than_as_object_where_heads_prefer_neighbours():
    """The transformer gives words no places of their own: without this a base reads its caption as a bag of words."""

    def apart(near):
        config = TextConfig(width=48, layers=2, heads=3, tokens=12, near=near)
        told = ("The red disc touches the blue cross.", "The blue cross touches the red disc.")
        tokenizer = new_tokenizer(told)
        torch.manual_seed(0)
        encoder = new_encoder(config, tokenizer).eval()
        one, other = encoder(token_ids(tokenizer, told, 12))[0]
        # "red" is the second word of the first caption and the sixth of the second.
        return ((one[1] - other[5]).norm() / one[1].norm()).item()

    assert apart(0.0) < 0.2
    assert apart(4.0) > 0.4
