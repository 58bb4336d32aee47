"""`intergeneval run` and `score` as typed: what stands on stdout and stderr, and the exit codes of the contract."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from intergeneval import errors
from intergeneval.cli import VERBS, main
from tests import tiny_world


def run(tiny, tmp_path, *more):
    bench, model = tiny
    words = [
        "run",
        "--model",
        str(model),
        "--bench",
        str(bench),
        "--tracker",
        "stored",
        "--workers",
        "1",
        "--out",
        str(tmp_path / "run"),
    ]
    return CliRunner().invoke(main, [*words, *more])


def test_exit_0_with_a_table_on_stdout_and_progress_on_stderr(tiny, tmp_path):
    result = run(tiny, tmp_path)
    assert result.exit_code == errors.EXIT_OK
    assert "run folder: " + str(tmp_path / "run") in result.stdout
    assert "<= " in result.stdout
    assert "scoring: 3/3" in result.stderr
    assert "scoring" not in result.stdout


def test_score_prints_the_json_of_the_contract_unrounded_and_writes_nothing(tiny, tmp_path):
    run(tiny, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    result = CliRunner().invoke(main, ["score", str(tmp_path / "run"), "--profile", "paper", "--json"])
    found = json.loads(result.stdout)
    assert set(found) == {"profile", "model", "comparability", "samples", "controls", "undone"}
    assert found["profile"] == "paper"
    names = {"sample_id", "seed", "kisa_raw", "sgi_raw", "spi", "kisa", "sgi", "if", "status", "answered", "partial"}
    assert names <= set(found["samples"][0])
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")} == before


def test_score_gives_the_same_numbers_as_the_run(tiny, tmp_path):
    ran = json.loads(run(tiny, tmp_path, "--json").stdout)
    scored = json.loads(CliRunner().invoke(main, ["score", str(tmp_path / "run"), "--json"]).stdout)
    assert ran == scored


def test_exit_2_for_a_wrong_option_with_the_way_out(tiny, tmp_path):
    result = run(tiny, tmp_path, "--judge", "none-such")
    assert result.exit_code == errors.EXIT_USAGE
    assert "geometry" in result.stderr
    assert run(tiny, tmp_path, "--no-such-flag").exit_code == errors.EXIT_USAGE


def test_an_empty_list_of_samples_never_means_all(tiny, tmp_path):
    result = run(tiny, tmp_path, "--samples", ",")
    assert result.exit_code == errors.EXIT_USAGE
    assert "names nothing" in result.stderr


def test_score_of_a_stopped_run_lists_what_was_not_reached(tiny, tmp_path):
    run(tiny, tmp_path)
    path = tmp_path / "run" / "videos.jsonl"
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    shown = CliRunner().invoke(main, ["score", str(tmp_path / "run")]).stdout
    assert "1 of 3 ok" in shown
    assert "2 unanswered" in shown


def test_exit_3_when_a_video_is_missing_and_the_table_says_which(tiny, tmp_path):
    (tiny[1] / "a.mp4").unlink()
    result = run(tiny, tmp_path)
    assert result.exit_code == errors.EXIT_INCOMPLETE
    assert "a (seed 0): missing" in result.stdout
    assert "INCOMPLETE: 1 of 3" in result.stdout


def test_an_allowed_share_of_missing_videos_is_no_failure(tiny, tmp_path):
    (tiny[1] / "a.mp4").unlink()
    (tmp_path / "c.toml").write_text("allowed_unscored = 0.5\n")
    assert run(tiny, tmp_path, "--config", str(tmp_path / "c.toml")).exit_code == errors.EXIT_OK


def test_exit_1_when_the_disk_refuses(tiny, tmp_path):
    (tmp_path / "run").write_text("a file where the folder should be")
    result = run(tiny, tmp_path)
    assert result.exit_code == errors.EXIT_CRASH
    assert "cannot be written" in result.stderr


def test_exit_130_when_interrupted_and_the_same_command_goes_on(tmp_path):
    ids = tuple(f"s{number}" for number in range(150))
    tiny = tiny_world.write_benchmark(tmp_path / "bench", ids), tiny_world.write_videos(tmp_path / "model", ids[:1])
    for sample_id in ids[1:]:
        shutil.copy(tiny[1] / "s0.mp4", tiny[1] / f"{sample_id}.mp4")
        text = (tiny[1] / "s0.tracks.json").read_text().replace('"s0"', f'"{sample_id}"')
        (tiny[1] / f"{sample_id}.tracks.json").write_text(text)
    command = [
        sys.executable,
        "-c",
        # What is started in the background inherits a deaf ear for interrupts; these tests may be.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from intergeneval.cli import main; main()",
        "run",
        "--model",
        str(tiny[1]),
        "--bench",
        str(tiny[0]),
    ]
    process = subprocess.Popen(
        [*command, "--tracker", "stored", "--workers", "1", "--out", str(tmp_path / "run")], stderr=subprocess.PIPE, text=True
    )
    answers = tmp_path / "run" / "answers.jsonl"
    until = time.monotonic() + 60
    while not answers.exists() and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == errors.EXIT_INTERRUPTED
    assert "run the same command again" in said
    assert "Traceback" not in said
    assert run(tiny, tmp_path).exit_code == errors.EXIT_OK


def test_settings_come_from_the_environment_too(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("INTERGENEVAL_RUN_LIMIT", "1")
    assert "1 of 1 ok" in run(tiny, tmp_path).stdout


def test_doctor_names_every_backend_and_whether_it_works():
    found = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).stdout)
    assert {"flow", "stored", "geometry", "folder"} <= {item["name"] for item in found if item["ok"]}
    assert {"h264", "libx264"} <= {item["name"] for item in found if item["kind"] == "codec" and item["ok"]}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_with_at_most_eight_flags_in_its_main_list(verb):
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    main_list = result.stdout.partition("Options:")[2].partition("More options:")[0]
    flags = [line for line in main_list.splitlines() if line.lstrip().startswith("-") and "--help" not in line]
    assert len(flags) <= 8, flags


def test_a_run_begins_by_saying_of_which_samples_the_model_has_masks_of_its_own(tiny, tmp_path):
    shutil.copytree(tiny[0] / "masks/b", tiny[0] / "masks/model/b")
    result = run(tiny, tmp_path, "--tracker", "flow", "--json")
    assert result.exit_code == errors.EXIT_OK
    assert "model has first-frame masks of its own for 1 of 3 samples (b)" in result.stderr
    assert json.loads(result.stdout)["own_masks"] == ["b"]
    scored = CliRunner().invoke(main, ["score", str(tmp_path / "run")]).stdout
    assert scored.startswith("model, profile bounded, first-frame masks of its own for 1 of 3 samples (b)\n")
