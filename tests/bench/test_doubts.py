"""Masks are doubted: the wrong ones are found, by what they show and not by their names, and the right ones are left alone."""

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
    from dataclasses import replace

    instances, masks, frame = coffee
    red = [replace(item, appearance="red mug") if item.id == "id3" else item for item in instances]
    assert [(item.instance_id, item.kind) for item in bench.doubts(red, masks, frame)] == [("id3", "colour")]
