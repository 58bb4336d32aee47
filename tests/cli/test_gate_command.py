import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.gate.baselines import baseline_text, read_baseline, read_run
from intergeneval.records import Score, ScoreStatus, Verdict
from intergeneval.store import RunStore
from tests.cli.written_runs import noise, quality, with_own_masks, write_run

NAN = float("nan")
NASTY = 'm|odel </testsuite><script>alert(1)</script> `x` **b** [l](http://x) & "q" \x07\n# @user {{7*7}}'


def gate(*arguments):
    return CliRunner().invoke(main, ["gate", *map(str, arguments)])


@pytest.fixture
def baseline(tmp_path):
    return write_run(tmp_path / "main", quality(), model="main")


def candidate(tmp_path, sd, mean, **changed):
    base = quality()
    return write_run(tmp_path / "branch", base + noise(base, sd, mean), **{"model": "branch", **changed})


@pytest.mark.parametrize(
    ("sd", "mean", "flags", "code", "title"),
    [
        (0.01, 0.0, [], 0, "PASS"),
        (0.05, -0.15, [], 4, "REGRESSION"),
        (0.05, -0.15, ["--tolerance", "0.3"], 0, "PASS"),
        (0.3, 0.0, [], 0, "INCONCLUSIVE"),
        (0.3, 0.0, ["--strict"], 5, "INCONCLUSIVE"),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(tmp_path, baseline, sd, mean, flags, code, title):
    result = gate(candidate(tmp_path, sd, mean), "--baseline", baseline, *flags)
    assert result.exit_code == code, result.stderr
    assert result.stdout.startswith(f"{title}: branch against main\n")


def test_judging_the_same_stored_videos_again_passes(tmp_path, baseline):
    assert gate(write_run(tmp_path / "again", quality(), model="main"), "--baseline", baseline).exit_code == 0


@pytest.mark.parametrize("sd", [0.01, 0.3])
def test_json_holds_the_verdict(tmp_path, baseline, sd):
    result = gate(candidate(tmp_path, sd, 0.0), "--baseline", baseline, "--json")
    found = json.loads(result.stdout)
    verdict = Verdict.from_json(found["verdict"])
    assert (verdict.prompts_needed is None) == (sd == 0.01)
    assert len(found["comparisons"]) == 6
    assert found["completeness"]["complete"]


def test_an_incomplete_run_is_exit_code_three_before_any_verdict(tmp_path, baseline):
    values = quality() - 0.15
    values[0] = NAN
    result = gate(write_run(tmp_path / "branch", values, model="branch"), "--baseline", baseline)
    assert result.exit_code == 3
    assert result.stdout.startswith("INCOMPLETE")
    assert "0 videos missing and 1 unscored of 60, allowed share 0.01" in result.stdout


def test_a_video_without_a_score_line_makes_the_run_incomplete(tmp_path, baseline):
    run = write_run(tmp_path / "branch", quality(), lines=58)
    assert gate(run, "--baseline", baseline).exit_code == 3


def test_the_share_a_run_allowed_itself_is_what_counts(tmp_path, baseline):
    values = quality()
    values[0] = NAN
    run = write_run(tmp_path / "branch", values, model="branch", allowed=0.05)
    result = gate(run, "--baseline", baseline)
    assert result.exit_code == 0
    assert "1 without a score in branch (which the interval takes at its worst and at its best)" in result.stdout


def test_a_stored_baseline_gives_the_verdict_of_the_run_it_came_from(tmp_path, baseline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gate(baseline, "--baseline", "main", "--update").exit_code == 0
    run = candidate(tmp_path, 0.3, -0.02)
    stored = json.loads(gate(run, "--baseline", "main", "--json").stdout)
    direct = json.loads(gate(run, "--baseline", baseline, "--json").stdout)
    # A folder and a stored baseline may be called differently; every number is the same.
    assert stored == direct


def test_a_stored_baseline_has_fixed_bytes_one_score_a_line_and_no_machine_path(tmp_path, baseline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gate(baseline, "--baseline", "main", "--update")
    text = (tmp_path / "reports/baselines/main.json").read_text()
    gate(baseline, "--baseline", "main", "--update")
    assert (tmp_path / "reports/baselines/main.json").read_text() == text
    assert "somebody" not in text
    assert len(re.findall(r'^  \{.*"sample_id"', text, re.MULTILINE)) == 60
    kept = read_baseline(tmp_path / "reports/baselines/main.json")
    whole = read_run(baseline)
    assert (kept.clusters, kept.labels, kept.scores) == (whole.clusters, whole.labels, whole.scores)
    assert kept.header.comparability == whole.header.comparability


def test_an_incomplete_run_is_not_stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = gate(write_run(tmp_path / "half", [[0.5], [NAN]]), "--baseline", "main", "--update")
    assert result.exit_code == 3
    assert "not stored: 0 videos missing and 1 unscored of 2" in result.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("name", ["../main", "a/b", ".hidden", "", "x y"])
def test_a_baseline_name_cannot_leave_its_folder(tmp_path, baseline, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    result = gate(baseline, "--baseline", name, "--update")
    assert result.exit_code == 2
    assert "letters, digits" in result.stderr
    assert not (tmp_path / "reports").exists()


def test_an_unknown_baseline_is_an_error_that_lists_those_that_exist(tmp_path, baseline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there are none" in gate(baseline, "--baseline", "mian").stderr
    gate(baseline, "--baseline", "main", "--update")
    result = gate(baseline, "--baseline", "mian")
    assert result.exit_code == 2
    assert "(main)" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ('{"header": 3}', "header"), ('{"wat": 3}', "unknown field 'wat'")]
)
def test_a_damaged_baseline_is_named_with_its_field(tmp_path, baseline, text, said):
    path = tmp_path / "broken.json"
    path.write_text(text)
    result = gate(baseline, "--baseline", path)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "broken.json" in result.stderr


def test_runs_made_differently_are_refused(tmp_path, baseline):
    result = gate(candidate(tmp_path, 0.01, 0.0, judge_revision="2"), "--baseline", baseline)
    assert result.exit_code == 2
    assert "judge_revision: 1 / 2" in result.stderr


def test_a_tolerance_below_zero_is_refused(tmp_path, baseline):
    assert gate(baseline, "--baseline", baseline, "--tolerance", "-1").exit_code == 2


@pytest.mark.parametrize(
    ("sd", "mean", "flags", "counts"),
    [
        (0.01, 0.0, [], {"failures": "0", "errors": "0", "skipped": "0"}),
        (0.05, -0.15, [], {"failures": "1", "errors": "0", "skipped": "0"}),
        (0.3, 0.0, [], {"failures": "0", "errors": "0", "skipped": "1"}),
        (0.3, 0.0, ["--strict"], {"failures": "1", "errors": "0", "skipped": "0"}),
    ],
)
def test_junit_counts_what_it_holds(tmp_path, baseline, sd, mean, flags, counts):
    path = tmp_path / "out" / "gate.xml"
    gate(candidate(tmp_path, sd, mean), "--baseline", baseline, "--junit", path, *flags)
    suite = ElementTree.parse(path).getroot()
    assert {name: suite.get(name) for name in counts} == counts
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert len(suite.findall(f"testcase/{tag}")) == int(counts[name])
    assert len(suite.findall("testcase")) == int(suite.get("tests")) == 2


def test_junit_of_an_incomplete_run_is_an_error(tmp_path, baseline):
    path = tmp_path / "gate.xml"
    gate(write_run(tmp_path / "branch", quality(), lines=50), "--baseline", baseline, "--junit", path)
    suite = ElementTree.parse(path).getroot()
    assert suite.get("errors") == "1"
    assert "10 videos missing" in suite.find("testcase/error").get("message")


def test_names_of_models_are_text_in_xml_and_nothing_else(tmp_path, baseline):
    path = tmp_path / "gate.xml"
    gate(candidate(tmp_path, 0.05, -0.15, model=NASTY), "--baseline", baseline, "--junit", path)
    suite = ElementTree.parse(path).getroot()
    assert len(suite.findall(".//testcase")) == 2
    assert "<script>alert(1)</script>" in suite.find("testcase").get("classname")
    assert "\x07" not in path.read_text()


def test_names_of_models_are_text_in_markdown_and_nothing_else(tmp_path, baseline):
    path = tmp_path / "gate.md"
    gate(candidate(tmp_path, 0.05, -0.15, model=NASTY), "--baseline", baseline, "--markdown", path)
    text = path.read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {8}
    assert len(rows) == 2 + 6
    for active in ("<", "`", "**b**", "[l]", "@user", "{{", "\x07"):
        assert active not in text
    assert "m&#124;odel" in text


def test_markdown_gives_verdict_reason_and_all_outcomes(tmp_path, baseline):
    path = tmp_path / "gate.md"
    gate(candidate(tmp_path, 0.3, 0.0), "--baseline", baseline, "--markdown", path)
    text = path.read_text()
    assert text.startswith("## Interaction fidelity: inconclusive\n")
    assert "prompts would decide" in text
    assert "| IF |" in text
    assert "| KISA&#95;raw |" in text


def test_a_report_that_cannot_be_written_is_one_message(tmp_path, baseline):
    (tmp_path / "file").write_text("")
    result = gate(baseline, "--baseline", baseline, "--junit", tmp_path / "file" / "gate.xml")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_the_recipe_of_the_documentation_works_on_real_runs(tiny, tmp_path, monkeypatch):
    bench, model = tiny
    monkeypatch.chdir(tmp_path)
    for name in ("main", "candidate"):
        words = ["run", "--model", model, "--bench", bench, "--tracker", "stored", "--workers", "1", "--out", f"runs/{name}"]
        assert CliRunner().invoke(main, [*map(str, words)]).exit_code == 0
    assert gate("runs/main", "--baseline", "main", "--update").exit_code == 0
    result = gate("runs/candidate", "--baseline", "main", "--junit", "gate.xml", "--markdown", "gate.md", "--strict")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("PASS")
    assert "not assessed in either run: emergence; scores are upper bounds" in result.stdout


def untracked(folder, keep):
    """Turn all scores but the first `keep` into those of videos whose instances were never found."""
    store = RunStore.open(folder)
    none = dict.fromkeys(("if_", "kisa", "sgi", "kisa_raw", "sgi_raw", "spi"))
    wide = dict.fromkeys(("if_bounds", "kisa_bounds", "sgi_bounds", "spi_bounds"), (0.0, 1.0))
    lost = {"status": ScoreStatus.UNTRACKED, "open": (("video", 1.0),), **none, **wide}
    scores = list(store.read("scores", Score))
    store.write_scores(scores[:keep] + [replace(score, **lost) for score in scores[keep:]])
    return folder


@pytest.mark.parametrize("keep", [59, 56, 54])
def test_a_candidate_whose_videos_drop_out_neither_passes_nor_fails_for_it(tmp_path, baseline, keep):
    run = untracked(write_run(tmp_path / "branch", quality(), model="branch", allowed=0.1), keep)
    result = gate(run, "--baseline", baseline, "--strict")
    assert result.exit_code == 5
    assert result.stdout.startswith("INCONCLUSIVE")
    assert f"with {60 - keep} video{'s' * (keep < 59)} without an answer" in result.stdout


@pytest.mark.parametrize("keep", [53, 4, 0])
def test_every_kind_of_video_without_a_score_counts_for_exit_code_three(tmp_path, baseline, keep):
    run = untracked(write_run(tmp_path / "branch", quality(), model="branch", allowed=0.1), keep)
    result = gate(run, "--baseline", baseline)
    assert result.exit_code == 3
    assert f"0 videos missing and {60 - keep} unscored of 60, allowed share 0.1" in result.stdout


def test_a_drop_is_a_regression_only_where_it_is_one_at_the_best_of_the_missing_answers(tmp_path, baseline):
    worse = quality() - 0.3 + noise(quality(), 0.01)
    sure = untracked(write_run(tmp_path / "sure", worse, model="sure", allowed=1), 48)
    assert gate(sure, "--baseline", baseline).exit_code == 4
    open_ = untracked(write_run(tmp_path / "open", worse, model="open", allowed=1), 30)
    result = gate(open_, "--baseline", baseline)
    assert result.exit_code == 0
    assert "30 videos without an answer could turn it alone" in result.stdout


def test_a_run_with_gaps_against_itself_differs_by_nothing_and_passes(tmp_path):
    run = untracked(write_run(tmp_path / "branch", quality(), model="branch", allowed=1), 20)
    found = json.loads(gate(run, "--baseline", run, "--json").stdout)["verdict"]
    assert (found["outcome"], found["comparison"]["low"], found["comparison"]["high"]) == ("pass", 0.0, 0.0)
    monday, again = tmp_path / "monday.json", untracked(write_run(tmp_path / "again", quality(), model="branch", allowed=1), 20)
    monday.write_text(baseline_text(read_run(again)))
    assert json.loads(gate(run, "--baseline", monday, "--json").stdout)["verdict"]["outcome"] == "pass"


def test_scores_from_before_there_were_bounds_are_read_as_their_values_alone(tmp_path, baseline):
    old = write_run(tmp_path / "old", quality(), model="old")
    store = RunStore.open(old)
    bare = {"if_bounds": None, "spi_bounds": None, "open": (), "video": ""}
    store.write_scores([replace(score, **bare) for score in store.read("scores", Score)])
    assert "if_bounds" not in (old / "scores.jsonl").read_text()
    result = gate(baseline, "--baseline", old)
    assert result.exit_code == 0
    assert "the scores of old were stored before there were bounds" in result.stdout
    assert "before there were bounds" not in gate(baseline, "--baseline", baseline).stdout
    # What it allowed itself was said of fewer kinds of unscored videos.
    assert read_run(old).completeness().allowed == 0.1


def test_runs_of_other_seeds_are_refused_with_the_seeds_of_both(tmp_path, baseline):
    run = write_run(tmp_path / "branch", quality(), model="branch", seeds=(7,))
    store = RunStore.open(run)
    store.write_scores([replace(score, seed=7) for score in store.read("scores", Score)])
    result = gate(run, "--baseline", baseline)
    assert result.exit_code == 2
    assert "main has seeds 0, branch has seeds 7" in result.stderr


def test_an_incomplete_baseline_is_exit_code_three_and_named_as_the_baseline(tmp_path):
    values = quality()
    values[:10] = NAN
    result = gate(write_run(tmp_path / "branch", quality()), "--baseline", write_run(tmp_path / "main", values))
    assert result.exit_code == 3
    assert result.stdout.startswith("INCOMPLETE")
    assert "the baseline is incomplete: 0 videos missing and 10 unscored of 60" in result.stdout
    assert "the run is incomplete" not in result.stdout


def test_seeds_that_only_one_run_has_are_told(tmp_path):
    base = write_run(tmp_path / "main", quality(60, 2), model="main")
    run = write_run(tmp_path / "branch", quality(60, 2)[:, :1], model="branch")
    assert "videos left out, by sample and seed: 60 only in main" in gate(run, "--baseline", base).stdout


def test_a_folder_called_like_a_stored_baseline_does_not_hide_it(tmp_path, baseline, monkeypatch):
    home = tmp_path / "home"
    (home / "main").mkdir(parents=True)
    monkeypatch.chdir(home)
    assert gate(baseline, "--baseline", "main", "--update").exit_code == 0
    assert gate(baseline, "--baseline", "main").exit_code == 0


def test_only_an_inconclusive_verdict_says_how_often_an_unchanged_model_would_pass(tmp_path, baseline):
    assert "an unchanged model" not in gate(candidate(tmp_path, 0.05, -0.15), "--baseline", baseline).stdout


def test_one_cluster_is_told_once(tmp_path):
    first, second = (write_run(tmp_path / name, [[0.5], [0.6]], model=name) for name in ("one", "two"))
    assert gate(second, "--baseline", first).stdout.count("nothing is known of the spread") == 1


def test_arguments_are_not_listed_among_the_options():
    options = gate("--help").stdout.partition("\nOptions:\n")[2]
    assert "--baseline TEXT" in options
    assert not re.search(r"^  RUN\b", options, re.MULTILINE)


def test_first_frame_masks_of_a_model_s_own_are_told_of_run_and_baseline_in_every_form(tmp_path, baseline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gate(with_own_masks(baseline, ("p000",)), "--baseline", "main", "--update").exit_code == 0
    run = with_own_masks(candidate(tmp_path, 0.01, 0.0), ("p001", "p002"))
    result = gate(run, "--baseline", "main", "--markdown", "v.md", "--junit", "v.xml")
    assert result.exit_code == 0
    for said in ("main has first-frame masks of its own for 1 of 60 samples (p000)", "of 60 samples (p001, p002)"):
        assert said in result.stdout
        assert said.removeprefix("m") in (tmp_path / "v.md").read_text()
        assert said in (tmp_path / "v.xml").read_text()
    found = json.loads(gate(run, "--baseline", "main", "--json").stdout)
    assert found["own_masks"] == {"main": ["p000"], "branch": ["p001", "p002"]}
