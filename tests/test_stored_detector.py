"""Detector ``stored``: boxes from a file, read strictly."""

import json

import numpy as np
import pytest

from intergeneval.detectors import DetectRequest
from intergeneval.detectors.stored import create
from intergeneval.errors import BackendError, ConfigError
from intergeneval.records import Detection, Detections, Sample, Video, VideoStatus

FRAME = np.zeros((40, 60, 3), dtype=np.uint8)


def written(path, *, box=(1.0, 2.0, 30.0, 39.0), frames=(0, 5), status="ok", found=None):
    seen = ((Detection(class_="man", box=box, score=0.5), Detection(class_="dog", box=box, score=0.4)),) * 2
    line = Detections(
        sample_id="a", seed=0, detector="d", frames=frames, found=seen if found is None else found, status=status, reason="why"
    )
    path.write_text(json.dumps(line.to_json()) + "\n" + '{"torn')
    return path


def request(frames=(0,), sample_id="a"):
    sample = Sample(id=sample_id, prompt="p", instances=(), interactions=())
    video = Video(sample_id=sample_id, seed=0, status=VideoStatus.OK, size=(40, 60))
    return DetectRequest(sample=sample, video=video, frames=dict.fromkeys(frames, FRAME), classes=["man"])


def test_boxes_of_the_classes_asked_for_come_back_and_the_id_holds_the_file_s_hash(tmp_path):
    detector = create(str(written(tmp_path / "boxes.jsonl")), {})
    assert [item.class_ for item in detector.detect(request()).found[0]] == ["man"]
    other = create(str(written(tmp_path / "other.jsonl", box=(1.0, 2.0, 3.0, 4.0))), {})
    assert detector.id.partition("@")[2] != other.id.partition("@")[2]


@pytest.mark.parametrize(
    ("changes", "asked", "said"),
    [
        ({}, request(sample_id="b"), "holds no detections of sample 'b'"),
        ({}, request(frames=(3,)), "nothing is stored of frame 3"),
        ({"box": (1.0, 2.0, 61.0, 39.0)}, request(), "does not fit a picture of 60x40"),
        ({"status": "failed"}, request(), r"detection failed on sample 'a' \(why\)"),
        ({"found": ((),)}, request(), "has 2 frames and 1 lists"),
    ],
)
def test_what_the_file_does_not_say_is_an_error_and_no_empty_picture(tmp_path, changes, asked, said):
    with pytest.raises(BackendError, match=said):
        create(str(written(tmp_path / "boxes.jsonl", **changes)), {}).detect(asked)


def test_a_file_that_is_none_is_refused_with_its_line(tmp_path):
    (tmp_path / "boxes.jsonl").write_text('{"sample_id": "a"}\n')
    with pytest.raises(ConfigError, match=r"boxes\.jsonl:1"):
        create(str(tmp_path / "boxes.jsonl"), {})
    with pytest.raises(ConfigError, match="say which file"):
        create("", {})
