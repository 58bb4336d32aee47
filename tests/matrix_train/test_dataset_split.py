"""A split leaves no source and nothing that looks the same on both sides, and `fit` knows it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_pipeline
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from intergeneval.errors import ConfigError
from intergeneval.videos import Reader, write_video
from matrix_train import config as configs
from matrix_train.cli import main
from matrix_train.data.clips import Clip, ClipInstance, read_own, write_own
from matrix_train.data.holding import kept_apart
from matrix_train.datasets import likeness
from matrix_train.datasets.likeness import DISTANCE, alike, video_hash
from matrix_train.datasets.split import choose, groups_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def run(*words, code=0):
    done = CliRunner().invoke(main, ["dataset", "split", *map(str, words)])
    assert done.exit_code == code, done.output
    return done


def clips_of(sources):
    return [
        Clip(
            id=f"c{index}", video=f"v{index}.mp4", caption="x", instances=(ClipInstance(id="id1"),), interactions=(), source=name
        )
        for index, name in enumerate(sources)
    ]


@given(
    st.lists(st.sampled_from(["", "a", "b", "c", "d", "e", "f"]), min_size=2, max_size=40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=10),
    st.floats(0.05, 0.95),
    st.integers(0, 5),
)
def test_no_source_and_no_pair_that_looks_the_same_lies_on_both_sides(sources, links, share, seed):
    clips = clips_of(sources)
    pairs = [(first % len(clips), second % len(clips)) for first, second in links]
    groups = groups_of(clips, pairs)
    assert sorted(index for group in groups for index in group) == list(range(len(clips)))
    try:
        chosen = choose(clips, groups, share=share, seed=seed)
    except ConfigError:
        return
    for first, second in pairs:
        assert (first in chosen) == (second in chosen)
    for name in set(sources) - {""}:
        assert len({index in chosen for index, clip in enumerate(clips) if clip.source == name}) == 1
    assert chosen == choose(clips, groups, share=share, seed=seed)


def test_the_share_is_met_as_nearly_as_whole_groups_allow_and_another_seed_takes_others():
    clips = clips_of([f"film-{index // 5}" for index in range(1000)])
    groups = groups_of(clips, ())
    found = [choose(clips, groups, share=0.1, seed=seed) for seed in (0, 1)]
    assert [len(chosen) for chosen in found] == [100, 100]
    assert found[0] != found[1]


def test_a_large_group_does_not_take_the_share_beyond_what_small_ones_would_meet():
    clips = clips_of(["long film"] * 35 + [f"film-{index}" for index in range(65)])
    groups = groups_of(clips, ())
    assert {len(choose(clips, groups, share=0.2, seed=seed)) for seed in range(40)} == {20}


def test_the_order_of_the_lines_changes_nothing():
    clips = clips_of([f"film-{index // 3}" for index in range(60)])
    sides = [
        {items[index].id for index in choose(items, groups_of(items, ()), share=0.2, seed=3)} for items in (clips, clips[::-1])
    ]
    assert sides[0] == sides[1]


@pytest.fixture
def data(tmp_path):
    """Six clips of six sources; the last is the first one again, darker, smaller and encoded anew."""
    root = tiny_pipeline.dataset(tmp_path / "set", clips=4)
    generator = np.random.default_rng(0)
    clips = list(read_own(root))
    for index in (4, 5):
        blobs = generator.integers(0, 255, (4, 4, 3)).repeat(24, 0).repeat(24, 1).astype(np.uint8)
        frames = [np.roll(blobs, 4 * step, axis=1) for step in range(9)]
        write_video(root / f"videos/clip{index}.mp4", iter(frames), 8.0)
        clips.append(replace(clips[0], id=f"clip{index}", video=f"videos/clip{index}.mp4"))
    copied = [(frame[::2, ::2] * 0.8).astype(np.uint8) for frame in Reader(root / "videos/clip4.mp4", keep=False)]
    write_video(root / "videos/clip5.mp4", iter(copied), 8.0)
    write_own(root, tuple(replace(clip, source=f"film-{index}") for index, clip in enumerate(clips)))
    return root


def test_a_copy_that_was_made_darker_smaller_and_encoded_anew_is_known_and_another_clip_is_not(data):
    hashes = np.stack([video_hash(data / f"videos/clip{index}.mp4") for index in range(6)])
    assert [pair for pair in alike(hashes, DISTANCE) if pair[1] >= 4] == [(4, 5)]


def test_the_command_writes_sides_that_fit_takes_and_says_what_hung_together(data):
    done = run(data, "--validation", 0.34, "--json")
    result = json.loads(done.stdout)
    sides = {clip.id: clip.split for clip in read_own(data)}
    assert sides["clip4"] == sides["clip5"]
    assert result["validation"] == sum(side == "validation" for side in sides.values()) == 2
    assert result["pairs"] >= 1
    assert len(kept_apart(read_own(data))) == 2
    before = (data / "clips.jsonl").read_bytes()
    run(data, "--validation", 0.34)
    assert (data / "clips.jsonl").read_bytes() == before


def test_hashes_that_another_tool_has_written_are_taken_and_no_video_is_opened(data):
    lines = [json.loads(line) for line in (data / "clips.jsonl").read_text().splitlines()]
    for index, line in enumerate(lines):
        line["hash"] = f"{(1 << (8 * index)) * 255:064x}" if index != 3 else lines[0]["hash"]
    (data / "clips.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in (data / "videos").iterdir():
        path.write_bytes(b"")
    result = json.loads(run(data, "--validation", 0.34, "--distance", 0.01, "--json").stdout)
    assert (result["groups"], result["pairs"], result["largest"]) == (5, 1, 2)
    sides = {clip.id: clip.split for clip in read_own(data)}
    assert sides["clip0"] == sides["clip3"]


def test_a_dataset_that_hangs_together_as_a_whole_is_refused_and_stays_as_it_was(data):
    write_own(data, tuple(replace(clip, source="one") for clip in read_own(data)))
    before = (data / "clips.jsonl").read_bytes()
    done = run(data, "--validation", 0.2, code=2)
    assert "6 clips cannot be kept apart: they hang together in 1 groups by source and looks, the largest of 6" in done.output
    assert (data / "clips.jsonl").read_bytes() == before


def test_the_releases_layout_is_told_the_way(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "release")
    assert "from-release" in run(root, "--validation", 0.5, code=2).output


def test_pairs_are_those_whose_bits_were_counted_one_by_one(monkeypatch):
    monkeypatch.setattr(likeness, "_BLOCK", 7)
    hashes = np.random.default_rng(1).integers(0, 256, (40, 4), dtype=np.uint8)
    hashes[33] = hashes[2] ^ 1
    apart = np.unpackbits(hashes[:, None] ^ hashes[None], axis=2).sum(axis=2)
    wanted = {(a, b) for a, b in np.argwhere(apart <= 8).tolist() if a < b}
    assert (2, 33) in wanted
    assert len(wanted) > 5
    assert set(alike(hashes, 0.25)) == wanted


def test_fit_takes_a_dataset_that_was_packed_unpacked_and_split_and_compares_on_the_side_that_is_not_trained_on(data, tmp_path):
    tiny_pipeline.pipeline(tmp_path / "base", "cogvideox")
    # Two clips of the fixture are larger than the masks of the clip that they were copied from, so they cannot be trained on.
    write_own(data, read_own(data)[:4])
    shards, back = tmp_path / "shards", tmp_path / "back"
    for words in (("to-webdataset", data, "--out", shards), ("from-webdataset", shards / "clips-000000.tar", "--out", back)):
        done = CliRunner().invoke(main, ["dataset", *map(str, words)])
        assert done.exit_code == 0, done.output
    run(tmp_path / "back", "--validation", 0.25, "--distance", 0)
    settings = tiny_pipeline.config(tmp_path / "base", tmp_path / "back")
    settings = replace(
        settings,
        train=replace(settings.train, steps=2, batch=1, warmup=1),
        condition=replace(settings.condition, image_noise="none"),
        heldout=replace(settings.heldout, every=0, timesteps=(400.0,)),
    )
    (tmp_path / "c.toml").write_text(configs.dump(settings))
    done = CliRunner().invoke(main, ["fit", str(tmp_path / "c.toml"), "--out", str(tmp_path / "run"), "--json"])
    assert done.exit_code == 0, done.output
    assert "1 of 4 clips are kept for validation by the dataset and not trained on; 1 of them compare" in done.stderr
    assert json.loads(done.stdout)["heldout"]["clips"] == 1
