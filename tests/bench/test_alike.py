"""Masks that were drawn on a video serve it encoded anew, and no other video of its name, however small the difference."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from intergeneval.bench.alike import close_ups, look_of
from intergeneval.bench.drawn import Drawn, fit, words_of
from intergeneval.ids import sha256_file
from intergeneval.records import BOX_COLOURS, Instance, Sample

SIZE = (240, 320)


def scene(*, ball=(60, 200), light=1.0, seed=3):
    """Return a frame with a grained room, a player and a small ball."""
    draw = np.random.default_rng(seed)
    frame = cv2.resize(draw.integers(60, 180, (12, 16, 3), dtype=np.uint8), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    frame = np.clip(frame.astype(float) + draw.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)
    cv2.rectangle(frame, (120, 70), (170, 190), (200, 60, 50), -1)
    cv2.circle(frame, ball, 9, (240, 230, 80), -1)
    return (frame * light).astype(np.uint8)


def masks(ball=(60, 200)):
    player, round_one = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    cv2.rectangle(player, (120, 70), (170, 190), 1, -1)
    cv2.circle(round_one, ball, 9, 1, -1)
    return {"id1": player.astype(bool), "id2": round_one.astype(bool)}


def video(path, frame, crf=18):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(8))
        stream.height, stream.width, stream.pix_fmt, stream.options = *SIZE, "yuv420p", {"crf": str(crf)}
        for packet in (*stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")), *stream.encode()):
            container.mux(packet)
    return path


def first(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


SAMPLE = Sample(
    id="0",
    prompt="a player kicks a ball",
    instances=tuple(
        Instance(id=f"id{number}", class_=name, appearance=name, colour=BOX_COLOURS[number - 1])
        for number, name in ((1, "player"), (2, "ball"))
    ),
    interactions=(),
)


@pytest.fixture(params=[1.0, 0.12], ids=["bright", "dark"])
def drawn_on(request, tmp_path):
    """Return what was drawn on a video, and its light."""
    there = video(tmp_path / "0.mp4", scene(light=request.param))
    frame = first(there)
    drawn = Drawn(
        video="0.mp4", prompt=SAMPLE.prompt, words=words_of(SAMPLE), look=look_of(frame), masks={}, sha256=sha256_file(there),
        close_ups=close_ups(frame, masks()),
    )  # fmt: skip
    return drawn, request.param, tmp_path


def held(drawn, folder, frame, crf=18):
    other = video(folder / "other.mp4", np.ascontiguousarray(frame), crf)
    return fit(drawn, SAMPLE, folder, other, lambda: first(other))


@pytest.mark.parametrize("crf", [23, 28, 34])
def test_the_same_frame_encoded_anew_is_the_same(drawn_on, crf):
    drawn, light, folder = drawn_on
    assert not held(drawn, folder, scene(light=light), crf).fault


def test_the_same_file_is_not_looked_at(drawn_on):
    drawn, _, folder = drawn_on
    assert fit(drawn, SAMPLE, folder, folder / "0.mp4", lambda: pytest.fail("it was looked at")) == fit(
        drawn, SAMPLE, folder, None, lambda: None
    )


@pytest.mark.parametrize("ball", [(80, 200), (60, 178), (250, 40)])
def test_a_small_thing_that_lies_elsewhere_makes_another_frame(drawn_on, ball):
    drawn, light, folder = drawn_on
    assert "another first frame" in held(drawn, folder, scene(light=light, ball=ball)).fault


def test_a_mirrored_frame_is_another_however_dark(drawn_on):
    drawn, light, folder = drawn_on
    assert "another first frame" in held(drawn, folder, scene(light=light)[:, ::-1]).fault


def test_what_lies_between_is_doubted_by_name(drawn_on):
    """The ball has moved by less than half its width: its mask lies partly beside it."""
    drawn, light, folder = drawn_on
    found = held(drawn, folder, scene(light=light, ball=(66, 200)))
    assert found.fault or [name for name, _ in found.doubts] == ["id2"]


def test_black_frames_tell_nothing_and_that_is_said(tmp_path):
    there = video(tmp_path / "0.mp4", scene(light=0.0))
    frame = first(there)
    drawn = Drawn(
        video="0.mp4", prompt="", words=words_of(SAMPLE), look=look_of(frame), masks={}, sha256="0" * 64,
        close_ups=close_ups(frame, masks()),
    )  # fmt: skip
    assert [name for name, why in held(drawn, tmp_path, scene(light=0.0)).doubts if "too little to see" in why] == ["id1", "id2"]


def test_work_of_before_close_ups_is_read_and_a_moved_ball_is_doubted(tmp_path):
    frame = first(video(tmp_path / "0.mp4", scene()))
    told = {"video": "0.mp4", "prompt": "", "words": words_of(SAMPLE), "look": look_of(frame), "masks": {}}
    drawn = Drawn.from_json(told)
    assert drawn.to_json() == told
    assert not held(drawn, tmp_path, scene(), 28).doubts
    found = held(drawn, tmp_path, scene(ball=(80, 200)))
    assert found.fault or found.doubts
