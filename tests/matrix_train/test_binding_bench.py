"""The benchmark and the clips of the binding world, as one uses them: the harness sees who binds, and `fit` takes the clips."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval.cli import main as score
from intergeneval.errors import ConfigError
from intergeneval.videos import write_video
from matrix_train.binding.play import play, rate
from matrix_train.binding.scene import LETTERS, TEST_SEED, scene
from matrix_train.binding.write import COUNT, clip_of, write, write_clips
from matrix_train.cli import main as train
from matrix_train.data.checking import check_clip

SHIPPED = Path(__file__).parents[2] / "benchmarks" / "binding"
SCENES = 4


def test_the_benchmark_that_is_shipped_is_what_the_world_draws(tmp_path):
    samples = write(tmp_path, count=SCENES)
    lines = (SHIPPED / "samples.jsonl").read_text().splitlines()
    assert len(lines) == COUNT * len(LETTERS)
    for sample, line in zip(samples, lines, strict=False):
        told = json.loads(line)
        assert replace(sample, hashes={}).to_json() == {**told, "hashes": {}}
        # By pixels: another library may pack the same picture otherwise.
        for path in told["hashes"]:
            assert np.array_equal(cv2.imread(str(tmp_path / path)), cv2.imread(str(SHIPPED / path)))


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Runs over the first scenes: of a model that does what it is told, and of one that exchanges the roles."""
    found = {}
    for name, exchanged in (("obeys", 0), ("exchanges", 1)):
        folder = tmp_path_factory.mktemp(name)
        for index in range(SCENES):
            item = scene(TEST_SEED, index)
            for number, letter in enumerate(LETTERS):
                shown = play(item, item.deeds[number ^ exchanged], frames=9, size=(80, 80))
                write_video(folder / "videos" / f"{item.id}-{letter}.mp4", shown.frames, fps=rate(9))
        words = [
            "run",
            "--model",
            str(folder / "videos"),
            "--bench",
            str(SHIPPED),
            "--limit",
            str(SCENES * len(LETTERS)),
            "--json",
        ]
        run = CliRunner().invoke(score, [*words, "--tracker", "hue", "--judge", "geometry", "--out", str(folder / "run")])
        assert run.exit_code == 0, run.output
        found[name] = json.loads(run.stdout)
    return found


def test_the_harness_tells_a_model_that_binds_from_one_that_exchanges_the_roles(scored):
    contrasts = {name: told["twins"]["contrast"]["mean"] for name, told in scored.items()}
    assert contrasts == {"obeys": 1.0, "exchanges": 0.0}


def test_clips_are_written_once_and_hold_what_fit_asks_of_them(tmp_path):
    words = ["pretrain", "clips", str(tmp_path), "--world", "binding", "--count", "5", "--json"]
    assert json.loads(CliRunner().invoke(train, words).stdout)["clips"] == 5
    found = scene(3000, 1)
    clip = clip_of(found, "a")
    assert [fault for fault in check_clip(tmp_path, clip, 9) if fault.fatal] == []
    before = (tmp_path / clip.tracks).stat().st_mtime_ns
    assert write_clips(tmp_path, seed=3000, count=6, frames=9, size=(80, 80)) == 6
    assert (tmp_path / clip.tracks).stat().st_mtime_ns == before
    interaction = clip.interactions[0]
    told = {role: [clip.caption[first:last] for first, last in interaction.spans(role)] for role in ("sub", "verb", "obj")}
    deed = found.deeds[0]
    assert told["sub"] == [found.figures[deed.subject].words]
    assert told["obj"] == [found.figures[deed.object].words]
    assert " ".join(told["verb"]) == deed.verb


def test_nobody_trains_on_the_benchmark(tmp_path):
    with pytest.raises(ConfigError, match="train on another one"):
        write_clips(tmp_path, seed=TEST_SEED, count=1, frames=9, size=(80, 80))
