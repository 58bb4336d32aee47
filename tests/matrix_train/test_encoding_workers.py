"""A cache filled by workers: its bytes are those of one process, which keeps the index, and a lost worker ends nothing."""

import json
import os
from dataclasses import replace
from functools import partial
from unittest import mock

import pytest
import tiny_pipeline
from click.testing import CliRunner
from fatal_encoding import FatalSetup

from intergeneval.run.engine import LOST, MOST_LOSSES
from matrix_train import config as configs
from matrix_train.cli import main
from matrix_train.data import workers
from matrix_train.data.empty_text import NAME as EMPTY_TEXT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("encoding")
    tiny_pipeline.pipeline(root / "cogvideox", "cogvideox")
    tiny_pipeline.dataset(root / "data")
    return root


@pytest.fixture
def precompute(places, tmp_path):
    """Give what fills a cache of its own by the command line, and who encoded what in workers."""

    def run(cache, *arguments, kills=()):
        settings = tiny_pipeline.config(places / "cogvideox", places / "data")
        settings = replace(
            settings,
            data=replace(settings.data, cache=str(tmp_path / cache), bad_limit=0.5),
            condition=replace(settings.condition, text_dropout=0.1),
        )
        (tmp_path / "c.toml").write_text(configs.dump(settings))
        log = tmp_path / f"{cache}.log"
        log.write_text("")
        setup = partial(FatalSetup, log=log, kills=kills)
        with mock.patch.object(workers, "EncodeSetup", setup):
            done = CliRunner().invoke(main, ["precompute", str(tmp_path / "c.toml"), *arguments, "--json"])
        return done, [line.split(" ", 1) for line in log.read_text().splitlines()]

    return run


def files(folder):
    """What a cache holds, without the times of the files that its catalogue tells."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    catalogue = json.loads(found.pop("clips.json"))["clips"]
    return found, {name: entry["metadata"] for name, entry in catalogue.items()}


@pytest.mark.parametrize("given", [("--workers", "2"), ("--engine", "processes")], ids=["workers", "engine"])
def test_a_cache_that_workers_fill_is_byte_for_byte_that_of_one_process(precompute, tmp_path, given):
    plain, nobody = precompute("plain")
    assert plain.exit_code == 0, plain.output
    assert nobody == []
    shared, who = precompute("shared", *given)
    assert shared.exit_code == 0, shared.output
    assert json.loads(shared.stdout)["encoded"] == json.loads(plain.stdout)["encoded"] == 4
    assert sorted(name for _, name in who) == ["clip0", "clip1", "clip2", "clip3", "the empty caption"]
    assert str(os.getpid()) not in {process for process, _ in who}
    assert files(tmp_path / "shared") == files(tmp_path / "plain")
    assert EMPTY_TEXT in files(tmp_path / "shared")[0]
    again, nobody = precompute("shared", *given)
    assert json.loads(again.stdout)["encoded"] == 0
    assert nobody == []


def test_shards_have_workers_too(precompute, tmp_path):
    precompute("plain")
    for shard in ("1/2", "2/2"):
        done, who = precompute("shared", "--shard", shard, "--workers", "2")
        assert (done.exit_code, json.loads(done.stdout)["encoded"]) == (0, 2), done.output
        assert len(who) == (3 if shard == "1/2" else 2)  # the empty caption once
    whole, _ = precompute("shared")
    assert json.loads(whole.stdout)["encoded"] == 0
    assert files(tmp_path / "shared") == files(tmp_path / "plain")


def test_a_clip_that_ends_its_workers_is_left_out_with_the_reason_and_encoded_by_the_next_command(precompute, tmp_path):
    ended, who = precompute("shared", "--workers", "2", kills=("clip1",))
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert (told["encoded"], told["left_out"]) == (3, [{"clip": "clip1", "reason": LOST}])
    assert [name for _, name in who].count("clip1") == MOST_LOSSES
    assert f"note: clip1 is left out: {LOST}" in ended.stderr
    mended, who = precompute("shared", "--workers", "2")
    assert (json.loads(mended.stdout)["encoded"], json.loads(mended.stdout)["left_out"]) == (1, [])
    precompute("plain")
    assert files(tmp_path / "shared") == files(tmp_path / "plain")


def test_an_empty_caption_that_no_worker_lives_to_encode_ends_the_command(precompute):
    ended, _ = precompute("shared", "--workers", "2", kills=("the empty caption",))
    assert ended.exit_code == 1
    assert f"the empty caption could not be encoded: {LOST}" in ended.output


def test_an_engine_that_there_is_not_is_refused(precompute):
    refused, _ = precompute("shared", "--engine", "threads")
    assert refused.exit_code == 2
    assert "engine 'threads' is neither 'processes' nor 'ray'" in refused.output


@pytest.mark.parametrize(
    ("cards", "wanted", "found"),
    [("", 0, None), ("", 1, None), ("", 3, 3), ("0", 0, None), ("0,1", 0, 2), ("0,1,2", 2, 2), ("0,1", 9, 2)],
)
def test_there_is_a_worker_for_each_gpu_and_never_two_on_one(monkeypatch, places, cards, wanted, found):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", cards)
    made = []
    monkeypatch.setattr(
        workers, "engine_of", lambda name, count, places, **_: made.append((count, len(places))) or mock.MagicMock()
    )
    config = tiny_pipeline.config(places / "cogvideox", places / "data")
    by = workers.elsewhere(config, "", wanted)
    if found is None:
        assert by is None
        return
    list(by.encoded([mock.sentinel.job] * 5))
    assert made == [(found, len(cards.split(",")) if cards else 0)]
