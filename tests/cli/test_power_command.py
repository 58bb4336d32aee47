import json

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from tests.cli.written_runs import noise, quality, write_run


def power(*arguments):
    return CliRunner().invoke(main, ["power", *map(str, arguments)])


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "a", quality(seeds=2), model="model-a")


def test_the_table_holds_the_assumed_spreads_and_that_of_the_seeds(run):
    found = json.loads(power(run, "--json").stdout)
    assert [row["spread"] for row in found["rows"]] == ["assumed 0.2", "assumed 0.3", "assumed 0.4", "this model made anew"]
    assert found["rows"][1]["detectable"]["60"] == pytest.approx(0.1085, abs=1e-4)
    assert found["rows"][3]["sd"] == pytest.approx(found["seeds"]["within"] / 2**0.5)
    assert list(found["rows"][0]["detectable"]) == ["30", "60", "120", "240", "500"]


def test_another_run_gives_a_measured_spread_by_cluster(tmp_path, run):
    base = quality(seeds=2)
    other = write_run(tmp_path / "b", base + noise(base, 0.1), model="model-b")
    found = json.loads(power(run, "--against", other, "--json").stdout)
    row = found["rows"][-1]
    assert row["spread"] == "measured against model-b"
    assert row["sd"] == pytest.approx(found["paired"]["se"] * 30**0.5)
    assert row["detectable"]["30"] == pytest.approx(found["paired"]["minimum_detectable"])


def test_a_difference_to_find_takes_so_many_clusters(run):
    found = json.loads(power(run, "--detect", "0.05", "--json").stdout)
    assert [row["clusters_needed"] for row in found["rows"][:3]] == [128, 285, 505]
    assert "clusters to find 0.05" in power(run, "--detect", "0.05").stdout


def test_stopping_when_decided_saves_more_the_larger_the_difference(run):
    found = json.loads(power(run, "--sequential", "--json").stdout)["sequential"]
    one = {row["difference"]: row["expected"] for row in found if row["spread"] == "assumed 0.3"}
    assert 0 <= one[0.15]["saved"] < 0.1 < one[0.3]["saved"] < 1
    assert one[0.15]["decided"] < 0.5 < one[0.3]["decided"]
    assert one[0.3]["clusters"] == pytest.approx(30 * (1 - one[0.3]["saved"]))
    said = power(run, "--sequential", "--detect", "0.4").stdout
    assert "judge calls saved" in said
    assert "of 30" in said
    assert "sequential" not in json.loads(power(run, "--json").stdout)


def test_the_text_gives_the_run_its_spread_and_the_table(run):
    result = power(run)
    assert result.exit_code == 0
    assert "60 prompts in 30 clusters" in result.stdout
    assert "between seeds of a prompt" in result.stdout
    assert "0.109" in result.stdout


@pytest.mark.parametrize("arguments", [("--power", "1"), ("--detect", "0"), ("--detect", "nan")])
def test_a_plan_for_nothing_is_refused(run, arguments):
    result = power(run, *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_runs_made_differently_measure_no_spread(tmp_path, run):
    other = write_run(tmp_path / "b", quality(seeds=2), model="model-b", tracker="stored")
    result = power(run, "--against", other)
    assert result.exit_code == 2
    assert "tracker: flow 1 / stored" in result.stderr
