"""Scores of run folders from before there were bounds, or before answers said what a judge had declared."""

import json
from dataclasses import replace

import pytest

from intergeneval.config import RunConfig
from intergeneval.gate.baselines import read_run
from intergeneval.gate.run_scores import written_scores
from intergeneval.report import ReportOptions
from intergeneval.report.page import make_report
from intergeneval.run.run import Run
from intergeneval.store import RunStore

LATER = ("if_bounds", "spi_bounds", "emergence_bounds", "disappearance_bounds", "plausibility_bounds", "open", "video")


@pytest.fixture
def folder(tiny, tmp_path):
    """A run over a verb of which masks cannot show everything."""
    bench, model = tiny
    samples = bench / "samples.jsonl"
    samples.write_text(samples.read_text().replace("pushes", "zorbles"))
    config = RunConfig(model=str(model), bench=str(bench), tracker="stored", out=str(tmp_path / "run"), workers=1)
    return Run(config).execute().store.folder


def age(folder):
    """Take out of a run folder what came with the bounds."""
    for name in ("scores.jsonl", "answers.jsonl"):
        lines = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for line in lines:
            for later in (*LATER, "declined") if name == "scores.jsonl" else ("declined",):
                line.pop(later, None)
            for part in line.get("interactions", ()):
                part.pop("declined", None)
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    header = json.loads((folder / "run.json").read_text())
    header["config"]["allowed_unscored"] = 0.01
    (folder / "run.json").write_text(json.dumps(header))
    return folder


def test_what_the_judge_declares_for_the_verb_stands_in_its_answers(folder):
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert {line["status"] for line in answers if line.get("declined")} == {"unanswerable"}
    assert 0 < sum(line.get("declined", False) for line in answers) < len(answers)


def test_a_run_from_before_gets_the_bounds_it_would_get_now_wherever_runs_are_read(folder):
    now = read_run(folder)
    assert any(score.if_bounds is not None for score in now.scores)
    age(folder)
    assert "if_bounds" not in (folder / "scores.jsonl").read_text()
    then = read_run(folder)
    assert then.scores == now.scores
    assert then.completeness().allowed == 0.1
    shown = make_report([folder], ReportOptions(), single=False, command="").groups[0].rows[0]
    assert shown.run.scores == now.scores
    assert (folder / "scores.jsonl").read_text().count("if_bounds") == 0  # reading writes nothing


def test_scores_alone_are_read_as_they_are(folder):
    age(folder)
    for stage in ("videos", "answers", "consistency", "tracks"):
        (folder / f"{stage}.jsonl").unlink()
    scores, _ = written_scores(RunStore.open(folder))
    assert [replace(score, video="") for score in scores] == scores
    assert all(score.if_bounds is None for score in scores)
