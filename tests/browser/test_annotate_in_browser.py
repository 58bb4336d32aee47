"""The annotating page in a real browser, over a real server on loopback: drawn with a mouse, with a keyboard, and saved."""

import http.client
import json
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from intergeneval import bench
from intergeneval.build.prompted import prompted_benchmark
from intergeneval.pages.annotate import AnnotateServer, Session
from intergeneval.trackers.flow import FlowTracker
from intergeneval.videos.encoding import write_video
from tests.browser.conftest import CHROMIUM, HERE

SIZE = (160, 240)
MAN, BOX = (30, 40, 70, 140), (120, 80, 170, 130)
"""x0, y0, x1, y1 of what is drawn."""
PROMPTS = ("a man lifts a red box", "a man pushes a red box", 'a man kicks a <img src=x onerror="window.owned=1"> box')


def clip(place):
    frames = []
    for _ in range(4):
        frame = np.full((*SIZE, 3), 210, dtype=np.uint8)
        frame[MAN[1] : MAN[3], MAN[0] : MAN[2]] = (40, 60, 130)
        frame[MAN[1] : MAN[1] + 20, MAN[0] + 5 : MAN[2] - 5] = (220, 170, 140)
        frame[BOX[1] : BOX[3], BOX[0] : BOX[2]] = (200, 30, 30)
        frames.append(frame)
    write_video(place, frames, 8.0)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Two videos called by numbers, and their prompts; the session over them."""
    monkeypatch.chdir(tmp_path)
    for number in range(len(PROMPTS)):
        (tmp_path / "aurora").mkdir(exist_ok=True)
        clip(tmp_path / f"aurora/{number}.mp4")
    (tmp_path / "list.txt").write_text("".join(f"{number}\t{text}\n" for number, text in enumerate(PROMPTS)))
    return tmp_path


class SlowTracker(FlowTracker):
    """Takes its time to cut out, as weights on a processor do."""

    def segment(self, frame, boxes):
        time.sleep(0.6)
        return super().segment(frame, boxes)


def session(root, tracker=FlowTracker):
    made = prompted_benchmark(Path("aurora"), "list.txt")
    return Session(made.home.folder, tracker(), model=root / "aurora")


@contextmanager
def served(root, tracker=FlowTracker):
    with AnnotateServer(session(root, tracker)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def play(server, scenario, **more):
    job = {"scenario": scenario, "url": server.url, "chromium": CHROMIUM, **more}
    done = subprocess.run(
        ["node", "annotate.js", json.dumps(job)], cwd=HERE, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["said"] == []
    return seen


def around(box):
    return [box[0] - 6, box[1] - 6, box[2] + 6, box[3] + 6]


def test_two_boxes_and_one_key_a_video_are_a_whole_set_of_masks_that_a_run_takes(world):
    with served(world) as server:
        seen = play(server, "mouse", boxes=[[around(MAN), around(BOX)]] * 2)
    assert (seen["clicks"] / 2 <= 6, seen["keys"] / 2 <= 20) == (True, True)
    assert "2 done" in seen["progress"]
    made = bench.load(world / "benchmarks/list")
    own = {item.name: item for item in bench.sets_of(made, "aurora")}
    assert set(own) == {"0/0", "1/0"}
    masks = bench.load_own_masks(made, made.samples[0], own["0/0"], "aurora")
    assert masks["id2"][BOX[1] + 2 : BOX[3] - 2, BOX[0] + 2 : BOX[2] - 2].mean() > 0.95


def test_who_goes_on_while_masks_are_still_cut_draws_into_the_video_that_was_seen(world):
    """The first box begins beside the picture, as that of a thing at its border does; nothing is waited for."""
    beside = [-2, -2, MAN[2] + 6, MAN[3] + 6]
    with served(world, SlowTracker) as server:
        seen = play(server, "haste", boxes=[[beside, around(BOX)]])
        masks = [[bool(one["mask"]) for one in server.session.told(index)["instances"]] for index in range(3)]
    assert masks == [[True, True], [False, False], [False, False]]
    assert seen["drawn"].startswith("2 of 3; 1 done")
    assert "Draw a box around: man" in seen["hint"]
    assert seen["back"].startswith("1 of 3; 1 done")


def test_a_video_is_done_with_the_keyboard_alone_in_at_most_twenty_keys(world):
    letters = "gbcek" + "ghflj"
    with served(world) as server:
        seen = play(server, "keyboard", keys=[[(letter, 1) for letter in letters], [("Enter", 1)]])
        told = server.session.told(0)
    assert [bool(one["mask"]) for one in told["instances"]] == [True, True]
    assert seen["keys"] <= 20
    assert "1 done" in seen["progress"]


def test_the_cross_and_the_space_bar_draw_a_box_too(world):
    man = [("ArrowLeft", 6), ("ArrowUp", 4), (" ", 1), ("ArrowRight", 4), ("ArrowDown", 8), (" ", 1)]
    with served(world) as server:
        play(server, "keyboard", keys=[man])
        assert server.session.told(0)["instances"][0]["mask"]


def test_scribbles_names_and_a_new_instance_are_saved_at_once_and_there_when_it_is_opened_again(world):
    with served(world) as server:
        plus = [BOX[0] + 10, BOX[1] + 10, BOX[0] + 30, BOX[1] + 30]
        seen = play(server, "mend", boxes=[[around(MAN)]], plus=plus, minus=[5, 5, 20, 5])
    assert seen["instances"] == 3
    again = session(world)
    told = again.told(0)
    assert told["instances"][0]["appearance"] == "tall man in blue"
    assert told["instances"][0]["mask"]
    assert again.samples["0"].instances[0].appearance == "tall man in blue"


@pytest.mark.parametrize("width", [1280, 800])
def test_the_page_fits_and_a_prompt_that_tries_to_break_out_shows_as_text(world, width):
    with served(world) as server:
        server.session.items = server.session.items[2:] + server.session.items[:2]
        seen = play(server, "look", width=width)
    assert seen["wide"][0] <= seen["wide"][1]
    assert seen["owned"] is None
    assert "<img src=x" in seen["text"]


def test_who_has_no_token_or_comes_by_another_name_gets_nothing(world):
    with served(world) as server:
        asked = [("127.0.0.1", "/api/items"), ("evil.example", f"/api/items?token={server.token}")]
        for host, path in asked:
            link = http.client.HTTPConnection("127.0.0.1", server.server_port)
            link.request("GET", path, headers={"Host": f"{host}:{server.server_port}"})
            assert link.getresponse().status == 403
            link.close()
