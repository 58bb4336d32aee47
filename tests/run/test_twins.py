"""Twins on the whole way: asked of both interactions, shown apart, counted by contrast and by no score."""

import json

import pytest
from click.testing import CliRunner

import intergeneval
from intergeneval.cli import main
from intergeneval.records import TWIN_IDS, Answer, Sample
from intergeneval.stats import contrast
from intergeneval.store import RunStore


@pytest.fixture
def run(tiny, tmp_path):
    """A run over three samples of which the first two are twins, all scored by their tracks."""
    path = tiny[0] / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["interactions"][0] |= {"twin_of": "b"}
    rows[1]["interactions"][0] |= {"subject": "id2", "object": "id1", "twin_of": "a"}
    rows[2]["interactions"][0] |= {"touching_at_start": "yes", "destination": "the far wall", "relation": "at", "part": "hand"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return intergeneval.evaluate(tiny[1], bench=tiny[0], tracker="stored", out=str(tmp_path / "run"), workers=1, controls=False)


def test_each_video_of_a_pair_is_asked_about_both_interactions(run):
    answers = run.answers
    own, twin = answers[answers["interaction"] == 0], answers[answers["interaction"] == 1]
    assert {name: len(group) for name, group in own.groupby("sample_id")} == {"a": 10, "b": 10, "c": 8}
    assert set(twin["sample_id"]) == {"a", "b"}
    assert all(tuple(group["question_id"]) == TWIN_IDS for _, group in twin.groupby("sample_id"))
    assert list(run.scores["answered"])[:2] == ["10/10", "10/10"]


def test_the_table_of_answers_tells_them_apart(run):
    answers = run.answers
    assert {name: len(group) for name, group in answers[answers["twin"] == ""].groupby("sample_id")} == {"a": 10, "b": 10, "c": 8}
    assert set(answers[answers["twin"] == "b"]["sample_id"]) == {"a"}


def test_a_run_knows_its_contrast_and_takes_no_answer_about_an_older_video(run, tiny):
    assert run.contrast().contrast == 0.0
    (tiny[1] / "b.mp4").write_bytes(b"no video")
    again = intergeneval.evaluate(tiny[1], bench=tiny[0], tracker="stored", out=str(run.folder), workers=1)
    found = again.contrast()
    # A file that is no video is a missing one: its pair is wrong, and not left out.
    assert (found.contrast, found.pairs) == (0.0, ())
    (why,) = found.unjudged.values()
    assert "b.mp4: cannot be read as a video" in why


def test_a_world_in_which_the_first_pushes_the_second_shows_its_own_in_one_video_and_the_twin_s_in_the_other(run):
    store = RunStore.open(run.folder)
    found = contrast(store.read("samples", Sample), store.read("answers", Answer))
    (pair,) = found.pairs
    # Both videos show the same deed: right for a, wrong for b, so that the pair is not right and nothing moves.
    assert pair.first_own > pair.first_other
    assert pair.second_own < pair.second_other
    assert (found.contrast, found.sensitivity) == (0.0, pytest.approx(0.0))
    assert found.unjudged == {}


def test_the_pages_show_fields_and_keep_the_twin_s_questions_apart(run, tmp_path):
    done = CliRunner().invoke(main, ["report", str(run.folder), "-o", str(tmp_path / "report")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report/samples/a.html").read_text()
    assert "twin of sample b" in page
    assert "Roles exchanged, as the twin <bdi>b</bdi> asks" in page
    fields = (tmp_path / "report/samples/c.html").read_text()
    for words in ("ends at: the far wall", "part of the body: hand", "touching at the start: yes"):
        assert words in fields
    assert "left out by the profile: questions 1 and 2" in fields
    assert "Not counted: questions 1 and 2 (profile bounded: the first frame decides them)" in fields
    assert "Not counted" not in page
    assert "Roles exchanged" not in fields


def test_every_field_of_an_interaction_is_a_column(run):
    table = run.interactions
    assert list(table["sample_id"]) == ["a", "b", "c"]
    assert list(table["twin_of"].dropna()) == ["b", "a"]
    assert list(table["touching_at_start"]) == ["unknown", "unknown", "yes"]
    assert list(table["alternatives"]) == [()] * 3
    assert list(table.columns[:5]) == ["sample_id", "interaction", "subject", "verb", "object"]
    assert str(table["after"].dtype) == "Int64"


def test_a_run_that_left_questions_out_is_not_exported_as_one_that_asked_ten(run, tmp_path):
    done = CliRunner().invoke(main, ["export", str(run.folder), "--layout", "official", "--out", str(tmp_path / "official")])
    assert done.exit_code == 2
    assert "sample 'c', interaction 0: profile bounded left out questions 1 and 2" in done.output
    assert "--profile paper" in done.output
    assert not (tmp_path / "official").exists()


def test_a_run_under_paper_is_exported_without_the_twin_s_questions(tiny, run, tmp_path):
    paper = intergeneval.evaluate(
        tiny[1], bench=tiny[0], tracker="stored", out=str(tmp_path / "paper"), workers=1, profile="paper"
    )
    done = CliRunner().invoke(main, ["export", str(paper.folder), "--layout", "official", "--out", str(tmp_path / "official")])
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "official/SCORE_RESULTS").rglob("question_verification.json")
    entries = json.loads(path.read_text())
    assert [len(entry["items"]) for entry in entries] == [1, 1, 1]
    assert all(len(item["question_verification_results"]) == 10 for entry in entries for item in entry["items"])


def test_a_replayed_run_of_a_judge_that_declines_is_scored_as_the_run_was(run, tiny, tmp_path):
    again = intergeneval.evaluate(
        tiny[1], bench=tiny[0], tracker="stored", judge=f"replay:{run.folder}", out=str(tmp_path / "again"), workers=1
    )
    assert "unanswerable" in set(run.answers["status"])
    assert again.scores.equals(run.scores)


def test_a_run_of_before_is_not_replayed_for_the_new_questions_and_the_reason_names_the_way_out(tiny, tmp_path):
    settings = {"bench": tiny[0], "tracker": "stored", "workers": 1}
    older = intergeneval.evaluate(tiny[1], out=str(tmp_path / "older"), templates=1, **settings)
    judge = f"replay:{older.folder}"
    newer = intergeneval.evaluate(tiny[1], judge=judge, out=str(tmp_path / "newer"), **settings)
    assert newer.answers["reason"].str.contains("set templates = 1 in --config").any()
    same = intergeneval.evaluate(tiny[1], judge=judge, out=str(tmp_path / "same"), templates=1, **settings)
    assert same.scores.equals(older.scores)
