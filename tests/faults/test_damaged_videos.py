"""Damaged videos end in a message or in frames: never in another exception, a hang, or half a video passed off as a whole one."""

import faulthandler
import random
import shutil

import av
import cv2
import numpy as np
import pytest

from intergeneval.errors import MediaError
from intergeneval.videos import Reader

FRAMES = 24
FILES = {
    "index-last.mp4": ("libx264", "yuv420p", {}),
    "index-first.mp4": ("libx264", "yuv420p", {"movflags": "+faststart"}),
    "clip.webm": ("libvpx-vp9", "yuv420p", {}),
    "clip.mov": ("mpeg4", "yuv420p", {}),
    "clip.gif": ("gif", "rgb8", {}),
    "clip.mkv": ("ffv1", "yuv420p", {}),
}


def moving(count=FRAMES, height=48, width=64):
    wide = np.random.default_rng(0).integers(0, 256, (height, width + count, 3)).astype(np.uint8)
    return [np.ascontiguousarray(wide[:, index : index + width]) for index in range(count)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for name, (codec, layout, options) in FILES.items():
        with av.open(str(folder / name), "w", options=options) as container:
            stream = container.add_stream(codec, rate=8)
            stream.height, stream.width, stream.pix_fmt = 48, 64, layout
            for frame in moving():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=layout)))
            container.mux(stream.encode(None))
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(autouse=True)
def _no_hang():
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def outcome(path):
    """Number of frames read, or None with the message checked."""
    try:
        reader = Reader(path)
        frames = list(reader)
    except MediaError as error:
        said = str(error)
        reader, frames = None, []
    if reader is None:
        assert str(path) in said
        assert "\n" not in said
        assert "Traceback" not in said
        return None
    assert len(frames) == reader.frames
    assert tuple(reader.kept) == reader.sampled
    assert reader.sampled[-1] == reader.frames - 1
    assert all(frame.shape == (*reader.size, 3) for frame in frames)
    return len(frames)


@pytest.mark.parametrize("name", FILES)
def test_the_undamaged_file_is_read_whole(whole, tmp_path, name):
    (tmp_path / name).write_bytes(whole[name])
    assert outcome(tmp_path / name) == FRAMES


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_video_is_refused_unless_only_its_very_end_is_missing(whole, tmp_path, name, seed):
    data = whole[name]
    kept = random.Random(f"{name} cut {seed}").randrange(len(data))
    (tmp_path / name).write_bytes(data[:kept])
    frames = outcome(tmp_path / name)
    assert frames is None or frames >= FRAMES - 1


@pytest.mark.parametrize(("lost", "accepted"), [(1, True), (3, True), (4, False), (30, False)])
def test_a_missing_end_of_one_frame_in_twenty_is_dropped_with_a_note_and_more_is_refused(tmp_path, lost, accepted):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=8, options={"bf": "0", "tune": "zerolatency"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for frame in moving(60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: starts[-lost] + 5])
    if accepted:
        reader = Reader(path)
        assert len(list(reader)) == reader.frames == 60 - lost
        assert f"damaged end: the last {lost} of 60 frames dropped" in reader.notes
    else:
        with pytest.raises(MediaError, match=f"about {lost} of 60 frames at the end"):
            list(Reader(path))


@pytest.mark.parametrize("flips", [1, 4, 30, 300])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", FILES)
def test_a_video_with_flipped_bits_is_read_or_refused(whole, tmp_path, name, seed, flips):
    damaged = bytearray(whole[name])
    draw = random.Random(f"{name} flip {seed} {flips}")
    for _ in range(flips):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    (tmp_path / name).write_bytes(damaged)
    outcome(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_heads_tails_and_fillings_that_are_not_the_file_are_refused(whole, tmp_path, name):
    data = whole[name]
    path = tmp_path / name
    for content in (b"", data[:16], data[len(data) // 2 :], bytes(len(data)), random.Random(name).randbytes(5000)):
        path.write_bytes(content)
        assert outcome(path) is None


@pytest.mark.parametrize("name", ["index-first.mp4", "clip.mov"])
def test_damage_in_the_middle_is_never_skipped(whole, tmp_path, name):
    data = bytearray(whole[name])
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 400] = bytes(400)
    (tmp_path / name).write_bytes(data)
    assert outcome(tmp_path / name) is None


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "missing end"])
def test_a_folder_with_one_damaged_image_is_refused(tmp_path, suffix, damage):
    for index, frame in enumerate(moving(4)):
        (tmp_path / f"{index}{suffix}").write_bytes(cv2.imencode(suffix, frame)[1].tobytes())
    victim = tmp_path / f"2{suffix}"
    data = victim.read_bytes()
    victim.write_bytes(
        {"cut": data[: len(data) // 2], "empty": b"", "noise": random.Random(0).randbytes(999), "missing end": data[:-200]}[
            damage
        ]
    )
    assert outcome(tmp_path) is None


def test_one_container_under_the_name_of_another_is_read_by_its_content(whole, tmp_path):
    path = tmp_path / "really-webm.mp4"
    path.write_bytes(whole["clip.webm"])
    assert outcome(path) == FRAMES


def test_a_file_that_vanishes_between_opening_and_reading_is_a_message(whole, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for index, frame in enumerate(moving(4)):
        (folder / f"{index}.png").write_bytes(cv2.imencode(".png", frame)[1].tobytes())
    reader = Reader(folder)
    shutil.rmtree(folder)
    with pytest.raises(MediaError, match=r"1\.png"):
        list(reader)
