"""A run that stops once it is decided, over a small world on disk."""

import dataclasses
import json

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.config import RunConfig, read_config
from intergeneval.errors import ComparabilityError, ConfigError, UsageError
from intergeneval.gate.baselines import baseline_text, read_run
from intergeneval.records import Outcome, ScoreStatus
from intergeneval.run.deciding import DECISION, Decision
from intergeneval.run.run import Run
from tests import tiny_world

IDS = tuple(f"s{number:02d}" for number in range(24))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A benchmark of 24 samples, its videos, and a finished run over them."""
    root = tmp_path_factory.mktemp("decided")
    bench, model = tiny_world.write_benchmark(root / "bench", IDS), tiny_world.write_videos(root / "model", IDS)
    config = RunConfig(model=str(model), bench=str(bench), tracker="stored", out=str(root / "whole"), workers=1)
    return config, Run(config).execute()


def baseline(tmp_path, run, value):
    """Store the run as a baseline whose every IF is `value`."""
    kept = read_run(run.store.folder)
    scores = [dataclasses.replace(score, if_=value, if_bounds=(value, value), video="") for score in kept.scores]
    path = tmp_path / "baseline.json"
    path.write_text(baseline_text(dataclasses.replace(kept, scores=tuple(scores))))
    return path


def test_a_run_stops_once_decided_and_says_what_that_saved(world, tmp_path):
    config, whole = world
    path = baseline(tmp_path, whole, 0.0)
    result = Run(dataclasses.replace(config, out=str(tmp_path / "run"), until_decided=str(path))).execute()
    decision = result.decision
    assert (decision.outcome, result.complete) == (Outcome.PASS, True)
    assert len(result.scores) == decision.clusters < 20
    assert decision.saved == pytest.approx(1 - decision.clusters / 24)
    assert Decision.from_line((tmp_path / "run" / DECISION).read_text()) == decision
    # What was not looked at is there as such, so that nobody takes the folder for a whole run.
    written = [json.loads(line) for line in (tmp_path / "run" / "scores.jsonl").read_text().splitlines()]
    assert sum(line["status"] == ScoreStatus.UNANSWERED for line in written) == 24 - decision.clusters


def test_the_same_samples_are_looked_at_again_and_a_plain_run_goes_on_with_the_rest(world, tmp_path):
    config, whole = world
    chosen = dataclasses.replace(config, out=str(tmp_path / "run"), until_decided=str(baseline(tmp_path, whole, 0.0)))
    first = Run(chosen).execute()
    again = Run(chosen).execute()
    assert (again.observed, again.decision) == (0, first.decision)
    rest = Run(dataclasses.replace(chosen, until_decided="")).execute()
    assert rest.observed == 24 - first.decision.clusters
    assert [score.if_ for score in rest.scores] == [score.if_ for score in whole.scores]


def test_where_nothing_differs_all_is_looked_at_and_not_decided(world, tmp_path):
    config, whole = world
    result = Run(dataclasses.replace(config, out=str(tmp_path / "run"), until_decided=str(whole.store.folder))).execute()
    assert (result.decision.outcome, result.decision.saved, len(result.scores)) == (Outcome.INCONCLUSIVE, 0.0, 24)
    assert "NOT DECIDED" in result.decision.text


def test_a_worse_run_is_a_regression_and_the_command_says_so(world, tmp_path, monkeypatch):
    config, whole = world
    path = baseline(tmp_path, whole, 1.0)
    monkeypatch.chdir(tmp_path)
    empty = tmp_path / "videos"
    tiny_world.write_videos(empty, IDS[:1])
    words = ["run", "--model", empty, "--name", "x", "--bench", config.bench, "--tracker", "stored", "--workers", "1"]
    result = CliRunner().invoke(main, [*map(str, words), "--out", "r", "--until-decided", str(path)])
    assert result.exit_code == 3  # the missing videos count, decided or not
    assert "DECIDED, REGRESSION against" in result.stdout
    assert "questions (" in result.stdout


def test_a_baseline_made_otherwise_or_not_at_all_is_refused_before_anything_is_judged(world, tmp_path):
    config, whole = world
    chosen = dataclasses.replace(config, out=str(tmp_path / "run"), sampling="stride:3", until_decided=str(whole.store.folder))
    with pytest.raises(ComparabilityError, match="these fields differ: sampling"):
        Run(chosen).execute()
    with pytest.raises(UsageError, match="no baseline stored"):
        Run(dataclasses.replace(chosen, until_decided="mian")).execute()
    with pytest.raises(ConfigError, match="a shard sees too little to decide"):
        read_config(None, {"until_decided": "main", "shard": "1/2"})
    assert not (tmp_path / "run").exists()


def test_a_baseline_of_other_seeds_is_refused_before_any_video_is_judged(world, tmp_path):
    config, whole = world
    kept = read_run(whole.store.folder)
    path = tmp_path / "other-seeds.json"
    scores = tuple(dataclasses.replace(score, seed=7) for score in kept.scores)
    path.write_text(baseline_text(dataclasses.replace(kept, scores=scores)))
    with pytest.raises(UsageError, match="its seeds are 7, the run's are 0"):
        Run(dataclasses.replace(config, out=str(tmp_path / "run"), until_decided=str(path))).execute()
    assert not (tmp_path / "run").exists()
