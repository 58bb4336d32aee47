"""A judge held against labels of a user's own videos, alone and beside another."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import masks
from intergeneval.cli import main
from intergeneval.errors import RecordError, UsageError
from intergeneval.exam.labels import read_labels
from intergeneval.records import TrackState
from tests import tiny_world

EXAM = ("--scenes", "2", "--size", "120x180", "--policies", "no-action", "--workers", "1", "--seed", "7", "--recheck", "0")


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "videos" / "mine")
    q = {str(number): "yes" for number in range(1, 10)} | {"10": "open"}
    write(
        tmp_path / "labels.jsonl",
        {"sample_id": "a", "model": "mine", "interaction": 0, "q": q, "overall": 4},
        {"sample_id": "b", "model": "mine", "q": {"3": "no"}},
    )
    return tmp_path


def validate(world, judge, *more):
    arguments = ["validate", "--judge", judge, *EXAM, "--labels", world / "labels.jsonl", "--videos", world / "videos"]
    arguments += ["--bench", world / "bench", "--video-tracker", "stored", "--out", world / "exam", *more]
    return CliRunner().invoke(main, [str(item) for item in arguments])


def test_the_card_says_how_a_judge_stands_to_the_labels(world):
    result = validate(world, "geometry", "--json")
    assert result.exit_code == 0, result.output
    labels = json.loads(result.stdout)["labels"]
    assert (labels["labels"], labels["not_asked"], labels["answered"]["value"]) == (10, 0, 1.0)
    assert labels["accuracy"]["value"] == pytest.approx(0.9)
    assert labels["wrong"] == [{"model": "mine", "sample": "b", "seed": 0, "interaction": 0, "question": 3, "label": "no"}]
    assert labels["questions"]["3"]["accuracy"]["value"] == 0.5
    assert "Against 10 labels of labels.jsonl" in validate(world, "geometry").stdout


def test_what_a_lost_track_leaves_unanswered_is_told_and_does_not_ask_for_another_call(world):
    tracks, count = tiny_world.true_tracks("a"), tiny_world.FRAMES
    first = tiny_world.mask_of(tiny_world.boxes_at(0)["id2"])
    states = [TrackState.VISIBLE] + [TrackState.LOST] * (count - 1)
    gone = masks.track_of("id2", [first] + [np.zeros_like(first)] * (count - 1), states, [1.0] * count)
    tracks = replace(tracks, tracks=(tracks.tracks[0], gone))
    (world / "videos" / "mine" / "a.tracks.json").write_text(json.dumps(tracks.to_json()))
    result = validate(world, "geometry")
    assert result.exit_code == 0, result.output
    assert "INCOMPLETE" not in result.stdout
    card = json.loads((world / "exam" / "card.json").read_text())
    assert card["labels"]["complete"]
    assert card["labels"]["answered"]["value"] < 1.0


def test_several_judges_stand_on_one_page_with_their_agreement_on_both_kinds_of_video(world, fake_judges):
    result = validate(world, "geometry,constant")
    assert result.exit_code == 0, result.output
    found = json.loads((world / "exam" / "cards.json").read_text())
    page = (world / "exam" / "cards.html").read_text()
    assert [card["judge"] for card in found["cards"]] == ["geometry", "constant"]
    assert [row["judge"] for row in found["between_labelled"]["judges"]] == ["geometry", "constant"]
    assert found["cards"][1]["detail"]["controls"]["yes_where_no"]["value"] == 1.0
    for place in ("geometry/card.html", "constant/card.html"):
        assert f'href="{place}"' in page
        assert (world / "exam" / place).is_file()
    for said in ("Accuracy against labels", "Videos with labels: how the judges agree", "flatters", "never the default"):
        assert said in page
    assert "<script>alert(1)" not in page
    assert (world / "exam" / "geometry" / "card.json").is_file()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"sample_id": "a", "q": {"3": "maybe"}}, "its label yes, no or open"),
        ({"sample_id": "a", "q": {"11": "yes"}}, "a question is 1 to 10"),
        ({"sample_id": "a", "q": {"3": ["yes"]}}, "its label yes, no or open"),
        ({"q": {"3": "yes"}}, "sample_id is None"),
        ({"sample_id": "a", "interaction": -1, "q": {"3": "yes"}}, "interaction is -1"),
        ({"sample_id": "a", "templates": 9, "q": {"3": "yes"}}, "templates is 9"),
        (["a"], "a label is an object"),
    ],
)
def test_a_line_that_says_nothing_is_named(tmp_path, row, said):
    with pytest.raises(RecordError, match=said) as caught:
        read_labels(write(tmp_path / "labels.jsonl", {"sample_id": "a", "q": {"1": "yes"}}, row))
    assert "labels.jsonl:2" in str(caught.value)


def test_labels_that_contradict_or_say_nothing_or_mix_wordings_are_refused(tmp_path):
    path = tmp_path / "labels.jsonl"
    with pytest.raises(RecordError, match="labelled twice"):
        read_labels(write(path, {"sample_id": "a", "q": {"1": "yes"}}, {"sample_id": "a", "q": {"1": "no"}}))
    with pytest.raises(UsageError, match="no question is labelled"):
        read_labels(write(path, {"sample_id": "a", "q": {"1": "open"}}))
    with pytest.raises(UsageError, match="one version"):
        read_labels(write(path, {"sample_id": "a", "q": {"1": "yes"}, "templates": 2}, {"sample_id": "b", "q": {"1": "no"}}))


def test_the_version_that_was_labelled_is_asked(world):
    write(world / "labels.jsonl", {"sample_id": "a", "model": "mine", "q": {"3": "yes"}, "templates": 2})
    result = validate(world, "geometry", "--json")
    assert json.loads(result.stdout)["labels"]["templates"] == 2
    asked = (world / "exam" / "labelled" / "mine" / "questions.jsonl").read_text()
    assert "/v2" in asked
    assert "/v3" not in asked


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"sample_id": "a", "model": "other", "q": {"3": "yes"}}, "speak of model 'other'"),
        ({"sample_id": "a", "model": "mine", "interaction": 4, "q": {"3": "yes"}}, "speaks of interaction 4"),
        ({"sample_id": "zz", "model": "mine", "q": {"3": "yes"}}, "zz"),
    ],
)
def test_labels_of_what_is_not_there_are_exit_2(world, row, said):
    write(world / "labels.jsonl", row)
    result = validate(world, "geometry")
    assert result.exit_code == 2
    assert said in result.stderr


def test_videos_without_labels_are_exit_2(world):
    result = CliRunner().invoke(main, ["validate", "--videos", str(world / "videos"), "--out", str(world / "e")])
    assert result.exit_code == 2
    assert "--labels" in result.stderr
