"""Where a video ends: files written to a pipe, cut before they say the time, or followed by bytes of something else."""

import random
from fractions import Fraction

import av
import numpy as np
import pytest
from encoded_clips import encode, pattern

from intergeneval.errors import MediaError
from intergeneval.videos import Reader

FRAMES = 96
VP8 = {"deadline": "realtime", "cpu-used": "8"}


class Pipe:
    """What a writer cannot go back in."""

    def __init__(self):
        self.data = b""

    def write(self, part):
        self.data += bytes(part)
        return len(part)


def streamed(kind, codec, container_options=None, codec_options=None):
    pipe = Pipe()
    wide = np.random.default_rng(0).integers(0, 256, (48, 64 + FRAMES, 3)).astype(np.uint8)
    with av.open(pipe, "w", format=kind, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=24, options=codec_options or {})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for index in range(FRAMES):
            pixels = np.ascontiguousarray(wide[:, index : index + 64])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return pipe.data


@pytest.fixture(scope="module")
def piped():
    return {
        "clip.avi": streamed("avi", "mpeg4"),
        "clip.mp4": streamed("mp4", "libx264", {"movflags": "+frag_keyframe+empty_moov"}, {"g": "10"}),
        "clip.webm": streamed("webm", "libvpx", {"live": "1"}, VP8),
        "clip.mkv": streamed("matroska", "ffv1", {"live": "1"}),
    }


def read(path, data=None):
    if data is not None:
        path.write_bytes(data)
    reader = Reader(path)
    return len(list(reader)), reader.notes


BEHIND = {
    "nothing": b"",
    "text": b"Trailing text\n",
    "a page": b"<html>not found</html>" * 20,
    "other letters": "用户说明文字".encode(),
    "zeros": bytes(37),
    "anything": random.Random(0).randbytes(3000),
}


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4", "clip.webm", "clip.mkv"])
def test_a_whole_file_written_to_a_pipe_is_read_whole_whatever_was_put_behind_it(piped, tmp_path, name, behind):
    assert read(tmp_path / name, piped[name] + BEHIND[behind]) == (FRAMES, ())


@pytest.mark.parametrize("size", [0, 0x40000000, 0x7FFFFFFF, 0xFFFFFFFF, 1_000_000])
def test_a_length_that_stands_beside_a_count_that_was_never_filled_in_says_nothing(piped, tmp_path, size):
    data = bytearray(piped["clip.avi"])
    data[4:8] = size.to_bytes(4, "little")
    assert read(tmp_path / "clip.avi", data) == (FRAMES, ())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4", "clip.webm", "clip.mkv"])
def test_a_part_of_a_file_written_to_a_pipe_does_not_pass_as_the_whole(piped, tmp_path, name, share):
    data = piped[name]
    with pytest.raises(MediaError, match=r"nothing says how many frames are missing|a packet is cut short"):
        read(tmp_path / name, data[: int(len(data) * share)])


@pytest.mark.parametrize("more", range(1, 8))
@pytest.mark.parametrize("name", ["clip.avi", "clip.webm", "clip.mkv"])
def test_the_first_bytes_of_one_more_frame_show_that_the_file_was_cut(piped, tmp_path, name, more):
    path = tmp_path / name
    path.write_bytes(piped[name])
    with av.open(str(path)) as container:
        begins = [packet.pos for packet in container.demux(video=0) if packet.size]
    with pytest.raises(MediaError, match="nothing says how many frames are missing"):
        read(path, piped[name][: begins[80] + more])


@pytest.mark.parametrize("name", ["clip.avi", "clip.webm", "clip.mkv"])
def test_damage_with_frames_behind_it_is_not_taken_for_what_follows_the_end(piped, tmp_path, name):
    data, path = bytearray(piped[name]), tmp_path / name
    path.write_bytes(data)
    with av.open(str(path)) as container:
        begins = [packet.pos for packet in container.demux(video=0) if packet.size]
    data[begins[80] - 20 : begins[80] + 20] = bytes(40)
    with pytest.raises(MediaError, match=r"no (block|chunk) begins at byte"):
        read(path, data)


def test_a_box_that_is_none_with_fragments_behind_it_is_damage(piped, tmp_path):
    data = piped["clip.mp4"]
    at = data.index(b"moof", len(data) // 2) - 4
    with pytest.raises(MediaError, match=f"no box begins at byte {at}"):
        read(tmp_path / "clip.mp4", data[:at] + b"Trailing text\n" + data[at:])


@pytest.fixture(scope="module")
def before_zero(tmp_path_factory):
    path = tmp_path_factory.mktemp("before") / "clip.mkv"
    early = {"avoid_negative_ts": "disabled", "output_ts_offset": "-1"}
    return encode(path, pattern(FRAMES), rate=24, codec="libx264", options=early).read_bytes()


@pytest.mark.parametrize("share", [0.1, 0.19, 0.24])
def test_a_cut_file_of_which_no_frame_left_has_a_time_is_refused(before_zero, tmp_path, share):
    assert read(tmp_path / "whole.mkv", before_zero)[0] == FRAMES
    with pytest.raises(MediaError, match="nothing says how many frames are missing"):
        read(tmp_path / "cut.mkv", before_zero[: int(len(before_zero) * share)])


@pytest.mark.parametrize("kept", range(84, 94))
def test_frames_that_a_cut_took_from_between_reordered_ones_are_counted_with_those_behind(tmp_path, kept):
    order = {"x264-params": "bframes=3:b-adapt=0:b-pyramid=none:scenecut=0"}
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options=order)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for pixels in pattern(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        begins = [packet.pos for packet in container.demux(video=0) if packet.size]
    lost, data = FRAMES - kept, path.read_bytes()[: begins[kept]]
    if lost > 0.05 * FRAMES:
        with pytest.raises(MediaError, match=f"about {lost} of {FRAMES} frames"):
            read(path, data)
    else:
        assert f"damaged end: the last {lost} of {FRAMES} frames dropped" in read(path, data)[1]


KINDS = {".mp4": ("libx264", {"bf": "0"}), ".mkv": ("libx264", {"bf": "0"}), ".webm": ("libvpx", VP8), ".avi": ("mpeg4", {})}


@pytest.mark.parametrize("count", [2, 3, 5, 13])
@pytest.mark.parametrize("suffix", KINDS)
def test_the_rate_is_that_of_the_frames_times_where_the_encoder_was_told_a_higher_one(tmp_path, suffix, count):
    codec, options = KINDS[suffix]
    unit = Fraction(1, 24) if suffix == ".avi" else Fraction(1, 1000)
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=options)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.codec_context.time_base = unit
        for index, pixels in enumerate(pattern(count)):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = round(Fraction(index, 8) / unit), unit
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert Reader(path).fps == pytest.approx(8, rel=1e-4)


def test_a_duration_that_every_frame_states_is_no_hold_at_the_end(tmp_path):
    path = encode(tmp_path / "clip.mkv", pattern(13), rate=1, stamps=[125 * place for place in range(13)])
    reader = Reader(path)
    assert (reader.times, reader.fps) == ((), pytest.approx(8))
