"""Which frames of a clip are trained on: by time, in windows, with their masks; what a cache of them holds, and its cost."""

import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_pipeline
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from intergeneval.errors import ConfigError
from intergeneval.masks import track_of
from intergeneval.records import Tracks, TrackState
from intergeneval.videos import write_video
from matrix_train import targets
from matrix_train.backbones.load_encoders import load_encoder
from matrix_train.backbones.loading import load_outline
from matrix_train.cli import main
from matrix_train.data import layout
from matrix_train.data.batches import Batches
from matrix_train.data.cache import fill, load_clip, notes_of, precompute
from matrix_train.data.catalogue import CATALOGUE
from matrix_train.data.clips import read_own
from matrix_train.data.encoding import path_of
from matrix_train.data.windows import ClipTime, Timing, of_masks, too_short, windows_of

SIDE, CPU = 64, torch.device("cpu")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return tiny_pipeline.cogvideox(tmp_path_factory.mktemp("base") / "cogvideox")


def moving(root, fps, count, times=None, masks=None, masks_fps=0.0):
    """One clip whose frame n is of brightness 6 n and whose subject's mask begins at column n, at `fps`; `masks` of its masks."""
    tiny_pipeline.dataset(root, clips=1)
    frames = [np.full((SIDE, SIDE, 3), 6 * at, np.uint8) for at in range(count)]
    write_video(root / "videos" / "clip0.mp4", iter(frames), fps, times)
    kept = range(count) if masks is None else masks
    first, second = np.zeros((len(kept), SIDE, SIDE), bool), np.zeros((len(kept), SIDE, SIDE), bool)
    for place, at in enumerate(kept):
        first[place, 8:24, at % SIDE :] = True
        second[place, 40:56, 8:40] = True
    states = [TrackState.VISIBLE] * len(kept)
    own = tuple(track_of(name, list(item), states, [1.0] * len(kept)) for name, item in (("id1", first), ("id2", second)))
    tracks = Tracks(sample_id="clip0", seed=0, tracker="hand", size=(SIDE, SIDE), tracks=own, fps=masks_fps)
    (root / "tracks" / "clip0.json").write_text(json.dumps(tracks.to_json()))
    return first


def settings_of(pipeline, root, **data):
    settings = tiny_pipeline.config(pipeline, root)
    return replace(settings, data=replace(settings.data, **data))


def filled(settings, pipeline, **more):
    clips = read_own(Path(settings.data.path))
    return clips, fill(settings, clips, load_encoder(pipeline, torch.float32, CPU), load_outline(pipeline), **more)


def shown(settings, pipeline, clips, index=0):
    """The frame of the clip that each training frame shows, by its brightness."""
    batches = Batches(settings, load_outline(pipeline), clips, Path(settings.data.path) / ".matrix-cache")
    return [round(float(frame.mean()) / 6) for frame in batches.frames(index)]


def test_a_clip_of_30_frames_a_second_is_seen_at_the_8_of_its_base_with_the_masks_of_the_same_moments(pipeline, tmp_path):
    first = moving(tmp_path, 30.0, 40)
    settings = settings_of(pipeline, tmp_path)
    clips, state = filled(settings, pipeline)
    wanted = [0, 4, 8, 11, 15, 19, 23, 26, 30]
    assert shown(settings, pipeline, clips) == wanted
    cached = load_clip(tmp_path / ".matrix-cache", clips[0])
    assert list(cached.picks) == wanted
    assert np.array_equal(cached.tensors["masks"][0].bool().numpy(), targets.resize(first[wanted], (8, 8)))
    assert (state.resampled, notes_of(tmp_path / ".matrix-cache", clips)) == (1, [])
    told = CliRunner().invoke(main, ["check", str(tmp_path), "--frames", "9", "--model", str(pipeline)])
    assert "1 of 1 clips: of another rate" in told.stdout
    assert "clip0.mp4 has 30 frames a second and is seen at 8: others are left out" in told.stdout


def test_a_rate_a_stride_and_one_by_one_can_be_asked_for(pipeline, tmp_path):
    moving(tmp_path, 30.0, 40)
    for number, (asked, wanted) in enumerate(
        (
            ({"fps": 15.0}, [0, 2, 4, 6, 8, 10, 12, 14, 16]),
            ({"fps": 30.0, "stride": 3}, [0, 3, 6, 9, 12, 15, 18, 21, 24]),
            ({"resample": False}, list(range(9))),
            ({"resample": False, "stride": 4}, list(range(0, 33, 4))),
        )
    ):
        settings = settings_of(pipeline, tmp_path, cache=str(tmp_path / f"cache{number}"), **asked)
        clips, _ = filled(settings, pipeline)
        assert list(load_clip(tmp_path / f"cache{number}", clips[0]).picks) == wanted


def test_several_windows_of_a_clip_are_training_clips_of_their_own(pipeline, tmp_path):
    moving(tmp_path, 8.0, 30)
    settings = settings_of(pipeline, tmp_path, windows=3)
    clips, _ = filled(settings, pipeline)
    batches = Batches(settings, load_outline(pipeline), clips, tmp_path / ".matrix-cache")
    assert len(batches.clips) == 3
    assert [shown(settings, pipeline, clips, place)[0] for place in range(3)] == [0, 11, 21]
    assert [batches.cached(place).id for place in range(3)] == ["clip0", "clip0, window 1", "clip0, window 2"]
    assert sorted(index for batch in batches.plan.epoch(0) for index in batch) == [0, 1, 2]
    drawn = settings_of(pipeline, tmp_path, window="random", windows=4, cache=str(tmp_path / "random"))
    filled(drawn, pipeline)
    there = Batches(drawn, load_outline(pipeline), clips, tmp_path / "random")
    starts = [there.cached(place).picks[0] for place in range(len(there.clips))]
    # Two that fall on the same frame are one.
    assert 2 <= len(starts) == len(set(starts)) <= 4
    assert starts != sorted(starts) or starts[0] != 0


@given(st.integers(2, 90), st.sampled_from([5.0, 8.0, 23.976, 24.0, 29.97, 30.0, 60.0]), st.integers(1, 3), st.integers(1, 4))
def test_windows_stay_inside_the_clip_and_nowhere_farther_from_their_moments_than_half_a_frame(count, rate, stride, windows):
    timing, clip = Timing(frames=9, fps=8.0, stride=stride, windows=windows), ClipTime(count=count, rate=rate)
    if too_short(timing, clip):
        assert count / rate < 8 * stride / 8 + 1 / rate
        return
    for picks in windows_of(timing, clip, "x"):
        assert 0 <= min(picks) <= max(picks) < count
        start = picks[0] / rate
        for place, pick in enumerate(picks):
            assert abs(pick / rate - start - place * stride / 8) <= 1 / rate + 1e-6


def test_frames_of_a_varying_rate_are_taken_by_their_times(pipeline, tmp_path):
    times = [at / 30 if at < 30 else 1 + (at - 30) / 10 for at in range(40)]
    moving(tmp_path, 20.0, 40, times=times)
    clips, _ = filled(settings_of(pipeline, tmp_path), pipeline)
    assert list(load_clip(tmp_path / ".matrix-cache", clips[0]).picks) == [0, 4, 8, 11, 15, 19, 23, 26, 30]


def test_masks_of_another_rate_follow_by_time_where_they_say_their_own(pipeline, tmp_path):
    moving(tmp_path, 30.0, 40, masks=range(0, 40, 3), masks_fps=10.0)
    clips, _ = filled(settings_of(pipeline, tmp_path), pipeline)
    cached = load_clip(tmp_path / ".matrix-cache", clips[0])
    assert cached.entries
    picked = of_masks(cached.picks, ClipTime(count=40, rate=30.0), 14, 10.0)
    assert max(abs(mask / 10 - frame / 30) for mask, frame in zip(picked, cached.picks, strict=True)) <= 0.05 + 1e-9
    other = tmp_path / "other"
    moving(other, 30.0, 40, masks=range(0, 40, 3))
    told = CliRunner().invoke(main, ["check", str(other), "--frames", "9"])
    assert told.exit_code == 3
    assert "id1 has 14 masks, the video 40 frames" in told.stdout


def test_a_clip_that_is_too_short_in_time_is_told_with_the_way_out(pipeline, tmp_path):
    moving(tmp_path, 30.0, 12)
    with pytest.raises(ConfigError, match=r"has 12 frames in 0\.367 seconds; 9 frames at 8 a second .* take 1: set a higher"):
        filled(settings_of(pipeline, tmp_path), pipeline)


def as_before(path):
    """Write a cached file as an earlier version did."""
    with safe_open(str(path), framework="pt") as stream:
        metadata = stream.metadata()
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  # not a mapping
    found = layout.restored(tensors, metadata)
    metadata["mask_shape"] = json.dumps(list(found["masks"].shape))
    found["masks"] = torch.from_numpy(targets.pack(found["masks"].numpy().astype(bool)))
    for name in ("layout", "stored", "timing", "picks", "windows"):
        metadata.pop(name)
    save_file({name: item.contiguous() for name, item in found.items()}, str(path), metadata)


def test_a_cache_of_an_earlier_version_is_read_as_it_is(pipeline, tmp_path):
    tiny_pipeline.dataset(tmp_path / "data", clips=2)
    settings = settings_of(pipeline, tmp_path / "data")
    clips, _ = filled(settings, pipeline)
    cache = tmp_path / "data" / ".matrix-cache"
    before = Batches(settings, load_outline(pipeline), clips, cache).draw(0)
    (cache / CATALOGUE).unlink()
    for path in cache.glob("*.safetensors"):
        as_before(path)
    index = json.loads((cache / "cache.json").read_text())
    (cache / "cache.json").write_text(json.dumps({**index, "version": 4}))
    encoder, outline = load_encoder(pipeline, torch.float32, CPU), load_outline(pipeline)
    assert precompute(settings, clips, encoder, outline) == 0
    after = Batches(settings, outline, clips, cache).draw(0)
    assert torch.equal(before.clean, after.clean)
    assert torch.equal(before.targets, after.targets)
    # Its clips are of the base's rate; at another one they are not what is wanted.
    with pytest.raises(ConfigError, match="was cached at another rate or with other windows"):
        Batches(settings_of(pipeline, tmp_path / "data", fps=12.0), outline, clips, cache)


def test_a_cached_clip_comes_back_as_it_went_in_but_for_half_precision_in_half_the_bytes(pipeline, tmp_path):
    generator = torch.Generator().manual_seed(0)
    image = torch.zeros(16, 13, 60, 90)
    image[:, 0] = torch.randn(16, 60, 90, generator=generator)
    masks = torch.zeros(3, 49, 120, 180, dtype=torch.uint8)
    masks[:, :, 20:60, 30:90] = 1
    tensors = {
        "video": torch.randn(32, 13, 60, 90, generator=generator), "condition/image": image, "masks": masks,
        "condition/text": torch.randn(226, 4096, generator=generator).bfloat16(), "coarse": masks[:, :13, ::4, ::4].contiguous(),
        "cells": masks[:, 0, ::4, ::4].contiguous(), "large": torch.tensor([1e6, 1.0]),
    }  # fmt: skip
    written, told = layout.stored(tensors)
    found = layout.restored(written, told)
    assert set(found) == set(tensors)
    for name, item in tensors.items():
        assert found[name].dtype == item.dtype
        assert torch.allclose(found[name].float(), item.float(), rtol=1e-3, atol=1e-6), name
    for name in ("masks", "coarse", "cells", "large", "condition/text"):
        assert torch.equal(found[name], tensors[name])
    before = sum(item.numel() * item.element_size() for name, item in tensors.items() if name != "masks") + masks.numel() // 8
    after = sum(item.numel() * item.element_size() for item in written.values())
    print(f"\ncache of a 5B clip: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after, {after / before:.2f}")
    assert after < 0.55 * before


def test_bad_clips_are_left_out_with_their_reasons_up_to_a_limit(pipeline, tmp_path):
    tiny_pipeline.dataset(tmp_path, clips=4)
    (tmp_path / "videos" / "clip1.mp4").write_bytes(b"no video")
    settings = settings_of(pipeline, tmp_path)
    with pytest.raises(ConfigError, match=r"clip clip1: .*clip1\.mp4"):
        filled(settings, pipeline)
    settings = settings_of(pipeline, tmp_path, bad_limit=0.25)
    clips, state = filled(settings, pipeline)
    assert [clip.id for clip in state.clips] == ["clip0", "clip2", "clip3"]
    assert state.bad[0][0] == "clip1"
    assert "clip1.mp4" in state.bad[0][1]
    # What is known to be bad is not looked at again before it changes.
    again = filled(settings, pipeline)[1]
    assert (again.encoded, again.bad) == (0, state.bad)
    (tmp_path / "videos" / "clip3.mp4").write_bytes(b"no video either")
    with pytest.raises(ConfigError, match=r"clip clip1: .*clip clip3: .*\(1 of 4 may be left out by data\.bad_limit\)"):
        filled(settings, pipeline)
    assert len(Batches(settings, load_outline(pipeline), state.clips[:2], tmp_path / ".matrix-cache").clips) == 2
    assert clips[3].id == "clip3"


def test_a_start_with_a_full_cache_looks_at_each_file_once_and_opens_none(pipeline, tmp_path, monkeypatch):
    tiny_pipeline.dataset(tmp_path, clips=3)
    settings = settings_of(pipeline, tmp_path)
    clips, _ = filled(settings, pipeline)
    filled(settings, pipeline)
    looked, stat = [], os.stat

    def counted(path, *args, **more):
        looked.append(str(path))
        return stat(path, *args, **more)

    monkeypatch.setattr(os, "stat", counted)
    monkeypatch.setattr("matrix_train.data.catalogue._header", lambda _: pytest.fail("a cached clip was opened"))
    assert fill(settings, clips, load_encoder(pipeline, torch.float32, CPU), load_outline(pipeline)).encoded == 0
    for clip in clips:
        assert looked.count(str(path_of(tmp_path / ".matrix-cache", clip))) == 1
        # Once more where its path is followed to see that it stays inside the dataset.
        assert looked.count(str(tmp_path / clip.tracks)) <= 2


def test_check_counts_by_kind_and_lists_all_when_asked(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "data", clips=2)
    for path in (root / "mask_annotation").glob("*/<id2>/*.png"):
        cv2.imwrite(str(path), np.zeros((64, 64), np.uint8))
    short = CliRunner().invoke(main, ["check", str(root), "--frames", "9"]).stdout.splitlines()
    assert sum("roles guessed from the order of two ids" in line for line in short) == 1
    assert any(line.startswith("note: 2 of 2 clips: an instance has no pixel in any mask (000000: id2 has") for line in short)
    assert short[-1] == "2 of 2 clips can be trained on"
    every = CliRunner().invoke(main, ["check", str(root), "--frames", "9", "--all"]).stdout
    assert sum("id2 has no pixel in any of its masks" in line for line in every.splitlines()) == 2
    assert "000001: note: its prompt says nothing of roles" in every
