"""Clips that are held out of training say whether an adapter is better, equal or worse than its base."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny_pipeline
import torch
from click.testing import CliRunner

from intergeneval.errors import ConfigError
from matrix_train import config as configs
from matrix_train.alignment import HeldoutConfig
from matrix_train.cli import main
from matrix_train.config import ConditionConfig, LossConfig
from matrix_train.data.batches import Batches
from matrix_train.data.cache import folder_of
from matrix_train.data.clips import Clip, ClipInstance, read_own, write_own
from matrix_train.data.holding import held_out, holding_note, kept_apart
from matrix_train.model import checkpoint
from matrix_train.train.average import Average
from matrix_train.train.balance import Balance, gradient_norms
from matrix_train.train.loop import Run
from matrix_train.train.rates import peak_of
from matrix_train.train.trackers import checked_trackers
from matrix_train.train.verdict import judge

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TIMES = (150.0, 650.0)


def clips_of(count, per_video=1):
    return [
        Clip(
            id=f"c{index}",
            video=f"v{index // per_video}.mp4",
            caption="x",
            tracks="t.json",
            instances=(ClipInstance(id="id1"),),
            interactions=(),
        )
        for index in range(count)
    ]


def test_the_same_videos_are_held_out_whatever_else_the_dataset_holds_in_whatever_order():
    clips = clips_of(100)
    found = {clips[index].video for index in held_out(clips, HeldoutConfig())}
    assert len(found) == 8
    assert {clips[::-1][index].video for index in held_out(clips[::-1], HeldoutConfig())} == found
    assert len(held_out(clips_of(1000), HeldoutConfig())) == 20
    assert len(held_out(clips_of(10_000), HeldoutConfig())) == 64


def test_clips_that_the_dataset_keeps_for_validation_are_the_ones_and_none_beside_them_is_held_out():
    clips = [replace(clip, split="validation" if index % 4 == 0 else "train") for index, clip in enumerate(clips_of(400))]
    assert kept_apart(clips) == tuple(range(0, 400, 4))
    looked = held_out(clips, HeldoutConfig())
    assert len(looked) == 64
    assert set(looked) < set(kept_apart(clips))
    assert held_out(clips, HeldoutConfig(share=0.0)) == ()
    assert "100 of 400 clips are kept for validation by the dataset and not trained on; 64 of them compare" in holding_note(
        400, 64, HeldoutConfig(), 100
    )


def test_clips_of_one_video_fall_on_the_same_side():
    clips = clips_of(60, per_video=3)
    chosen = set(held_out(clips, HeldoutConfig()))
    videos = {clips[index].video for index in chosen}
    assert chosen == {index for index, clip in enumerate(clips) if clip.video in videos}
    assert 8 <= len(chosen) <= 10


def test_of_few_clips_none_is_held_out_and_the_way_out_is_told():
    assert held_out(clips_of(15), HeldoutConfig()) == ()
    assert "set heldout.clips to at most half" in holding_note(15, 0, HeldoutConfig())
    assert len(held_out(clips_of(16), HeldoutConfig())) == 8


@pytest.mark.parametrize(("factor", "word"), [(0.9, "better than"), (1.1, "worse than"), (None, "equal to")])
def test_the_verdict_is_better_worse_or_equal_by_the_paired_interval(factor, word):
    generator = np.random.default_rng(0)
    base = {time: generator.uniform(0.5, 2.0, 40) for time in TIMES}
    own = {
        time: values * (factor or 1) + generator.normal(0, 0.1 if factor is None else 0.001, 40) for time, values in base.items()
    }
    found = judge(7, base, own, 0.05)
    assert found.overall.word == word
    assert found.line().startswith(f"{word} the base on 40 held-out clips: denoising loss ")
    if factor:
        assert found.overall.low < factor - 1 < found.overall.high
        assert found.times["150"].mean == pytest.approx(factor - 1, abs=0.002)
    assert "predictions moved by 5.00 %" in found.line()


def test_harm_at_one_timestep_is_told_where_another_makes_up_for_it():
    base = {time: np.linspace(1, 2, 20) for time in TIMES}
    found = judge(1, base, {150.0: 1.02 * base[150.0], 650.0: 0.98 * base[650.0]}, 0.1)
    assert found.overall.word == "equal to"
    assert found.line().endswith("; worse at t 150; better at t 650")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("heldout")
    tiny_pipeline.pipeline(root / "base", "cogvideox")
    tiny_pipeline.dataset(root / "data")
    return root


def settings_of(places, *, loss=None, condition=None, **train):
    settings = tiny_pipeline.config(places / "base", places / "data")
    wanted = {"steps": 4, "batch": 2, "log_every": 1, "warmup": 1, "rate": 1e-2, "seed": 3, **train}
    return replace(
        settings,
        train=replace(settings.train, **wanted),
        loss=replace(settings.loss, **(loss or {})),
        condition=replace(settings.condition, image_noise="none", **(condition or {})),
        heldout=HeldoutConfig(clips=2, every=0, timesteps=TIMES),
    )


@pytest.fixture(scope="module")
def trained(places):
    """Four steps with balanced weights and averaged weights, saved half-way."""
    settings = settings_of(places, loss={"balance": 0.5}, ema=0.9, save_every=2, clip_apart=True)
    (places / "c.toml").write_text(configs.dump(settings))
    found = CliRunner().invoke(main, ["fit", str(places / "c.toml"), "--out", str(places / "run"), "--json"])
    assert found.exit_code == 0, found.output
    return settings, json.loads(found.stdout)


def rows_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_fit_ends_with_the_verdict_and_logs_what_held_out_clips_show(places, trained):
    result = trained[1]["heldout"]
    assert result["clips"] == 2
    assert result["word"] in ("better", "equal", "worse")
    assert set(result["times"]) == {"150", "650"}
    assert result["moved"] > 0
    last = rows_of(places / "run")[-1]
    wanted = {"heldout/denoising/t150", "heldout/change", "heldout/lift/v2t/1", "heldout/aas/v2v/2", "heldout/sga/iou"}
    assert wanted | {"heldout/base/lift/v2t/1"} <= set(last)
    assert last["heldout/lift/v2v/2"] != last["heldout/base/lift/v2v/2"]
    assert last["heldout/change"] == result["overall"]["mean"]
    again = CliRunner().invoke(main, ["fit", str(places / "c.toml"), "--out", str(places / "run")])
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, result["line"])


def test_held_out_clips_are_never_drawn_and_look_the_same_to_every_seed(places, trained):
    settings = trained[0]
    found = []
    for seed in (1, 2):
        run = Run(replace(settings, train=replace(settings.train, seed=seed)), places / f"seed-{seed}")
        drawn = {name for step in range(6) for name in run.batches.draw(step).clips}
        held = {run.batches.clips[index].id for index in run.batches.held}
        assert len(held) == 2
        assert not drawn & held
        found.append(run.batches.fixed(run.batches.cached(run.batches.held[0]), 150.0))
    assert torch.equal(found[0].noise, found[1].noise)
    assert torch.equal(found[0].clean, found[1].clean)


def test_a_run_draws_no_clip_that_the_dataset_keeps_for_validation_and_compares_on_it_alone(places, trained, tmp_path):
    shutil.copytree(places / "data", tmp_path / "data")
    kept = tuple(replace(clip, split="validation" if clip.id == "clip2" else "") for clip in read_own(tmp_path / "data"))
    write_own(tmp_path / "data", kept)
    settings = replace(trained[0], data=replace(trained[0].data, path=str(tmp_path / "data")))
    for share in (0.02, 0.0):
        run = Run(replace(settings, heldout=replace(settings.heldout, share=share)), tmp_path / f"run{share}")
        assert {name for step in range(8) for name in run.batches.draw(step).clips} == {"clip0", "clip1", "clip3"}
        assert [run.batches.clips[index].id for index in run.batches.held] == (["clip2"] if share else [])
        assert (run.heldout is not None) == bool(share)


def test_an_adapter_that_does_nothing_is_equal_and_moved_nothing(places, trained):
    settings = replace(trained[0], train=replace(trained[0].train, steps=1, rate=0.0, decoder_rate=0.0))
    verdict = Run(settings, places / "idle").fit().verdict
    assert (verdict.overall.mean, verdict.moved, verdict.overall.word) == (0.0, 0.0, "equal to")


def test_the_mean_ratio_of_a_noisy_and_drifting_loss_is_within_a_fifth_of_what_was_asked_for():
    generator, found = np.random.default_rng(0), []
    balance = Balance({"sga": 0.01}, 0.3, log_every=10)
    for step in range(300):
        # Norms of single batches lie apart by factors, and a loss's gradient falls while it is learnt.
        noise = np.exp(generator.normal(0, 0.5, 2))
        norms = {"denoising": 0.05 * noise[0], "sga": 0.002 * noise[1] * np.exp(-step / 300)}
        if balance.due(step):
            balance.take(norms)
        found.append(balance.weights["sga"] * norms["sga"] / norms["denoising"])
    assert np.mean(found) == pytest.approx(0.3, rel=0.2)
    assert sum(balance.due(step) for step in range(300)) < 120


def test_balanced_weights_keep_the_ratio_of_gradients_that_was_asked_for(places, trained):
    rows = rows_of(places / "run")
    for name in ("sga", "spa"):
        assert rows[0][f"ratio/{name}"] == pytest.approx(0.5, rel=1e-4)
        assert all(row[f"ratio/{name}"] > 0 for row in rows)
        assert rows[0][f"weight/{name}"] != rows[-1][f"weight/{name}"]


def test_a_run_with_balance_and_averages_goes_on_as_if_it_had_not_been_broken(places, trained):
    broken = places / "broken"
    Run(replace(trained[0], train=replace(trained[0].train, steps=4)), broken).fit()
    for path in (broken / "checkpoint-0000004").iterdir():
        path.unlink()
    (broken / "log.jsonl").unlink()
    Run(trained[0], broken).fit()
    assert rows_of(broken) == rows_of(places / "run")[2:]
    for name in (checkpoint.LORA, checkpoint.REST):
        one, other = (checkpoint.read_tensors(folder / "adapter" / name) for folder in (broken, places / "run"))
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_run_that_began_before_clips_were_held_out_goes_on_with_all_of_them(places):
    settings = settings_of(places, steps=2, save_every=1)
    out = places / "older"
    Run(replace(settings, heldout=HeldoutConfig(share=0.0), train=replace(settings.train, steps=1)), out).fit()
    path = out / "checkpoint-0000001" / checkpoint.CONFIG
    path.write_text(path.read_text().partition("[heldout]")[0])
    lines = []
    run = Run(settings, out, lines.append)
    assert run.batches.held == ()
    assert run.fit().steps == 2
    assert any("no clip is held out" in line for line in lines)


def test_the_norms_are_those_of_each_losss_own_gradient():
    weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    parts = {"denoising": (weight**2).sum() / 2, "sga": weight.sum() * 2, "spa": torch.zeros(())}
    assert gradient_norms(parts, [weight]) == pytest.approx({"denoising": 5.0, "sga": 8**0.5})
    parts["denoising"].backward()
    assert weight.grad.tolist() == [3.0, 4.0]


def test_with_fixed_weights_the_ratio_is_measured_where_it_is_logged_and_the_weights_stay():
    balance = Balance({"sga": 0.01}, 0.0, log_every=10)
    assert [step for step in range(30) if balance.due(step)] == [9, 19, 29]
    assert balance.take({"denoising": 2.0, "sga": 4.0}) == {"ratio/sga": pytest.approx(0.02)}
    assert balance.weights == {"sga": 0.01}
    assert balance.state() == {}


def test_an_average_follows_closely_at_first_and_then_by_its_decay():
    model = torch.nn.Linear(1, 1, bias=False)
    average, kept = Average(model, 0.5), None
    for step, value in enumerate((1.0, 2.0, 4.0)):
        with torch.no_grad():
            model.weight.fill_(value)
        average.follow(step)
        decay = min(0.5, (1 + step) / (10 + step))
        kept = value if kept is None else decay * kept + (1 - decay) * value
    with average.shown():
        assert model.weight.item() == pytest.approx(kept)
    assert model.weight.item() == 4.0


def test_a_dropped_caption_is_the_empty_one_and_grounds_nothing(places):
    settings = settings_of(places, condition={"text_dropout": 1.0, "id_map_dropout": 1.0})
    run = Run(settings, places / "mute")
    kept, dropped = (run.batches.one(0, 500.0), run.batches.draw(0))
    assert torch.equal(dropped.condition["text"][0], dropped.condition["text"][1])
    assert not torch.equal(dropped.condition["text"][0], kept.condition["text"][0])
    assert not any(entry.has_text for entry in dropped.entries)
    assert all(entry.has_text for entry in kept.entries)
    assert not dropped.condition["id_map"].any()
    assert kept.condition["id_map"].any()


def test_first_frames_stay_as_they_are_where_the_base_never_saw_noise(places):
    settings = settings_of(places, condition={"image_dropout": 0.5})
    settings = replace(settings, condition=replace(settings.condition, image_noise="base"))
    run = Run(settings, places / "clean")
    given = (run.batches, folder_of(settings))
    made = lambda: Batches(settings, run.backbone, given[0].clips, given[1])  # noqa: E731  # twice the same
    assert made()._images is not None
    (places / "base" / "video.json").write_text('{"fps": 8, "image_noise": "none"}')
    try:
        assert made()._images is None
        assert all(made().draw(step).condition["image"].flatten(1).any(dim=1).all() for step in range(4))
    finally:
        (places / "base" / "video.json").unlink()


def test_the_decoders_rate_is_the_adapters_after_the_warm_up():
    train = configs.TrainConfig(rate=1e-4, decoder_rate=1e-3, warmup=10, tie_decoder=True)
    group = {"peak": 1e-3, "later": 1e-4}
    assert (peak_of(group, 9, train), peak_of(group, 10, train)) == (1e-3, 1e-4)


def test_a_tracker_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("matrix_train.train.trackers.get_available_trackers", lambda: ["tensorboard"])
    assert checked_trackers(configs.TrainConfig()) == ["tensorboard"]
    with pytest.raises(ConfigError, match=r"train\.trackers names 'wandb' and its package is not installed"):
        checked_trackers(configs.TrainConfig(trackers=("tensorboard", "wandb")))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss.balance=-1", "loss.balance is -1"),
        ("loss.band=[400,100]", "loss.band is [400"),
        ("loss.place=first", "loss.place is 'first', which the mass losses alone know"),
        ("loss.kind=logmass", "loss.kind is 'logmass'; it must be one of decoder, mass, log_mass"),
        ("decoder.shape=convex", "decoder.shape is 'convex'"),
        ("heldout.clips=0", "heldout.clips is 0"),
        ("heldout.timesteps=[1000]", "heldout.timesteps is [1000"),
        ("train.ema=1", "train.ema is 1"),
        ('train.trackers=["csv"]', "train.trackers is 'csv'"),
        ("condition.text_dropout=2", "condition.text_dropout is 2"),
        ("condition.projection=none", "condition.projection is 'none'"),
        ("lora.attentions=cross", "lora.attentions is 'cross'"),
        ("readout.scale=wide", "readout.scale is 'wide'"),
    ],
)
def test_a_setting_that_cannot_be_gets_one_sentence(tmp_path, override, message):
    (tmp_path / "c.toml").write_text(configs.dump(configs.Config()))
    with pytest.raises(ConfigError) as caught:
        configs.load(tmp_path / "c.toml", (override,))
    assert message in str(caught.value)


def test_what_is_at_its_default_is_written_as_before_and_reads_back_where_it_is_not(tmp_path):
    assert "balance" not in configs.dump(configs.Config())
    wanted = configs.Config(
        loss=LossConfig(kind="log_mass", balance=0.3, place="both", band=(0.0, 700.0)),
        condition=ConditionConfig(text_dropout=0.1, id_map_mask=True, projection="grown"),
    )
    (tmp_path / "c.toml").write_text(configs.dump(wanted))
    assert configs.load(tmp_path / "c.toml") == wanted
