"""Benchmark building with learned models: GroundingDINO proposes, SAM 2 cuts out and follows, both with tiny random weights."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.cli import main
from intergeneval.grounding.crops import crop_jpeg
from intergeneval.judges import hf as hf_judge
from intergeneval.judges.crops import crop_inquiry
from intergeneval.judges.hf_model import Written
from intergeneval.judges.inquiries import Inquires, InquiryError
from intergeneval.judges.prompting import CROP_NAMES, Prompts
from intergeneval.masks import decode
from intergeneval.trackers import Segments, hf, sam2
from tests.build import workshop
from tests.build.workshop import PROMPT
from tests.fakes.chat_server import ChatServer, reply
from tests.models import checkpoints, scenes
from tests.models.test_sam2_tracker import SMALL, checkpoint  # noqa: F401  # a fixture

LOW = "[settings.grounding_dino]\nbox_threshold = 0.05\ntext_threshold = 0.0\n"
"""Random weights are sure of nothing."""


@pytest.fixture(scope="module")
def dino(tmp_path_factory):
    return checkpoints.grounding_dino(tmp_path_factory.mktemp("weights") / "tiny-dino")


def willing(asked):
    """A model that reads the prompt, says yes to every crop, and sees nothing touch."""
    if pairs := workshop.pairs_of(asked):
        return reply(workshop.touching(pairs))
    if asked.pictures:
        return reply(json.dumps({"reason": "looked", "match": True}))
    return reply(json.dumps(workshop.scene("man", "mug")))


def masks_of(boxes, tracker):
    frame = scenes.frames(1)[0]
    return {name: np.asarray(mask) for name, mask in tracker.segment(frame, boxes).items()}


def check_boxes_are_cut_out(tracker):
    assert isinstance(tracker, Segments)
    boxes = {"a": (10.0, 20.0, 40.0, 50.0), "b": (70.0, 10.0, 130.0, 80.0)}
    together = masks_of(boxes, tracker)
    assert {mask.shape for mask in together.values()} == {scenes.SIZE}
    for name, box in boxes.items():
        assert together[name].any()
        assert (masks_of({name: box}, tracker)[name] == together[name]).mean() > 0.99
    assert (together["a"] != together["b"]).any()


def test_hf_cuts_several_boxes_out_as_it_does_each_alone(sam2_folder):
    check_boxes_are_cut_out(hf.create(str(sam2_folder), {}))


def test_sam2_cuts_several_boxes_out_as_it_does_each_alone(checkpoint):  # noqa: F811
    check_boxes_are_cut_out(sam2.create(str(checkpoint), {"overrides": SMALL}))


def test_sam_3_s_tracker_cuts_boxes_out(tmp_path):
    check_boxes_are_cut_out(hf.create(str(checkpoints.sam3_tracker(tmp_path / "sam3")), {}))


def test_a_picture_and_a_clip_become_a_benchmark_with_learned_models_and_a_run_takes_it(dino, sam2_folder, tmp_path):
    workshop.write_picture(tmp_path / "source/lift.png")
    workshop.write_clip(tmp_path / "source/clip.mp4", frames=6)
    rows = [{"id": "lift", "prompt": PROMPT}, {"id": "clip", "prompt": PROMPT, "anchor": 3}]
    workshop.write_list(tmp_path / "source", rows)
    with ChatServer(willing) as server:
        options = ("--detector", f"grounding_dino:{dino}", "--tracker", f"hf:{sam2_folder}", "--json")
        done = workshop.build(tmp_path, *options, server=server, more="anchors = 2\n" + LOW)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert sorted(result["samples"]) == ["clip", "lift"]
    assert bench.check(tmp_path / "bench") == []
    places = {line["sample_id"]: line["grounding"] for line in workshop.lines(tmp_path / "bench/build/places.jsonl")}
    assert places["clip"]["frame"] == 3
    assert {place["basis"] for found in places.values() for place in found["places"]} == {"verified"}
    cuts = {line["sample_id"]: line for line in workshop.lines(tmp_path / "bench/build/cuts.jsonl")}
    assert cuts["lift"]["tracker"].startswith("hf:tiny-sam2@")
    # Forth and back from the anchor: every frame has an entry, and the first one a mask.
    tracks = cuts["clip"]["tracks"]
    assert tracks["anchor"] == 3
    assert [len(track["states"]) for track in tracks["tracks"]] == [6, 6]
    for name, counts in cuts["clip"]["masks"].items():
        assert decode(counts, tuple(cuts["clip"]["size"])).any(), name
    command = ["run", "--model", str(tmp_path / "bench/videos"), "--bench", str(tmp_path / "bench"), "--samples", "clip"]
    ran = CliRunner().invoke(main, [*command, "--tracker", f"hf:{sam2_folder}", "--out", str(tmp_path / "run")])
    assert ran.exit_code == 0, ran.output


def test_a_text_to_video_run_finds_its_instances_with_learned_models(dino, sam2_folder, tmp_path):
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    workshop.write_clip(tmp_path / "model/lift.mp4", frames=6)
    with ChatServer(willing) as server:
        assert workshop.build(tmp_path, "--text-only", server=server).exit_code == 0
        config = workshop.settings(tmp_path / "run.toml", server, LOW)
        command = ["run", "--model", tmp_path / "model", "--bench", tmp_path / "bench", "--judge", "openai:test-model"]
        backends = ["--detector", f"grounding_dino:{dino}", "--tracker", f"hf:{sam2_folder}", "--config", config]
        more = ["--out", tmp_path / "run", "--cache", tmp_path / "cache.sqlite"]
        CliRunner().invoke(main, [str(part) for part in (*command, *backends, *more)])
    (grounding,) = workshop.lines(tmp_path / "run/grounding.jsonl")
    assert grounding["method"].startswith("grounding_dino:tiny-dino@")
    assert "-box0.05-text0, at most 8 a class, verified by openai:test-model" in grounding["method"]
    assert any(place["basis"] == "verified" for place in grounding["places"])
    (tracks,) = workshop.lines(tmp_path / "run/tracks.jsonl")
    found = {place["instance_id"] for place in grounding["places"] if place["box"]}
    assert {track["instance_id"] for track in tracks["tracks"]} == found


def test_a_local_model_reads_prompts_and_looks_at_crops_as_strictly_as_a_server(tmp_path, monkeypatch):
    folder = checkpoints.qwen3_vl(tmp_path / "tiny-vlm")
    judge = hf_judge.create(str(folder), {"mode": "generate", "max_tokens": 12, "side": 64})
    assert isinstance(judge, Inquires)
    assert not isinstance(hf_judge.create(str(folder), {"mode": "choice"}), Inquires)
    inquiry = crop_inquiry(Prompts(None, CROP_NAMES), crop_jpeg(workshop.picture(), (12, 20, 42, 84)), "man", "man in red")
    with pytest.raises(InquiryError) as caught:
        judge.inquire(inquiry)
    assert caught.value.kind == "reply"
    written, write = [], hf_judge.Vlm.write
    replies = iter(["yes", '{"reason": "red", "match": true}'])

    def scripted(self, turns, frames, limit):
        # The real model reads the chat with its picture; only what it would write is put in its mouth.
        write(self, turns, frames, 1)
        written.append([turn["role"] for turn in turns])
        return Written(text=next(replies), cut=False)

    monkeypatch.setattr(hf_judge.Vlm, "write", scripted)
    assert judge.inquire(inquiry).value == {"match": True, "reason": "red"}
    assert written == [["system", "user"], ["system", "user", "assistant", "user"]]
