"""Whatever way two masks are written in, their pixels are read or the file is refused with the values in it."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intergeneval.bench.files import ImageError, decode_mask_picture
from intergeneval.errors import MediaError
from intergeneval.masks.pictures import background_tracks, backgrounds, read_pictures
from intergeneval.masks.pixels import PictureError
from intergeneval.records import Instance, Sample, Video, VideoStatus
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.stored import create
from tests.masks import ways

READ = "read"
EXACT = {
    "255": READ,
    "0 and 1": READ,
    "palette as DAVIS writes it": READ,
    "palette of two bits": READ,
    "palette whose colours are all black": READ,
    "palette on white": READ,
    "palette with a clear index": READ,
    "ids of eight bits": READ,
    "ids of sixteen bits": READ,
    "sixteen bits, white": READ,
    "one bit": READ,
    "pure red": READ,
    "alpha": READ,
    "grey and alpha": READ,
    "white background": "id1: the mask has all four corners and 95 % of the frame",
    "red on white": "id1/000.png: the mask has the values (255, 0, 0), 255; none of them is the background",
    "both in one picture": "id1/000.png: the mask has the values 0, 1, 2",
    "both in one palette": "id1/000.png: the mask has the values 0, (0, 128, 0), (128, 0, 0)",
    "0 and 1, noise where hidden": "id2/003.png: its",
    "255, noise where hidden": "id2/003.png: the mask has the values 0, 1; other pictures of the track have 255",
    "0 and 1 with noise": "id1/000.png: the mask has the values 0, 1, 2",
    "255 here and 1 there": "id1/001.png: the mask has the values 0, 255; other pictures of the track have 1",
    "three greys": "id1/000.png: the mask has the values 0, 100, 255",
    "a mean up to 127": "id1/000.png: the mask has the values 0, 1, 2, 3...",
    "JPEG": "000.jpg: a folder of masks holds one image a frame",
    "red JPEG": "000.jpg: a folder of masks holds one image a frame",
    "soft edges": "id1/000.png: the mask has the values 0,",
}
"""What becomes of each way in a benchmark and in stored tracks: read, or the words of the refusal."""


def request():
    instances = tuple(Instance(id=name, class_="box", appearance="a box", colour="red") for name in ways.PIXELS)
    return TrackRequest(
        sample=Sample(id="s", prompt="p", instances=instances, interactions=()),
        video=Video(sample_id="s", seed=0, status=VideoStatus.OK, size=ways.SIZE, frames=ways.FRAMES, fps=8.0),
        masks={name: ways.mask_of(name, 0) > 0 for name in ways.PIXELS},
        frames=(),
    )


@pytest.mark.parametrize("way", ways.WAYS)
def test_stored_tracks_are_read_pixel_by_pixel_or_refused_with_file_and_values(tmp_path, way):
    ways.write(tmp_path / "s", way)
    tracker = create(str(tmp_path), {})
    if EXACT[way] == READ:
        found = tracker.track(request())
        assert {track.instance_id: list(track.areas) for track in found.tracks} == {
            name: ways.pixels_of(name) for name in ways.PIXELS
        }
        assert found.notes == ()
    else:
        with pytest.raises(MediaError) as caught:
            tracker.track(request())
        assert EXACT[way] in str(caught.value)


@pytest.mark.parametrize("way", ways.WAYS)
def test_a_benchmark_s_mask_is_read_pixel_by_pixel_or_refused_with_its_values(way):
    content = ways.WAYS[way]("id2", 0)
    # What only the other pictures of a track, or the other instances, can tell is told elsewhere.
    if EXACT[way] == READ or way in ("0 and 1, noise where hidden", "255, noise where hidden", "255 here and 1 there"):
        assert np.array_equal(decode_mask_picture(content).mask(0), ways.mask_of("id2", 0) > 0)
    elif way != "white background":
        with pytest.raises(ImageError, match=r"the mask has the values|not a PNG"):
            decode_mask_picture(content)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_that_covers_the_whole_frame_is_a_mask(value, soft):
    whole, part = np.full(ways.SIZE, value, np.uint8), ways.mask_of("id1", 0) * np.uint8(value)
    found = read_pictures([ways.png(whole), ways.png(part), ways.png(part * 0)], soft=soft)
    assert [int(mask.sum()) for mask in found] == [whole.size, 600, 0]
    assert int(read_pictures([ways.png(whole)], soft=soft).mask(0).sum()) == whole.size
    opaque = [np.dstack([np.zeros((*ways.SIZE, 3)), layer]) for layer in (whole * 0 + 255, part // value * 255, part * 0)]
    by_alpha = read_pictures([ways.png(picture, ways.COLOUR_ALPHA) for picture in opaque], soft=soft)
    assert [int(mask.sum()) for mask in by_alpha] == [whole.size, 600, 0]


def test_a_wall_is_believed_where_another_instance_stands_in_its_hole_or_alpha_says_so():
    wall = ways.mask_of("id2", 0) == 0
    person = ways.mask_of("id2", 0) > 0
    assert not list(backgrounds({"wall": wall, "person": person}, ["wall"]))
    assert [name for name, _, _ in backgrounds({"wall": wall, "ball": ways.mask_of("id1", 0) > 0}, ["wall"])] == ["wall"]
    clear = ways.png(np.dstack([np.zeros((*ways.SIZE, 3)), wall * 255]), ways.COLOUR_ALPHA)
    assert read_pictures([ways.png(wall * 255)], soft=False).around
    assert not read_pictures([clear], soft=False).around


def holed(*holes):
    """A mask of the whole frame without boxes of (top, left, height, width)."""
    mask = np.ones(ways.SIZE, dtype=bool)
    for top, left, height, width in holes:
        mask[top : top + height, left : left + width] = False
    return mask


BELIEVED = {
    "a pixel": holed((40, 60, 1, 1)),
    "a small hole": holed((40, 60, 6, 6)),
    "pinholes": holed(*((top, left, 2, 2) for top in range(10, 90, 8) for left in range(10, 120, 8))),
    "the frame of a window": holed((10, 10, 76, 108)),
}


@pytest.mark.parametrize("what", BELIEVED)
def test_a_mask_whose_holes_have_no_thing_s_size_is_the_thing(what):
    mask = BELIEVED[what]
    track = read_pictures([ways.png(mask * 255)] * 2, soft=False)
    assert np.array_equal(track.mask(1), mask)
    assert track.around
    assert not list(backgrounds({"water": mask, "ball": ways.mask_of("id1", 0) > 0}, ["water"]))
    assert not list(background_tracks({"water": track}))


def test_the_first_picture_with_a_hole_of_a_thing_s_size_tells_a_dark_thing_on_white():
    track = read_pictures([ways.png(holed((40, 0, 20, width)) * 255) for width in (0, 1, 20)], soft=False)
    assert [name for name, _, _ in background_tracks({"id1": track})] == ["id1"]


def pieces(side, count, value, seed=0):
    """Squares at places drawn by chance that do not touch."""
    picture = np.zeros(ways.SIZE, np.uint8)
    grid = [(top, left) for top in range(1, 90, side + 3) for left in range(1, 120, side + 3)]
    for place in np.random.default_rng(seed).permutation(len(grid))[:count]:
        top, left = grid[place]
        picture[top : top + side, left : left + side] = value
    return picture


@pytest.mark.parametrize("value", [1, 255])
@pytest.mark.parametrize(("side", "count"), [(2, 16), (2, 90), (4, 60), (3, 40)])
def test_a_thing_seen_in_many_small_pieces_is_no_noise(side, count, value):
    seen = [ways.mask_of("id1", 0) * np.uint8(value), pieces(side, count, value)]
    found = read_pictures([ways.png(picture) for picture in seen], soft=False)
    assert [int(mask.sum()) for mask in found] == [600, side * side * count]


@pytest.mark.parametrize("value", [1, 255])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.2, 0.3, 0.5, 0.7])
def test_scattered_pixels_where_other_pictures_show_a_thing_are_noise(share, value):
    noise = np.random.default_rng(3).random(ways.SIZE) < share
    seen = [ways.mask_of("id1", 0) * np.uint8(value), noise * np.uint8(value)]
    with pytest.raises(PictureError, match="that is noise"):
        read_pictures([ways.png(picture) for picture in seen], soft=False)


def test_noise_of_value_one_that_was_enlarged_is_noise():
    noise = np.kron(np.random.default_rng(3).random((48, 64)) < 0.1, np.ones((2, 2)))
    with pytest.raises(PictureError, match="that is noise"):
        read_pictures([ways.png(ways.mask_of("id1", 0)), ways.png(noise)], soft=False)


def cutout(mask, colours):
    return ways.png(np.dstack([colours, mask * 255]), ways.COLOUR_ALPHA)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("colours", [ways.colourful(), np.full((*ways.SIZE, 3), 90)], ids=["many", "one"])
def test_an_opaque_black_picture_among_coloured_cut_outs_is_not_the_whole_frame(colours, soft):
    part, whole = ways.mask_of("id1", 0), np.ones(ways.SIZE)
    with pytest.raises(PictureError, match="it is opaque and 0 throughout") as caught:
        read_pictures([cutout(part, colours), cutout(whole, colours * 0)], soft=soft)
    assert caught.value.place == 1
    full = read_pictures([cutout(part, colours), cutout(whole, colours)], soft=soft)
    assert [int(mask.sum()) for mask in full] == [600, part.size]


WHITE = ways.WAYS["255"]("id1", 0)
TURNED = np.dstack([ways.mask_of("id1", 1) * 255] * 3 + [ways.mask_of("id2", 1) * 255])
CLEAR = np.dstack([ways.mask_of("id1", 1) * 255, ways.mask_of("id1", 1) * 0])
UNFIT = {
    "size": (WHITE, ways.png(np.zeros((9, 9))), "the mask is 9x9 where 128x96 is wanted"),
    "torn": (WHITE, b"\x89PNG\r\n\x1a\n", "ends too early"),
    "no alpha": (ways.WAYS["alpha"]("id1", 0), WHITE, "it has no alpha channel"),
    "two masks": (WHITE, ways.png(TURNED, ways.COLOUR_ALPHA), "its colours mark one thing and its alpha channel another"),
    "clear": (WHITE, ways.png(CLEAR, ways.GREY_ALPHA), "every pixel of it is transparent"),
    "index": (WHITE, ways.png(ways.mask_of("id1", 1) * 9, ways.PALETTE, palette=ways.DAVIS), "the palette has 4 colours"),
}


@pytest.mark.parametrize("fault", UNFIT)
def test_a_picture_that_does_not_fit_its_track_is_refused_by_its_place(fault):
    first, second, words = UNFIT[fault]
    with pytest.raises(PictureError) as caught:
        read_pictures([first, second], soft=True)
    assert words in caught.value.problem
    assert caught.value.place == 1


@given(quality=st.integers(20, 100), left=st.integers(0, 100), top=st.integers(0, 70), side=st.integers(8, 60), red=st.booleans())
@example(quality=39, left=0, top=28, side=8, red=False)  # Its background is lifted to 1 but for whole blocks.
@example(quality=39, left=40, top=28, side=24, red=False)
def test_a_lossy_mask_is_cut_within_a_pixel_of_its_edge(quality, left, top, side, red):
    mask = np.zeros(ways.SIZE, np.uint8)
    mask[top : top + side, left : left + side] = 255
    picture = np.dstack([mask * 0, mask * 0, mask]) if red else mask
    # Strongly packed, a small red patch is not bright any more, and refused.
    content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, max(quality, 60) if red else quality])[1].tobytes()
    found = read_pictures([content], soft=True).mask(0)
    edge = cv2.dilate(mask, np.ones((5, 5))) != cv2.erode(mask, np.ones((5, 5)))
    assert not ((found != (mask > 0)) & ~edge).any()


@given(ids=st.lists(st.integers(1, 222), min_size=2, max_size=3, unique=True), soft=st.booleans())
def test_ids_of_several_in_one_picture_are_never_taken_for_one_instance(ids, soft):
    picture = np.zeros(ways.SIZE, np.uint8)
    for place, value in enumerate(ids):
        picture[20:70, 5 + 40 * place : 35 + 40 * place] = value
    with pytest.raises(PictureError, match="the mask has the values"):
        read_pictures([ways.png(picture)], soft=soft)
