"""A file that was cut between two frames reads without an error; what it announces, or how it is built, gives it away."""

from fractions import Fraction

import av
import numpy as np
import pytest

from intergeneval.errors import MediaError
from intergeneval.videos import Reader

FRAMES = 60
KINDS = {
    "index-first.mp4": ("libx264", "yuv420p", {"movflags": "+faststart"}),
    "index-first.mov": ("mpeg4", "yuv420p", {"movflags": "+faststart"}),
    "clip.webm": ("libvpx-vp9", "yuv420p", {}),
    "clip.mkv": ("ffv1", "yuv420p", {}),
    "clip.avi": ("mjpeg", "yuvj420p", {}),
    "clip.gif": ("gif", "rgb8", {}),
    "fragments.mp4": ("libx264", "yuv420p", {"movflags": "+frag_keyframe+empty_moov+default_base_moof"}),
    "live.mkv": ("ffv1", "yuv420p", {"live": "1"}),
}
TELLING = ("index-first.mp4", "index-first.mov", "clip.webm", "clip.mkv", "clip.avi")
"""Those that say how many frames they should have, or how long they should be."""


def moving(count=FRAMES, height=48, width=64):
    wide = np.random.default_rng(0).integers(0, 256, (height, width + count, 3)).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, index : index + width]) for index in range(count)]


def write(path, name, stamps=None, sound=0):
    codec, layout, options = KINDS[name]
    quick = {"libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"}, "libx264": {"preset": "ultrafast", "g": "10"}}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=10, options=quick.get(codec, {}))
        stream.height, stream.width, stream.pix_fmt = 48, 64, layout
        heard = container.add_stream("aac", rate=16000) if sound else None
        for index, pixels in enumerate(moving()):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=layout)
            picture.pts, picture.time_base = index if stamps is None else stamps[index], Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        for index in range(sound):
            wave = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            wave.sample_rate, wave.pts = 16000, index * 1024
            container.mux(heard.encode(wave))
        if heard is not None:
            container.mux(heard.encode(None))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return {name: write(folder / name, name).read_bytes() for name in KINDS}


def starts(path):
    with av.open(str(path)) as container:
        return [packet.pos for packet in container.demux(video=0) if packet.size]


def read(path):
    reader = Reader(path)
    return len(list(reader)), reader.notes


@pytest.mark.parametrize("name", KINDS)
def test_all_frames_of_the_whole_file_are_read_and_nothing_is_said(whole, tmp_path, name):
    (tmp_path / name).write_bytes(whole[name])
    assert read(tmp_path / name) == (FRAMES, ())


@pytest.mark.parametrize("kept", [10, 30, 50])
@pytest.mark.parametrize("name", KINDS)
def test_a_part_that_ends_between_two_frames_does_not_pass_as_the_whole(whole, tmp_path, name, kept):
    path = tmp_path / name
    path.write_bytes(whole[name])
    path.write_bytes(whole[name][: starts(path)[kept]])
    with pytest.raises(MediaError) as caught:
        read(path)
    said = str(caught.value)
    if name in TELLING:
        assert f"about {FRAMES - kept} of {FRAMES} frames at the end cannot be decoded" in said
    else:
        assert "closing byte" in said or "nothing says how many frames are missing" in said


@pytest.mark.parametrize("name", TELLING)
def test_an_end_of_two_frames_in_sixty_is_dropped_with_a_note(whole, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(whole[name])
    path.write_bytes(whole[name][: starts(path)[58]])
    assert read(path) == (58, ("damaged end: the last 2 of 60 frames dropped",))


@pytest.mark.parametrize("name", ["index-first.mp4", "index-first.mov", "clip.mkv", "clip.webm", "clip.avi", "clip.gif"])
def test_what_follows_the_end_of_a_file_is_no_damage(whole, tmp_path, name):
    (tmp_path / name).write_bytes(whole[name] + bytes(4096))
    assert read(tmp_path / name) == (FRAMES, ())


def test_an_index_that_is_cut_off_behind_all_frames_takes_none_away(whole, tmp_path):
    path = tmp_path / "clip.avi"
    path.write_bytes(whole["clip.avi"][:-40])
    assert read(path)[0] == FRAMES


@pytest.mark.parametrize("name", ["clip.mkv", "live.mkv"])
def test_damage_in_the_middle_that_a_demuxer_passes_over_is_not_skipped(whole, tmp_path, name):
    data = bytearray(whole[name])
    middle = len(data) // 2
    data[middle : middle + 9000] = bytes(9000)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MediaError):
        read(tmp_path / name)


def test_sound_that_goes_on_after_the_last_frame_takes_no_frame_away(tmp_path):
    path = write(tmp_path / "clip.mkv", "clip.mkv", sound=150)  # 9.6 seconds beside 6
    assert read(path) == (FRAMES, ())


def test_a_frame_held_at_the_end_of_an_avi_is_no_missing_one(tmp_path):
    stamps = [index + (20 if index >= 30 else 0) for index in range(FRAMES)]
    path = write(tmp_path / "clip.avi", "clip.avi", stamps=stamps)
    count, notes = read(path)
    assert (count, notes) == (FRAMES, ("variable frame rate",))


def test_a_cut_file_of_which_an_edit_list_leaves_a_part_out_misses_what_was_cut_only(tmp_path):
    path = write(tmp_path / "index-first.mp4", "index-first.mp4", stamps=[index - 10 for index in range(FRAMES)])
    assert read(path)[0] == 50
    with av.open(str(path), options={"ignore_editlist": "1"}) as container:
        begins = [packet.pos for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: begins[58]])
    assert read(path) == (48, ("damaged end: the last 2 of 50 frames dropped",))
    path.write_bytes(path.read_bytes()[: begins[40]])
    with pytest.raises(MediaError, match="about 20 of 50 frames at the end"):
        read(path)


def test_a_decoder_that_gives_a_sixth_of_the_frames_without_a_word_is_not_believed(tmp_path, monkeypatch):
    from intergeneval.videos import container as module

    path = write(tmp_path / "index-first.mp4", "index-first.mp4")
    decoded = module.decoded
    monkeypatch.setattr(module, "decoded", lambda *given: list(decoded(*given))[:10])
    with pytest.raises(MediaError, match="only 10 of its 60 frames can be decoded"):
        read(path)
