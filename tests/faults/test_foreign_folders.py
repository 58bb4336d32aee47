"""A run folder, or a file beside it, from somebody else: it ends in one message, writes nowhere else, and never hangs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from tests.report.report_world import World, build

HUGE = "9" * 4000


@pytest.fixture
def run(tmp_path):
    return build(tmp_path, World(models=("atlas",), samples=2))[0]


def change(path, **fields):
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps({**line, **fields}) + "\n" for line in lines), encoding="utf-8")


def told(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done


@pytest.mark.parametrize("name", ["../../escaped", "/tmp/escaped-by-a-run", "..", "a/b", ".hidden"])
@pytest.mark.parametrize("where", ["model", "tag", "sample", "instance"])
def test_an_export_writes_nothing_outside_of_its_folder_whatever_a_run_calls_things(run, tmp_path, name, where):
    change(run / "run.json", comparability={**json.loads((run / "run.json").read_text())["comparability"], "profile": "paper"})
    if where == "model":
        change(run / "run.json", model=name)
    elif where == "tag":
        change(run / "samples.jsonl", tags=[f"type:{name}"])
    elif where == "sample":
        for stage in ("samples", "videos", "scores"):
            change(run / f"{stage}.jsonl", **{"id" if stage == "samples" else "sample_id": name})
    else:
        (line, *_) = [json.loads(line) for line in (run / "tracks.jsonl").read_text(encoding="utf-8").splitlines()]
        line["tracks"][0]["instance_id"] = name
        (run / "tracks.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    before = set(tmp_path.rglob("*"))
    done = told("export", run, "--layout", "official", "--out", tmp_path / "deep" / "er" / "out")
    assert done.exit_code == 2
    assert "cannot be part of a file name" in done.output or "starts with a dot" in done.output
    assert set(tmp_path.rglob("*")) == before
    assert not Path("/tmp/escaped-by-a-run").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("score", "RUN"),
        ("report", "RUN", "-o", "OUT"),
        ("export", "RUN", "--layout", "official", "--out", "OUT"),
        ("gate", "RUN", "--baseline", "RUN"),
        ("run", "--model", "staged:perfect", "--bench", "staged", "--judge", "replay:RUN"),
    ],
)
def test_a_pipe_as_header_of_a_run_is_refused_at_once(run, tmp_path, words):
    (run / "run.json").unlink()
    os.mkfifo(run / "run.json")
    command = [{"RUN": str(run), "OUT": str(tmp_path / "out")}.get(word, word.replace("RUN", str(run))) for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.command", *command], check=False, capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "pipe" in done.stderr or "readable run.json" in done.stderr or "no run folder" in done.stderr


def test_a_pipe_as_lock_stops_no_writer(run):
    from intergeneval.errors import StoreError
    from intergeneval.store import RunStore

    os.mkfifo(run / ".lock")
    with pytest.raises(StoreError, match="cannot be written"), RunStore.open(run).writer():
        pass


@pytest.mark.parametrize("value", [HUGE, "1" + "0" * 5000, "[" * 5000 + "]" * 5000, "NaN", "1e999", '"\\ud800"'])
@pytest.mark.parametrize("stage", ["run", "samples", "videos", "answers", "scores", "tracks", "questions", "consistency"])
def test_values_beyond_every_type_in_any_stage_are_one_message(run, tmp_path, stage, value):
    path = run / ("run.json" if stage == "run" else f"{stage}.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    spot = next(name for name in ("usage", "config", "evidence", "hashes", "seed", "interaction") if name in lines[0])
    put = [{**line, spot: {"tokens": "@"} if isinstance(line[spot], dict) else "@"} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in put).replace('"@"', value), encoding="utf-8")
    for words in (["score", run], ["report", run, "-o", tmp_path / "out"], ["gate", run, "--baseline", run]):
        done = told(*words)
        assert done.exit_code in (0, 2), done.output[-300:]
        assert len(done.output) < 20_000


@pytest.mark.parametrize(
    "text", [HUGE, "[" * 5000, '{"rows": ' + "[" * 3000 + "}", '{"a": ' + HUGE + "}", "\x00", "NaN", "é".encode("latin-1")]
)
@pytest.mark.parametrize("option", ["--published", "--columns", "--card", "--baseline"])
def test_files_beside_a_run_that_nothing_can_read_are_one_message(run, tmp_path, option, text):
    path = tmp_path / "given.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if option == "--baseline":
        done = told("gate", run, "--baseline", path)
    else:
        done = told("report", run, "-o", tmp_path / "out", option, f"atlas={path}" if option == "--columns" else path)
    assert done.exit_code == 2
    assert done.output.startswith("error: ")


@pytest.mark.parametrize("number", [HUGE, "-" + HUGE, "1e400", "1" + "0" * 350])
def test_numbers_no_float_holds_in_cards_columns_and_published_rows_are_no_traceback(run, tmp_path, number):
    card, vbench, published = tmp_path / "card.json", tmp_path / "v.json", tmp_path / "p.json"
    card.write_text('{"accuracy": ' + number + ', "faults": {"a": ' + number + "}}")
    vbench.write_text('{"motion": [' + number + ", []]}")
    published.write_text('{"rows": [{"model": "m", "prompts": ' + number + "}]}")
    told("report", run, "-o", tmp_path / "out", "--card", card)
    assert told("report", run, "-o", tmp_path / "out", "--columns", f"atlas={vbench}").exit_code == 2
    assert told("report", run, "-o", tmp_path / "out", "--published", published).exit_code == 2


def test_a_name_cannot_act_on_the_terminal(run):
    change(run / "run.json", model="atlas\x1b]0;owned\x07\u202e\x9b2J")
    done = told("score", run)
    assert not set(done.output) & set("\x1b\x07\u202e\x9b")
    assert "\\u001b]0;owned" in done.output
    assert json.loads(told("score", run, "--json").output)["model"] == "atlas\x1b]0;owned\x07\u202e\x9b2J"
