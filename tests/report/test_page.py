import json
from dataclasses import replace

import pytest

from intergeneval.records import Profile, Video
from intergeneval.report import ReportOptions, write_report
from intergeneval.report.page import make_report
from tests.report.report_world import World, build, write_lines


def test_the_leaderboards_axis_ends_where_the_scale_does(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=3, tracks=False))
    report = make_report(folders, ReportOptions(), single=False, command="")
    [row] = report.groups[0].rows
    assert 0 < row.main.low < row.main.high < 1, "not even three prompts leave an interval beyond the scale"
    assert report.axes["g1"].low >= 0
    assert report.axes["g1"].high <= 1


def test_differences_are_taken_to_the_model_that_was_asked_for_and_turn_their_sign(tmp_path):
    folders = build(tmp_path, World(samples=8, tracks=False))
    plain = make_report(folders, ReportOptions(), single=False, command="")
    turned = make_report(folders, ReportOptions(reference="cirrus"), single=False, command="")
    assert plain.references == {"g1": 0}
    assert plain.deltas["g1"][0] == ("reference", "")
    assert turned.references == {"g1": 2}
    assert turned.deltas["g1"][2] == ("reference", "")
    assert turned.deltas["g1"][0][0] == plain.deltas["g1"][2][0].replace("−", "+")
    pair = next(item for item in plain.groups[0].pairs if {item.first, item.second} == {0, 2})
    means = [row.main.mean for row in plain.groups[0].rows]
    assert pair.main.difference == pytest.approx(means[0] - means[2])


def test_thin_slices_are_known_as_such(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=60, tracks=False))
    report = make_report(folders, ReportOptions(), single=False, command="")
    slices = {(item.dimension, item.label): item for item in report.groups[0].slices}
    assert slices["category", "contact"].thin
    assert slices["category", "contact"].estimates[0].low is None
    assert not slices["direction", "unidirectional"].thin
    assert report.groups[0].comparability.profile is Profile.BOUNDED
    assert replace(slices["category", "contact"], estimates=(None,)).thin


def test_a_sample_page_knows_the_times_of_a_video_whose_rate_varies_and_of_no_other(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    lines = [Video.from_json(json.loads(line)) for line in (folders[0] / "videos.jsonl").read_text().splitlines()]
    held = tuple(frame / 8 + (2.0 if frame > 4 else 0.0) for frame in range(lines[0].frames))
    write_lines(folders[0] / "videos.jsonl", [replace(lines[0], times=held), *lines[1:]])
    write_report(folders, tmp_path / "report", ReportOptions())
    pages = [(tmp_path / "report" / "samples" / f"{video.sample_id}.html").read_text() for video in lines[:2]]
    assert ['"times":' in page for page in pages] == [True, False]


def test_the_page_of_a_sample_without_questions_is_written_with_its_arithmetic(tmp_path):
    """A run that never asked, or whose lines of questions are lost, ended in "'level' is undefined"."""
    folders = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    for name in ("questions.jsonl", "answers.jsonl"):
        (folders[0] / name).write_text("")
    write_report(folders, tmp_path / "report", ReportOptions())
    [page, _] = sorted((tmp_path / "report" / "samples").glob("*.html"))
    assert "Questions and answers</h" not in page.read_text()
    assert '-a">The arithmetic</h2>' in page.read_text()
