"""`intergeneval validate` as it is typed."""

import json

import pytest
from click.testing import CliRunner

from intergeneval.cli import main

SMALL = ("--judge", "oracle", "--scenes", "2", "--size", "120x180", "--policies", "no-action", "--workers", "1")


def validate(*arguments):
    return CliRunner().invoke(main, ["validate", *map(str, arguments)])


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exam") / "held"
    return folder, validate(*SMALL, "--seed", 7, "--out", folder, "--json")


def test_json_holds_the_documented_fields_and_the_same_card_lies_in_the_folder(held):
    folder, result = held
    card = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {"accuracy", "kappa", "answerable", "spearman", "kendall", "faults", "intervals"} <= set(card)
    assert card["accuracy"] == 1.0
    assert card["faults"] == {"no-action": 1.0}
    assert set(card["intervals"]) == {"accuracy", "kappa", "answerable", "spearman", "kendall", "faults"}
    assert json.loads((folder / "card.json").read_text()) == card
    assert (folder / "card.html").is_file()


def test_without_json_the_figures_are_printed_with_what_cannot_be_said(held):
    folder, _ = held
    result = validate(*SMALL, "--seed", 7, "--out", folder)
    assert "Accuracy                  1.000" in result.stdout
    assert "not applicable: this judge does not read the words of a question" in result.stdout
    assert "no-action" in result.stdout


def test_the_report_reads_the_card_and_matches_it_to_runs_of_that_judge(held):
    from intergeneval.report.card import read_cards
    from intergeneval.store import RunStore

    folder, _ = held
    (card,) = read_cards([folder / "card.json"])
    assert card.fits(RunStore.open(folder / "runs" / "perfect").header)
    assert card.figure("accuracy") == 1.0
    assert card.interval("accuracy") is not None
    assert card.faults == (("no-action", 1.0),)


def test_another_exam_in_the_folder_is_exit_2_and_says_what_differs(held):
    folder, _ = held
    result = validate(*SMALL, "--seed", 8, "--out", folder)
    assert result.exit_code == 2
    assert "seed: 7 there, 8 here" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--policies", "perfct"), "no policy 'perfct'"),
        (("--size", "big"), "not of the form HxW"),
        (("--size", "8x8"), "too small"),
        (("--judge", "nobody"), "no judge is called 'nobody'"),
        (("--scenes", "1"), "--scenes"),
    ],
)
def test_a_wrong_setting_is_exit_2_with_the_way_out(tmp_path, arguments, said):
    result = validate("--scenes", 2, "--out", tmp_path / "exam", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_missing_answers_are_exit_3(tmp_path, fake_judges):
    result = validate(
        "--judge", "broken", "--scenes", 2, "--size", "120x180", "--policies", "perfect", "--out", tmp_path / "e", "--workers", 1
    )
    assert result.exit_code == 3
    assert "INCOMPLETE" in result.stdout


def test_shards_play_the_videos_and_a_plain_call_grades_them_as_one_call_would(held, tmp_path):
    _, whole = held
    for shard, count in (("2/2", 2), ("1/2", 2)):
        done = validate(*SMALL, "--seed", 7, "--out", tmp_path / "e", "--shard", shard)
        assert f"{count} videos done" in done.stdout, done.output
        assert not (tmp_path / "e" / "card.json").exists()
    result = validate(*SMALL, "--seed", 7, "--out", tmp_path / "e", "--json")
    mine, theirs = json.loads(result.stdout), json.loads(whole.stdout)
    assert mine.pop("made")["observed"] == 0
    theirs.pop("made")
    assert mine == theirs


def test_a_shard_of_several_judges_or_with_workers_is_refused(tmp_path):
    for more in (("--judge", "oracle,geometry"), ("--workers", "2"), ("--shard", "0/2"), ("--json",)):
        result = validate(*SMALL, "--out", tmp_path / "e", "--shard", "1/2", *more)
        assert result.exit_code == 2
        assert "--shard" in result.stderr
    assert not (tmp_path / "e").exists()
