"""The viewing page in a real browser, over a real server on loopback: runs are listed, filtered, and followed."""

import json
import subprocess
import threading

import pytest

from intergeneval.pages.view import ViewServer
from tests.browser.conftest import CHROMIUM, HERE
from tests.report import report_world


@pytest.mark.parametrize("width", [1280, 800])
def test_runs_are_listed_and_samples_filtered_by_answer(tmp_path, width):
    poison = '<img src=x onerror="window.owned=1">'
    report_world.build(tmp_path, report_world.World(models=("aurora", "borealis"), samples=6, poison=poison))
    with ViewServer(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        job = {"url": server.url, "chromium": CHROMIUM, "width": width}
        done = subprocess.run(
            ["node", "view.js", json.dumps(job)], cwd=HERE, capture_output=True, text=True, timeout=90, check=False
        )
        server.shutdown()
        thread.join()
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["said"] == []
    assert seen["owned"] is None
    assert seen["rows"] == 6
    assert 0 < seen["no"] <= 6
    assert seen["opened"] > 0
    assert seen["wide"][0] <= seen["wide"][1]
