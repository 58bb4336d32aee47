import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from intergeneval import masks
from intergeneval.records import TrackState


@settings(deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_every_mask_survives_run_length_coding(mask):
    assert np.array_equal(masks.decode(masks.encode(mask), mask.shape), mask)


@settings(deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30))), st.tuples(*[st.integers(0, 31)] * 4))
def test_a_window_of_a_mask_is_what_stands_there(mask, corners):
    left, right = sorted(corners[::2])
    top, bottom = sorted(corners[1::2])
    found = masks.decode(masks.encode(mask), mask.shape, (left, top, right, bottom))
    assert np.array_equal(found, mask[top:bottom, left:right]) or 0 in {found.size, mask[top:bottom, left:right].size}


def test_run_lengths_are_the_pixels_counted_down_each_column():
    mask = np.array([[1, 0], [1, 1], [0, 1]], dtype=bool)
    assert masks.runs(masks.encode(mask)) == [0, 2, 2, 2]
    assert masks.runs("") == []


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_our_counts():
    mask = np.random.default_rng(0).random((50, 30)) < 0.3
    read = coco.decode({"size": [50, 30], "counts": masks.encode(mask).encode()})
    assert np.array_equal(read.astype(bool), mask)


@given(st.text(max_size=30))
def test_damaged_counts_are_refused_and_never_decoded(counts):
    # One pixel too many or too few would make the C decoder write outside its buffer.
    try:
        mask = masks.decode(counts, (7, 9))
    except ValueError:
        return
    assert mask.shape == (7, 9)


def test_counts_of_another_size_are_refused():
    with pytest.raises(ValueError, match="cover 63 pixels"):
        masks.decode(masks.empty((7, 9)), (7, 8))


def code(number):
    """A run length as COCO writes it: five bits a character, the low ones first."""
    text = ""
    while number >= 16:
        text += chr(48 + (number & 31 | 32))
        number >>= 5
    return text + chr(48 + number)


def test_runs_whose_sum_leaves_64_bits_are_refused_and_never_laid_out():
    # Runs grow by what one number may hold, then stay, until their sum is 2**64 and the 63 pixels of the picture: 63 in 64 bits.
    step, ramp = 2**33, 2**12
    left = 2**64 - step * ramp * (ramp + 1)
    alike = left // (step * ramp) // 2 * 2
    more, rest = divmod(left - alike * step * ramp, alike)
    counts = code(63 + rest) + 2 * ramp * code(step) + 2 * code(more) + "0" * (alike - 2)
    with pytest.raises(ValueError, match=f"cover {2**64 + 63} pixels"):
        masks.decode(counts, (7, 9))


def test_the_box_is_tight_with_exclusive_ends():
    mask = np.zeros((10, 20), dtype=bool)
    mask[2:5, 7:9] = True
    assert masks.box(mask) == (7.0, 2.0, 9.0, 5.0)
    assert masks.box(np.zeros((3, 3), dtype=bool)) is None
    assert masks.area(mask) == 6


def test_iou_counts_pixels_and_two_empty_masks_agree():
    left, right = np.zeros((4, 4), dtype=bool), np.zeros((4, 4), dtype=bool)
    assert masks.iou(left, right) == 1.0
    left[:, :2], right[:, 1:3] = True, True
    assert masks.iou(left, right) == pytest.approx(1 / 3)


def test_box_iou_of_boxes_apart_is_zero():
    assert masks.box_iou((0, 0, 2, 2), (5, 5, 6, 6)) == 0.0
    assert masks.box_iou((0, 0, 2, 2), (0, 0, 2, 2)) == 1.0


def test_a_track_is_built_with_one_entry_a_frame():
    mask = np.zeros((4, 6), dtype=bool)
    seen = mask.copy()
    seen[1, 2] = True
    track = masks.track_of("id1", [seen, mask], [TrackState.VISIBLE, TrackState.LOST], [1.0, 0.0])
    assert track.areas == (1, 0)
    assert track.boxes == ((2.0, 1.0, 3.0, 2.0), None)
    assert np.array_equal(masks.decode(track.masks[0], (4, 6)), seen)
