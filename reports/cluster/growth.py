"""What a run costs as it grows: CPU seconds and peak memory of `intergeneval run` over 1,250 to 20,000 small videos.

`python reports/cluster/growth.py FOLDER [--workers N] [COUNT ...]`: videos of 16 frames at 64x64 with stored tracks and the
geometry judge. Without workers only the first process is measured: the first video goes through all stages, and what came of it
is given for each of the others at once, so that planning, writing, reading back and scoring are all that is left. Every count is
a run of its own in a fresh process; CPU seconds are counted, as seconds on a clock are no property of the program. Prints a line
of JSON a count, then the exponents of growth.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
from collections.abc import Generator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from intergeneval import masks, videos
from intergeneval.config import RunConfig
from intergeneval.records import Tracks, TrackState, Video
from intergeneval.run.job import Job, Result
from intergeneval.run.run import Run
from intergeneval.run.video_setup import VideoSetup

COUNTS = (1_250, 2_500, 5_000, 10_000, 20_000)
SIDE, FRAMES = 64, 16
_SHOWN = [TrackState.VISIBLE] * FRAMES


def _mask(left: int) -> masks.Mask:
    found = np.zeros((SIDE, SIDE), dtype=bool)
    found[20:52, left : left + 14] = True
    return found


def _frame(index: int) -> np.ndarray:
    frame = np.random.default_rng(0).integers(90, 170, (SIDE, SIDE, 3), dtype=np.uint8)
    frame[_mask(4 + index)] = (200, 40, 40)
    frame[_mask(max(36, 18 + index))] = (40, 60, 200)
    return frame


def write(folder: Path, count: int) -> None:
    """Write a benchmark of `count` samples and their videos, which are one file by many names; what is there is left."""
    bench, model = folder / f"bench-{count}", folder / "model"
    (bench / "masks").mkdir(parents=True, exist_ok=True)
    model.mkdir(exist_ok=True)
    places = {"id1": [4 + index for index in range(FRAMES)], "id2": [max(36, 18 + index) for index in range(FRAMES)]}
    for name, lefts in places.items():
        cv2.imwrite(str(bench / f"masks/{name}.png"), _mask(lefts[0]).astype(np.uint8) * 255)
    videos.write_video(folder / "clip.mp4", (_frame(index) for index in range(FRAMES)), 8.0)
    tracks = tuple(
        masks.track_of(name, [_mask(left) for left in lefts], _SHOWN, [1.0] * FRAMES) for name, lefts in places.items()
    )
    lines = []
    for number in range(count):
        sample_id = f"s{number:05d}"
        lines.append(
            {
                "id": sample_id,
                "prompt": "A tall block pushes a crate.",
                "instances": [
                    {"id": name, "class": kind, "appearance": kind, "colour": colour, "mask": f"masks/{name}.png"}
                    for name, kind, colour in (("id1", "block", "red"), ("id2", "crate", "blue"))
                ],
                "interactions": [{"subject": "id1", "verb": "pushes", "object": "id2", "category": "force"}],
                "size": [SIDE, SIDE],
            }
        )
        if not (model / f"{sample_id}.mp4").exists():
            os.link(folder / "clip.mp4", model / f"{sample_id}.mp4")
            made = Tracks(sample_id=sample_id, seed=0, tracker="truth", size=(SIDE, SIDE), fps=8.0, tracks=tracks)
            (model / f"{sample_id}.tracks.json").write_text(json.dumps(made.to_json()))
    (bench / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (bench / "bench.toml").write_text('name = "growth"\nversion = "1"\ndescription = "Small."\nlicence = "Apache-2.0"\n')


class Ready:
    """An engine whose workers take no time: what comes of the first job is what comes of each."""

    def outcomes(self, setup: VideoSetup, jobs: Sequence[Job]) -> Generator[tuple[Result, ...], None, None]:
        """Do the first job and give what comes of it for all, under the id of each."""
        (model,) = setup.build()(jobs[0])
        for job in jobs:
            name = job.sample.id
            parts = [part.name for part in fields(Result) if part.name not in ("sample_id", "seed")]
            made = {part: _renamed(getattr(model, part), name) for part in parts}
            yield (Result(sample_id=name, seed=0, **made),)

    def close(self) -> None:
        """Do nothing."""


def _renamed(made: Any, name: str) -> Any:
    if isinstance(made, list):
        return [_renamed(item, name) for item in made]
    changes = {"sample_id": name, **({"path": f"{name}.mp4"} if isinstance(made, Video) else {})}
    return None if made is None else replace(made, **changes)


def measure(folder: Path, count: int, workers: int) -> dict[str, float]:
    """Run over a benchmark of `count` samples, in this process and so many workers; with none the workers take no time."""
    config = RunConfig(
        model=str(folder / "model"),
        bench=str(folder / f"bench-{count}"),
        tracker="stored",
        out=str(folder / f"run-{count}-{workers}"),
        workers=workers or 1,
        engine="processes" if workers else "",
        cache="off",
    )
    result = Run(config, engine=None if workers else Ready()).execute()
    assert result.complete
    assert len(result.scores) == count
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "videos": count,
        "driver_cpu_s": round(mine.ru_utime + mine.ru_stime, 1),
        "workers_cpu_s": round(theirs.ru_utime + theirs.ru_stime, 1),
        "driver_peak_mb": round(mine.ru_maxrss / 1024),
        "worker_peak_mb": round(theirs.ru_maxrss / 1024),
    }


def main() -> None:
    """Measure every count, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("counts", type=int, nargs="*", default=list(COUNTS))
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--one", action="store_true", help="measure the first count in this process")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.folder, asked.counts[0], asked.workers)), flush=True)
        return
    asked.folder.mkdir(parents=True, exist_ok=True)
    found = []
    for count in asked.counts:
        write(asked.folder, count)
        command = [sys.executable, __file__, str(asked.folder), str(count), "--workers", str(asked.workers), "--one"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(done.stdout))
        print(done.stdout, end="", flush=True)
    first, last = found[0], found[-1]
    if len(found) > 1:
        grown = math.log(last["videos"] / first["videos"])
        for name in ("driver_cpu_s", *(["workers_cpu_s"] if asked.workers else [])):
            print(f"exponent of {name}: {math.log(last[name] / first[name]) / grown:.3f}")


if __name__ == "__main__":
    main()
