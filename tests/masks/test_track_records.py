"""Run lengths that contradict the boxes and areas beside them are refused, and every form that says the same is read."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pycocotools import mask as coco

from intergeneval.errors import MediaError, RecordError
from intergeneval.masks import decode, encode, track_of
from intergeneval.masks.track_records import checked_masks, tracks_of
from intergeneval.records import Tracks, TrackState
from tests.masks import ways


def record(**changes):
    made = [
        track_of(name, [ways.mask_of(name, at) > 0 for at in range(3)], [TrackState.VISIBLE] * 3, [1.0] * 3)
        for name in ways.PIXELS
    ]
    return Tracks(sample_id="s", seed=0, tracker="other", size=ways.SIZE, tracks=tuple(made)).to_json() | changes


def read(value):
    tracks = tracks_of(value, "t.json")
    return {item.instance_id: list(checked_masks(item, tracks, "t.json")) for item in tracks.tracks}


def with_masks(change):
    value = record()
    for item in value["tracks"]:
        item["masks"] = [change(decode(counts, ways.SIZE)) for counts in item["masks"]]
    return value


def runs(mask, order="F"):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.ravel(order).astype(int)])))
    return np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()


def by_row(mask):
    return encode(np.ascontiguousarray(mask.T).T.reshape(-1).reshape(mask.shape[::-1]).T)


FORMS = {
    "text": encode,
    "object with text": lambda mask: {"size": list(mask.shape), "counts": encode(mask)},
    "object with numbers": lambda mask: {"size": list(mask.shape), "counts": runs(mask)},
    "numbers": runs,
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_run_lengths_gives_the_same_masks(form):
    found = read(with_masks(FORMS[form]))
    for name, masks in found.items():
        assert all(np.array_equal(mask, ways.mask_of(name, at) > 0) for at, mask in enumerate(masks))


@pytest.mark.parametrize("form", [runs, lambda mask: {"size": list(mask.shape), "counts": encode(mask)}])
def test_a_mask_that_covers_the_whole_frame_has_a_first_run_of_no_pixel(form):
    whole = np.ones(ways.SIZE, dtype=bool)
    value = record(tracks=[track_of("id1", [whole], [TrackState.VISIBLE], [1.0]).to_json() | {"masks": [form(whole)]}])
    assert read(value)["id1"][0].all()


WRONG = {
    "counted row by row": (lambda mask: runs(mask, "C"), "counted row by row they fit"),
    "of the transposed mask": (by_row, "counted row by row they fit"),
    "upside down": (lambda mask: encode(np.flipud(mask)), "the mask lies in ("),
    "empty": (lambda mask: encode(mask & False), "the mask is empty, its box says (10, 30, 30, 60)"),
    "the background": (lambda mask: encode(~mask), "the mask lies in (0, 0, 128, 96), its box says (10, 30, 30, 60)"),
}


@pytest.mark.parametrize("way", WRONG)
def test_masks_that_contradict_their_boxes_are_refused_with_both_and_the_likely_reason(way):
    change, words = WRONG[way]
    with pytest.raises(MediaError) as caught:
        read(with_masks(change))
    assert "t.json: instance 'id1', frame 0: " in str(caught.value)
    assert words in str(caught.value)


def changed(**fields):
    value = record()
    value["tracks"][0] |= fields
    return value


STATED = {
    "another instance's": (changed(masks=record()["tracks"][1]["masks"]), "the mask fits the box of 'id2'"),
    "a frame off": (changed(masks=[*record()["tracks"][0]["masks"][1:], encode(np.zeros(ways.SIZE, bool))]), "of frame 1"),
    "shares": (changed(boxes=[[0.1, 0.3, 0.2, 0.6]] * 3), "boxes are in pixels"),
    "y first": (changed(boxes=[[30, 10, 60, 30]] * 3), "begins with y"),
    "area": (changed(areas=[600, 700, 600]), "frame 1: the mask has 600 pixels, its area says 700"),
    "no area": (changed(areas=[600, 0, 600]), "frame 1: the mask has 600 pixels, its area says 0"),
}


@pytest.mark.parametrize("what", STATED)
def test_what_is_stated_beside_right_masks_and_cannot_be_true_is_named(what):
    value, words = STATED[what]
    with pytest.raises(MediaError) as caught:
        read(value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"boxes": [[10 + 4 * at, 30, 29 + 4 * at, 59] for at in range(3)]},
        {"boxes": [[10 + 4 * at, 30, 20, 30] for at in range(3)]},
        {"areas": [551, 551, 551]},
        {"boxes": [None] * 3},
        {"boxes": [None] * 3, "areas": [0] * 3},
    ],
    ids=["inclusive ends", "corner and size", "area of a contour", "no box", "neither"],
)
def test_other_conventions_and_nothing_stated_contradict_nothing(fields):
    assert [int(mask.sum()) for mask in read(changed(**fields))["id1"]] == [600] * 3


def test_run_lengths_of_another_size_are_refused():
    turned = with_masks(lambda mask: {"size": list(mask.T.shape), "counts": encode(mask.T)})
    with pytest.raises(MediaError, match=r"instance 'id1', frame 0: its mask has size \[128, 96\].*transposed"):
        read(turned)
    with pytest.raises(MediaError, match="run lengths cover 7 pixels, the size 96x128 has 12288"):
        read(with_masks(lambda mask: [3, 4]))
    with pytest.raises(RecordError, match="masks"):
        read(with_masks(lambda mask: {"counts": [3, 4]}))


@given(st.integers(0, 90), st.integers(0, 60), st.integers(3, 38), st.integers(3, 36))
def test_a_transposed_box_is_never_read_as_right(left, top, width, height):
    mask = np.zeros(ways.SIZE, dtype=bool)
    mask[top : top + height, left : left + width] = True
    value = record(tracks=[track_of("id1", [mask], [TrackState.VISIBLE], [1.0]).to_json()])
    value["tracks"][0]["masks"] = [runs(mask, "C")]
    with pytest.raises(MediaError, match="counted row by row they fit"):
        read(value)
    value["tracks"][0]["masks"] = [runs(mask)]
    assert np.array_equal(read(value)["id1"][0], mask)


@given(st.data())
def test_numbers_and_text_of_any_mask_are_one(data):
    seed, shape = data.draw(st.integers(0, 99)), data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    mask = np.random.default_rng(seed).random(shape) < 0.5
    assume(mask.any())
    value = Tracks(
        sample_id="s", seed=0, tracker="t", size=shape, tracks=(track_of("id1", [mask], [TrackState.VISIBLE], [1.0]),)
    ).to_json()
    value["tracks"][0]["masks"] = [{"size": list(shape), "counts": runs(mask)}]
    assert tracks_of(value, "t").tracks[0].masks[0] == encode(mask)
    assert coco.area({"size": list(shape), "counts": encode(mask)}) == mask.sum()
