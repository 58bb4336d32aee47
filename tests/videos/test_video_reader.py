import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from encoded_clips import encode, pattern

from intergeneval.errors import ConfigError, MediaError
from intergeneval.records import Fit
from intergeneval.videos import Reader, sample_frames, video_sha256


def walked(path, **settings):
    reader = Reader(path, **settings)
    return reader, list(reader)


def levels(frames):
    return [float(frame.mean()) for frame in frames]


def images(folder, frames, suffix=".png"):
    folder.mkdir()
    for index, frame in enumerate(frames):
        colours = cv2.COLOR_RGBA2BGRA if frame.shape[2] == 4 else cv2.COLOR_RGB2BGR
        (folder / f"f{index}{suffix}").write_bytes(cv2.imencode(suffix, cv2.cvtColor(frame, colours))[1].tobytes())
    return folder


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov", ".gif", ".mkv"])
def test_every_container_gives_all_frames_in_order_with_its_rate(tmp_path, suffix):
    path = encode(tmp_path / f"clip{suffix}", pattern(17))
    reader, frames = walked(path)
    assert len(frames) == reader.frames == 17
    assert reader.fps == pytest.approx(8, rel=0.01)  # gif counts in hundredths of a second
    assert reader.size == reader.source_size == (64, 96)
    assert reader.fit is Fit.EXACT
    assert all(frame.shape == (64, 96, 3) and frame.dtype == np.uint8 for frame in frames)
    seen = levels(frames)
    assert seen == sorted(seen)
    assert np.allclose(seen, levels(pattern(17)), atol=6)


def test_the_sampled_frames_are_kept_in_the_same_pass_and_belong_to_the_reader(tmp_path):
    path = encode(tmp_path / "clip.mp4", pattern(49))
    reader = Reader(path, sampling="paper")
    frames = []
    for frame in reader:
        frames.append(frame.copy())
        frame[:] = 0  # a consumer that scribbles does not change what a judge sees
    assert reader.sampled == tuple(reader.kept) == sample_frames(49, "paper")
    assert all(np.array_equal(reader.kept[index], frames[index]) for index in reader.sampled)


def test_nothing_is_kept_when_not_asked_for(tmp_path):
    reader, frames = walked(encode(tmp_path / "clip.mp4", pattern(9)), keep=False)
    assert len(frames) == 9
    assert reader.kept == {}


def test_a_reader_can_be_walked_once(tmp_path):
    reader, _ = walked(encode(tmp_path / "clip.mp4", pattern(5)))
    with pytest.raises(RuntimeError, match="once"):
        next(iter(reader))


def test_a_variable_rate_keeps_every_frame_and_gives_the_mean_rate(tmp_path):
    stamps = [0, 100, 200, 300, 700, 800, 900, 1500, 1600, 1700]
    reader, frames = walked(encode(tmp_path / "clip.mp4", pattern(10), rate=1000, stamps=stamps))
    assert len(frames) == 10
    assert "variable frame rate" in reader.notes
    assert reader.fps == pytest.approx(10 / 1.8, rel=0.06)  # the last frame's own duration is not stored by every muxer


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_the_rotation_flag_is_honoured_as_other_players_do(tmp_path, degrees):
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:16, :32], picture[:16, 32:], picture[16:, :32] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    path = encode(tmp_path / "clip.mp4", [picture] * 4, turn=degrees)
    reader, frames = walked(path)
    shown = cv2.VideoCapture(str(path)).read()[1][..., ::-1]
    assert reader.source_size == shown.shape[:2] == ((64, 32) if degrees != 180 else (32, 64))
    assert np.abs(frames[0].astype(int) - shown).mean() < 2
    assert any(note.startswith("rotated") for note in reader.notes)


def test_the_rotation_flag_of_a_photo_in_a_folder_is_honoured(tmp_path):
    jpeg = cv2.imencode(".jpg", np.vstack([np.full((16, 64, 3), 250, np.uint8), np.zeros((16, 64, 3), np.uint8)]))[1].tobytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # orientation 6: turn right
    photo = jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in ("0.jpg", "1.jpg"):
        (folder / name).write_bytes(photo)
    reader, frames = walked(folder)
    assert reader.source_size == (64, 32)
    assert frames[0][:, 24:].mean() > 240  # what was on top is now on the right
    assert frames[0][:, :8].mean() < 10


@pytest.mark.parametrize(("height", "width"), [(181, 321), (33, 47), (2, 2)])
def test_odd_and_tiny_sizes_are_read_at_their_size(tmp_path, height, width):
    path = encode(tmp_path / "clip.webm", pattern(4, (height, width)))
    reader, frames = walked(path)
    assert reader.size == (height, width)
    assert all(frame.shape == (height, width, 3) for frame in frames)


def test_transparent_webm_lies_over_mid_grey(tmp_path):
    pixels = np.zeros((32, 48, 4), np.uint8)
    pixels[..., 0] = 200
    pixels[:, :24, 3] = 255
    path = encode(tmp_path / "clip.webm", [pixels] * 4, layout="yuva420p", source="rgba")
    reader, frames = walked(path)
    assert "alpha over grey" in reader.notes
    assert np.abs(frames[2][8:24, 4:16].astype(int) - (200, 0, 0)).max() < 8
    assert np.abs(frames[2][8:24, 32:].astype(int) - 128).max() < 4


def test_transparent_pngs_of_a_folder_lie_over_mid_grey(tmp_path):
    pixels = np.zeros((8, 12, 4), np.uint8)
    pixels[..., 1] = 200
    pixels[..., 3] = 255
    pixels[:, 4:8, 3] = 51
    pixels[:, 8:, 3] = 0
    reader, frames = walked(images(tmp_path / "frames", [pixels] * 3))
    assert frames[0][0, [0, 5, 9]].tolist() == [[0, 200, 0], [102, 142, 102], [128, 128, 128]]
    assert "alpha over grey" in reader.notes


def test_a_transparent_gif_lies_over_mid_grey(tmp_path):
    pixels = np.zeros((16, 24, 4), np.uint8)
    pixels[:, :12] = (200, 0, 0, 255)
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA)] * 3
    animation.durations = np.array([100, 100, 100])
    assert cv2.imwriteanimation(str(tmp_path / "clip.gif"), animation)
    reader, frames = walked(tmp_path / "clip.gif")
    assert "alpha over grey" in reader.notes
    assert len(frames) == 3
    assert np.abs(frames[1][8, 4].astype(int) - (200, 0, 0)).max() < 40  # few colours
    assert frames[1][8, 20].tolist() == [128, 128, 128]


def test_transparency_and_ten_bits_of_a_studio_mov_are_read(tmp_path):
    pixels = np.zeros((32, 48, 4), np.uint8)
    pixels[..., 2] = 200
    pixels[:, :24, 3] = 255
    path = encode(tmp_path / "clip.mov", [pixels] * 3, codec="prores_ks", layout="yuva444p10le", source="rgba")
    reader, frames = walked(path)
    assert "alpha over grey" in reader.notes
    assert np.abs(frames[1][16, 8].astype(int) - (0, 0, 200)).max() < 8
    assert np.abs(frames[1][16, 40].astype(int) - 128).max() < 3


def test_pixels_that_are_not_square_are_noted(tmp_path):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for frame in pattern(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    reader, _ = walked(path)
    assert "pixels of 4:3 taken as square" in reader.notes


def test_an_opaque_gif_is_not_said_to_be_transparent(tmp_path):
    reader, _ = walked(encode(tmp_path / "clip.gif", pattern(4)))
    assert "alpha over grey" not in reader.notes


def test_a_folder_of_frames_is_read_in_natural_order_with_a_noted_rate(tmp_path):
    folder = images(tmp_path / "frames", pattern(12))  # f10 and f11 come after f9
    (folder / "readme.txt").write_text("not a frame")
    (folder / ".f99.png").write_text("not a frame either")
    reader, frames = walked(folder)
    assert np.array_equal(np.stack(frames), np.stack(list(pattern(12))))
    assert any("8" in note and "folder" in note for note in reader.notes)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_one_frame_leaves_nothing_after_frame_0(tmp_path, suffix):
    path = encode(tmp_path / f"clip{suffix}", pattern(1))
    with pytest.raises(MediaError, match="nothing after frame 0"):
        walked(path)


def test_a_folder_of_one_frame_leaves_nothing_after_frame_0(tmp_path):
    with pytest.raises(MediaError, match="nothing after frame 0"):
        walked(images(tmp_path / "frames", pattern(1)))


def test_the_same_shape_at_another_size_is_scaled_and_says_so(tmp_path):
    path = encode(tmp_path / "clip.mp4", pattern(4, (64, 96)))
    reader, frames = walked(path, size=(128, 192))
    assert (reader.fit, reader.size, reader.source_size) == (Fit.SCALE, (128, 192), (64, 96))
    assert reader.kept[0].shape == frames[0].shape == (128, 192, 3)
    assert "96x64 scaled to 192x128" in reader.notes


def test_another_shape_is_cut_from_the_middle_and_says_so(tmp_path):
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:, 32:96] = 255
    reader, frames = walked(encode(tmp_path / "clip.mp4", [picture] * 3), size=(32, 32))
    assert reader.fit is Fit.CROP
    assert frames[0].shape == (32, 32, 3)
    assert frames[0].min() > 200  # only the white middle is left
    assert "centre crop 64x64 of 128x64 scaled to 32x32" in reader.notes


def test_a_tall_video_is_cut_above_and_below(tmp_path):
    picture = np.zeros((128, 64, 3), np.uint8)
    picture[32:96] = 255
    _, frames = walked(encode(tmp_path / "clip.mp4", [picture] * 3), size=(64, 64))
    assert frames[0].min() > 200


def test_another_shape_is_stretched_when_scaling_is_asked_for(tmp_path):
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:, 32:96] = 255
    reader, frames = walked(encode(tmp_path / "clip.mp4", [picture] * 3), size=(32, 32), fit="scale")
    assert reader.fit is Fit.SCALE
    assert frames[0][:, :4].max() < 50


def test_an_unknown_fit_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="'pad'"):
        Reader(encode(tmp_path / "clip.mp4", pattern(3)), size=(10, 10), fit="pad")


def test_an_unknown_sampling_fails_before_anything_is_read(tmp_path):
    with pytest.raises(ConfigError, match="'every'"):
        Reader(tmp_path / "there is none.mp4", sampling="every")


def test_colours_survive_whatever_matrix_the_file_names(tmp_path):
    picture = np.zeros((32, 96, 3), np.uint8)
    picture[:, :32], picture[:, 32:64], picture[:, 64:] = (230, 25, 45), (20, 100, 240), (30, 170, 60)
    reader, frames = walked(encode(tmp_path / "clip.mp4", [picture] * 3))
    for column in (16, 48, 80):
        assert np.abs(frames[0][16, column].astype(int) - picture[16, column]).max() < 10
    assert reader.notes == ()


def test_frames_that_change_size_on_the_way_are_refused(tmp_path):
    folder = images(tmp_path / "frames", [*pattern(3), *pattern(1, (32, 32))])
    with pytest.raises(MediaError, match=r"f3\.png: is 32x32, the first frame is 96x64"):
        walked(folder)


def test_a_wrong_announcement_of_the_length_still_gives_the_right_samples(tmp_path):
    # An edit list or hidden frames can make the number of packets differ from the number of pictures.
    path = encode(tmp_path / "clip.mp4", pattern(40))
    truth, _ = walked(path, sampling="equal-time")
    reader = Reader(path, sampling="equal-time")
    reader.frames, reader.sampled = 60, sample_frames(60, "equal-time")
    frames = list(reader)
    assert len(frames) == reader.frames == 40
    assert reader.sampled == truth.sampled == tuple(reader.kept)
    assert all(np.array_equal(reader.kept[index], truth.kept[index]) for index in truth.sampled)
    assert any("second time" in note for note in reader.notes)


PEAK = """
import sys
from fractions import Fraction
from pathlib import Path
from intergeneval.videos import Reader
count = sum(1 for _ in Reader(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(count, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_ten_thousand_frames_take_no_more_memory_than_a_thousand(tmp_path):
    def peak(count):
        path = encode(tmp_path / f"{count}.mp4", pattern(count, (64, 96)))
        done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True, timeout=120)
        frames, megabytes = map(int, done.stdout.split())
        assert frames == count
        return megabytes

    short, long = peak(1000), peak(10_000)
    # All frames would be 184 MB; the sampled ones are under 1 MB in both.
    assert long - short < 12, f"peak memory: {short} MB for 1,000 frames, {long} MB for 10,000"


def test_keeping_more_than_a_gigabyte_of_frames_is_refused_with_the_way_out(tmp_path):
    path = encode(tmp_path / "clip.mp4", pattern(60, (16, 16)))
    with pytest.raises(MediaError, match="use 'equal-time'"):
        Reader(path, size=(4000, 4000), sampling="stride:1")


def test_a_frame_of_more_than_64_million_pixels_is_refused_before_it_is_decoded(tmp_path):
    width, height = 20_000, 20_000
    header = (
        b"\x89PNG\r\n\x1a\n"
        + b"\0\0\0\rIHDR"
        + width.to_bytes(4, "big")
        + height.to_bytes(4, "big")
        + b"\x08\x02\0\0\0"
        + b"\0" * 4
    )
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in ("0.png", "1.png"):
        (folder / name).write_bytes(header)
    with pytest.raises(MediaError, match=r"0\.png"):
        Reader(folder)


def test_a_small_file_that_unfolds_into_hours_of_decoding_is_refused(tmp_path):
    # A GIF whose frames of 8000x8000 repeat one pixel: 30 bytes a frame.
    head = b"GIF89a" + (8000).to_bytes(2, "little") * 2 + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\x04\x0a\0\0\0" + b"\x2c" + b"\0" * 4 + b"\x01\0\x01\0\0" + b"\x02\x02\x44\x01\0"
    path = tmp_path / "bomb.gif"
    path.write_bytes(head + frame * 5000 + b"\x3b")
    with pytest.raises(MediaError, match="5000 frames of 8000x8000 are more than"):
        Reader(path)


def test_a_playlist_dressed_as_a_video_opens_no_other_file(tmp_path):
    real = encode(tmp_path / "real.mp4", pattern(4))
    trick = tmp_path / "trick.mp4"
    for text in (f"#EXTM3U\n#EXTINF:1,\n{real}\n#EXT-X-ENDLIST\n", f"ffconcat version 1.0\nfile '{real.name}'\n"):
        trick.write_text(text)
        with pytest.raises(MediaError, match=r"trick\.mp4: cannot be read as a video"):
            Reader(trick)


@pytest.mark.parametrize(
    "name", ["a b.mp4", 'it\'s "quoted".mp4', "ünï—コーヒー.mp4", "%03d.mp4", "http:x.mp4", "-i.mp4", "#1?.mp4"]
)
def test_file_names_with_odd_characters_are_just_names(tmp_path, name):
    _, frames = walked(encode(tmp_path / "plain.mp4", pattern(3)).rename(tmp_path / name))
    assert len(frames) == 3


def test_what_is_no_video_is_said_in_one_sentence(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for name, said in [
        ("none.mp4", "there is no such"),
        ("empty.mp4", "empty"),
        ("text.mp4", "cannot be read"),
        ("folder", "holds no frames"),
        ("pipe.mp4", "neither a plain file"),
        ("loop.mp4", "there is no such"),
        ("long" * 100 + ".mp4", "cannot be looked at"),
    ]:
        with pytest.raises(MediaError, match=said) as caught:
            Reader(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_of_sound_alone_holds_no_video(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="holds no video stream"):
        Reader(path)


def test_the_hash_of_a_folder_follows_its_frames_and_their_order(tmp_path):
    frames = list(pattern(3))
    first, same = images(tmp_path / "a", frames), images(tmp_path / "b", frames)
    swapped = images(tmp_path / "c", [frames[1], frames[0], frames[2]])
    assert video_sha256(first) == video_sha256(same) != video_sha256(swapped)
    with pytest.raises(MediaError, match="cannot be read"):
        video_sha256(tmp_path / "none.mp4")


def test_pictures_without_colour_are_read_as_rgb(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    deep = grey.astype(np.uint16) * 257
    (folder / "0.png").write_bytes(cv2.imencode(".png", grey)[1].tobytes())
    (folder / "1.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    _, frames = walked(folder)
    for frame in frames:
        assert np.abs(frame.astype(int) - grey[..., None]).max() <= 1
