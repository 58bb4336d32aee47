"""Where the parts of the trainer meet: balance, averages, windows, held-out clips, skipped steps, and adapters begun with."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_pipeline
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from intergeneval.errors import ConfigError
from matrix_train import config as configs
from matrix_train.alignment import HeldoutConfig
from matrix_train.data.batches import Batches
from matrix_train.data.cache import folder_of
from matrix_train.data.clips import read_own
from matrix_train.data.empty_text import NAME
from matrix_train.data.encoding import path_of
from matrix_train.model import checkpoint, resuming
from matrix_train.train.loop import Run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("together")
    tiny_pipeline.pipeline(root / "base", "cogvideox")
    # Twice as long as a training clip: each has two windows.
    tiny_pipeline.dataset(root / "data", frames=18)
    return root


def settings_of(places, *, cache="", condition=None, loss=None, **train):
    settings = tiny_pipeline.config(places / "base", places / "data")
    wanted = {"steps": 6, "batch": 2, "log_every": 1, "warmup": 1, "rate": 1e-2, "seed": 3, "save_every": 2, "ema": 0.9, **train}
    return replace(
        settings,
        data=replace(settings.data, windows=2, cache=str(cache)),
        train=replace(settings.train, **wanted),
        loss=replace(settings.loss, balance=0.5, **(loss or {})),
        condition=replace(settings.condition, text_dropout=0.3, id_map_dropout=0.3, **(condition or {})),
        heldout=HeldoutConfig(clips=1, every=4, timesteps=(150.0, 650.0)),
    )


def contents(folder):
    """Every file of a run but the diagrams, which hold the hour of the day."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and "tensorboard" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def kept_at(run, step):
    """What a checkpoint keeps beside the adapter, and the adapter."""
    folder = run / f"checkpoint-{step:07d}"
    return torch.load(folder / resuming.STATE, weights_only=True), load_file(folder / checkpoint.LORA)


@pytest.fixture(scope="module")
def unbroken(places):
    Run(settings_of(places), places / "unbroken").fit()
    return places / "unbroken"


KILLED = """
import os, signal, sys
from pathlib import Path
from matrix_train import config as configs
from matrix_train.train.loop import Run
def say(line):
    if line.startswith("step 5/") and "s/step" in line:
        os.kill(os.getpid(), signal.SIGKILL)
Run(configs.load(Path(sys.argv[1])), Path(sys.argv[2]), say).fit()
"""


def test_a_killed_run_with_balance_averages_windows_and_held_out_clips_ends_in_the_files_of_an_unbroken_one(
    places, unbroken, tmp_path
):
    (tmp_path / "c.toml").write_text(configs.dump(settings_of(places)))
    (tmp_path / "killed.py").write_text(KILLED)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    out = tmp_path / "run"
    command = [sys.executable, str(tmp_path / "killed.py"), str(tmp_path / "c.toml"), str(out)]
    assert subprocess.run(command, env=env, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert resuming.latest(out).name == "checkpoint-0000004"
    Run(settings_of(places), out).fit()
    assert contents(out) == contents(unbroken)
    state, shown = kept_at(out, 6)
    assert set(state["balance"]["weights"]) == {"sga", "spa"}
    name = next(iter(shown))
    raw = {key.replace(".default", ""): item for key, item in state["weights"].items()}
    assert not torch.equal(raw[name], shown[name]), "the adapter is the average, and the weights are kept beside it"


def test_all_windows_of_a_clip_are_on_one_side_and_the_first_is_looked_at(places, unbroken, tmp_path):
    batches = Run(settings_of(places), tmp_path / "run").batches
    assert len(batches.clips) == 8
    [held] = batches.held
    name = batches.clips[held].id
    assert batches.fixed(batches.cached(held), 150.0).clips == (name,), "a later window would be called by its number"
    drawn = {batches.clips[index].id for group in batches.plan.epoch(0) for index in group}
    assert drawn == {clip.id for clip in batches.clips} - {name}
    assert len(batches.entries()) == 6
    assert json.loads((unbroken / "heldout.json").read_text())["clips"] == 1


def test_the_card_of_adapter_and_checkpoint_shows_what_held_out_clips_said_after_its_own_steps(places, unbroken):
    verdict = json.loads((unbroken / "heldout.json").read_text())
    line = f"denoising loss {100 * verdict['overall']['mean']:+.2f} %"
    for folder in ("adapter", "checkpoint-0000006"):
        assert line in (unbroken / folder / "README.md").read_text()
    card = (unbroken / "adapter" / "README.md").read_text()
    assert "SGA: a gradient of 0.5 of denoising's on the adapter" in card
    assert "their moving average, decay 0.9" in card
    assert "after 4 steps" in (unbroken / "checkpoint-0000004" / "README.md").read_text()
    assert "No figure on held-out clips" in (unbroken / "checkpoint-0000002" / "README.md").read_text()


def poison(settings, name):
    """Leave a training clip of a cache without a finite latent; a later window is called by its number."""
    clip_id, _, window = name.partition(", window ")
    [clip] = [item for item in read_own(Path(settings.data.path)) if item.id == clip_id]
    path = path_of(folder_of(settings), clip, int(window or 0))
    with safe_open(str(path), framework="pt") as stream:
        metadata = stream.metadata()
    tensors = load_file(path)
    tensors["video"] = tensors["video"] * float("nan")
    save_file(tensors, str(path), metadata)


def test_a_skipped_step_leaves_ratio_weights_and_average_as_they_were_and_is_looked_at_when_it_is_time(places, tmp_path):
    settings = settings_of(places, cache=tmp_path / "cache", batch=1, accumulate=2, save_every=1, steps=8)
    settings = replace(settings, heldout=replace(settings.heldout, every=1))
    # In the second part of a step: the gradients of the first one, which are measured, are finite.
    [name] = Run(settings, tmp_path / "plan").batches.draw(2, part=1).clips
    poison(settings, name)
    lines = []
    Run(settings, tmp_path / "run", lines.append).fit()
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 9))
    skipped = [row for row in rows if "skipped" in row]
    assert 3 in [row["step"] for row in skipped]
    assert len(skipped) < 8
    for row in skipped:
        assert "heldout/change" in row
        if row["step"] > 1:
            before, after = (kept_at(tmp_path / "run", row["step"] + shift) for shift in (-1, 0))
            assert before[0]["balance"] == after[0]["balance"]
            for one, other in ((before[1], after[1]), (before[0]["weights"], after[0]["weights"])):
                assert all(torch.equal(item, other[name]) for name, item in one.items())
    taken = [row for row in rows if "skipped" not in row]
    assert all(row[name] > 0 for row in taken for name in ("weight/sga", "weight/spa"))
    counts = kept_at(tmp_path / "run", 8)[0]["balance"]["counts"]
    assert counts["spa"] == len(taken)


def test_a_run_whose_first_steps_were_all_skipped_goes_on_as_the_unbroken_one(places, tmp_path):
    settings = settings_of(places, cache=tmp_path / "cache", batch=1, save_every=1, steps=3)
    [name] = Run(settings, tmp_path / "plan").batches.draw(0).clips
    poison(settings, name)
    Run(settings, tmp_path / "whole").fit()
    assert "skipped" in json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[0])
    Run(replace(settings, train=replace(settings.train, steps=1)), tmp_path / "broken").fit()
    Run(settings, tmp_path / "broken").fit()
    for name in (checkpoint.LORA, checkpoint.REST):
        assert (tmp_path / "broken" / "adapter" / name).read_bytes() == (tmp_path / "whole" / "adapter" / name).read_bytes()


def test_a_dropped_caption_is_the_empty_one_whether_read_ahead_or_not_and_a_full_cache_learns_it(places, tmp_path):
    plain = settings_of(places, cache=tmp_path / "cache", condition={"image_noise": "none"})
    plain = replace(plain, condition=replace(plain.condition, text_dropout=0.0))
    Run(plain, tmp_path / "plain")
    assert not (tmp_path / "cache" / NAME).is_file()
    mute = replace(plain, condition=replace(plain.condition, text_dropout=0.5))
    lines = []
    run = Run(mute, tmp_path / "mute", lines.append)
    assert "0 of 4 clips encoded, the others were cached" in lines
    clips = read_own(places / "data")
    ahead = Batches(mute, run.backbone, clips, folder_of(mute))
    direct = Batches(mute, run.backbone, clips, folder_of(mute))
    for step in range(4):
        one = ahead.draw(step)
        ahead.read_ahead(step, 0, 0, 4)
        other = direct.draw(step)
        assert torch.equal(one.condition["text"], other.condition["text"])
        assert one.entries == other.entries
    ahead.close()
    silent = [entry.has_text for step in range(4) for entry in direct.draw(step).entries]
    assert True in silent
    assert False in silent


def test_a_run_begun_with_another_adapter_is_compared_with_the_base_and_not_with_where_it_began(places, unbroken, tmp_path):
    settings = settings_of(places, steps=1, rate=0.0, decoder_rate=0.0, init_from=str(unbroken / "adapter"))
    verdict = Run(settings, tmp_path / "run").fit().verdict
    assert verdict.moved > 0
    assert verdict.overall.mean == json.loads((unbroken / "heldout.json").read_text())["overall"]["mean"]


def test_a_validation_video_is_of_a_held_out_clip_and_gives_the_id_map_all_the_channels_it_was_trained_with(places, tmp_path):
    settings = settings_of(places, condition={"id_map_mask": True}, batch=1, steps=1, validate_every=1)
    run = Run(settings, tmp_path / "run")
    run.fit()
    written = {path.name.partition(".")[0].partition("-")[0] for path in (tmp_path / "run" / "validation" / "0000001").iterdir()}
    assert written == {f"{run.batches.held[0]:03d}"}


def test_what_another_adapter_cannot_lend_begins_anew_or_is_refused(places, unbroken, tmp_path):
    start = settings_of(places, steps=0, init_from=str(unbroken / "adapter"))
    lines = []
    # Some tensors of a monotone decoder have the names and shapes of a free one's, and another meaning.
    monotone = replace(start, decoder=replace(start.decoder, shape="monotone"))
    Run(monotone, tmp_path / "monotone", lines.append).fit()
    [note] = [line for line in lines if "tensors of decoder" in line]
    fresh, _, whole = note.removeprefix("note: ").split(" ")[:3]
    assert fresh == whole
    grown = replace(start, condition=replace(start.condition, projection="grown"))
    with pytest.raises(ConfigError, match=r"trained the base's own input projection, .* set it to 'all'"):
        Run(grown, tmp_path / "grown").fit()
    Run(replace(grown, train=replace(grown.train, steps=2, init_from="")), tmp_path / "first").fit()
    again = replace(grown, train=replace(grown.train, init_from=str(tmp_path / "first" / "adapter")))
    Run(again, tmp_path / "again").fit()
    for name in (checkpoint.LORA, checkpoint.REST):
        one, other = (load_file(tmp_path / folder / "adapter" / name) for folder in ("first", "again"))
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_with_balance_another_number_of_processes_is_refused_whatever_the_batch(places, unbroken):
    settings = settings_of(places)
    halved = replace(settings, train=replace(settings.train, batch=1))
    with pytest.raises(ConfigError, match=r"loss\.balance measures gradients process by process, so start 1 processes"):
        resuming.check_config(unbroken / "checkpoint-0000004", halved, 2)
    assert resuming.check_config(unbroken / "checkpoint-0000004", settings, 1) == []
