"""Pictures as files: what is written is what is read, and what is no picture is refused."""

import cv2
import numpy as np
import pytest

from intergeneval.masks.writing import encode_picture

RNG = np.random.default_rng(0)


def read(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def test_red_green_blue_and_opacity_stay_where_they_are():
    picture = RNG.integers(0, 255, (6, 8, 4), dtype=np.uint8)
    assert np.array_equal(read(encode_picture(picture))[:, :, [2, 1, 0, 3]], picture)
    assert np.array_equal(read(encode_picture(picture[:, :, :3]))[:, :, ::-1], picture[:, :, :3])


def test_a_mask_is_written_as_0_and_255():
    mask = RNG.random((6, 8)) > 0.5
    assert np.array_equal(read(encode_picture(mask)), mask * 255)
    assert np.array_equal(read(encode_picture(mask, ".png", (cv2.IMWRITE_PNG_BILEVEL, 1))) > 0, mask)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((6, 8), np.int32), np.zeros((0, 8), np.uint8), np.zeros((6, 8, 2), np.uint8), np.zeros((6, 8, 3), np.bool_)],
    ids=["numbers", "empty", "two channels", "mask of three"],
)
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(ValueError, match="a picture is uint8"):
        encode_picture(picture)
