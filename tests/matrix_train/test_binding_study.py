"""A study in which binding is the outcome: its gate, what it writes down before, what it says of arms, and equal bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_linear_latents import TINY

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_json
from matrix_train.backbones.loading import load_pipeline
from matrix_train.binding.denoising import denoising
from matrix_train.binding.measure import Sampling
from matrix_train.cli import main
from matrix_train.pretrain.config import dump
from matrix_train.study.arms import config_of
from matrix_train.study.binding_plots import doses
from matrix_train.study.effects import METRICS, Word, effects, word_of
from matrix_train.study.harness import ModelView, agreements
from matrix_train.study.plan import LayerSet, load
from matrix_train.study.run import Study

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
BENCH = Path(__file__).parents[2] / "benchmarks" / "binding"
PLAN = """
name = "tiny-binding"
seeds = [0]

[base]
model = "{base}"
staged_seeds = [1000]
gradient_checkpointing = false

[clips]
world = "binding"
seed = 3101
count = 4

[shape]
frames = 9
height = 48
width = 48
fps = 4.0

[bench]
path = "{bench}"
scenes = 2

[generation]
steps = 2
guidance = 1.0

[scoring]
tracker = "hue"

[outcomes]
reference = "plain"
control = "base"
scenes = 3
steps = 2
least = {least}
most = 1.0

[training.condition]
id_map = "none"

[training.lora]
rank = 4
alpha = 4

[training.train]
steps = 2
batch = 2
warmup = 1
log_every = 1
{more}
[layers.some]
lora = [0, 1]
v2t = [1]
v2v = [1]

[[arms]]
name = "base"
recipe = "base"

[[arms]]
name = "plain"
recipe = "lora"
layers = "some"

[[arms]]
name = "mass"
recipe = "sga-v2t"
layers = "some"
training.loss.kind = "log_mass"
training.loss.balance = 0.3
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    (folder / "config.toml").write_text(dump(TINY))
    for piece in ("vae", "dit"):
        done = CliRunner().invoke(main, ["pretrain", piece, str(folder / "config.toml"), "--out", str(folder / "out")])
        assert done.exit_code == 0, done.output
    return folder / "out" / "pipeline"


def plan_of(folder, base, least=0.0, more=""):
    path = folder / "plan.toml"
    path.write_text(PLAN.format(base=base, bench=BENCH, least=least, more=more))
    return path


@pytest.fixture(scope="module")
def done(base, tmp_path_factory):
    """The same study twice, from nothing."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("one", "two"):
        words = ["study", str(plan_of(folder, base)), "--out", str(folder / name), "--json"]
        found = CliRunner().invoke(main, words)
        assert found.exit_code == 0, found.output
    return folder


def test_two_runs_from_nothing_give_equal_bytes(done):
    files = [
        *("registration.json", "result/binding.md", "result/binding.csv", "result/binding.json", "gate/outcomes.jsonl"),
        *("measure/base/outcomes.jsonl", "measure/plain/0/outcomes.jsonl", "measure/mass/0/outcomes.jsonl"),
        *("train/plain/0/adapter/pytorch_lora_weights.safetensors", "train/mass/0/adapter/pytorch_lora_weights.safetensors"),
    ]
    for name in files:
        assert (done / "one" / name).read_bytes() == (done / "two" / name).read_bytes(), name
    # The base is measured as the gate measured it; two arms that are trained otherwise are two adapters.
    assert (done / "one" / files[5]).read_bytes() == (done / "one" / files[4]).read_bytes()
    assert (done / "one" / files[-2]).read_bytes() != (done / "one" / files[-1]).read_bytes()


def test_what_will_be_compared_is_written_before_the_first_arm_and_its_hash_stands_in_the_page(done):
    folder = done / "one"
    told = json.loads((folder / "registration.json").read_text())
    assert told["arms"] == ["base", "mass"]
    assert sha256_json(told) in (folder / "result" / "binding.md").read_text()
    pieces = [item.name for item in Study(load(done / "plan.toml"), folder).pieces]
    assert pieces[:2] == ["gate", "register"]
    before = (folder / "registration.json").stat().st_mtime_ns
    assert all(before <= path.stat().st_mtime_ns for path in (folder / "train").rglob("*.safetensors"))


def test_the_harness_scores_the_same_arms(done):
    assert len((done / "one" / "run" / "mass" / "0" / "scores.jsonl").read_text().splitlines()) == 2
    result = done / "one" / "result"
    assert (result / "table.md").is_file()
    views = json.loads((result / "harness.json").read_text())
    assert [item["arm"] for item in views["models"]] == ["base", "plain", "mass"]
    assert all(item["rho"] is None for item in views["agreements"])
    assert "<svg" in (result / "effects.svg").read_text()
    assert not (result / "doses.svg").exists()


def test_what_is_found_so_far_is_told_of_whole_seeds_alone_and_says_that_it_is_not_all(done, base, tmp_path):
    two = tmp_path / "two.toml"
    two.write_text(plan_of(tmp_path, base).read_text().replace("seeds = [0]", "seeds = [0, 1]"))
    early = CliRunner().invoke(main, ["study", str(two), "--out", str(tmp_path / "out"), "--until", "register"])
    assert early.exit_code == 0, early.output
    nothing = CliRunner().invoke(main, ["study", "so-far", str(tmp_path / "out")])
    assert nothing.exit_code == 2
    assert "of no training seed has every arm been measured" in nothing.stderr
    Study(load(two), tmp_path / "out").run(only=["bench", "data", "encode/*", "train/*/0", "train/base", "measure/*[!1]"])
    told = CliRunner().invoke(main, ["study", "so-far", str(tmp_path / "out")])
    assert told.exit_code == 0, told.output
    assert "Not finished: training seeds 0 of 0, 1." in told.stdout
    whole = json.loads((done / "one" / "result" / "binding.json").read_text())
    assert json.loads((tmp_path / "out" / "so-far" / "binding.json").read_text()) == whole
    Study.open(done / "one").so_far()
    assert (done / "one" / "so-far" / "binding.md").read_text() == (done / "one" / "result" / "binding.md").read_text()


def test_denoising_is_measured_of_each_scene_and_time_and_tells_a_worse_model(base):
    pipeline = load_pipeline(base, torch.float32)
    form = Sampling(frames=9, size=(48, 48))
    found = denoising(pipeline, base, seed=2, scenes=3, sampling=form)
    assert found.shape == (3, 3)
    assert np.array_equal(found, denoising(pipeline, base, seed=2, scenes=3, sampling=form))
    # A scene's figures do not depend on the scenes that are measured with it.
    assert np.allclose(found[:2], denoising(pipeline, base, seed=2, scenes=2, sampling=form), atol=1e-5)
    with torch.no_grad():
        pipeline.transformer.proj_out.weight.add_(torch.randn(pipeline.transformer.proj_out.weight.shape))
    assert (denoising(pipeline, base, seed=2, scenes=3, sampling=form) < found).all()


def test_the_harness_agrees_or_not_with_binding_by_rank_and_says_nothing_of_few_models():
    right = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    models = [
        ModelView(arm=f"arm {place}", seed=0, object=value, scores={"if": value**2, "contrast": 1 - value})
        for place, value in enumerate(right)
    ]
    whole, contrast = agreements(models)
    assert (whole.rho, contrast.rho) == pytest.approx((1.0, -1.0))
    assert whole.low <= whole.rho <= whole.high
    few, _ = agreements(models[:3])
    assert (few.rho, few.models) == (None, 3)
    flat = [replace(item, scores={"if": None, "contrast": 0.5}) for item in models]
    assert [(item.models, item.rho) for item in agreements(flat)] == [(0, None), (6, None)]


def test_arms_that_differ_in_dose_alone_are_one_curve_by_rising_dose():
    found = load("binding")
    found = replace(found, layers=dict.fromkeys(("found", "wrong"), LayerSet(lora=(0, 1), v2t=(0,), v2v=(1,))))
    configs = {arm.name: config_of(found, arm, None) for arm in found.arms}
    assert ["mass-0.03", "mass-0.1", "mass-0.3"] in [group[:3] for group in doses(configs)]


def test_no_arm_begins_while_the_base_is_outside_of_its_band(base, tmp_path):
    study = Study(load(plan_of(tmp_path, base, least=0.99)), tmp_path / "out")
    with pytest.raises(ConfigError, match=r"outside of 0\.99 to 1\.00 .*train it on"):
        study.run()
    assert not (tmp_path / "out" / "train").exists()
    assert not (tmp_path / "out" / "registration.json").exists()


def test_a_plan_that_changes_after_it_was_written_down_is_refused(done, base, tmp_path):
    changed = load(plan_of(tmp_path, base, more="\n[training.heldout]\nshare = 0.5\n"))
    with pytest.raises(ConfigError, match="register was made with another"):
        Study(changed, done / "one").run()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('control = "base"', 'control = "plain"', "no control of itself"),
        ('control = "base"', 'control = "nobody"', "'nobody' is none of"),
        ("most = 1.0", "most = 0.0", r"outcomes\.least must be below"),
        ("scenes = 3", "scenes = 1", r"outcomes\.scenes must be at least 2"),
        ('world = "binding"', 'world = "moon"', r"clips\.world is 'moon'"),
        ('world = "binding"', 'world = "staged"', "outcomes are of the binding world"),
        ("seed = 3101", "seed = 2", "clips.seed 2"),
        ("[generation]", "[generation]\nseed = 4", "steps and guidance alone"),
    ],
)
def test_a_plan_that_cannot_be_measured_is_told(tmp_path, old, new, said):
    text = PLAN.format(base="x", bench=BENCH, least=0.0, more="")
    assert old in text
    (tmp_path / "plan.toml").write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        load(tmp_path / "plan.toml")


def drawn(share, scenes, seed, like=None, keep=1.0):
    """What was measured on scenes with two videos of which a share is right; `like` gives those that most are the same as."""
    rng = np.random.default_rng(seed)
    values = (rng.random((scenes, 2)) < share).mean(axis=1)
    if like is not None:
        values = np.where(rng.random(scenes) < keep, like["object"], values)
    return dict.fromkeys(METRICS, values)


def test_an_arm_that_harms_and_one_that_changes_nothing_are_told_apart_and_named_so():
    reference = {seed: drawn(0.66, 600, seed) for seed in range(4)}
    same = {seed: drawn(0.66, 600, 50 + seed, like=reference[seed], keep=0.97) for seed in range(4)}
    worse = {seed: drawn(0.45, 600, 90 + seed, like=reference[seed], keep=0.4) for seed in range(4)}
    found = {item.arm: item for item in effects({"plain": reference, "same": same, "worse": worse}, "plain", 0.03)}
    assert found["plain"].effects == ()
    assert found["same"].effects[0].word is Word.NONE
    assert found["worse"].effects[0].word is Word.HARMS
    assert abs(found["worse"].effects[0].difference + 0.126) < 0.03
    assert found["same"].effects[0].se_scenes < 0.01


def test_arms_of_no_difference_are_called_different_as_seldom_as_the_level_says():
    said = 0
    for trial in range(200):
        reference = {seed: drawn(0.6, 100, 1000 * trial + seed) for seed in range(3)}
        arm = {seed: drawn(0.6, 100, 1000 * trial + 500 + seed) for seed in range(3)}
        said += effects({"plain": reference, "arm": arm}, "plain", 0.03)[1].effects[0].word in (Word.HELPS, Word.HARMS)
    assert said <= 20


def test_the_spread_over_seeds_widens_an_interval_that_scenes_alone_would_leave_narrow():
    flat = {seed: drawn(0.6, 400, seed) for seed in range(3)}
    jumping = {seed: drawn(share, 400, 10 + seed) for seed, share in enumerate((0.4, 0.6, 0.8))}
    (_, arm) = effects({"plain": flat, "jumping": jumping}, "plain", 0.03)
    effect = arm.effects[0]
    assert effect.spread > 0.15
    assert effect.high - effect.low > 2 * 3 * effect.se_scenes


def test_words_follow_from_intervals_alone():
    assert word_of(0.01, 0.05, 0.03) is Word.HELPS
    assert word_of(-0.05, -0.01, 0.03) is Word.HARMS
    assert word_of(-0.02, 0.02, 0.03) is Word.NONE
    assert word_of(-0.04, 0.02, 0.03) is Word.OPEN
