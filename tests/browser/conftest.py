"""Browser tests need Chromium, Node and the packages of package.json; `tox -e browser` sees to the packages and then insists."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
READY = bool(CHROMIUM and shutil.which("node") and (HERE / "node_modules" / "playwright-core").is_dir())

# Elsewhere these tests are left out; in their own environment a missing browser is a failure, never a silent skip.
if not READY and not os.environ.get("BROWSER_TESTS"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def drive():
    """A function that opens a page of a report folder, plays one scenario and returns what was seen."""
    assert CHROMIUM, "Chromium is missing: install Debian's package 'chromium', or name its binary in CHROMIUM"

    def run(scenario, folder, page="index.html", **settings):
        job = {"scenario": scenario, "folder": str(folder), "page": page, "chromium": CHROMIUM, **settings}
        done = subprocess.run(
            ["node", "drive.js", json.dumps(job)], cwd=HERE, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
        assert seen["said"] == [], "the console must stay empty"
        assert seen["outside"] == [], "nothing outside the report's folder may be asked for"
        return seen

    return run
