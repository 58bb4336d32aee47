"""The ``hf`` tracker with a tiny random SAM 2: the real model class, its real processor, its weights from disk."""

import json
import time

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.errors import BackendError, ConfigError
from intergeneval.masks import decode, iou
from intergeneval.records import Tracks, TrackState
from intergeneval.trackers import hf
from tests.models import checkpoints, scenes


def followed(tracker, shown, given):
    return [seen.masks for seen in tracker.follow(iter(shown), given)]


def agreement(first, second):
    return min(iou(first[index][name], second[index][name]) for index in range(len(first)) for name in second[index])


def test_one_shared_pass_gives_the_masks_of_single_passes_in_less_time(sam2_folder, capsys):
    tracker, shown = hf.HfTracker(str(sam2_folder), {}), scenes.frames(12)
    followed(tracker, shown[:2], scenes.masks(1))
    lines = []
    for count in range(1, 5):
        given = scenes.masks(count)
        began = time.process_time()
        together = followed(tracker, shown, given)
        shared = time.process_time() - began
        began = time.process_time()
        alone = {name: followed(tracker, shown, {name: mask}) for name, mask in given.items()}
        single = time.process_time() - began
        worst = min(agreement(together, masks) for masks in alone.values())
        lines.append(
            f"  k = {count}: shared {shared:.2f} s, single {single:.2f} s, ratio {single / shared:.2f}, least IoU {worst:.4f}"
        )
        assert worst >= 0.999
        # Processor time, because neighbours on the machine do not count; one instance has nothing to share.
        assert count < 3 or shared < single
    with capsys.disabled():
        print(
            "\none shared pass against k single passes, 12 frames, tiny SAM 2 at 128 px, processor time of one thread:",
            *lines,
            sep="\n",
        )


def test_instances_are_told_apart(sam2_folder):
    tracker = hf.HfTracker(str(sam2_folder), {})
    last = followed(tracker, scenes.frames(6), scenes.masks(2))[-1]
    assert iou(last["id1"], last["id2"]) < 0.995


def test_streaming_with_a_short_memory_gives_what_the_library_gives_for_the_whole_video(sam2_folder):
    tracker, shown, given = hf.HfTracker(str(sam2_folder), {}), scenes.frames(24), scenes.masks(2)
    streamed = followed(tracker, shown, given)
    model, processor = tracker._load()
    session = processor.init_video_session(video=np.stack(shown))
    # The library scales a picture of a video and a picture by itself differently; the same pixels are what is compared here.
    session.processed_frames = {
        index: processor(images=frame, return_tensors="pt").pixel_values[0] for index, frame in enumerate(shown)
    }
    processor.add_inputs_to_inference_session(session, frame_idx=0, obj_ids=[0, 1], input_masks=list(given.values()))
    whole = []
    for out in model.propagate_in_video_iterator(session, start_frame_idx=0):
        grown = processor.post_process_masks([out.pred_masks], [list(scenes.SIZE)])[0]
        whole.append(dict(zip(given, grown.reshape(2, *scenes.SIZE).numpy(), strict=True)))
    assert agreement(streamed[1:], whole[1:]) >= 0.999


def test_memory_does_not_grow_with_the_video(sam2_folder, monkeypatch):
    tracker, sizes = hf.HfTracker(str(sam2_folder), {}), []
    forget = hf.forget

    def watched(session, index, keep):
        forget(session, index, keep)
        held = [value for outputs in session.output_dict_per_obj.values() for kind in outputs.values() for value in kind.values()]
        tensors = [item for stored in held for item in stored.values() if isinstance(item, torch.Tensor)]
        sizes.append(sum(item.numel() for item in tensors) + len(session.processed_frames))

    monkeypatch.setattr(hf, "forget", watched)
    followed(tracker, scenes.frames(40), scenes.masks(1))
    assert sizes[-1] == sizes[20]


def test_an_anchor_in_the_middle_is_followed_both_ways(sam2_folder):
    tracker, shown, given = hf.HfTracker(str(sam2_folder), {}), scenes.frames(9), scenes.masks(2)
    made = tracker.track(scenes.request(shown, given, anchor=4))
    ahead = followed(tracker, shown[4:], given)
    back = followed(tracker, shown[4::-1], given)
    expected = back[:0:-1] + ahead
    assert made.anchor == 4
    for track in made.tracks:
        assert [decode(counts, scenes.SIZE).tolist() for counts in track.masks] == [
            masks[track.instance_id].tolist() for masks in expected
        ]


def test_an_instance_the_model_calls_absent_has_no_mask_and_no_belief(sam2_folder):
    tracker = hf.HfTracker(str(sam2_folder), {})
    model, _ = tracker._model.get()
    with torch.no_grad():
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(-6.0)
    track = tracker.track(scenes.request(scenes.frames(3), scenes.masks(1))).tracks[0]
    assert [state is TrackState.VISIBLE for state in track.states] == [True, False, False]
    assert track.boxes[1:] == (None, None)
    assert track.confidence[1] < 0.01


def test_an_empty_mask_is_refused_before_anything_is_followed(sam2_folder):
    given = {"id1": np.zeros(scenes.SIZE, dtype=np.bool_)}
    with pytest.raises(BackendError, match="mask of id1 on frame 0 is empty"):
        hf.HfTracker(str(sam2_folder), {}).track(scenes.request(scenes.frames(2), given))


def test_the_id_follows_the_weights_not_their_place(sam2_folder, tmp_path):
    copy = tmp_path / "elsewhere" / sam2_folder.name
    copy.mkdir(parents=True)
    for item in sam2_folder.iterdir():
        (copy / item.name).write_bytes(item.read_bytes())
    first = hf.HfTracker(str(sam2_folder), {}).id
    assert hf.HfTracker(str(copy), {}).id == first
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert hf.HfTracker(str(copy), {}).id != first


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ("/nowhere/at/all", {}, "no file or folder '/nowhere/at/all'"),
        ("", {"speed": 1}, "has no setting 'speed'"),
        ("", {"device": "cuda:7"}, "device 'cuda:7' is not there"),
        ("", {"dtype": "int4"}, "dtype 'int4' is not one of"),
    ],
)
def test_settings_that_cannot_be_used_are_named(sam2_folder, source, settings, message):
    with pytest.raises(ConfigError, match=message):
        hf.create(source or str(sam2_folder), settings)


def test_damaged_weights_fail_with_the_loader_s_reason_and_only_once(sam2_folder, tmp_path):
    for item in sam2_folder.iterdir():
        (tmp_path / item.name).write_bytes(item.read_bytes()[: 2000 if item.suffix == ".safetensors" else None])
    tracker = hf.HfTracker(str(tmp_path), {})
    for _ in range(2):
        with pytest.raises(BackendError, match="the weights cannot be loaded"):
            tracker.track(scenes.request(scenes.frames(2), scenes.masks(1)))


def test_a_run_over_real_clips_is_complete(sam2_folder, tmp_path):
    out = tmp_path / "run"
    done = CliRunner().invoke(
        main, ["run", "--model", "bench:clips", "--tracker", f"hf:{sam2_folder}", "--out", str(out), "--samples", "juggle"]
    )
    assert done.exit_code == 0, done.output
    tracks = Tracks.from_json(json.loads((out / "tracks.jsonl").read_text().splitlines()[0]))
    assert tracks.status == "ok"
    assert tracks.tracker.startswith("hf:tiny-sam2@")
    assert {len(track.states) for track in tracks.tracks} == {49}


def test_sam3_s_tracker_is_followed_by_the_same_steps_and_remembers_both_instances(tmp_path):
    tracker = hf.create(str(checkpoints.sam3_tracker(tmp_path / "sam3")), {})
    shown, given = scenes.frames(5), scenes.masks(2)
    together = followed(tracker, shown, given)
    for name, mask in given.items():
        assert agreement(together, followed(tracker, shown, {name: mask})) >= 0.999


def test_half_precision_follows_too_and_stands_in_the_id(sam2_folder):
    tracker = hf.HfTracker(str(sam2_folder), {"dtype": "bfloat16"})
    seen = followed(tracker, scenes.frames(3), scenes.masks(2))
    assert [sorted(masks) for masks in seen] == [["id1", "id2"]] * 3
    assert tracker.id.endswith("-bfloat16")


def test_edgetam_is_followed_by_the_same_steps(tmp_path):
    tracker = hf.create(str(checkpoints.edgetam(tmp_path / "edgetam")), {})
    tracks = tracker.track(scenes.request(scenes.frames(2), scenes.masks(1))).tracks
    assert [len(track.states) for track in tracks] == [2]
