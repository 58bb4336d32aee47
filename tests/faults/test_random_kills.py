"""The command and its workers are killed at random moments; the long version is `reports/cluster/kills.py` by hand."""

import subprocess
import sys
from pathlib import Path

KILLS = Path(__file__).parents[2] / "reports" / "cluster" / "kills.py"


def test_after_kills_at_random_moments_runs_end_in_the_same_bytes_with_nothing_done_twice_but_what_was_under_way(tmp_path):
    command = [sys.executable, str(KILLS), str(tmp_path), "--times", "3", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for target in ("driver", "worker"):
        assert f"| processes | {target} | 3 | 3 |" in done.stdout
    assert "a video that ends every worker: failed after three tries, the others scored" in done.stdout
