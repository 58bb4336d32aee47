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


def test_a_control_that_is_answered_no_as_it_must_be_is_not_found_among_what_went_wrong(tmp_path):
    """Every answer of the first sample is yes, but for its control."""
    (folder,) = report_world.build(tmp_path, report_world.World(models=("aurora",), samples=2))
    first, *_ = [json.loads(line) for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    mine = [{**one, "value": "yes"} for one in answers if one["sample_id"] == first["id"]]
    others = [{**one, "value": "no"} for one in answers if one["sample_id"] != first["id"]]
    control = {**mine[0], "question_id": 11, "value": "no"}
    lines = "".join(json.dumps(one) + "\n" for one in (*mine, control, *others))
    (folder / "answers.jsonl").write_text(lines, encoding="utf-8")
    with ViewServer(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        job = {"url": server.url, "chromium": CHROMIUM}
        done = subprocess.run(
            ["node", "view.js", json.dumps(job)], cwd=HERE, capture_output=True, text=True, timeout=90, check=False
        )
        server.shutdown()
        thread.join()
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["rows"], seen["no"]) == (2, 1)
    assert "Control, must be no" in seen["text"]
