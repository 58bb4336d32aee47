"""The ``grounding_dino`` detector with a tiny random GroundingDINO from disk."""

import json

import pytest
import torch
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.detectors import DetectRequest, grounding_dino, phrases
from intergeneval.errors import BackendError, ConfigError
from tests.models import checkpoints, scenes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkpoints.grounding_dino(tmp_path_factory.mktemp("weights") / "tiny-dino")


def request(count=2, classes=("man", "coffee mug")):
    given = scenes.request([], scenes.masks(1))
    return DetectRequest(sample=given.sample, video=given.video, frames=dict(enumerate(scenes.frames(count))), classes=classes)


def test_boxes_lie_in_the_frame_belong_to_asked_classes_and_pass_the_threshold(folder):
    found = grounding_dino.create(str(folder), {"box_threshold": 0.5, "text_threshold": 0.1}).detect(request())
    items = [item for frame in found.found for item in frame]
    assert found.status == "ok"
    assert items
    for item in items:
        assert item.class_ in ("man", "coffee mug")
        assert 0.5 < item.score <= 1
        x0, y0, x1, y1 = item.box
        assert 0 <= x0 < x1 <= scenes.SIZE[1]
        assert 0 <= y0 < y1 <= scenes.SIZE[0]


def test_boxes_are_those_the_library_s_own_reading_gives(folder):
    detector = grounding_dino.create(str(folder), {"box_threshold": 0.0, "text_threshold": 0.0})
    asked = request(1)
    mine = {tuple(round(side, 2) for side in item.box) for item in detector.detect(asked).found[0]}
    model, processor = detector._model.get()
    with torch.inference_mode():
        inputs = processor(images=asked.frames[0], text="man. coffee mug.", return_tensors="pt")
        out = model(**inputs)
    theirs = processor.post_process_grounded_object_detection(
        out, inputs.input_ids, threshold=0.0, text_threshold=0.0, target_sizes=[scenes.SIZE]
    )[0]["boxes"]
    limits = torch.tensor([scenes.SIZE[1], scenes.SIZE[0]] * 2)
    clipped = {tuple(round(side, 2) for side in box.clamp(min=0).minimum(limits).tolist()) for box in theirs}
    assert mine <= clipped
    assert len(mine) >= 25


def test_frames_together_give_what_they_give_one_by_one(folder):
    asked = request(4)
    one, four = (
        grounding_dino.create(str(folder), {"box_threshold": 0.5, "text_threshold": 0.1, "batch": batch}).detect(asked)
        for batch in (1, 4)
    )
    assert [[item.class_ for item in frame] for frame in one.found] == [[item.class_ for item in frame] for frame in four.found]
    for first, second in zip(one.found, four.found, strict=True):
        assert [item.score for item in first] == pytest.approx([item.score for item in second], abs=1e-4)


def test_more_classes_than_one_text_holds_are_asked_in_several(folder):
    tokenizer = grounding_dino.create(str(folder), {})._model.get()[1].tokenizer
    classes = ["man", "kettle", "mug", "ball", "coffee mug", "balls", "coffee kettle"]
    prompts = phrases.prompts_for(classes, tokenizer, 12)
    assert [name for prompt in prompts for name in prompt.classes] == classes
    assert len(prompts) > 1
    assert all(len(tokenizer(prompt.text)["input_ids"]) <= 12 for prompt in prompts)
    with pytest.raises(BackendError, match="class 'man man man' has 6 tokens, the model reads 5"):
        phrases.prompts_for(["man man man"], tokenizer, 5)


def test_tokens_are_those_of_the_class_and_not_of_its_neighbours(folder):
    tokenizer = grounding_dino.create(str(folder), {})._model.get()[1].tokenizer
    (prompt,) = phrases.prompts_for(["Coffee  Mug", "balls", "man."], tokenizer, 64)
    words = tokenizer.convert_ids_to_tokens(tokenizer(prompt.text)["input_ids"])
    assert [[words[index] for index in tokens] for tokens in prompt.tokens] == [["coffee", "mug"], ["ball", "##s"], ["man"]]
    with pytest.raises(BackendError, match="has no word"):
        phrases.prompts_for(["?"], tokenizer, 64)


def test_a_run_with_a_detector_assesses_emergence_and_is_not_partial(folder, tmp_path):
    out = tmp_path / "run"
    settings = tmp_path / "run.toml"
    settings.write_text("[settings.grounding_dino]\nbox_threshold = 0.9\n")
    command = [
        "run",
        "--model",
        "bench:clips",
        "--detector",
        f"grounding_dino:{folder}",
        "--config",
        str(settings),
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert json.loads((out / "run.json").read_text())["comparability"]["partial"] == []
    for line in (out / "consistency.jsonl").read_text().splitlines():
        stated = json.loads(line)
        assert stated["assessors"]["emergence"].startswith("grounding_dino:tiny-dino@")
        assert len(stated["emergence"]) == len(stated["frames"])
    scores = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    assert all(item["partial"] == [] for item in scores)


def test_another_kind_of_model_and_a_threshold_out_of_range_are_named(folder, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="holds a 'bert' model"):
        grounding_dino.create(str(tmp_path), {})
    with pytest.raises(ConfigError, match="box_threshold is 2"):
        grounding_dino.create(str(folder), {"box_threshold": 2})
