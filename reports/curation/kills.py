"""A curation killed at 20 random moments, and what comes of it: `python reports/curation/kills.py [KILLS]`."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from intergeneval.config import read_settings
from matrix_train.cli.curate import as_data
from matrix_train.curate.config import CurateConfig
from matrix_train.curate.curation import Curation
from tests.matrix_train import raw_clips
from tests.matrix_train.test_curate import bytes_of

CLIPS = 24


def main(kills: int) -> None:
    """Curate unbroken, then again with a kill at a random moment each time; compare the bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = raw_clips.write(folder / "raw", list(raw_clips.painted(CLIPS)))
        config = folder / "curate.toml"
        config.write_text(raw_clips.SETTINGS)
        begun = time.monotonic()
        process = start(source, folder / "whole", config)
        wait_for_work(process, folder / "whole")
        started = time.monotonic() - begun
        assert process.wait() == 0
        unbroken = time.monotonic() - begun
        print(f"unbroken: {unbroken:.1f} s, {started:.1f} s of them until the first line", flush=True)
        moments = random.Random(20)
        # From the first line that a start adds: on average each does a twentieth of the work, so the last ones fall near its end.
        reach = 2 * (unbroken - started) / kills
        ended: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for _ in range(kills):
            process = start(source, folder / "killed", config)
            wait_for_work(process, folder / "killed")
            time.sleep(moments.uniform(0, reach))
            number = moments.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1))
            process.send_signal(number)
            code = process.wait()
            ended["ended before" if code == 0 else signal.Signals(number).name] += 1
            seen[last_stage(folder / "killed")] += 1
        settings = read_settings(CurateConfig, config, {"source": str(source), "out": str(folder / "killed")})
        result = as_data(Curation(settings).execute())
        print(f"kills: {dict(ended)}; furthest stage when killed: {dict(seen)}")
        print(f"made by the last run: {sum(result['made'].values())} lines")
        print("equal bytes:", bytes_of(folder / "killed") == bytes_of(folder / "whole"))


def start(source: Path, out: Path, config: Path) -> subprocess.Popen[bytes]:
    """Start a curation in a process of its own."""
    command = [sys.executable, "-c", "from matrix_train.cli import main; main()", "curate", str(source)]
    command += ["--out", str(out), "--config", str(config)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_work(process: subprocess.Popen[bytes], out: Path) -> None:
    """Wait until a curation makes its first file or line, or ends."""

    def size() -> int:
        return sum(path.stat().st_size for path in [*out.glob("stages/*/*.jsonl"), *out.glob("work/*/*.*")])

    before = size()
    while process.poll() is None and size() == before:
        time.sleep(0.01)


def last_stage(out: Path) -> str:
    """Return the stage that was written to last."""
    files = sorted((out / "stages").glob("*/*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return files[-1].parent.name if files else "none"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
