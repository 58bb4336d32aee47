"""The ``sam2`` tracker: the package's own predictor and configuration at a small picture size, random weights in a file."""

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.errors import BackendError, ConfigError
from intergeneval.masks import decode, iou
from intergeneval.records import TrackState
from intergeneval.trackers import sam2
from tests.models import checkpoints, scenes

CONFIG, SMALL = checkpoints.SAM2_CONFIG, checkpoints.SAM2_SMALL


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return checkpoints.sam2_package(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def tracker(checkpoint):
    return sam2.create(str(checkpoint), {"overrides": SMALL})


def masks_of(tracks):
    return {track.instance_id: [decode(counts, scenes.SIZE) for counts in track.masks] for track in tracks.tracks}


def test_one_shared_pass_gives_the_masks_of_single_passes(tracker):
    shown, given = scenes.frames(5), scenes.masks(2)
    together = masks_of(tracker.track(scenes.request(shown, given)))
    for name, mask in given.items():
        alone = masks_of(tracker.track(scenes.request(shown, {name: mask})))[name]
        assert min(iou(first, second) for first, second in zip(alone, together[name], strict=True)) >= 0.999
        assert (alone[0] == mask).all()


def test_a_long_video_goes_in_chunks_and_the_record_says_so(checkpoint):
    chunked = sam2.create(str(checkpoint), {"overrides": SMALL, "chunk": 4})
    made = chunked.track(scenes.request(scenes.frames(9), scenes.masks(1)))
    assert made.notes == ("tracked in 3 chunks of at most 4 frames, each prompted with the last masks",)
    assert len(made.tracks[0].states) == 9
    whole = sam2.create(str(checkpoint), {"overrides": SMALL}).track(scenes.request(scenes.frames(9), scenes.masks(1)))
    assert whole.notes == ()
    assert masks_of(whole)["id1"][3].tolist() == masks_of(made)["id1"][3].tolist()
    assert chunked.id.endswith("-chunk4-model.image_size=128")


def test_an_anchor_in_the_middle_is_followed_both_ways(tracker):
    shown, given = scenes.frames(5), scenes.masks(1)
    found = masks_of(tracker.track(scenes.request(shown, given, anchor=2)))["id1"]
    ahead = masks_of(tracker.track(scenes.request(shown[2:], given)))["id1"]
    back = masks_of(tracker.track(scenes.request(shown[2::-1], given)))["id1"]
    assert np.array_equal(np.stack(found), np.stack([*back[:0:-1], *ahead]))


def test_an_instance_out_of_sight_at_the_end_of_a_chunk_is_lost_not_vanished(checkpoint):
    tracker = sam2.create(str(checkpoint), {"overrides": SMALL, "chunk": 3})
    with torch.no_grad():
        tracker._model.get().sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(-6.0)
    states = tracker.track(scenes.request(scenes.frames(6), scenes.masks(1))).tracks[0].states
    assert states == (TrackState.VISIBLE, TrackState.VANISHED, TrackState.VANISHED, *(TrackState.LOST,) * 3)


def test_half_precision_follows_too_and_stands_in_the_id(checkpoint):
    half = sam2.create(str(checkpoint), {"overrides": SMALL, "dtype": "bfloat16"})
    assert [len(track.states) for track in half.track(scenes.request(scenes.frames(3), scenes.masks(2))).tracks] == [3, 3]
    assert "-bfloat16" in half.id


def test_a_run_over_a_real_clip_is_complete(checkpoint, tmp_path):
    settings = tmp_path / "run.toml"
    settings.write_text(f"[settings.sam2]\noverrides = {SMALL!r}\n")
    command = [
        "run",
        "--model",
        "bench:clips",
        "--samples",
        "juggle",
        "--tracker",
        f"sam2:{checkpoint}",
        "--config",
        str(settings),
    ]
    done = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output


def test_what_cannot_be_found_is_named(checkpoint, tmp_path):
    with pytest.raises(ConfigError, match="holds no weights; set checkpoint"):
        sam2.create(CONFIG, {})
    with pytest.raises(ConfigError, match="is no checkpoint file"):
        sam2.create(str(tmp_path / "nothing.pt"), {})
    other = tmp_path / "mine.pt"
    other.write_bytes(checkpoint.read_bytes())
    with pytest.raises(ConfigError, match="does not tell its configuration; set config"):
        sam2.create(str(other), {})
    assert sam2.create(CONFIG, {"checkpoint": str(other), "overrides": SMALL}).id.startswith("sam2:mine@")


def test_a_checkpoint_of_another_shape_fails_with_a_reason(checkpoint, tmp_path):
    place = tmp_path / "sam2.1_hiera_small.pt"
    place.write_bytes(checkpoint.read_bytes())
    with pytest.raises(BackendError, match="the weights cannot be loaded"):
        sam2.create(str(place), {}).track(scenes.request(scenes.frames(2), scenes.masks(1)))
