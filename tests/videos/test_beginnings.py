"""A video's first frame against the benchmark's: what is one picture, what was moved, and what is another."""

import cv2
import numpy as np
import pytest

from intergeneval import bench
from intergeneval.masks import iou
from intergeneval.videos.beginning import compare, is_foreign, moved_mask
from tests.videos.encoded_clips import encode, frames_of


@pytest.fixture(scope="module")
def pictures():
    """First frames of real clips and of drawn scenes, with the masks of their instances."""
    clips, staged = bench.load("clips"), bench.load("staged")
    chosen = [(clips, sample) for sample in clips.samples] + [(staged, sample) for sample in staged.samples[::24]]
    return [(bench.load_first_frame(one, sample), bench.load_masks(one, sample)) for one, sample in chosen]


def look(picture, frame, masks):
    return compare(picture, frame, masks.values())


def laid(picture, wide, high, right, down):
    """The picture stretched, with its corner at these shares of the frame."""
    height, width = picture.shape[:2]
    matrix = np.array([[wide, 0, right * width], [0, high, down * height]])
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)


def clipped(values):
    return np.clip(values, 0, 255).astype(np.uint8)


RNG = np.random.default_rng(0)
SAME = {
    "blurred": lambda picture: cv2.GaussianBlur(picture, (0, 0), 3),
    "brighter": lambda picture: clipped(picture * 1.2 + 10),
    "darker": lambda picture: clipped(picture * 0.6),
    "flatter": lambda picture: clipped((picture - 128.0) * 0.7 + 128),
    "noisy": lambda picture: clipped(picture + RNG.normal(0, 20, picture.shape)),
    "of half the size": lambda picture: cv2.resize(
        cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), picture.shape[1::-1]
    ),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME.keys())
def test_one_picture_is_told_in_spite_of_light_noise_and_blur(pictures, change):
    for picture, masks in pictures:
        found = look(picture, change(picture), masks)
        assert found.in_place
        assert not is_foreign(found)


@pytest.mark.parametrize("crf", [18, 40])
def test_one_picture_is_told_in_spite_of_its_encoder(pictures, tmp_path, crf):
    for picture, masks in pictures:
        path = encode(tmp_path / "x.mp4", [picture] * 3, codec="libx264", crf=crf)
        found = look(picture, frames_of(path)[0], masks)
        assert found.in_place
        assert not is_foreign(found)


MOVES = [(1.05, 1, -0.025, 0), (1.18, 1, -0.09, 0), (1.25, 1, -0.125, 0), (1, 1.125, 0, -0.0625)]
MOVES += [(1.15, 1.15, -0.075, -0.075), (0.8, 0.8, 0.1, 0.1), (1, 1, 0.03, 0), (1, 1, 0.1, -0.05), (1.4, 1.4, -0.3, -0.1)]


@pytest.mark.parametrize("move", MOVES, ids=str)
def test_a_stretch_scale_crop_or_shift_is_measured_to_a_hundredth_and_moves_masks(pictures, move):
    for picture, masks in pictures:
        found = look(picture, laid(picture, *move), masks)
        assert not is_foreign(found)
        assert np.allclose((*found.scale, *found.shift), move, atol=0.01)
        for mask in masks.values():
            there = laid(mask.astype(np.uint8), *move) > 0
            # The edge of a thing three pixels high is all it has.
            if there.sum() > 400:
                assert iou(moved_mask(mask, found), there) > 0.9


def test_other_pictures_plain_ones_and_the_mirror_image_are_foreign(pictures):
    for index, (picture, masks) in enumerate(pictures):
        others = [cv2.resize(item, picture.shape[1::-1]) for place, (item, _) in enumerate(pictures) if place != index]
        others += [np.zeros_like(picture), np.full_like(picture, 128), RNG.integers(0, 255, picture.shape).astype(np.uint8)]
        assert all(is_foreign(look(picture, other, masks)) for other in [*others, picture[:, ::-1].copy()])


def test_other_people_before_the_same_backdrop_are_another_picture(pictures):
    for picture, masks in pictures[:2]:
        taken = np.logical_or.reduce(list(masks.values()))
        swapped = np.where(taken[..., None], picture[::-1, ::-1], picture)
        found = look(picture, swapped, masks)
        assert found.agreement > found.inside
        assert is_foreign(found)


def test_of_a_plain_picture_nothing_can_be_said():
    plain = np.full((120, 160, 3), 90, dtype=np.uint8)
    assert compare(plain, plain) is None
