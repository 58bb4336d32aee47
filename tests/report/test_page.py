from dataclasses import replace

import pytest

from intergeneval.records import Profile
from intergeneval.report import ReportOptions
from intergeneval.report.page import make_report
from tests.report.report_world import World, build


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
