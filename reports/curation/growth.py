"""What a curation of many tiny clips costs, by stage, and whether shards and processes end in the same bytes.

`python reports/curation/growth.py CLIPS [CLIPS ...]`: clips of 9 frames at 64 x 80 in which somebody lifts something before a
wall of its own, every fiftieth twice; captions and boxes are given, and `flow` follows. Each number of clips is curated by one
process; the last one also by two processes and in four shards.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from intergeneval.config import read_settings
from intergeneval.videos import Frame, write_video
from matrix_train.curate.config import CurateConfig
from matrix_train.curate.curation import Curation
from tests.matrix_train.test_curate import bytes_of

FRAMES = 9
COLOURS = (
    ("red", (200, 40, 40)), ("green", (40, 150, 60)), ("black", (25, 25, 25)), ("purple", (130, 50, 160)),
    ("blue", (40, 60, 210)), ("yellow", (230, 210, 40)), ("white", (245, 245, 245)),
)  # fmt: skip
SETTINGS = f"""workers = 1
detector = "none"
tracker = "flow"
[form]
frames = {FRAMES}
fps = 8.0
[filters]
smallest = 48
[checks]
accept_doubts = true
"""


def main(counts: list[int]) -> None:
    """Write the largest source once; curate its first clips."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begun = time.monotonic()
        source = write(folder / "raw", max(counts))
        print(f"source: {max(counts)} clips written in {time.monotonic() - begun:.0f} s", flush=True)
        config = folder / "curate.toml"
        config.write_text(SETTINGS)
        for count in counts:
            print(json.dumps(measured(source, folder / f"one-{count}", config, count)), flush=True)
        wanted, more = bytes_of(folder / f"one-{counts[-1]}"), ["--limit", str(counts[-1])]
        begun = time.monotonic()
        run(source, folder / "two", config, [*more, "--workers", "2", "--engine", "processes"])
        print(f"2 processes: {time.monotonic() - begun:.0f} s, equal bytes: {bytes_of(folder / 'two') == wanted}", flush=True)
        begun = time.monotonic()
        for _ in range(2):
            # Twice: the first time each goes as far as it can without the clips of the others.
            for first in (1, 3):
                pair = [start(source, folder / "four", config, [*more, "--shard", f"{one}/4"]) for one in (first, first + 1)]
                for process in pair:
                    assert process.wait() == 0
        run(source, folder / "four", config, more)
        print(f"4 shards: {time.monotonic() - begun:.0f} s, equal bytes: {bytes_of(folder / 'four') == wanted}", flush=True)


def write(folder: Path, count: int) -> Path:
    """Write the clips as they are drawn; return their list."""
    (folder / "videos").mkdir(parents=True)
    with (folder / "list.jsonl").open("w") as stream:
        for number in range(count):
            frames, row = drawn(number - 25 if number % 50 == 49 else number)
            write_video(folder / "videos" / f"c{number:06d}.mp4", frames, 8.0)
            stream.write(json.dumps({"id": f"c{number:06d}", "video": f"videos/c{number:06d}.mp4", **row}) + "\n")
    return folder / "list.jsonl"


def drawn(seed: int) -> tuple[list[Frame], dict[str, object]]:
    """Return the frames of a clip, RGB (H, W, 3), and what the list says of it."""
    random = np.random.default_rng(seed)
    wall = cv2.resize(random.integers(60, 200, (5, 6, 3)).astype(np.uint8), (80, 64), interpolation=cv2.INTER_CUBIC)
    left = int(random.integers(4, 24))
    cloth, thing = np.array(COLOURS[seed % 4][1]), np.array(COLOURS[4 + seed % 3][1])
    frames = []
    for index in range(FRAMES):
        frame = wall.copy()
        frame[16:58, left : left + 14] = cloth
        frame[10:18, left + 3 : left + 11] = (220, 180, 150)
        top = 44 - 3 * index
        frame[top : top + 12, left + 18 : left + 30] = thing
        frames.append(frame)
    coat, cup = COLOURS[seed % 4][0], COLOURS[4 + seed % 3][0]
    man = {"id": "id1", "class": "man", "appearance": f"man in a {coat} coat", "box": [left, 10, left + 14, 58]}
    mug = {"id": "id2", "class": "mug", "appearance": f"{cup} mug", "box": [left + 18, 44, left + 30, 56]}
    act = {"subject": "id1", "verb": "lifts", "object": "id2", "category": "manipulation", "direction": "unidirectional"}
    caption = f"A man in a {coat} coat lifts a {cup} mug."
    return frames, {"caption": caption, "instances": [man, mug], "interactions": [act]}


def measured(source: Path, out: Path, config: Path, count: int) -> dict[str, object]:
    """Curate the first clips here; return seconds by stage, CPU seconds and peak memory."""
    settings = read_settings(CurateConfig, config, {"source": str(source), "out": str(out), "limit": count})
    begun: dict[str, float] = {}

    def tell(stage: str, done: int, total: int) -> None:  # noqa: ARG001  # only when it begins
        begun.setdefault(stage, time.monotonic())

    before = resource.getrusage(resource.RUSAGE_SELF)
    result = Curation(settings).execute(tell=tell)
    ended = time.monotonic()
    after = resource.getrusage(resource.RUSAGE_SELF)
    times = [*begun.values(), ended]
    took = {stage: round(later - earlier, 1) for stage, earlier, later in zip(begun, times, times[1:], strict=False)}
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "clips": count,
        "kept": result.clips,
        "dropped": {f"{stage}/{kind}": number for (stage, kind), number in result.causes.items()},
        "seconds": took,
        "cpu": round(cpu, 1),
        "cpu a clip, ms": round(1000 * cpu / count, 1),
        "peak MB": after.ru_maxrss // 1024,
    }


def start(source: Path, out: Path, config: Path, more: list[str]) -> subprocess.Popen[bytes]:
    """Start a curation in a process of its own."""
    command = [sys.executable, "-c", "from matrix_train.cli import main; main()", "curate", str(source)]
    return subprocess.Popen(
        [*command, "--out", str(out), "--config", str(config), *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def run(source: Path, out: Path, config: Path, more: list[str]) -> None:
    """Curate in a process of its own."""
    assert start(source, out, config, more).wait() == 0


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [500])
