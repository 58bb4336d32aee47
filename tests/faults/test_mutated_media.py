"""Videos of six kinds, damaged at random: a run gives each a status and ends, in bounded memory, and writes nowhere else."""

import os
import random
import shutil
import sys
import time

import av
import cv2
import numpy as np

from intergeneval.records import Video, VideoStatus
from intergeneval.store import RunStore
from tests import tiny_world

FILES = 200 if os.environ.get("NIGHTLY_TESTS") else 36
MOST_MEMORY = 1536
"""MiB of a process that reads them one after the other; whole ones take 250."""
KINDS = ("mp4", "mkv", "mov", "avi", "gif", "png")


def whole(folder, kind):
    """A short video of a kind, not damaged."""
    frames = [np.full((48, 64, 3), 40 + 10 * number, np.uint8) for number in range(12)]
    for number, frame in enumerate(frames):
        frame[8:24, 2 * number : 2 * number + 12] = (200, 60, 60)
    if kind == "png":
        place = folder / "whole"
        place.mkdir(parents=True)
        for number, frame in enumerate(frames):
            assert cv2.imwrite(str(place / f"{number:03d}.png"), frame)
        return place
    path = folder / f"whole.{kind}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream({"avi": "mpeg4", "gif": "gif"}.get(kind, "libx264"), rate=8)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "rgb8" if kind == "gif" else "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def damage(content, draw):
    """Bytes flipped, cut out, doubled, cut off, or numbers put where sizes stand."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 3, 20])):
        place, how = draw.randrange(len(content)), draw.randrange(5)
        if how == 0:
            content[place] ^= 1 << draw.randrange(8)
        elif how == 1:
            content[place : place + 4] = draw.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4), b"\x00\x00\x00\x01"])
        elif how == 2:
            del content[place : place + draw.randrange(1, 64)]
        elif how == 3:
            content[place:place] = content[place : place + draw.randrange(1, 64)]
        elif len(content) > 200:
            del content[draw.randrange(100, len(content)) :]
    return bytes(content)


def test_damaged_videos_of_six_kinds_each_have_a_status_and_the_run_ends(tmp_path):
    names = tuple(f"s{number:03d}" for number in range(FILES))
    bench, model, made = tiny_world.write_benchmark(tmp_path / "bench", names), tmp_path / "model", tmp_path / "made"
    model.mkdir()
    made.mkdir()
    sources = {kind: whole(made, kind) for kind in KINDS}
    for number, name in enumerate(names):
        draw, kind = random.Random(f"media {number}"), KINDS[number % len(KINDS)]
        if kind == "png":
            shutil.copytree(sources[kind], model / name)
            path = draw.choice(sorted((model / name).iterdir()))
        else:
            path = model / f"{name}.{kind}"
            shutil.copyfile(sources[kind], path)
        path.write_bytes(damage(path.read_bytes(), draw))
    before = set(tmp_path.rglob("*"))
    words = ["run", "--model", model, "--bench", bench, "--tracker", "flow", "--workers", "1", "--cache", "off"]
    command = [sys.executable, "-m", "tests.faults.command", *map(str, words), "--out", str(tmp_path / "out" / "run")]
    began, said = time.monotonic(), tmp_path / "said.txt"
    actions = [(os.POSIX_SPAWN_OPEN, handle, str(said), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) for handle in (1, 2)]
    child = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 3), said.read_text()[-2000:]
    assert "Traceback" not in said.read_text()
    found = {line.sample_id: line.status for line in RunStore.open(tmp_path / "out" / "run").read("videos", Video)}
    assert found.keys() == set(names)
    # Whole enough to be judged, or not: both happen, or the damage is none or all of it.
    assert set(found.values()) == {VideoStatus.OK, VideoStatus.UNDECODABLE}
    assert all(path.is_relative_to(tmp_path / "out") or path == said for path in set(tmp_path.rglob("*")) - before)
    count = sum(value is VideoStatus.OK for value in found.values())
    seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss >> 10
    print(f"{FILES} damaged: {count} read, {seconds:.0f} CPU s, {time.monotonic() - began:.0f} s, {memory} MiB")  # noqa: T201
    assert seconds < 20 + FILES
    assert memory < MOST_MEMORY
