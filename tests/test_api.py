"""The Python API over a small world on disk."""

import pandas as pd
import pytest
from click.testing import CliRunner

import intergeneval
from intergeneval.cli import main
from intergeneval.errors import ConfigError, UsageError


@pytest.fixture
def run(tiny, tmp_path):
    return intergeneval.evaluate(tiny[1], bench=tiny[0], tracker="stored", out=str(tmp_path / "run"), workers=1)


def test_evaluate_returns_scores_as_a_table_in_benchmark_order(run):
    assert run.complete
    assert list(run.scores["sample_id"]) == ["a", "b", "c"]
    assert run.scores["if"].notna().all()


def test_a_run_folder_reads_back_as_the_same_tables(run):
    again = intergeneval.load_run(run.folder)
    assert again.scores.equals(run.scores)
    assert (len(again.videos), len(again.consistency), len(again.samples)) == (3, 3, 3)


def test_answers_carry_the_question_beside_frame_and_reason(run):
    answers = run.answers
    # Ten questions and one control a sample.
    assert len(answers) == 33
    assert answers["text"].notna().all()
    assert set(answers["stage"]) == {"pre", "during", "post", "grounding"}


def test_tracks_have_one_row_for_each_instance_and_frame(run):
    tracks = run.tracks
    assert len(tracks) == 3 * 2 * 24
    assert set(tracks["state"]) == {"visible"}


def test_masks_that_are_doubted_stand_beside_the_scores_as_on_the_command_line(tiny, tmp_path):
    samples = tiny[0] / "samples.jsonl"
    samples.write_text(samples.read_text().replace('"class": "block"', '"class": "man"'))
    run = intergeneval.evaluate(tiny[1], bench=tiny[0], tracker="flow", out=str(tmp_path / "run"), workers=1, limit=2)
    assert list(zip(run.doubts["sample_id"], run.doubts["kind"], strict=True)) == [("a", "box"), ("b", "box")]
    command = ["run", "--model", str(tiny[1]), "--bench", str(tiny[0]), "--tracker", "flow", "--limit", "2", "--workers", "1"]
    CliRunner().invoke(main, [*command, "--out", str(tmp_path / "typed")])
    assert (run.folder / "doubts.jsonl").read_bytes() == (tmp_path / "typed" / "doubts.jsonl").read_bytes()


def test_another_profile_is_computed_anew(run):
    assert list(run.scores_under("paper")["sample_id"]) == ["a", "b", "c"]
    with pytest.raises(ConfigError, match="none of paper, bounded, informative"):
        run.scores_under("strict")


def test_a_setting_that_does_not_exist_is_named(tiny):
    with pytest.raises(ConfigError, match="trakcer"):
        intergeneval.evaluate(tiny[1], bench=tiny[0], trakcer="flow")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="not a run folder"):
        intergeneval.load_run(tmp_path)


@pytest.mark.parametrize("profile", ["paper", "bounded"])
def test_a_missing_video_scores_as_on_the_command_line_under_both_profiles(tiny, tmp_path, profile):
    (tiny[1] / "a.mp4").unlink()
    run = intergeneval.evaluate(tiny[1], bench=tiny[0], tracker="stored", out=tmp_path / "api", workers=1, profile=profile)
    words = [
        "run",
        "--model",
        str(tiny[1]),
        "--bench",
        str(tiny[0]),
        "--tracker",
        "stored",
        "--workers",
        "1",
        "--profile",
        profile,
    ]
    CliRunner().invoke(main, [*words, "--out", str(tmp_path / "cli")])
    assert (run.folder / "scores.jsonl").read_bytes() == (tmp_path / "cli" / "scores.jsonl").read_bytes()
    assert pd.isna(run.scores["if"][0]) == (profile == "paper")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"profile": "nope"}, "one of 'paper', 'bounded'"),
        ({"samples": "coffee"}, "samples: expected a list"),
        ({"limit": "x"}, "limit: expected a whole number"),
        ({"settings": {"flwo": {}}}, "flwo"),
        ({"sampling": "foo"}, "foo"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_written(tiny, tmp_path, settings, said):
    with pytest.raises(UsageError, match=said):
        intergeneval.evaluate(tiny[1], bench=tiny[0], out=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()
