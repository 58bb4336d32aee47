"""From raw clips to a dataset: what comes out, what is left out and why, and that only what must be is done again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from matrix_train.cli import main
from matrix_train.data.checking import check_dataset
from matrix_train.data.clips import read_own
from tests.matrix_train import raw_clips


def curate(source: Path, out: Path, *more: str, code: int = 0, settings: str = raw_clips.SETTINGS) -> dict[str, Any]:
    """Curate and return what the command says."""
    config = out.with_suffix(".toml")
    config.write_text(settings)
    found = CliRunner().invoke(main, ["curate", str(source), "--out", str(out), "--config", str(config), "--json", *more])
    assert found.exit_code == code, found.output
    return dict(json.loads(found.stdout)) if found.stdout.startswith("{") else {"said": found.output}


def bytes_of(out: Path) -> dict[str, str]:
    """Return the hash of every file of the dataset, by name."""
    files = [
        out / "clips.jsonl",
        out / "dropped.jsonl",
        out / "curation.json",
        *(out / "videos").iterdir(),
        *(out / "tracks").iterdir(),
    ]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def dropped(out: Path) -> dict[str, tuple[str, str]]:
    """Return stage and kind of what was left out, by clip."""
    rows = [json.loads(line) for line in (out / "dropped.jsonl").read_text().splitlines()]
    return {row["clip"]: (row["stage"], row["kind"]) for row in rows}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of five good clips and of bad ones of each kind."""
    good = list(raw_clips.painted(5))
    bad = [
        raw_clips.frozen(good[0]),
        raw_clips.dark(good[1]),
        raw_clips.tiny(good[2]),
        raw_clips.slow(good[3]),
        raw_clips.double(good[1], 1),
        raw_clips.Raw(id="short", frames=good[4].frames[:9], row=good[4].row),
        raw_clips.Raw(id="mute", frames=good[2].frames[::-1].copy(), row={"licence": "CC0-1.0"}),
        raw_clips.Raw(id="alone", frames=np.flip(good[0].frames, 2).copy(), row={"caption": "A man walks along a quiet street."}),
    ]
    folder = tmp_path_factory.mktemp("raw")
    place = raw_clips.write(folder, [*good, *bad])
    (folder / "videos" / "broken.mp4").write_bytes(b"no video at all")
    with place.open("a") as stream:
        stream.write(json.dumps({"id": "broken", "video": "videos/broken.mp4", "caption": "A man lifts a cup."}) + "\n")
    return place


@pytest.fixture(scope="module")
def made(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset that comes of them."""
    out = tmp_path_factory.mktemp("made") / "out"
    curate(raw, out)
    return out


def test_every_clip_is_in_the_dataset_or_left_out_with_its_reason(raw, made):
    kept = {clip.id for clip in read_own(made)}
    gone = dropped(made)
    assert not kept & set(gone)
    ids = {json.loads(line)["id"] for line in raw.read_text().splitlines()}
    assert {name.removesuffix("-s0") for name in kept | set(gone)} == ids
    good = [name for name in sorted(ids) if name.startswith("staged")]
    assert gone[f"frozen-{good[0]}-s0"] == ("filters", "frozen")
    assert gone[f"dark-{good[1]}-s0"] == ("filters", "dark")
    assert gone[f"tiny-{good[2]}-s0"] == ("filters", "small")
    assert gone[f"slow-{good[3]}-s0"] == ("filters", "rate")
    assert gone[f"zdouble-{good[1]}-s0"] == ("doubles", "double")
    assert gone["short-s0"] == ("form", "short")
    assert gone["mute-s0"] == ("captions", "none")
    assert gone["alone-s0"] == ("scenes", "none")
    assert gone["broken"] == ("shots", "unreadable")


def test_training_takes_the_dataset_and_each_line_says_roles_licence_and_source(made):
    clips, faults = check_dataset(made, raw_clips.COUNT)
    assert clips >= 3
    assert not [fault for fault in faults if fault.fatal]
    for clip in read_own(made):
        assert clip.licence == "CC0-1.0"
        assert clip.source.endswith(clip.id.removesuffix("-s0"))
        for act in clip.interactions:
            words = [clip.caption[first:last] for spans in (act.subject_spans, act.verb_spans) for first, last in spans]
            assert all(words), act
            assert act.category is not None
        told = {row["id"]: row["phrase"] for row in clip.said("words")}
        assert all(told[one.id] in clip.caption and told[one.id] for one in clip.instances)


def test_nothing_is_done_twice_and_a_setting_redoes_what_follows_it_alone(raw, made, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(made, out)
    again = curate(raw, out)
    assert not any(again["made"].values())
    # Another limit of the last stage: it alone is done again.
    strict = raw_clips.SETTINGS + "[checks]\njump = 0.01\n"
    changed = curate(raw, out, settings=strict, code=3)["made"]
    assert {name for name, count in changed.items() if count} == {"checks"}
    curate(raw, out)
    # Another limit of a filter that lets the same clips pass: what was found of them stands.
    looser = raw_clips.SETTINGS.replace("smallest = 64", "smallest = 72")
    changed = curate(raw, out, settings=looser)["made"]
    assert {name for name, count in changed.items() if count} == {"filters"}
    # A shorter clip: the files are not hashed or cut anew, and everything after that is.
    shorter = raw_clips.SETTINGS.replace("frames = 17", "frames = 9")
    changed = curate(raw, out, settings=shorter)["made"]
    assert changed["source"] == changed["shots"] == 0
    assert changed["form"] == 13
    assert all(changed[name] for name in ("look", "cuts", "checks"))
    assert bytes_of(out) != bytes_of(made)
    curate(raw, out)
    assert bytes_of(out) == bytes_of(made)


def test_shards_and_processes_make_the_bytes_of_one_process(raw, made, tmp_path):
    wanted = bytes_of(made)
    curate(raw, tmp_path / "two", "--workers", "2", "--engine", "processes")
    assert bytes_of(tmp_path / "two") == wanted
    out = tmp_path / "sharded"
    config = tmp_path / "sharded.toml"
    config.write_text(raw_clips.SETTINGS)
    said = []
    for shard in ("1/2", "2/2", "1/2"):
        command = ["curate", str(raw), "--out", str(out), "--config", str(config), "--shard", shard]
        found = CliRunner().invoke(main, command)
        assert found.exit_code == 0, found.output
        said.append(found.stdout)
    assert "waits for clips of other shards" in said[0]
    assert "shard done" in said[1]
    assert "shard done" in said[2]
    assert not (out / "clips.jsonl").exists()
    last = curate(raw, out)
    assert not any(last["made"].values())
    assert bytes_of(out) == wanted


def test_killed_at_any_moment_it_comes_to_the_same_bytes(raw, made, tmp_path):
    out, config = tmp_path / "out", tmp_path / "out.toml"
    config.write_text(raw_clips.SETTINGS)
    command = [sys.executable, "-c", "from matrix_train.cli import main; main()", "curate", str(raw), "--out", str(out)]
    moments = random.Random(3)
    for _ in range(4):
        process = subprocess.Popen([*command, "--config", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begun = time.monotonic()
        while not (out / "stages").is_dir() and process.poll() is None and time.monotonic() - begun < 60:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 1.5))
        process.send_signal(moments.choice((signal.SIGKILL, signal.SIGTERM)))
        process.wait()
    curate(raw, out)
    assert bytes_of(out) == bytes_of(made)
    assert not [path for path in (out / "work").rglob("*") if path.name.startswith(".")]


def test_a_changed_file_is_curated_anew_and_the_others_are_not(raw, tmp_path):
    folder = tmp_path / "raw"
    shutil.copytree(raw.parent, folder)
    out = tmp_path / "out"
    curate(folder / raw.name, out)
    before = bytes_of(out)
    good = sorted(path for path in (folder / "videos").iterdir() if path.name.startswith("staged"))
    other = next(iter(raw_clips.painted(1, seed=77)))
    raw_clips.write_video(good[1], other.frames, other.fps)
    os.utime(good[1], ns=(1, 1))
    changed = curate(folder / raw.name, out)["made"]
    assert changed["source"] == changed["form"] == changed["look"] == 1
    assert bytes_of(out) != before
