"""What pages and the command say of a model of which some videos have no score."""

import csv
import io
from dataclasses import replace

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.records import Score, ScoreStatus
from intergeneval.report import write_report
from intergeneval.store import RunStore
from tests.report.report_world import World, build


def lose(folder, count):
    """Take their scores from the first so many videos of a run."""
    store = RunStore.open(folder)
    none = dict.fromkeys(("if_", "kisa", "sgi", "kisa_raw", "sgi_raw", "spi"))
    wide = dict.fromkeys(("if_bounds", "kisa_bounds", "sgi_bounds", "spi_bounds"), (0.0, 1.0))
    lost = {"status": ScoreStatus.UNTRACKED, "reason": "lost", "open": (("video", 1.0),), **none, **wide}
    scores = store.read("scores", Score)
    store.write_scores([replace(score, **lost) if place < count else score for place, score in enumerate(scores)])


@pytest.fixture
def folders(tmp_path):
    made = build(tmp_path, World(models=("atlas", "borealis"), samples=40, tracks=False))
    lose(made[1], 16)
    return made


def test_a_mean_over_what_is_left_is_marked_and_its_bounds_stand_beside_it(folders, tmp_path):
    report = write_report(folders, tmp_path / "report").report
    row = next(row for row in report.groups[0].rows if row.label == "borealis")
    text = (tmp_path / "report" / "index.html").read_text()
    assert f"{row.main.mean:.3f}*</data>" in text
    assert f"bounds {row.main.bounds[0]:.3f} to {row.main.bounds[1]:.3f}" in text
    assert "* Mean over the videos with a score alone: it orders nothing." in text
    whole = next(row for row in report.groups[0].rows if row.label == "atlas")
    assert f"{whole.main.mean:.3f}</data>" in text


def test_models_that_the_missing_answers_could_turn_round_share_a_group_that_says_so(folders, tmp_path):
    report = write_report(folders, tmp_path / "report").report
    assert {row.tie_group for row in report.groups[0].rows} == {1}
    text = (tmp_path / "report" / "index.html").read_text()
    assert "): which is better is not decided: 16 videos without an answer.</li>" in text
    assert "Not decided: 16 videos without an answer." in text
    said = CliRunner().invoke(main, ["report", *map(str, folders), "-o", str(tmp_path / "again")]).stdout
    assert "not decided: 16 videos without an answer" in said
    assert "*, bounds " in said


def test_what_is_told_apart_inside_a_group_is_said(tmp_path):
    made = build(tmp_path, World(models=("atlas", "borealis", "cirrus"), samples=40, tracks=False))
    lose(made[1], 16)
    write_report(made, tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text()
    names = "<bdi>atlas</bdi>, <bdi>borealis</bdi>, <bdi>cirrus</bdi>"
    assert f"Rank 1 ({names}): which is better is not decided: 16 videos without an answer; atlas stands above cirrus." in text
    said = CliRunner().invoke(main, ["compare", *map(str, made)]).stdout
    assert "1. atlas, borealis, cirrus  (not decided: 16 videos without an answer; atlas stands above cirrus)" in said


def test_a_model_of_which_nothing_was_judged_has_neither_mean_nor_rank(folders, tmp_path):
    lose(folders[1], 40)
    report = write_report(folders, tmp_path / "report").report
    (row,) = [row for row in report.groups[0].rows if row.label == "borealis"]
    assert (row.main.mean, row.tie_group) == (None, None)
    said = CliRunner().invoke(main, ["report", *map(str, folders), "-o", str(tmp_path / "again")]).stdout
    assert "-  borealis  no score" in said
    assert "0.000" not in said


def test_the_downloads_hold_the_bounds(folders, tmp_path):
    write_report(folders, tmp_path / "report")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "report" / "data" / "scores.csv").read_text())))
    lost = [row for row in rows if row["status"] == "untracked"]
    assert {(row["if"], row["if_low"], row["if_high"]) for row in lost} == {("", "0.0", "1.0")}
    board = list(csv.DictReader(io.StringIO((tmp_path / "report" / "data" / "leaderboard.csv").read_text())))
    assert {row["open"] for row in board if row["model"] == "borealis"} == {"16"}
    assert all(float(row["bounds_low"]) <= float(row["bounds_high"]) for row in board if row["bounds_low"])
