"""A curation whose captions, scenes, words and crops a model gives: what is asked, what is kept, and the answers given again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import videos
from intergeneval.errors import ConfigError
from intergeneval.judges.replay import create
from matrix_train.cli import main
from matrix_train.data.clips import read_own
from tests.build import workshop
from tests.fakes.chat_server import Asked, ChatServer, reply
from tests.matrix_train.test_curate import bytes_of, dropped

CAPTION = "A man in a red coat lifts a blue mug. A woman in a green coat on the right waits."
OFF = 'cache = "off"\n'
SETTINGS = """workers = 1
[shots]
detector = "none"
[form]
frames = 12
fps = 8.0
[filters]
smallest = 64
moving = 0.0
[checks]
accept_doubts = true
"""


class Writer(workshop.Model):
    """The model of a build, which also captions clips and says how captions word those in them."""

    def __init__(self) -> None:
        super().__init__()
        self.scenes[CAPTION] = workshop.scene("man", "mug", source="lifts a blue mug")
        self.captions = 0
        self.worded = 0

    def __call__(self, asked: Asked) -> dict[str, Any]:
        if "frames of one clip" in asked.text:
            self.captions += 1
            return reply(json.dumps({"caption": CAPTION}))
        if "how the caption words it" in json.dumps(asked.request):
            self.worded += 1
            return reply(json.dumps({"instances": self._words(re.findall(r"^- (id\d): (.*) \(", asked.text, re.MULTILINE))}))
        return super().__call__(asked)

    def _words(self, rows: list[tuple[str, str]]) -> list[dict[str, Any]]:
        places = {"id1": "He stands on the left.", "id2": None}
        return [{"id": name, "phrase": f"a {looks}", "appearance": None, "place": places[name]} for name, looks in rows]


def clip(path: Path, seed: int) -> Path:
    """A moving mug before a background of its own, so that no two clips show the same."""
    noise = np.random.default_rng(seed).normal(0, 1, (6, 9, 3))
    wall = np.kron(noise * 18, np.ones((16, 16, 1)))
    still = workshop.picture(names=())
    frames = []
    for index in range(12):
        frame = workshop.picture(index)
        plain = np.abs(frame.astype(int) - still).sum(axis=2) < 3
        frame[plain] = np.clip(frame[plain] + wall[plain], 0, 255).astype(np.uint8)
        frames.append(frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    videos.write_video(path, frames, 8.0)
    return path


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Three clips without captions, and boxes for them."""
    for number in range(3):
        clip(tmp_path / "raw" / f"c{number}.mp4", number)
    workshop.write_boxes(tmp_path / "boxes.jsonl", {f"c{number}-s0": workshop.EVERYBODY for number in range(3)})
    return tmp_path


def curate(
    root: Path, out: str, *more: str, server: ChatServer | None = None, top: str = "", tables: str = "", code: int = 0
) -> dict[str, Any]:
    """Curate ``root/raw``; return what the command says. `top` and `tables` are settings beside those of all tests."""
    config = workshop.settings(root / f"{out}.toml", server, top + SETTINGS + tables)
    command = ["curate", str(root / "raw"), "--out", str(root / out), "--config", str(config), "--tracker", "flow", "--json"]
    found = CliRunner().invoke(main, [*command, "--detector", f"stored:{root}/boxes.jsonl", *more])
    assert found.exit_code == code, found.output
    return dict(json.loads(found.stdout))


def test_a_model_captions_reads_words_and_verifies_and_its_answers_are_given_again(raw):
    model, cache = Writer(), f'cache = "{raw}/cache.sqlite"\n'
    with ChatServer(model) as server:
        first = curate(raw, "out", "--judge", "openai:test-model", server=server, top=cache)
        asked = len(server.asked)
        again = curate(raw, "out", "--judge", "openai:test-model", server=server, top=cache)
        # Another folder: everything is made anew, and nothing is asked that the cache knows.
        curate(raw, "other", "--judge", "openai:test-model", server=server, top=cache)
        assert len(server.asked) == asked
    assert first["clips"] == 3
    assert (model.captions, model.read, model.worded) == (3, 1, 1)
    assert model.crops >= 6
    assert not any(again["made"].values())
    made = read_own(raw / "out")[0]
    assert made.caption == CAPTION
    assert [one.class_ for one in made.instances] == ["man", "mug"]
    assert made.said("words")[0]["place"] == "He stands on the left."
    assert made.said("ratings") == [[5, 2]]
    replayed = curate(raw, "replayed", "--judge", f"replay:{raw}/out")
    assert replayed["clips"] == 3
    for name in ("clips.jsonl", "dropped.jsonl"):
        assert (raw / "replayed" / name).read_bytes() == (raw / "out" / name).read_bytes()
    assert bytes_of(raw / "other") == bytes_of(raw / "out")


def test_what_a_replay_lacks_fails_and_is_mended_by_who_has_it(raw):
    with ChatServer(Writer()) as server:
        curate(raw, "one", "--judge", "openai:test-model", "--limit", "1", server=server, top=OFF)
        missing = curate(raw, "out", "--judge", f"replay:{raw}/one", code=3)
        assert (missing["clips"], missing["pending"]) == (1, 2)
        assert dropped(raw / "out") == {"c1-s0": ("captions", "failed"), "c2-s0": ("captions", "failed")}
        mended = curate(raw, "out", "--judge", "openai:test-model", server=server, top=OFF)
    assert (mended["clips"], mended["pending"]) == (3, 0)


def test_interactions_below_the_limits_are_left_out_without_asking_again(raw):
    model, judge = Writer(), ("--judge", "openai:test-model")
    with ChatServer(model) as server:
        curate(raw, "out", *judge, server=server, top=OFF)
        asked = len(server.asked)
        curate(raw, "out", *judge, server=server, top=OFF, tables="[scenes]\nmin_dynamism = 3\n", code=3)
        assert len(server.asked) == asked
    assert set(dropped(raw / "out").values()) == {("kept", "rated")}


def test_a_crop_that_is_not_it_leaves_the_instance_out(raw):
    model = Writer()
    model.refuses = {"mug"}
    with ChatServer(model) as server:
        curate(raw, "out", "--judge", "openai:test-model", server=server, top=OFF, code=3)
    assert set(dropped(raw / "out").values()) == {("checks", "masks")}


def test_a_cost_limit_stops_the_asking_and_a_higher_one_goes_on(raw):
    prices = "[settings.openai.prices]\ninput = 10.0\noutput = 10.0\n"
    judge = ("--judge", "openai:test-model")
    with ChatServer(Writer()) as server:
        low = curate(raw, "out", *judge, server=server, top=f"{OFF}max_cost = 0.05\n", tables=prices, code=3)
        asked = len(server.asked)
        # What was spent before counts: the same limit asks nothing more.
        curate(raw, "out", *judge, server=server, top=f"{OFF}max_cost = 0.05\n", tables=prices, code=3)
        assert len(server.asked) == asked
        high = curate(raw, "out", *judge, server=server, top=f"{OFF}max_cost = 100.0\n", tables=prices)
    assert low["stopped"]
    assert low["clips"] < high["clips"] == 3


def test_a_folder_without_answers_is_no_replay(tmp_path):
    (tmp_path / "inquiries.jsonl").write_text("")
    with pytest.raises(ConfigError, match="holds no answer"):
        create(str(tmp_path), {})
