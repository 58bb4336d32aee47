"""What the numbers of a picture mean: matrix, range, primaries and light, read as the file names them."""

import av
import numpy as np
import pytest

from intergeneval.videos import Reader
from intergeneval.videos.colour import Mapping

COLOURS = ((200, 30, 30), (30, 180, 40), (40, 60, 210), (128, 128, 128), (235, 235, 235), (10, 10, 10))
LOSSLESS = {
    "prores_ks": {"profile": "4444"},
    "libx264": {"qp": "1"},
    "libx264rgb": {"qp": "0"},
    "libx265": {"x265-params": "lossless=1:log-level=none"},
}
TO_2020 = np.array([[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]])


def patches(values=COLOURS):
    return np.repeat(np.repeat(np.array([values]), 32, axis=0), 16, axis=1)


def written(path, codec, layout, pictures, *, space=None, span=None, primaries=None, transfer=None):
    """Write three pictures with the named matrix, range, primaries and transfer, as numbered in H.273."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8, options=LOSSLESS[codec])
        context = stream.codec_context
        stream.height, stream.width = pictures.shape[:2]
        stream.pix_fmt = layout
        for name, value in (
            ("colorspace", space),
            ("color_range", span),
            ("color_primaries", primaries),
            ("color_trc", transfer),
        ):
            if value is not None:
                setattr(context, name, value)
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(pictures, format="rgb48le" if pictures.dtype == np.uint16 else "rgb24")
            matters = {} if layout.startswith("rgb") else {"dst_colorspace": space or 5, "dst_color_range": span or 1}
            container.mux(stream.encode(picture.reformat(format=layout, **matters)))
        container.mux(stream.encode(None))
    return path


def seen(path):
    reader = Reader(path)
    frames = list(reader)
    return reader, [frames[1][16, 16 * place + 8].astype(int) for place in range(len(COLOURS))]


@pytest.mark.parametrize("space", [1, 5, 6, 9])
@pytest.mark.parametrize("span", [1, 2])
def test_every_matrix_and_range_a_file_names_is_read_as_named(tmp_path, space, span):
    codec, layout = ("libx265", "yuv444p10le") if space == 9 else ("libx264", "yuv444p")
    reader, read = seen(written(tmp_path / "clip.mp4", codec, layout, patches().astype(np.uint8), space=space, span=span))
    assert np.abs(np.array(read) - COLOURS).max() <= 2
    assert reader.notes == ()


def test_a_file_that_names_no_matrix_is_read_as_its_writer_makes_it(tmp_path):
    _, read = seen(written(tmp_path / "clip.mp4", "libx264", "yuv444p", patches().astype(np.uint8)))
    assert np.abs(np.array(read) - COLOURS).max() <= 2


def test_red_green_and_blue_as_they_are_stay_as_they_are(tmp_path):
    _, read = seen(written(tmp_path / "clip.mp4", "libx264rgb", "rgb24", patches().astype(np.uint8)))
    assert np.abs(np.array(read) - COLOURS).max() == 0


def light(values):
    """sRGB values as light, 1 for white, in the primaries of BT.2020."""
    share = np.asarray(values) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ TO_2020.T


def as_pq(values, white=203.0):
    power = (np.clip(light(values), 0, None) * white / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def as_hlg(values):
    shown = np.clip(light(values), 0, None) * 203 / 1000
    luma = np.maximum((shown @ np.array([0.2627, 0.6780, 0.0593])[:, None]), 1e-9)
    scene = shown * luma ** (1 / 1.2 - 1)
    upper = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), upper)


@pytest.mark.parametrize(("transfer", "name", "encode"), [(16, "PQ", as_pq), (18, "HLG", as_hlg)])
def test_the_colours_of_an_hdr_video_are_those_of_the_scene_and_it_is_said(tmp_path, transfer, name, encode):
    pictures = np.round(encode(patches()) * 65535).astype(np.uint16)
    path = written(tmp_path / "clip.mp4", "libx265", "yuv444p10le", pictures, space=9, span=1, primaries=9, transfer=transfer)
    reader, read = seen(path)
    assert np.abs(np.array(read) - COLOURS).max() <= 4  # ten bits over all light there is
    assert reader.notes == (f"HDR ({name}) mapped to SDR: 203 cd/m2 as white, brighter light clipped",)


def test_hdr_that_only_the_container_names_is_mapped_too(tmp_path):
    # The encoder writes none into the pictures, and the decoder then takes back what the container said.
    pictures = np.round(as_pq(patches()) * 65535).astype(np.uint16)
    path = written(tmp_path / "clip.mov", "prores_ks", "yuv444p10le", pictures, space=9, span=1, primaries=9, transfer=16)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).color_trc == 2  # what makes the test one
    reader, read = seen(path)
    assert reader.notes[0].startswith("HDR (PQ) mapped to SDR")
    assert np.abs(np.array(read) - COLOURS).max() <= 6


def test_light_above_white_is_clipped_and_not_wrapped():
    bright = np.full((4, 4, 3), 65535, np.uint16)
    for transfer in (16, 18):
        assert Mapping(transfer=transfer, primaries=9).apply(bright).min() == 255
        assert Mapping(transfer=transfer, primaries=9).apply(np.zeros_like(bright)).max() == 0


def test_the_wider_primaries_of_bt2020_are_mapped_and_greys_stay(tmp_path):
    linear = light(patches())
    wide = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)
    path = written(
        tmp_path / "clip.mp4", "libx265", "yuv444p10le", np.round(wide * 65535).astype(np.uint16),
        space=9, span=1, primaries=9, transfer=14,
    )  # fmt: skip
    reader, read = seen(path)
    assert np.abs(np.array(read) - COLOURS).max() <= 3
    assert reader.notes == ("BT.2020 colours mapped to BT.709",)
