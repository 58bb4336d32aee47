"""The ``sam3`` detector with a tiny random SAM 3: the real model class and processor, weights from disk."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.detectors import DetectRequest, sam3
from intergeneval.errors import BackendError, ConfigError
from tests.models import checkpoints, scenes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkpoints.sam3(tmp_path_factory.mktemp("weights") / "tiny-sam3")


def request(count=2, classes=("man", "coffee mug")):
    given = scenes.request([], scenes.masks(1))
    return DetectRequest(sample=given.sample, video=given.video, frames=dict(enumerate(scenes.frames(count))), classes=classes)


def test_one_look_at_a_frame_serves_all_classes_and_gives_what_the_library_gives_for_each(folder):
    asked = request()
    found = sam3.create(str(folder), {"threshold": 0.05}).detect(asked)
    model, processor = sam3.create(str(folder), {})._model.get()
    assert sum(map(len, found.found)) > 0
    for frame, items in zip(found.frames, found.found, strict=True):
        for name in asked.classes:
            with torch.inference_mode():
                inputs = processor(images=asked.frames[frame], text=name, return_tensors="pt")
                out = model(pixel_values=inputs.pixel_values, input_ids=inputs.input_ids, attention_mask=inputs.attention_mask)
            theirs = processor.post_process_object_detection(out, threshold=0.05, target_sizes=[scenes.SIZE])[0]
            mine = sorted(item.score for item in items if item.class_ == name)
            assert mine == pytest.approx(sorted(theirs["scores"].tolist()), abs=1e-4)
        for item in items:
            x0, y0, x1, y1 = item.box
            assert 0 <= x0 < x1 <= scenes.SIZE[1]
            assert 0 <= y0 < y1 <= scenes.SIZE[0]


def test_the_words_and_the_picture_decide(folder):
    detector = sam3.create(str(folder), {"threshold": 0.0})
    dark = np.zeros((*scenes.SIZE, 3), dtype=np.uint8)
    boxes = [
        [item.score for item in detector._look(frame, detector._asked([name]))]
        for frame, name in ((scenes.frames(1)[0], "man"), (scenes.frames(1)[0], "ball"), (dark, "man"))
    ]
    assert boxes[0] != boxes[1]
    assert boxes[0] != boxes[2]


def test_a_run_with_it_assesses_emergence(folder, tmp_path):
    out = tmp_path / "run"
    command = ["run", "--model", "bench:clips", "--samples", "juggle", "--detector", f"sam3:{folder}", "--out", str(out)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    stated = json.loads((out / "consistency.jsonl").read_text().splitlines()[0])
    assert stated["assessors"]["emergence"].startswith("sam3:tiny-sam3@")


def test_another_model_a_threshold_out_of_range_and_a_noun_too_long_are_named(folder, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="holds a 'bert' model"):
        sam3.create(str(tmp_path), {})
    with pytest.raises(ConfigError, match="threshold is 2"):
        sam3.create(str(folder), {"threshold": 2})
    with pytest.raises(BackendError, match="the model reads 32"):
        sam3.create(str(folder), {}).detect(request(1, ("a very long noun for a thing that has a name",)))
