"""`python -m tests.speed.growth [SAMPLES...]`: CPU seconds and memory of run, score, report and compare, and how they grow.

Each command runs in a process of its own over made-up runs of so many samples; the exponent is that of the last two sizes.
Measured by hand on an idle machine: a busy one moves seconds, and CI counts operations elsewhere.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from pathlib import Path

from tests import tiny_world
from tests.report.report_world import World, build

SIZES = (250, 1000, 4000)


def measured(words: list[str]) -> tuple[float, float]:
    """Run the command line once; return CPU seconds and the most memory, in MiB."""
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "tests.faults.command", *words],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(f"{' '.join(words)} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def commands(folder: Path, size: int) -> dict[str, list[str]]:
    """Return what is measured at a size, by name."""
    first, second = map(str, build(folder / "made", World(models=("atlas", "borealis"), samples=size, tracks=False)))
    names = tuple(f"s{number:05d}" for number in range(size))
    bench, videos = tiny_world.write_benchmark(folder / "bench", names), folder / "videos"
    tiny_world.write_videos(videos, names[:1])
    for name in names[1:]:
        for end in ("mp4", "tracks.json"):
            os.link(videos / f"{names[0]}.{end}", videos / f"{name}.{end}")
    run = ["run", "--model", str(videos), "--bench", str(bench), "--tracker", "stored", "--workers", "1"]
    return {
        "run": [*run, "--out", str(folder / "run")],
        "score": ["score", first],
        "report": ["report", first, second, "-o", str(folder / "report")],
        "compare": ["compare", first, second],
    }


def main() -> None:
    """Print a row a size, then the exponents."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    found: dict[str, list[tuple[float, float]]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            for name, words in commands(Path(place), size).items():
                found.setdefault(name, []).append(measured(words))
                seconds, memory = found[name][-1]
                print(f"{size:>6} {name:<8} {seconds:8.2f} s {memory:8.0f} MiB", flush=True)
    for name, rows in found.items():
        if len(rows) > 1:
            grown = math.log(rows[-1][0] / rows[-2][0]) / math.log(sizes[-1] / sizes[-2])
            print(f"{name}: CPU time grows with exponent {grown:.2f} from {sizes[-2]} to {sizes[-1]} samples")


if __name__ == "__main__":
    main()
