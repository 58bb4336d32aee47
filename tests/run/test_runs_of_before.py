"""A run keeps the question templates it began with; a benchmark that was given fields since goes on as it was."""

import contextlib
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.config import RunConfig
from intergeneval.errors import ComparabilityError, ConfigError
from intergeneval.run.run import Run
from tests import judged_world
from tests.fakes.chat_server import ChatServer
from tests.run.test_plan import script


def config(tiny, **changes):
    bench, model = tiny
    return replace(RunConfig(model=str(model), bench=str(bench), tracker="stored", workers=1, controls=False), **changes)


def given_fields(bench):
    """Give the first interaction of the benchmark's first sample fields that leave questions out."""
    path = bench / "samples.jsonl"
    first, *rest = path.read_text().splitlines()
    raw = json.loads(first)
    raw["interactions"][0] |= {"touching_at_start": "yes", "part": "hand"}
    path.write_text("\n".join([json.dumps(raw), *rest]) + "\n")


def as_before(settings):
    """Run as the version before the fields did: templates of version 1, and a header that does not say so."""
    folder = Run(replace(settings, templates=1)).execute().store.folder
    header = json.loads((folder / "run.json").read_text())
    del header["config"]["templates"]
    (folder / "run.json").write_text(json.dumps(header, sort_keys=True, separators=(",", ":")) + "\n")
    return folder


def everything(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json*"))}


def test_a_run_of_before_goes_on_in_its_folder_with_nothing_to_do_and_equal_bytes(tiny, tmp_path):
    settings = config(tiny, out=str(tmp_path / "run"))
    folder = as_before(settings)
    before = everything(folder)
    given_fields(tiny[0])
    result = Run(settings).execute()
    assert result.observed == 0
    assert everything(folder) == before


def test_a_run_of_before_is_found_where_its_key_put_it(tiny, tmp_path):
    with contextlib.chdir(tmp_path):
        folder = as_before(config(tiny)).resolve()
        before = everything(folder)
        given_fields(tiny[0])
        result = Run(config(tiny)).execute()
        assert result.store.folder.resolve() == folder
        assert result.observed == 0
        assert everything(folder) == before
        # Nobody is sent back to it who asks for the new questions.
        anew = Run(config(tiny, templates=2)).execute()
        assert anew.store.folder.resolve() != folder
        assert Run(config(tiny)).plan.version == 2


def test_a_run_of_before_that_was_stopped_asks_the_rest_as_it_began(tiny, tmp_path):
    settings = config(tiny, out=str(tmp_path / "run"))
    whole = everything(as_before(replace(settings, out=str(tmp_path / "whole"))))
    folder = as_before(settings)
    given_fields(tiny[0])
    kept = (folder / "answers.jsonl").read_text().splitlines(keepends=True)[:7]
    (folder / "answers.jsonl").write_text("".join(kept))
    Run(settings).execute()
    assert (folder / "scores.jsonl").read_bytes() == whole["scores.jsonl"]
    assert (folder / "questions.jsonl").read_bytes() == whole["questions.jsonl"]


def test_a_new_run_asks_the_new_questions_and_is_not_compared_with_one_of_before(tiny, tmp_path):
    settings = config(tiny, out=str(tmp_path / "before"))
    as_before(settings)
    given_fields(tiny[0])
    new = Run(replace(settings, out=str(tmp_path / "new"))).execute()
    asked = [json.loads(line) for line in (tmp_path / "new/questions.jsonl").read_text().splitlines()]
    assert {item["question_id"] for item in asked if item["sample_id"] == "a"} == set(range(3, 11))
    assert all(item["template"].endswith("/v3") for item in asked)
    (first, *_) = new.scores
    assert first.answered.endswith("/8")
    assert first.interactions[0].left_out == (1, 2)
    done = CliRunner().invoke(main, ["compare", str(tmp_path / "before"), str(tmp_path / "new")])
    assert done.exit_code == 2
    assert "questions" in done.output
    # Another model asked as the older run was.
    Run(replace(settings, out=str(tmp_path / "other"), templates=1, name="other")).execute()
    done = CliRunner().invoke(main, ["compare", str(tmp_path / "before"), str(tmp_path / "other")])
    assert done.exit_code == 0, done.output


def test_the_new_questions_are_refused_in_a_folder_of_before(tiny, tmp_path):
    settings = config(tiny, out=str(tmp_path / "run"))
    as_before(settings)
    with pytest.raises(ComparabilityError, match="questions"):
        Run(replace(settings, templates=2)).execute()
    with pytest.raises(ConfigError, match="templates 7: there is no such version; there are 1, 2, 3"):
        Run(replace(settings, templates=7))


def test_the_command_says_that_a_run_goes_on_with_older_templates(tiny, tmp_path):
    settings = config(tiny, out=str(tmp_path / "run"))
    as_before(settings)
    options = ["run", "--model", settings.model, "--bench", settings.bench, "--tracker", "stored", "--out", settings.out]
    done = CliRunner().invoke(main, options)
    assert "goes on with question templates 1" in done.stderr
    done = CliRunner().invoke(main, [*options[:-1], str(tmp_path / "new")])
    assert "templates" not in done.stderr


def test_a_profile_that_counts_more_than_was_asked_says_so(tiny, tmp_path):
    given_fields(tiny[0])
    Run(config(tiny, out=str(tmp_path / "run"))).execute()
    done = CliRunner().invoke(main, ["score", str(tmp_path / "run"), "--profile", "paper"])
    assert "2 not asked yet of 10 answers" in done.output
    assert "a run with --profile paper asks the rest" in done.output
    done = CliRunner().invoke(main, ["score", str(tmp_path / "run"), "--profile", "informative"])
    assert "asks the rest" not in done.output


def test_a_run_whose_questions_a_judge_worded_is_found_again_and_asks_nobody(tiny, tmp_path):
    root = tiny[0].parent

    def change(row):
        row["interactions"][0]["verb"] = "flummoxes"

    judged_world.change_samples(root, change)
    with ChatServer(script) as server, contextlib.chdir(tmp_path):
        settings = judged_world.config(root, server.url, unknown_verbs="judge", out="")
        folder = as_before(settings).resolve()
        sent = len(server.asked)
        given_fields(root / "bench")
        result = Run(settings).execute()
        assert result.store.folder.resolve() == folder
        assert result.observed == 0
        assert len(server.asked) == sent
