import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from intergeneval.cli import main

FIXTURE = Path(__file__).parent.parent / "fixtures" / "official"


def call(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def runs(tmp_path):
    result = call("import", FIXTURE, "--layout", "official", "--out", tmp_path / "runs", "--json")
    assert result.exit_code == 0, result.output
    return {row["model"]: row for row in json.loads(result.stdout)["runs"]}


def test_import_then_score_gives_the_release_s_numbers(runs):
    expected = json.loads((FIXTURE / "expected.json").read_text())
    assert set(runs) == set(expected)
    for model, row in runs.items():
        assert (row["samples"], row["unscored"]) == (len(expected[model]), [])
        result = call("score", row["run"], "--profile", "paper", "--json")
        assert result.exit_code == 0
        found = json.loads(result.stdout)
        assert (found["profile"], found["model"]) == ("paper", model)
        for sample in found["samples"]:
            wanted = expected[model][sample["sample_id"]]
            assert sample["spi"] == pytest.approx(wanted["SPI"], abs=1e-9)
            assert round(sample["kisa_raw"], 3) == wanted["KISA_raw_rounded3"]
            assert round(sample["sgi_raw"], 3) == wanted["SGI_raw_rounded3"]


def test_an_imported_run_scores_under_the_other_profile_too(runs):
    found = json.loads(call("score", runs["model_a"]["run"], "--profile", "bounded", "--json").stdout)
    assert all(0 <= sample["spi"] <= 1 for sample in found["samples"])


def test_export_writes_both_result_files_back_in_the_same_layout(runs, tmp_path):
    for row in runs.values():
        result = call("export", row["run"], "--layout", "official", "--out", tmp_path / "out")
        assert result.exit_code == 0, result.output
    names = sorted(path.relative_to(FIXTURE) for path in FIXTURE.glob("SCORE_RESULTS/**/*.json"))
    assert sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").glob("SCORE_RESULTS/**/*.json")) == names
    for name in names:
        before, after = (json.loads((root / name).read_text()) for root in (FIXTURE, tmp_path / "out"))
        key = "items" if "question" in name.name else "entity"
        assert [entry[key] for entry in after] == [entry[key] for entry in before]


@pytest.mark.parametrize(
    "words",
    [
        ("import", ".", "--layout", "official", "--out", "out"),
        ("import", "nowhere", "--layout", "official", "--out", "out"),
        ("import", ".", "--layout", "other", "--out", "out"),
        ("import", str(FIXTURE), "--layout", "official", "--out", "out", "--tracks", "nowhere"),
        ("export", ".", "--layout", "official", "--out", "out"),
    ],
)
def test_a_wrong_command_is_a_message_and_exit_code_2(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    result = call(*words)
    assert result.exit_code == 2
    assert "rror: " in result.stderr
    assert list(tmp_path.iterdir()) == []
