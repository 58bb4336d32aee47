import json

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.records import Comparison, Estimate, SliceComparison, TieGroup
from tests.cli.written_runs import noise, quality, with_own_masks, write_run

NAN = float("nan")


def compare(*arguments):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture
def runs(tmp_path):
    base = quality()
    return (
        write_run(tmp_path / "a", base, model="model-a"),
        write_run(tmp_path / "b", base + noise(base, 0.05, 0.08), model="model-b"),
        write_run(tmp_path / "c", base + noise(base, 0.05, 0.0, seed=3), model="model-c"),
    )


def test_json_holds_records_that_read_back(runs):
    result = compare(*runs, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert [Estimate.from_json(item).prompts for item in found["runs"].values()] == [60, 60, 60]
    comparisons = [Comparison.from_json(item) for item in found["comparisons"]]
    assert [(item.baseline, item.candidate, item.metric) for item in comparisons[:2]] == [
        ("model-a", "model-b", "if"),
        ("model-a", "model-c", "if"),
    ]
    assert len(comparisons) == 12
    assert comparisons[0].difference == pytest.approx(0.08)
    assert comparisons[0].clusters == 30
    assert [TieGroup.from_json(item).members for item in found["tie_groups"]] in (
        [("model-b",), ("model-a", "model-c")],
        [("model-b",), ("model-c", "model-a")],
    )
    labels = {SliceComparison.from_json(item).label: item["thin"] for item in found["slices"]}
    assert labels == {"contact": False, "social": True, "unidirectional": False, "2": False}


def test_several_pairs_share_the_error_rate_of_the_primary_outcome(runs):
    found = json.loads(compare(*runs, "--json").stdout)["comparisons"]
    assert [item["family"] for item in found] == [2] * 2 + [10] * 10


def test_the_text_names_difference_interval_and_ties(runs):
    result = compare(*runs[:2], "--slices")
    assert result.exit_code == 0
    assert "+0.080" in result.stdout
    assert "  1. model-b\n  2. model-a" in result.stdout
    assert "thin, claims nothing" in result.stdout
    assert not result.stderr


def test_runs_made_differently_are_refused_and_the_fields_named(tmp_path, runs):
    other = write_run(tmp_path / "d", quality(), model="model-d", judge="gpt", sampling="paper")
    result = compare(runs[0], other)
    assert result.exit_code == 2
    assert "judge: geometry / gpt; sampling: equal-time / paper" in result.stderr
    assert "--across FIELD" in result.stderr
    assert compare(runs[0], other, "--across", "judge").exit_code == 2


def test_across_compares_all_the_same_and_prints_the_field(tmp_path, runs):
    other = write_run(tmp_path / "d", quality(), model="model-d", judge="gpt")
    result = compare(runs[0], other, "--across", "judge", "--json")
    assert result.exit_code == 0
    assert "compared across judge: geometry / gpt" in result.stderr
    assert json.loads(result.stdout)["across"] == {"judge": ["geometry", "gpt"]}


def test_upper_bounds_are_never_compared_with_full_scores(tmp_path, runs):
    other = write_run(tmp_path / "d", quality(), model="model-d", partial=("emergence",))
    assert "partial: [] / ['emergence']" in compare(runs[0], other).stderr
    result = compare(runs[0], other, "--across", "partial")
    assert result.exit_code == 2
    assert "never compared" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (lambda runs: (runs[0],), "at least two run folders"),
        (lambda runs: (runs[0], runs[0]), "each once"),
        (lambda runs: (runs[0], runs[0].parent / "nowhere"), "not a run folder"),
        (lambda runs: (*runs, "--across", "colour"), "--across colour: not one of bench,"),
    ],
)
def test_a_wrong_call_is_one_message_and_exit_code_two(runs, arguments, said):
    result = compare(*arguments(runs))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.startswith("error: ")


def test_a_run_without_scores_is_refused(tmp_path, runs):
    result = compare(runs[0], write_run(tmp_path / "empty", quality(), lines=0))
    assert result.exit_code == 2
    assert "has no scores yet" in result.stderr


def test_runs_of_one_model_are_told_apart_by_their_folders(tmp_path):
    first = write_run(tmp_path / "one", quality(), model="same")
    second = write_run(tmp_path / "two", quality(), model="same")
    found = json.loads(compare(first, second, "--json").stdout)
    assert list(found["runs"]) == [f"same ({first})", f"same ({second})"]


def test_runs_with_nothing_in_common_say_so(tmp_path):
    first = write_run(tmp_path / "one", [[0.5], [NAN]], model="a")
    second = write_run(tmp_path / "two", [[NAN], [0.5]], model="b")
    result = compare(first, second)
    assert result.exit_code == 0
    assert "b against a: no video is scored in both runs" in result.stdout


def test_videos_that_only_one_run_has_are_told(tmp_path):
    first = write_run(tmp_path / "one", quality(60, 2), model="a")
    second = write_run(tmp_path / "two", quality(60, 2)[:, :1], model="b")
    assert "b against a: videos left out, by sample and seed: 60 only in a" in compare(first, second).stdout


def test_runs_with_first_frame_masks_of_their_own_are_compared_and_named(tmp_path, runs):
    own = with_own_masks(runs[1], ("p001", "p002/3"))
    result = compare(runs[0], own)
    assert result.exit_code == 0
    assert "\nmodel-b has first-frame masks of its own for 2 of 60 samples (p001, p002/3)\n" in result.stdout
    assert "model-a has" not in result.stdout
    assert json.loads(compare(runs[0], own, "--json").stdout)["own_masks"] == {"model-b": ["p001", "p002/3"]}
    assert json.loads(compare(*runs, "--json").stdout)["own_masks"].keys() == {"model-b"}


def test_what_is_not_decided_names_both_runs_and_what_nothing_was_judged_of_is_named_beside_the_groups(tmp_path, runs):
    silent = write_run(tmp_path / "e", quality() * NAN, model="silent")
    shown = compare(runs[0], silent).stdout
    assert "silent against model-a: not decided: " in shown
    assert "  1. model-a\n  in no group, since nothing was judged: silent" in shown
    assert "*" not in shown
