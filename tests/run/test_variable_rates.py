"""A video whose rate varies, through a run: its record has its times, and whoever means time goes by them."""

import json
from dataclasses import replace

import pytest

from intergeneval.config import RunConfig
from intergeneval.run.run import Run
from intergeneval.videos import Reader, sample_frames, write_video
from tests.tiny_world import FRAMES, frame_at

HELD = tuple(frame / 8 + (2.0 if frame > 7 else 0.0) for frame in range(FRAMES))
"""Frame 7 stands for two seconds longer than the others."""


@pytest.fixture
def held(tiny):
    """The settings of a run in which the picture of sample a is held on the way."""
    bench, model = tiny
    write_video(model / "a.mp4", [frame_at(index, 1) for index in range(FRAMES)], 5.0, HELD)
    return RunConfig(model=str(model), bench=str(bench), tracker="stored", workers=1)


def lines(folder, name):
    return {item["sample_id"]: item for item in map(json.loads, (folder / name).read_text().splitlines())}


def test_its_record_has_the_times_and_the_sampled_frames_share_them(held, tmp_path):
    folder = Run(replace(held, out=str(tmp_path / "run"))).execute().store.folder
    found = lines(folder, "videos.jsonl")
    assert found["a"]["times"] == pytest.approx(HELD, abs=1e-4)
    assert found["a"]["sampled"] == list(sample_frames(FRAMES, "equal-time", HELD))
    assert 7 in found["a"]["sampled"]
    assert "times" not in found["b"]
    assert found["b"]["sampled"] == list(sample_frames(FRAMES))


def test_its_overlay_holds_the_picture_as_long(held, tmp_path):
    folder = Run(replace(held, out=str(tmp_path / "run"), overlay=True)).execute().store.folder
    overlay = Reader(folder / "overlays" / "a" / "0.mp4")
    assert overlay.times == pytest.approx(HELD, abs=1e-4)
    assert Reader(folder / "overlays" / "b" / "0.mp4").times == ()


def test_a_run_that_began_with_other_frames_of_it_goes_on_with_those(held, tmp_path):
    folder = Run(replace(held, out=str(tmp_path / "run"))).execute().store.folder
    videos, answers = lines(folder, "videos.jsonl"), (folder / "answers.jsonl").read_text().splitlines()
    before = [item if name != "a" else {**item, "sampled": list(sample_frames(FRAMES))} for name, item in videos.items()]
    for item in before:
        item.pop("times", None)
    (folder / "videos.jsonl").write_text("".join(json.dumps(item) + "\n" for item in before))
    (folder / "answers.jsonl").write_text("".join(f"{line}\n" for line in answers if json.loads(line)["sample_id"] != "a"))
    (folder / "consistency.jsonl").unlink()
    Run(replace(held, out=str(tmp_path / "run"))).execute()
    assert lines(folder, "videos.jsonl")["a"]["sampled"] == list(sample_frames(FRAMES))
    assert lines(folder, "consistency.jsonl")["a"]["frames"] == list(sample_frames(FRAMES)[1:])
