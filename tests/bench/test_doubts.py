"""Masks are doubted: the wrong ones are found, by what they show and not by their names, and the right ones are left alone."""

from dataclasses import replace

import av
import numpy as np
import pytest

from intergeneval import bench
from intergeneval.masks import box


@pytest.fixture(scope="module")
def coffee():
    """The sample with man, kettle and mug: instances, masks and first frame."""
    clips = bench.load("clips")
    sample = next(one for one in clips.samples if one.id == "coffee")
    return sample.instances, bench.load_masks(clips, sample), bench.load_first_frame(clips, sample)


def kinds(coffee, changes):
    instances, masks, frame = coffee
    return {(item.instance_id, item.kind) for item in bench.doubts(instances, {**masks, **changes}, frame)}


def test_the_masks_of_the_clips_and_of_staged_scenes_are_not_doubted():
    clips, staged = bench.load("clips"), bench.load("staged")
    right = [(clips, sample) for sample in clips.samples] + [(staged, sample) for sample in staged.samples[:30]]
    doubted = [
        str(item)
        for found, sample in right
        for item in bench.doubts(sample.instances, bench.load_masks(found, sample), bench.load_first_frame(found, sample))
    ]
    assert doubted == []


def test_a_man_whose_mask_is_the_kettle_is_doubted(coffee):
    _, masks, _ = coffee
    assert {("id1", "area"), ("id2", "overlap")} & kinds(coffee, {"id1": masks["id2"]})


def test_exchanged_masks_are_doubted_by_the_size_of_what_they_are_called(coffee):
    _, masks, _ = coffee
    assert ("id1", "area") in kinds(coffee, {"id1": masks["id2"], "id2": masks["id1"]})


def test_a_box_a_background_scattered_bits_and_a_moved_outline_are_doubted(coffee):
    _, masks, _ = coffee
    man = masks["id1"]
    x0, y0, x1, y1 = map(int, box(man))
    filled, bits = np.zeros_like(man), np.zeros_like(man)
    filled[y0:y1, x0:x1] = True
    for place in range(20):
        bits[20 * place : 20 * place + 8, 30 * place : 30 * place + 8] = True
    assert ("id1", "box") in kinds(coffee, {"id1": filled})
    assert ("id1", "sides") in kinds(coffee, {"id1": ~man})
    assert ("id1", "pieces") in kinds(coffee, {"id1": bits})
    assert ("id3", "edges") in kinds(coffee, {"id3": np.roll(masks["id3"], (60, 80), (0, 1))})


def test_a_red_mug_that_is_blue_is_doubted(coffee):
    instances, masks, frame = coffee
    red = [replace(item, appearance="red mug") if item.id == "id3" else item for item in instances]
    assert [(item.instance_id, item.kind) for item in bench.doubts(red, masks, frame)] == [("id3", "colour")]
    dim = np.asarray(frame * 0.3, dtype=np.uint8)
    assert [(item.instance_id, item.kind) for item in bench.doubts(red, masks, dim)] == [("id3", "colour")]


def encoded(frame, path):
    """Give a frame back as an encoder leaves it at crf 34."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=8, options={"crf": "34"})
        stream.width, stream.height, stream.pix_fmt = frame.shape[1], frame.shape[0], "yuv420p"
        out.mux([*stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")), *stream.encode(None)])
    with av.open(str(path)) as found:
        return next(found.decode(video=0)).to_ndarray(format="rgb24")


def test_right_masks_of_scenes_in_the_dark_are_not_doubted_for_colours_and_edges_that_nobody_could_see(tmp_path):
    staged = bench.load("staged")
    doubted = []
    for sample in staged.samples[:40:8]:
        masks, frame = bench.load_masks(staged, sample), bench.load_first_frame(staged, sample)
        for light in (0.5, 0.25, 0.12, 0.05):
            dark = encoded(np.asarray(frame * light, dtype=np.uint8), tmp_path / "dark.mp4")
            doubted += [f"{sample.id} {light} {item}" for item in bench.doubts(sample.instances, masks, dark)]
    assert doubted == []
