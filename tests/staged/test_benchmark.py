"""The staged benchmark on disk and the contact sheets."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from intergeneval.ids import sha256_file
from intergeneval.records import Sample
from intergeneval.staged import SCRIPTS, TEST_SEED, scene
from intergeneval.staged.sheet import reader_scenes, sheet
from intergeneval.staged.write import COUNT, write

STORED = Path(__file__).parents[2] / "benchmarks" / "staged"


def test_writing_twice_gives_equal_bytes(tmp_path):
    """The folder is a function of seed and count."""
    first, second = tmp_path / "first", tmp_path / "second"
    write(first, TEST_SEED, 3)
    write(second, TEST_SEED, 3)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) >= 2 + 3 * 3
    assert all((first / path).read_bytes() == (second / path).read_bytes() for path in files)


def test_the_stored_benchmark_is_what_the_world_draws_today():
    """Samples, first-frame masks and hashes of the repository's folder agree with the scenes (versions of OpenCV may differ)."""
    lines = (STORED / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == COUNT >= 120
    for index, line in enumerate(lines):
        stored = Sample.from_line(line)
        fresh = scene(TEST_SEED, index).sample()
        assert (stored.id, stored.prompt, stored.interactions, stored.tags) == (
            fresh.id,
            fresh.prompt,
            fresh.interactions,
            fresh.tags,
        )
    for index in (0, 50, 100):
        _agrees(Sample.from_line(lines[index]), index)


def _agrees(stored: Sample, index: int) -> None:
    from intergeneval.staged.dial import Dial
    from intergeneval.staged.stage import Stage

    stage = Stage(scene(TEST_SEED, index), Dial(), stored.size)
    ids = stage.shot(0.0).ids
    for item in stored.instances:
        mask = cv2.imread(str(STORED / item.mask), cv2.IMREAD_GRAYSCALE) > 0
        assert np.array_equal(mask, ids == stage.owner(item.id))
        assert stored.hashes[item.mask] == sha256_file(STORED / item.mask)


def test_the_reader_sheets_hold_24_different_verbs_and_say_nothing():
    """Each verb comes once at most, with one interaction a scene; a sheet is a grid of frames."""
    chosen = reader_scenes(2)
    assert len({item.acts[0].script.verb for item in chosen}) == min(24, len(SCRIPTS))
    assert all(len(item.acts) == 1 for item in chosen)
    picture = sheet(chosen[:2])
    assert picture.dtype == np.uint8
    assert picture.shape[0] > 2 * 200
    key = json.loads((Path(__file__).parents[2] / "docs" / "staged" / "key.json").read_text(encoding="utf-8"))
    assert [item["sample"] for item in key.values()] == [item.id for item in chosen]
    assert [item["verb"] for item in key.values()] == [item.acts[0].script.verb for item in chosen]
