"""One clock: frames are shown when their file says, whatever container it is, and equal shares are of time."""

from fractions import Fraction
from itertools import accumulate

import av
import cv2
import numpy as np
import pytest
from encoded_clips import encode, pattern

from intergeneval.videos import Reader, sample_frames, write_video
from intergeneval.videos.clock import Stamp, clock_of, on_screen

TWO_B_FRAMES = {"x264-params": "bframes=3:b-adapt=0:b-pyramid=none:scenecut=0"}
KINDS = {
    "h264.mp4": ("libx264", "yuv420p", TWO_B_FRAMES),
    "fragments.mp4": ("libx264", "yuv420p", {}),
    "h265.mp4": ("libx265", "yuv420p", {"x265-params": "log-level=none"}),
    "h264.mov": ("libx264", "yuv420p", {}),
    "h264.mkv": ("libx264", "yuv420p", TWO_B_FRAMES),
    "vp8.webm": ("libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "av1.webm": ("libsvtav1", "yuv420p", {"preset": "12"}),
    "animation.gif": ("gif", "rgb8", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {"bf": "2"}),
}


def timed(folder, name, stamps, rate=8):
    """Write a video by the name of its kind; `stamps` are in eighths of a second."""
    codec, layout, options = KINDS[name]
    unit = Fraction(1, 100) if name.endswith("gif") else Fraction(1, 8)
    more = {"movflags": "+frag_keyframe+empty_moov"} if name.startswith("fragments") else {}
    with av.open(str(folder / name), "w", options=more) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width, stream.pix_fmt = 64, 96, layout
        stream.codec_context.time_base = unit
        for stamp, pixels in zip(stamps, pattern(len(stamps)), strict=True):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=layout)
            picture.pts, picture.time_base = round(Fraction(stamp, 8) / unit), unit
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return folder / name


def read(path, **settings):
    reader = Reader(path, **settings)
    for _ in reader:
        pass
    return reader


HELD = [place + (16 if place > 22 else 0) for place in range(49)]
"""Eighths of a second at which 49 frames are shown, of which number 22 stands for two seconds longer than the others."""


@pytest.mark.parametrize("name", KINDS)
def test_a_hold_of_two_seconds_is_sampled_in_its_middle_in_every_container(tmp_path, name):
    reader = read(timed(tmp_path, name, HELD))
    assert reader.times == pytest.approx([place / 8 for place in HELD], abs=0.0051)  # half a tick of a GIF
    assert reader.sampled == (0, 6, 13, 20, 22, 24, 30, 37, 44, 48)  # every 5/48 of eight seconds
    assert 22 not in sample_frames(49)
    assert "variable frame rate" in reader.notes
    assert tuple(reader.kept) == reader.sampled


@pytest.mark.parametrize("name", KINDS)
def test_a_constant_rate_is_shared_by_frames_as_before_in_every_container(tmp_path, name):
    reader = read(timed(tmp_path, name, range(49)))
    assert reader.sampled == sample_frames(49)
    assert (reader.times, reader.notes) == ((), ())
    assert reader.fps == pytest.approx(8, rel=0.001)


@pytest.mark.parametrize("rate", [24, 30, 50, 60])
def test_the_uneven_hundredths_of_a_gif_are_a_constant_rate(tmp_path, rate):
    reader = read(encode(tmp_path / "clip.gif", pattern(49), rate=rate))
    assert reader.sampled == sample_frames(49)
    assert reader.times == ()


def test_a_variable_rate_of_mp4_with_reordered_frames_is_not_measured_by_another_frames_duration(tmp_path):
    # Frame 20 is shown for two seconds. In decoding order that step stands beside the last frame, which is decoded before it.
    stamps = [place + (16 if place > 20 else 0) for place in range(24)]
    path = timed(tmp_path, "h264.mp4", stamps)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        last = max(packets, key=lambda packet: packet.pts)
        assert last is not packets[-1]
        assert last.duration * last.time_base > 1  # what makes the test one
    reader = read(path)
    assert reader.fps == pytest.approx(24 / (40 / 8), rel=0.001)


def hide(source, target, every, rate=24):
    """Copy a VP8 or VP9 file so that every so many-th frame is never shown, as an encoder of two passes writes them."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = given.streams.video[0]
        bit = 0x10 if stream.codec_context.name == "vp8" else 0x02
        copy = made.add_stream_from_template(stream)
        shown = 0
        for place, packet in enumerate(packet for packet in given.demux(stream) if packet.size):
            data, hidden = bytearray(bytes(packet)), place % every == every - 1
            if hidden:
                data[0] &= ~bit
            written = av.Packet(bytes(data))
            written.stream, written.time_base, written.is_keyframe = copy, Fraction(1, 1000), packet.is_keyframe
            written.pts = written.dts = round(shown * 1000 / rate) - (1 if hidden else 0)
            shown += not hidden
            made.mux(written)
    return target


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
@pytest.mark.parametrize("suffix", [".webm", ".mkv"])
def test_frames_that_are_only_there_for_others_are_no_frames(tmp_path, suffix, codec):
    plain = encode(tmp_path / "plain.webm", pattern(96), rate=24, codec=codec)
    reader = read(hide(plain, tmp_path / f"two-passes{suffix}", 16))
    assert reader.frames == 90
    assert reader.fps == pytest.approx(24, rel=0.002)
    assert reader.sampled == sample_frames(90)
    assert reader.notes == ()


def test_a_gif_of_long_delays_keeps_them(tmp_path):
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) for pixels in pattern(6)]
    animation.durations = np.array([3000] * 6)
    assert cv2.imwriteanimation(str(tmp_path / "slow.gif"), animation)
    reader = read(tmp_path / "slow.gif")
    assert reader.fps == pytest.approx(1 / 3)
    assert (reader.times, reader.sampled) == ((), tuple(range(6)))


def test_a_last_frame_that_stays_is_no_part_of_an_even_rate(tmp_path):
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) for pixels in pattern(49)]
    animation.durations = np.array([100] * 48 + [3000])
    assert cv2.imwriteanimation(str(tmp_path / "ends.gif"), animation)
    reader = read(tmp_path / "ends.gif")
    assert reader.times == pytest.approx([place / 10 for place in range(49)])
    assert reader.fps == pytest.approx(49 / 7.8)
    assert reader.sampled == sample_frames(49)  # nothing moves while it stays


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_stream_that_does_not_start_at_zero_has_the_times_of_one_that_does(tmp_path, suffix):
    moved = read(encode(tmp_path / f"moved{suffix}", pattern(17), stamps=[4000 + 125 * place for place in range(17)]))
    assert (moved.frames, moved.times, moved.notes) == (17, (), ())
    held = read(encode(tmp_path / f"held{suffix}", pattern(17), stamps=[4000 + 125 * place for place in HELD[16:33]]))
    assert held.times == pytest.approx([(place - HELD[16]) / 8 for place in HELD[16:33]])


def test_what_an_edit_list_leaves_out_has_neither_frame_nor_time(tmp_path):
    # The muxer writes times before 0 as an edit that skips them.
    path = encode(tmp_path / "clip.mp4", pattern(60), rate=25, stamps=[40 * place - 400 for place in range(60)])
    reader = read(path)
    assert reader.frames == 50
    assert reader.fps == pytest.approx(25, rel=0.002)
    assert not any("damaged" in note for note in reader.notes)


def test_paper_and_strides_go_by_frames_at_any_rate():
    times = [place / 8 for place in HELD]
    assert sample_frames(49, "paper", times) == sample_frames(49, "paper")
    assert sample_frames(49, "stride:7", times) == sample_frames(49, "stride:7")


def test_a_short_video_of_a_variable_rate_is_seen_whole():
    times = list(accumulate([0, 0.1, 3.0, *[0.1] * 12]))
    assert sample_frames(15, "equal-time", times) == tuple(range(15))


def test_even_times_share_like_frames_where_the_stride_is_whole():
    assert sample_frames(97, "equal-time", [place / 24 for place in range(97)]) == sample_frames(97)


def test_times_of_another_number_of_frames_are_refused():
    with pytest.raises(ValueError, match="3 times were given of 4 frames"):
        sample_frames(4, "equal-time", [0.0, 0.1, 0.2])


def test_the_frame_on_screen_is_the_last_that_has_begun():
    times = (0.0, 0.04, 2.04)
    assert [on_screen(times, when) for when in (0.0, 0.039, 0.04, 1.0, 2.04, 9.0)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("places", "even"),
    [
        (range(20), True),
        ([0, 3, 5, 8, 10, 13, 15, 18], True),  # 24 frames a second on a display of 60
        ([0, 1, 2, 4, 5, 6, 7], True),  # one frame dropped
        ([0, 1, 2, 5, 6, 7, 8], False),
        ([*range(0, 60, 2), *range(60, 160, 5)], False),
    ],
)
def test_a_rate_is_constant_while_no_frame_is_half_a_step_from_its_place(places, even):
    clock = clock_of([Stamp(shown=place, lasts=1) for place in places], Fraction(1, 60))
    assert (clock.times == ()) is even


def test_a_written_video_keeps_the_times_it_is_given(tmp_path):
    times = [place / 8 for place in HELD]
    write_video(tmp_path / "held.mp4", pattern(49), 6.0, times)
    assert read(tmp_path / "held.mp4").times == pytest.approx(times, abs=1e-5)
    with pytest.raises(ValueError, match="48 times"):
        write_video(tmp_path / "short.mp4", pattern(49), 6.0, times[:48])
